//! Which of Gemini's two APIs a Chat request goes to, and how.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use crate::auth::{AuthLayer, Credential};
use crate::body::{AnswerBody, Payload};
use crate::convert::ConvertLayer;
use crate::provider::Provider;
use crate::target::{Connection, Target};

const PLAIN: &str = r#"{ "model" : "gemini-3.8-flash", "messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}], "extra_body":{"google":{}} }"#;
const NATIVE: &str = r#"{"model":"gemini-3.8-flash","messages":[{"role":"user","content":"hi"}],"web_search_options":{}}"#;
const STREAM: &str = r#"{"model":"gemini-3.8-flash","stream":true,"messages":[{"role":"user","content":"hi"}],"web_search_options":{}}"#;

fn target(base: Option<&str>) -> Target {
    let mut builder = Connection::builder("c", Provider::Gemini)
        .credential(Credential::api_key("the-key"))
        .header("x-extra", "yes");
    if let Some(base) = base {
        builder = builder.base_url(base);
    }
    Target::new(Arc::new(builder.build().unwrap()))
}

/// What went out, and what came back.
struct Trip {
    uri: String,
    headers: http::HeaderMap,
    sent: Bytes,
    answer: Response<AnswerBody<Full<Bytes>>>,
}

impl Trip {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn trip(
    target: Target,
    auth: AuthLayer,
    body: &'static str,
    given: (u16, &'static str, &'static str),
) -> Trip {
    let seen = Arc::new(Mutex::new(None));
    let noted = seen.clone();
    let provider = service_fn(move |request: Request<Payload>| {
        *noted.lock().unwrap() = Some(request);
        async move {
            let (status, content_type, body) = given;
            let response = Response::builder()
                .status(status)
                .header(CONTENT_TYPE, content_type)
                .body(Full::new(Bytes::from_static(body.as_bytes())));
            Ok::<_, Infallible>(response.unwrap())
        }
    });
    let service = ConvertLayer::to(target).layer(auth.layer(provider));
    let request = Request::post("/v1/chat/completions?beta=1")
        .header(AUTHORIZATION, "Bearer of-the-client")
        .body(Payload::new(body))
        .unwrap();
    let answer = service.oneshot(request).await.unwrap();
    let request = seen.lock().unwrap().take().unwrap();
    Trip {
        uri: request.uri().to_string(),
        headers: request.headers().clone(),
        sent: request.body().bytes().clone(),
        answer,
    }
}

async fn sent(body: &'static str) -> Trip {
    let given = (200, "application/json", "{}");
    trip(target(None), AuthLayer::new(), body, given).await
}

#[tokio::test]
async fn requests_without_such_tools_pass_through_byte_by_byte() {
    let answer = r#"{ "choices" : [ ] }"#;
    let given = (200, "application/json", answer);
    let trip = trip(target(None), AuthLayer::new(), PLAIN, given).await;
    assert_eq!(trip.sent, PLAIN);
    assert_eq!(
        trip.uri,
        "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions?beta=1"
    );
    assert_eq!(trip.header("authorization"), Some("Bearer the-key"));
    assert_eq!(trip.header("x-goog-api-key"), None);
    assert_eq!(trip.header("x-extra"), Some("yes"));
    let body = trip.answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, answer);
}

#[tokio::test]
async fn requests_with_such_tools_go_to_the_native_api() {
    let trip = sent(NATIVE).await;
    assert_eq!(
        trip.uri,
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:generateContent"
    );
    assert_eq!(trip.header("x-goog-api-key"), Some("the-key"));
    assert_eq!(trip.header("authorization"), None);
    assert_eq!(trip.header("x-extra"), Some("yes"));
    assert_eq!(
        trip.sent,
        r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"tools":[{"googleSearch":{}}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}"#
    );
    let trip = sent(STREAM).await;
    assert!(
        trip.uri
            .ends_with("/models/gemini-3.8-flash:streamGenerateContent?alt=sse"),
        "{}",
        trip.uri
    );
    assert_eq!(trip.header("accept"), Some("text/event-stream"));
}

#[tokio::test]
async fn the_base_url_says_the_version_and_the_model_its_collection() {
    let target = target(Some("https://h/v1alpha/openai/")).model("tunedModels/a b");
    let given = (200, "application/json", "{}");
    let trip = trip(target, AuthLayer::new(), NATIVE, given).await;
    assert_eq!(
        trip.uri,
        "https://h/v1alpha/tunedModels/a%20b:generateContent"
    );
}

#[tokio::test]
async fn a_layer_with_a_fixed_credential_knows_both_headers() {
    let auth = || AuthLayer::with(Provider::Gemini, &Credential::api_key("fixed")).unwrap();
    let given = (200, "application/json", "{}");
    let native = trip(target(None), auth(), NATIVE, given).await;
    assert_eq!(native.header("x-goog-api-key"), Some("fixed"));
    assert_eq!(native.header("authorization"), None);
    let plain = trip(target(None), auth(), PLAIN, given).await;
    assert_eq!(plain.header("authorization"), Some("Bearer fixed"));
    assert_eq!(plain.header("x-goog-api-key"), None);
}

#[tokio::test]
async fn errors_are_told_before_a_stream_begins() {
    for (given, status, code) in [
        (
            (
                400,
                "application/json",
                r#"{"error":{"code":400,"message":"bad key","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
            ),
            401,
            Some("invalid_api_key"),
        ),
        (
            (
                404,
                "application/json",
                r#"[{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}]"#,
            ),
            404,
            Some("model_not_found"),
        ),
        ((500, "text/html", "<h1>Oops</h1>"), 500, None),
        (
            (
                200,
                "text/event-stream",
                "data: {\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\n\n",
            ),
            503,
            Some("overloaded"),
        ),
        (
            (
                200,
                "text/event-stream",
                "data: {\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}]}\n\n",
            ),
            502,
            Some("malformed_function_call"),
        ),
        (
            (200, "text/event-stream", ""),
            502,
            Some("upstream_stream_ended"),
        ),
    ] {
        let trip = trip(target(None), AuthLayer::new(), STREAM, given).await;
        assert_eq!(trip.answer.status(), status, "{given:?}");
        let body = trip.answer.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"].as_str(), code, "{body}");
    }
}
