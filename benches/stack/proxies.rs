//! The two proxies: one that rewrites nothing, and the gateway. Each on one thread, over the same client.

use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower_llm_gateway::Payload;
use tower_llm_gateway::client::client;
use tower_llm_gateway::settings::Timeouts;

use crate::load;
use crate::providers::providers;

async fn serve<S, B>(service: S)
where
    S: hyper::service::Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("its address"));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        tokio::spawn(async move {
            let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future);
}

/// A reverse proxy that streams bodies and rewrites nothing but the host.
pub(crate) fn raw(upstream: &str, http2: bool) {
    let upstream: Uri = upstream.parse().expect("a URL");
    let authority: Authority = upstream.authority().expect("a host").clone();
    block_on(async move {
        let client = load::client::<Incoming>(http2);
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            let mut parts = std::mem::take(request.uri_mut()).into_parts();
            parts.scheme = Some(Scheme::HTTP);
            parts.authority = Some(authority.clone());
            *request.uri_mut() = Uri::from_parts(parts).expect("a URL");
            *request.version_mut() = http::Version::HTTP_11;
            request.headers_mut().remove(http::header::HOST);
            client.request(request)
        });
        serve(service).await;
    });
}

/// The gateway. Its own client speaks HTTP/2 only where TLS agrees on it, so that for HTTP/2 it gets the raw proxy's.
pub(crate) fn gateway(upstream: &str, http2: bool) {
    let builder = providers(upstream);
    block_on(async move {
        if http2 {
            let gateway = builder.build(load::client::<Payload>(true));
            serve(TowerToHyperService::new(gateway.expect("a gateway"))).await;
        } else {
            let client = client(&Timeouts::default()).expect("a client");
            let gateway = builder.build(client).expect("a gateway");
            serve(TowerToHyperService::new(gateway)).await;
        }
    });
}
