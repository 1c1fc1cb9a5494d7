//! One call through a gateway whose client is a recording.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::{ServiceExt, service_fn};
use tower_llm_gateway::settings::{ConvertSettings, Lossy, RetrySettings};
use tower_llm_gateway::{
    Clock, Connection, Credential, Gateway, Options, Payload, Provider, Rule, Target,
};

use super::case::Case;
use super::json::Json;

/// The key that clients send, which must never go upstream.
pub(crate) const CLIENT_KEY: &str = "the-clients-own-key";
/// The key of the connection, which must never come back.
pub(crate) const PROVIDER_KEY: &str = "the-providers-key";
/// No case takes long; whatever does, hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the provider answers.
#[derive(Debug, Clone)]
pub(crate) struct Canned {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body, in the pieces in which it arrives.
    pub(crate) pieces: Vec<Bytes>,
}

/// A request that reached the provider.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) sent: Vec<Sent>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body ended with an error instead of an end.
    pub(crate) broken: Option<String>,
}

impl Outcome {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A body that arrives in pieces; before each of them nothing is there for a moment.
#[derive(Debug)]
struct Pieces {
    pieces: VecDeque<Bytes>,
    waited: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.waited {
            self.waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.waited = false;
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// Sends the case's request through a gateway, whose provider answers with `canned`.
pub(crate) async fn call(case: &Case, canned: Canned) -> Result<Outcome, String> {
    let request = case
        .client_request
        .clone()
        .ok_or("a case without client_request.json cannot be run through the gateway")?;
    let model = Json::parse(&request)?
        .get("model")
        .and_then(Json::as_str)
        .map(str::to_owned)
        .ok_or("client_request.json: model")?;

    let mut connection =
        Connection::builder("golden", case.provider).credential(Credential::api_key(PROVIDER_KEY));
    if matches!(
        case.provider,
        Provider::AwsBedrock | Provider::AwsBedrockInvoke
    ) {
        connection = connection.base_url("https://bedrock-runtime.us-east-1.amazonaws.com");
    }
    let mut convert = ConvertSettings::default();
    if let Some(config) = &case.config {
        connection = connection.options(options(config, &mut convert)?);
    }
    let mut retry = RetrySettings::default();
    retry.max_retries = 0;
    let connection = Arc::new(connection.build().map_err(|error| error.to_string())?);
    let mut target = Target::new(connection.clone());
    if let Some(id) = &case.upstream_model {
        target = target.model(id.as_str());
    }
    let mut builder = Gateway::builder()
        .connection(connection)
        .rule(Rule::new(model, [target]))
        .retry(retry)
        .convert(convert);
    if let Some(seconds) = case.clock {
        builder = builder.clock(Clock::fixed(seconds));
    }

    let record = Arc::new(Mutex::new(Vec::new()));
    let client = {
        let record = record.clone();
        service_fn(move |request: Request<Payload>| {
            let (parts, body) = request.into_parts();
            let path = parts
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string);
            record.lock().unwrap().push(Sent {
                path,
                headers: parts.headers,
                body: body.into_bytes(),
            });
            let canned = canned.clone();
            async move { Ok::<_, Infallible>(response(canned)) }
        })
    };
    let gateway = builder.build(client).map_err(|error| error.to_string())?;

    let mut builder = Request::post(case.endpoint_path);
    for (name, value) in case.headers("client_request.headers.json")? {
        if !["authorization", "x-api-key"].contains(&&*name) {
            builder = builder.header(name, value);
        }
    }
    let request = builder
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {CLIENT_KEY}"))
        .header("x-api-key", CLIENT_KEY)
        .body(Payload::new(request))
        .map_err(|error| error.to_string())?;
    let run = async {
        let Ok(response) = gateway.oneshot(request).await;
        let (parts, body) = response.into_parts();
        let mut body = std::pin::pin!(body);
        let (mut bytes, mut broken) = (BytesMut::new(), None);
        while let Some(frame) = body.as_mut().frame().await {
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => bytes.extend_from_slice(&data),
                Ok(Err(_)) => broken = Some("trailers".to_owned()),
                Err(error) => {
                    broken = Some(error.to_string());
                    break;
                }
            }
        }
        (parts, bytes.freeze(), broken)
    };
    let (parts, body, broken) = tokio::time::timeout(PATIENCE, run)
        .await
        .map_err(|_| format!("no end within {PATIENCE:?}"))?;
    let sent = std::mem::take(&mut *record.lock().unwrap());
    Ok(Outcome {
        sent,
        status: parts.status,
        headers: parts.headers,
        body,
        broken,
    })
}

fn response(canned: Canned) -> Response<Pieces> {
    let mut response = Response::builder().status(canned.status);
    for (name, value) in &canned.headers {
        response = response.header(name, value);
    }
    let body = Pieces {
        pieces: canned.pieces.into(),
        waited: false,
    };
    response.body(body).unwrap()
}

/// `config`: `lossy` and `strict` of the gateway, everything else the connection's options, by the names of the
/// configuration file.
fn options(config: &Json, convert: &mut ConvertSettings) -> Result<Options, String> {
    let mut options = Vec::new();
    for (key, value) in config.members() {
        match (key.as_str(), value) {
            ("lossy", value) if value.as_str() == Some("reject") => convert.lossy = Lossy::Reject,
            ("lossy", value) if value.as_str() == Some("drop") => convert.lossy = Lossy::Drop,
            ("strict", Json::Bool(strict)) => convert.strict = *strict,
            _ => options.push((key.clone(), value.clone())),
        }
    }
    serde_json::from_str(&Json::Object(options).to_string())
        .map_err(|error| format!("case.json: config: {error}"))
}
