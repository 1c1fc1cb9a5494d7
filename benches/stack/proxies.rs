//! The two proxies: one that rewrites nothing, and the gateway. Each on one thread, over the same client.

use std::convert::Infallible;
use std::sync::Arc;

use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower_llm_gateway::client::client;
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{Connection, Credential, Gateway, Provider, Rule, Target};

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
pub(crate) fn raw(upstream: &str) {
    let upstream: Uri = upstream.parse().expect("a URL");
    let authority: Authority = upstream.authority().expect("a host").clone();
    block_on(async move {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(http);
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

/// The gateway, with a connection to every provider; routes are named after them.
pub(crate) fn gateway(upstream: &str) {
    let timeouts = Timeouts::default();
    let mut builder = Gateway::builder().timeouts(timeouts);
    for provider in Provider::ALL {
        let mut connection =
            Connection::builder(provider.id(), provider).base_url(format!("{upstream}/v1"));
        connection = match provider {
            Provider::AwsBedrock | Provider::AwsBedrockInvoke => connection
                .base_url(upstream)
                .region("us-east-1")
                .credential(Credential::aws_keys(
                    "AKIDEXAMPLE",
                    "secret",
                    None::<String>,
                )),
            _ => connection.credential(Credential::api_key("provider-key")),
        };
        let connection = Arc::new(connection.build().expect("a connection"));
        let mut target = Target::new(connection.clone());
        target = target.model(match provider {
            Provider::AwsBedrock | Provider::AwsBedrockInvoke => {
                "anthropic.claude-sonnet-4-5-20250929-v1:0"
            }
            Provider::Anthropic => "claude-sonnet-4-5",
            _ => "some-model",
        });
        builder = builder
            .connection(connection)
            .rule(Rule::new(provider.id(), [target]));
    }
    block_on(async move {
        let client = client(&timeouts).expect("a client");
        let gateway = builder.build(client).expect("a gateway");
        let service = TowerToHyperService::new(gateway);
        let _: Result<(), Infallible> = Ok(());
        serve(service).await;
    });
}
