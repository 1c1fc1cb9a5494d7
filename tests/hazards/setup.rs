//! What the hazards' tests share: every cell, a gateway in front of scripted providers, and whole answers.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tower::ServiceExt;
use tower_llm_gateway::client::{HttpsClient, client};
use tower_llm_gateway::settings::{Limits, RetrySettings, Timeouts};
use tower_llm_gateway::{
    Connection, Credential, Endpoint, Gateway, GatewayBuilder, Payload, Provider, Rule, Target,
};

use crate::support::upstream::Upstream;

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The connections' key, which must never be seen outside of the one header it belongs to.
pub(crate) const PROVIDER_KEY: &str = "provider-key-5e1f0c";

pub(crate) async fn patient<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it hangs")
}

/// One endpoint of one provider.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) provider: Provider,
    pub(crate) path: &'static str,
}

const ENDPOINTS: [(Endpoint, &str); 3] = [
    (Endpoint::Chat, "/v1/chat/completions"),
    (Endpoint::Responses, "/v1/responses"),
    (Endpoint::Messages, "/v1/messages"),
];

/// Every endpoint of every provider that serves it: the 21 cells and those of the compatible servers.
pub(crate) fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for provider in Provider::ALL {
        for (endpoint, path) in ENDPOINTS {
            if provider.serves(endpoint) {
                cells.push(Cell { provider, path });
            }
        }
    }
    assert!(cells.len() >= 21, "{cells:?}");
    cells
}

impl Cell {
    pub(crate) fn is_aws(self) -> bool {
        matches!(
            self.provider,
            Provider::AwsBedrock | Provider::AwsBedrockInvoke
        )
    }

    /// Whether the client's bytes go on as they are.
    pub(crate) fn is_passthrough(self) -> bool {
        match self.path {
            "/v1/chat/completions" => !self.is_aws() && self.provider != Provider::Anthropic,
            "/v1/responses" => self.provider == Provider::OpenAi,
            _ => self.provider == Provider::Anthropic,
        }
    }

    /// A request's body with these members besides the necessary ones; `more` begins with a comma or is empty.
    pub(crate) fn body(self, model: &str, more: &str) -> String {
        match self.path {
            "/v1/responses" => format!(r#"{{"model":"{model}","input":"hi"{more}}}"#),
            "/v1/messages" => format!(
                r#"{{"model":"{model}","max_tokens":50,"messages":[{{"role":"user","content":"hi"}}]{more}}}"#
            ),
            _ => format!(
                r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]{more}}}"#
            ),
        }
    }

    /// A connection to `url`; on AWS with a bearer key, so that no clock plays a part.
    pub(crate) fn connection(self, name: &str, url: &str) -> Arc<Connection> {
        self.connection_with(name, url, Credential::api_key(PROVIDER_KEY))
    }

    pub(crate) fn connection_with(
        self,
        name: &str,
        url: &str,
        credential: Credential,
    ) -> Arc<Connection> {
        let mut builder = Connection::builder(name, self.provider)
            .base_url(url)
            .credential(credential);
        if self.is_aws() {
            builder = builder.region("us-east-1");
        }
        Arc::new(builder.build().unwrap())
    }

    /// A gateway with one connection, `main`, that every model leads to.
    pub(crate) fn gateway(self, upstream: &Upstream) -> Gateway<HttpsClient> {
        self.gateway_with(upstream, |builder| builder)
    }

    pub(crate) fn gateway_with(
        self,
        upstream: &Upstream,
        settle: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
    ) -> Gateway<HttpsClient> {
        let connection = self.connection("main", &upstream.url());
        let builder = Gateway::builder()
            .connection(connection.clone())
            .rule(Rule::new("*", [Target::new(connection)]))
            .retry(quick_retries(2));
        settle(builder)
            .build(client(&Timeouts::default()).unwrap())
            .unwrap()
    }

    pub(crate) fn post(self, body: impl Into<Bytes>) -> Request<Payload> {
        Request::post(self.path)
            .header("content-type", "application/json")
            .body(Payload::new(body))
            .unwrap()
    }

    /// Whether this is an error in the format of the cell's client.
    pub(crate) fn assert_error(self, answer: &Answer) {
        let json: serde_json::Value =
            serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{self:?} {answer:?}"));
        assert!(json["error"]["message"].is_string(), "{self:?} {answer:?}");
        assert_eq!(
            json["type"] == "error",
            self.path == "/v1/messages",
            "{self:?} {answer:?}"
        );
        assert_eq!(answer.headers["content-type"], "application/json");
    }
}

/// Retries as by default, but without noticeable waits.
pub(crate) fn quick_retries(max: u32) -> RetrySettings {
    let mut retry = RetrySettings::default();
    retry.max_retries = max;
    retry.backoff_min = Duration::from_millis(1);
    retry.backoff_max = Duration::from_millis(2);
    retry
}

pub(crate) fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether the body ended in an error.
    pub(crate) broken: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The names of the headers, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

/// Calls the gateway and reads the whole answer.
pub(crate) async fn ask<C, B, R>(gateway: Gateway<C>, request: Request<R>) -> Answer
where
    Gateway<C>:
        tower::Service<Request<R>, Response = http::Response<B>, Error = std::convert::Infallible>,
    B: http_body::Body<Data = Bytes>,
    B::Error: Debug,
{
    patient(async {
        let Ok(response) = gateway.oneshot(request).await;
        let (parts, body) = response.into_parts();
        let mut body = std::pin::pin!(body);
        let (mut bytes, mut broken) = (BytesMut::new(), false);
        while let Some(frame) = body.as_mut().frame().await {
            let Ok(frame) = frame else {
                broken = true;
                break;
            };
            bytes.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: bytes.freeze(),
            broken,
        }
    })
    .await
}

/// Serves a gateway to HTTP/1.1 and HTTP/2 clients.
pub(crate) async fn serve(gateway: Gateway<HttpsClient>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(gateway.clone());
            tokio::spawn(async move {
                hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await
            });
        }
    });
    address
}

/// A body as hyper's clients take it.
pub(crate) fn full(text: impl Into<Bytes>) -> Full<Bytes> {
    Full::new(text.into())
}
