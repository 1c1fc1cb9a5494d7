//! Requests to Bedrock against those of botocore, byte for byte: the URL of each kind of model id and ARN, and the signature.
//! Without Python or its packages the test is skipped, unless `REQUIRE_SDKS=1`.

pub mod support;

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use serde::Deserialize;
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_gateway::settings::RetrySettings;
use tower_llm_gateway::{
    AuthLayer, Clock, Connection, Credential, Endpoint, Gateway, Payload, Provider, Rule, Target,
};

use support::venv;

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 22 November 2026, 13:00.
const NOW: u64 = 1_795_352_400;

/// A call as botocore made it.
#[derive(Debug, Clone, Deserialize)]
struct Call {
    model: String,
    operation: String,
    region: String,
    endpoint: Option<String>,
    token: Option<String>,
    url: String,
    body: String,
    headers: HashMap<String, String>,
}

impl Call {
    fn keys(&self) -> Credential {
        Credential::aws_keys(ACCESS_KEY, SECRET_KEY, self.token.clone())
    }

    /// The URL without a port that goes without saying, which is neither sent nor signed.
    fn plain_url(&self) -> String {
        self.url
            .replacen("com:443/", "com/", 1)
            .replacen("com:80/", "com/", 1)
    }
}

/// What botocore makes; `None`: skipped.
fn calls() -> Option<Vec<Call>> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("bedrock-signatures-{}.json", std::process::id()));
    venv::script("bedrock_signatures.py", &[file.to_str().unwrap()])?;
    let calls = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    Some(calls)
}

/// What was handed to the HTTP client.
#[derive(Debug, Clone, Default)]
struct Sent(Arc<Mutex<Option<(String, HeaderMap)>>>);

impl Sent {
    fn record(&self, request: &Request<Payload>) {
        *self.0.lock().unwrap() = Some((request.uri().to_string(), request.headers().clone()));
    }

    fn take(&self) -> (String, HeaderMap) {
        self.0.lock().unwrap().take().expect("a request")
    }
}

#[tokio::test]
async fn signatures_are_botocores() {
    let Some(calls) = calls() else { return };
    let models: std::collections::HashSet<_> = calls.iter().map(|call| &call.model).collect();
    assert!(models.len() >= 200, "{}", models.len());
    for call in &calls {
        let mut request = Request::post(&call.url);
        for (name, value) in &call.headers {
            // Of its own making, and not signed.
            if !["authorization", "x-amz-date", "x-amz-security-token"].contains(&name.as_str()) {
                request = request.header(name, value);
            }
        }
        let request = request.body(Payload::new(call.body.clone())).unwrap();
        let sent = Sent::default();
        let client = {
            let sent = sent.clone();
            service_fn(move |request: Request<Payload>| {
                sent.record(&request);
                async { Ok::<_, Infallible>(Response::new(Payload::default())) }
            })
        };
        let layer = AuthLayer::with(Provider::AwsBedrock, &call.keys())
            .unwrap()
            .region(&call.region)
            .clock(Clock::fixed(NOW));
        layer.layer(client).oneshot(request).await.unwrap();
        let (url, headers) = sent.take();
        assert_eq!(url, call.plain_url());
        for name in ["authorization", "x-amz-date", "x-amz-security-token"] {
            let ours = headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(ours, call.headers.get(name).map(String::as_str), "{call:?}");
        }
    }
    served(&calls).await;
    println!("{} signatures of {} models", calls.len(), models.len());
}

/// The same URLs through a whole gateway.
async fn served(calls: &[Call]) {
    for call in calls {
        let (provider, stream) = match call.operation.as_str() {
            "converse" => (Provider::AwsBedrock, false),
            "converse-stream" => (Provider::AwsBedrock, true),
            "invoke" => (Provider::AwsBedrockInvoke, false),
            "invoke-with-response-stream" => (Provider::AwsBedrockInvoke, true),
            other => panic!("{other}"),
        };
        // An id that is encoded already is decoded first, which botocore does not do.
        if !provider.serves(Endpoint::Messages) || call.model.contains('%') {
            continue;
        }
        let mut connection = Connection::builder("c", provider)
            .region(&call.region)
            .credential(call.keys());
        if let Some(endpoint) = &call.endpoint {
            connection = connection.base_url(endpoint);
        }
        let target = Target::new(Arc::new(connection.build().unwrap())).model(call.model.as_str());
        let sent = Sent::default();
        let client = {
            let sent = sent.clone();
            service_fn(move |request: Request<Payload>| {
                sent.record(&request);
                async { Ok::<_, Infallible>(Response::new(Payload::default())) }
            })
        };
        let mut retry = RetrySettings::default();
        retry.max_retries = 0;
        let gateway = Gateway::builder()
            .rule(Rule::new("m", [target]))
            .retry(retry)
            .clock(Clock::fixed(NOW))
            .build(client)
            .unwrap();
        let body = format!(
            r#"{{"model":"m","max_tokens":5,"stream":{stream},"messages":[{{"role":"user","content":"Hi"}}]}}"#
        );
        // What only some clients add belongs to their own provider.
        let request = Request::post("/v1/messages?beta=true")
            .body(Payload::new(body))
            .unwrap();
        gateway.oneshot(request).await.unwrap();
        let (url, headers) = sent.take();
        assert_eq!(url, call.plain_url());
        let authorization = headers["authorization"].to_str().unwrap();
        let scope = format!("/20261122/{}/bedrock/aws4_request, ", call.region);
        assert!(authorization.contains(&scope), "{authorization}");
    }
}
