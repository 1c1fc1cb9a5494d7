//! One call through a gateway whose client is a recording.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::{ServiceExt, service_fn};
use tower_llm_gateway::settings::{Lossy, RetrySettings};
use tower_llm_gateway::{
    CallOptions, Clock, Connection, Credential, Gateway, Payload, Provider, Rule, Target,
};

use super::answers;
use super::rows::without_indexes;

/// No call takes long; whatever does, hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request that reached the provider.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: StatusCode,
    pub(crate) sent: Option<Sent>,
    pub(crate) dropped: Vec<String>,
    pub(crate) approximated: Vec<String>,
    pub(crate) body: Bytes,
}

/// One try of a gateway: a request's path, headers, whether losses are allowed, and body.
type Try = (String, Vec<(String, String)>, Lossy, Bytes);

type Calling = Pin<Box<dyn Future<Output = Outcome>>>;

/// A gateway with one target.
pub(crate) struct Cell {
    /// What the provider answers, where it is not the usual.
    answer: Arc<Mutex<Option<Bytes>>>,
    call: Box<dyn Fn(Try) -> Calling>,
}

impl Cell {
    pub(crate) fn new(provider: Provider, model: &str) -> Self {
        let mut connection =
            Connection::builder("cell", provider).credential(Credential::api_key("key"));
        connection = match provider {
            Provider::AwsBedrock | Provider::AwsBedrockInvoke => {
                connection.base_url("https://bedrock-runtime.us-east-1.amazonaws.com")
            }
            Provider::OpenAiCompatible => connection.base_url("https://llm.example/v1"),
            _ => connection,
        };
        let connection = Arc::new(connection.build().unwrap());
        let mut retry = RetrySettings::default();
        retry.max_retries = 0;
        let record: Arc<Mutex<Vec<Sent>>> = Arc::default();
        let answer: Arc<Mutex<Option<Bytes>>> = Arc::default();
        let client = {
            let (record, own) = (record.clone(), answer.clone());
            service_fn(move |request: Request<Payload>| {
                let (parts, body) = request.into_parts();
                let path = parts.uri.path_and_query().unwrap().to_string();
                let body = body.into_bytes();
                let mut answer = answers::of(&path, &body);
                if let Some(own) = own.lock().unwrap().clone() {
                    *answer.body_mut() = Payload::new(own);
                }
                record.lock().unwrap().push(Sent {
                    path,
                    headers: parts.headers,
                    body,
                });
                async move { Ok::<_, Infallible>(answer) }
            })
        };
        let gateway = Gateway::builder()
            .connection(connection.clone())
            .rule(Rule::new(model, [Target::new(connection)]))
            .retry(retry)
            .clock(Clock::fixed(1_700_000_000))
            .build(client)
            .unwrap();
        let call = move |(path, headers, lossy, body): Try| {
            let (gateway, record) = (gateway.clone(), record.clone());
            let work = async move {
                let mut request = Request::post(path).header("content-type", "application/json");
                for (name, value) in &headers {
                    request = request.header(name, value);
                }
                let request = request.extension(CallOptions::new().lossy(lossy));
                let request = request.body(Payload::new(body)).unwrap();
                record.lock().unwrap().clear();
                let run = async {
                    let Ok(response) = gateway.oneshot(request).await;
                    let (parts, body) = response.into_parts();
                    let body = body
                        .collect()
                        .await
                        .map(http_body_util::Collected::to_bytes);
                    (parts, body.unwrap_or_default())
                };
                let (parts, body) = tokio::time::timeout(PATIENCE, run).await.unwrap();
                let sent = std::mem::take(&mut *record.lock().unwrap());
                assert!(sent.len() <= 1, "one request at most");
                let response = Response::from_parts(parts, ());
                Outcome {
                    status: response.status(),
                    dropped: list(&response, "x-gateway-dropped"),
                    approximated: list(&response, "x-gateway-approximated"),
                    sent: sent.into_iter().next(),
                    body,
                }
            };
            Box::pin(work) as Calling
        };
        Self {
            answer,
            call: Box::new(call),
        }
    }

    /// The client's answer where the provider gives this one.
    pub(crate) async fn answer(&self, path: &str, request: &Value, answer: &Value) -> Value {
        *self.answer.lock().unwrap() = Some(answer.to_string().into());
        let outcome = self.call(path, &[], Lossy::Reject, request).await;
        *self.answer.lock().unwrap() = None;
        assert_eq!(outcome.status, 200, "{answer}: {:?}", outcome.refusal());
        serde_json::from_slice(&outcome.body).unwrap()
    }

    pub(crate) async fn call(
        &self,
        path: &str,
        headers: &[(String, String)],
        lossy: Lossy,
        body: &Value,
    ) -> Outcome {
        (self.call)((
            path.to_owned(),
            headers.to_vec(),
            lossy,
            body.to_string().into(),
        ))
        .await
    }
}

/// The field paths in a header of the loss report.
fn list(response: &Response<()>, header: &str) -> Vec<String> {
    let text = response.headers().get(header);
    let text = text.map_or("", |value| value.to_str().unwrap());
    let paths = text
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty());
    paths.map(without_indexes).collect()
}

impl Outcome {
    /// The provider's request as JSON, also where AWS wants it in base64.
    pub(crate) fn upstream(&self) -> Value {
        let Some(sent) = &self.sent else {
            return Value::Null;
        };
        let mut json: Value = serde_json::from_slice(&sent.body).unwrap();
        if let Some(body) = json.pointer_mut("/input/invokeModel/body") {
            let bytes = STANDARD.decode(body.as_str().unwrap()).unwrap();
            *body = serde_json::from_slice(&bytes).unwrap();
        }
        json
    }

    /// What an error answer says: the field that it names, if it has a place for that, and its message.
    pub(crate) fn refusal(&self) -> (Option<String>, String) {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |key: &str| body["error"][key].as_str().map(str::to_owned);
        (text("param"), text("message").unwrap_or_default())
    }
}
