//! Whole calls whose signature is refused: tried once more, with better credentials or a better clock.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use http::{Request, Response, StatusCode};
use tower::{ServiceExt, service_fn};
use tower_llm_gateway::settings::RetrySettings;
use tower_llm_gateway::{Clock, Connection, Credential, Gateway, Payload, Provider, Rule, Target};

use super::support::sts;
use super::support::upstream::Upstream;
use super::{NOW, UNTIL, role};

const ANSWER: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#;

/// What was sent: the time and the beginning of the authorization.
type Sent = Arc<Mutex<Vec<(String, String)>>>;

/// A gateway to a Bedrock that refuses `refusals` calls with this error.
async fn call(
    credential: Credential,
    retries: u32,
    refusals: usize,
    error: &'static str,
    by_header: bool,
) -> (StatusCode, Vec<(String, String)>) {
    let sent = Sent::default();
    let client = {
        let sent = sent.clone();
        service_fn(move |request: Request<Payload>| {
            let header = |name: &str| {
                let value = request.headers().get(name);
                value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
            };
            let mut sent = sent.lock().unwrap();
            let authorization = header("authorization");
            let key = authorization.split('/').next().unwrap().to_owned();
            sent.push((header("x-amz-date"), key));
            let date = UNIX_EPOCH + Duration::from_secs(NOW + 3600);
            let mut answer = Response::builder()
                .header("content-type", "application/json")
                .header("date", httpdate::fmt_http_date(date));
            let mut body = ANSWER.to_owned();
            if sent.len() <= refusals {
                answer = answer.status(403);
                body = r#"{"message":"no"}"#.to_owned();
                if by_header {
                    answer = answer.header("x-amzn-errortype", format!("{error}:http://internal/"));
                } else {
                    body = format!(r#"{{"__type":"com.amazon#{error}","message":"no"}}"#);
                }
            }
            let answer = answer.body(Payload::new(body)).unwrap();
            async { Ok::<_, Infallible>(answer) }
        })
    };
    let connection = Connection::builder("bedrock", Provider::AwsBedrock)
        .region("eu-west-1")
        .credential(credential)
        .build()
        .unwrap();
    let mut retry = RetrySettings::default();
    retry.max_retries = retries;
    let gateway = Gateway::builder()
        .rule(Rule::new("m", [Target::new(Arc::new(connection))]))
        .retry(retry)
        .clock(Clock::fixed(NOW))
        .build(client)
        .unwrap();
    let body = r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}"#;
    let request = Request::post("/v1/messages")
        .body(Payload::new(body))
        .unwrap();
    let Ok(answer) = gateway.oneshot(request).await;
    let sent = std::mem::take(&mut *sent.lock().unwrap());
    (answer.status(), sent)
}

fn keys() -> Credential {
    Credential::aws_keys("AKIDSTATIC", "secret", None)
}

#[tokio::test]
async fn a_clock_that_goes_wrong_costs_one_try() {
    for by_header in [true, false] {
        let (status, sent) = call(keys(), 2, 1, "InvalidSignatureException", by_header).await;
        assert_eq!(status, 200);
        let times: Vec<_> = sent.iter().map(|(time, _)| time.as_str()).collect();
        assert_eq!(times, ["20261122T130000Z", "20261122T140000Z"]);
    }
}

#[tokio::test]
async fn keys_that_are_refused_get_one_more_try() {
    for (retries, refusals, status, tries) in [(2, 1, 200, 2), (2, 9, 403, 2), (0, 9, 403, 1)] {
        let (found, sent) = call(keys(), retries, refusals, "ExpiredTokenException", true).await;
        assert_eq!((found.as_u16(), sent.len()), (status, tries));
    }
}

#[tokio::test]
async fn an_api_key_that_is_refused_stays_refused() {
    let key = Credential::api_key("bedrock-key");
    let (status, sent) = call(key, 2, 9, "UnrecognizedClientException", true).await;
    assert_eq!((status.as_u16(), sent.len()), (403, 1));
}

#[tokio::test]
async fn other_refusals_are_final() {
    let (status, sent) = call(keys(), 2, 9, "AccessDeniedException", true).await;
    assert_eq!((status.as_u16(), sent.len()), (403, 1));
}

#[tokio::test]
async fn a_roles_credentials_are_loaded_anew_unless_they_are_new() {
    let sts = Upstream::start(|request| sts::assumed(request, 1, UNTIL));
    let (status, sent) = call(role(&sts), 2, 1, "ExpiredTokenException", true).await;
    assert_eq!((status.as_u16(), sent.len()), (200, 2));
    // They were loaded a moment ago: new ones would be no better.
    assert_eq!(sts.requests().len(), 1);
    assert!(
        sent.iter()
            .all(|(_, key)| key.ends_with(&sts::access_key(1)))
    );
}
