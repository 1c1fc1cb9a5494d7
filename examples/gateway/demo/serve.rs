//! The demo providers behind a socket, for tests: not a part of the gateway, so whoever wants it includes this file beside
//! `mod.rs`, which must be `crate::demo` there.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tower::Service as _;
use tower_llm_gateway::Payload;

use crate::demo::Demo;

impl Demo {
    /// Answers on this socket, HTTP/1 and HTTP/2, until it is dropped.
    pub(crate) async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let service =
                    hyper::service::service_fn(move |request: Request<Incoming>| async move {
                        let (head, body) = request.into_parts();
                        // A body that breaks off is refused like any other that is no JSON.
                        let bytes = body
                            .collect()
                            .await
                            .map_or_else(|_| Bytes::new(), |body| body.to_bytes());
                        let mut demo = self;
                        demo.call(Request::from_parts(head, Payload::new(bytes)))
                            .await
                    });
                // How a connection ends is the client's business.
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }
}
