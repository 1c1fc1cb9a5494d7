use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::body::Payload;
use crate::clock::Clock;
use crate::error::{BoxError, Error, ErrorClass};
use crate::provider::Provider;

/// 22 November 2026, 13:00.
const NOW: u64 = 1_795_352_400;
const URL: &str = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse";

fn request(url: &str) -> Request<Payload> {
    Request::post(url)
        .header("content-type", "application/json")
        .header("authorization", "Bearer canary")
        .body(Payload::new("{}"))
        .unwrap()
}

fn layer(credential: &Credential) -> AuthLayer {
    let layer = AuthLayer::with(Provider::AwsBedrock, credential).unwrap();
    layer.clock(Clock::fixed(NOW))
}

/// Answers with the headers that it got.
async fn echo(request: Request<Payload>) -> Result<Response<HeaderMap>, Infallible> {
    Ok(Response::new(request.headers().clone()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}

fn class(error: &BoxError) -> ErrorClass {
    error.downcast_ref::<Error>().unwrap().class()
}

fn keys() -> Credential {
    Credential::aws_keys("AKID", "canary-secret", Some("canary-token".to_owned()))
}

/// Gives credentials as often as it may.
#[derive(Debug, Clone)]
struct Gate(Arc<Semaphore>, Option<Duration>);

impl Gate {
    fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)), None)
    }
}

impl ProvideCredentials for Gate {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let Ok(permit) = self.0.acquire().await else {
                return Err(CredentialsError::provider_error("no"));
            };
            permit.forget();
            let end = self.1.map(|life| at(NOW) + life);
            Ok(Credentials::new("AKID", "canary-secret", None, end, "test"))
        })
    }
}

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second)
}

#[tokio::test]
async fn requests_are_signed_and_answers_say_so() {
    let answer = layer(&keys())
        .layer(service_fn(echo))
        .oneshot(request(URL))
        .await
        .unwrap();
    assert!(answer.extensions().get::<Signed>().is_some());
    let headers = answer.body();
    let authorization = text(headers, "authorization");
    assert!(authorization.starts_with(
        "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/bedrock/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="
    ));
    assert_eq!(headers.get_all("authorization").iter().count(), 1);
    assert_eq!(text(headers, "x-amz-date"), "20261122T130000Z");
    assert_eq!(text(headers, "x-amz-security-token"), "canary-token");
    for name in ["authorization", "x-amz-date", "x-amz-security-token"] {
        assert!(headers[name].is_sensitive(), "{name}");
    }
}

#[tokio::test]
async fn only_what_nobody_changes_on_the_way_is_signed() {
    let mut request = request(URL);
    let headers = request.headers_mut();
    for name in [
        "accept",
        "accept-encoding",
        "te",
        "traceparent",
        "user-agent",
        "x-amzn-bedrock-trace",
        "x-amzn-trace-id",
        "x-forwarded-for",
    ] {
        headers.insert(name, HeaderValue::from_static("a  b"));
    }
    let mut service = layer(&keys()).layer(service_fn(echo));
    let answer = service.ready().await.unwrap().call(request).await.unwrap();
    assert!(text(answer.body(), "authorization").contains(
        " SignedHeaders=accept;content-type;host;x-amz-date;x-amz-security-token;x-amzn-bedrock-trace,"
    ));
}

#[tokio::test]
async fn the_region_is_given_or_in_the_hosts_name() {
    let stack = |layer: AuthLayer| layer.layer(service_fn(echo));
    let here = "http://127.0.0.1:8080/model/m/converse";
    let error = stack(layer(&keys()))
        .oneshot(request(here))
        .await
        .unwrap_err();
    assert_eq!(class(&error), ErrorClass::Misuse);
    let given = layer(&keys()).region("eu-west-1");
    let answer = stack(given.clone()).oneshot(request(here)).await.unwrap();
    assert!(text(answer.body(), "authorization").contains("/eu-west-1/bedrock/"));
    let relative = stack(given).oneshot(request("/model/m/converse")).await;
    assert_eq!(class(&relative.unwrap_err()), ErrorClass::Misuse);
}

#[tokio::test]
async fn a_call_waits_for_credentials_with_the_service_that_is_ready() {
    let gate = Gate::closed();
    let (mut service, mut client) =
        tower_test::mock::spawn_layer(layer(&Credential::aws(gate.clone())));
    client.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request(URL)));
    assert_pending!(call.poll());
    let mut next = task::spawn(client.next_request());
    assert_pending!(next.poll());
    gate.0.add_permits(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (sent, respond): (Request<Payload>, _) = next.await.unwrap();
    assert!(sent.headers().contains_key("authorization"));
    respond.send_response(Response::new(()));
    assert_ready_ok!(call.poll());
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_is_not_made() {
    let gate = Gate::closed();
    let (mut service, mut client): (_, tower_test::mock::Handle<_, Response<()>>) =
        tower_test::mock::spawn_layer(layer(&Credential::aws(gate.clone())));
    client.allow(2);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request(URL)));
    assert_pending!(call.poll());
    drop(call);
    gate.0.add_permits(1);
    let mut next = task::spawn(client.next_request());
    assert_pending!(next.poll());
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let gate = Gate::closed();
    gate.0.close();
    let never = service_fn(|_: Request<Payload>| async {
        unreachable!() as Result<Response<()>, Infallible>
    });
    let error = layer(&Credential::aws(gate))
        .layer(never)
        .oneshot(request(URL))
        .await
        .unwrap_err();
    assert_eq!(class(&error), ErrorClass::Credentials);
}

#[tokio::test]
async fn calls_lend_a_hand_with_the_renewal() {
    let gate = Gate(Arc::new(Semaphore::new(1)), Some(Duration::from_secs(900)));
    let credential = Credential::aws(gate.clone());
    let call = |now: u64, answered: &'static Semaphore| {
        let client = service_fn(move |_: Request<Payload>| async move {
            answered.acquire().await.unwrap().forget();
            Ok::<_, Infallible>(Response::new(()))
        });
        let layer = layer(&credential).clock(Clock::fixed(now));
        task::spawn(layer.layer(client).oneshot(request(URL)))
    };
    let answered: &'static Semaphore = Box::leak(Box::new(Semaphore::new(1)));
    assert_ready_ok!(call(NOW, answered).poll());
    // Five minutes before the end: the call goes out with the old credentials, and polls the load of new ones.
    let mut second = call(NOW + 600, answered);
    assert_pending!(second.poll());
    gate.0.add_permits(1);
    assert!(second.is_woken());
    assert_pending!(second.poll());
    assert_eq!(gate.0.available_permits(), 0);
    answered.add_permits(1);
    assert_ready_ok!(second.poll());
}

#[tokio::test]
async fn a_clock_that_goes_wrong_is_corrected() {
    let credential = keys();
    let stack = || layer(&credential).layer(service_fn(echo));
    let answer = stack().oneshot(request(URL)).await.unwrap();
    let signed = answer.extensions().get::<Signed>().unwrap();
    let mut refusal = HeaderMap::new();
    let date = httpdate::fmt_http_date(at(NOW + 3600));
    refusal.insert("date", HeaderValue::from_str(&date).unwrap());
    // Other errors teach nothing.
    let denied = br#"{"__type":"AccessDeniedException"}"#;
    assert!(!signed.refused(StatusCode::FORBIDDEN, &refusal, denied));
    let answer = stack().oneshot(request(URL)).await.unwrap();
    assert_eq!(text(answer.body(), "x-amz-date"), "20261122T130000Z");
    refusal.insert(
        "x-amzn-errortype",
        HeaderValue::from_static("InvalidSignatureException:"),
    );
    assert!(signed.refused(StatusCode::FORBIDDEN, &refusal, b"{}"));
    let answer = stack().oneshot(request(URL)).await.unwrap();
    assert_eq!(text(answer.body(), "x-amz-date"), "20261122T140000Z");
}

#[tokio::test]
async fn a_key_is_no_signature() {
    let answer = layer(&Credential::api_key("k"))
        .layer(service_fn(echo))
        .oneshot(request(URL))
        .await
        .unwrap();
    assert_eq!(text(answer.body(), "authorization"), "Bearer k");
    assert!(!answer.body().contains_key("x-amz-date"));
    assert!(answer.extensions().get::<Signed>().is_none());
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let credential = keys();
    let layer = layer(&credential);
    let mut service = layer.layer(service_fn(echo));
    let call = service.ready().await.unwrap().call(request(URL));
    let shown = format!("{call:?}");
    let answer = call.await.unwrap();
    let signed = answer.extensions().get::<Signed>().unwrap();
    let waiting = super::tests::layer(&Credential::aws(Gate::closed()));
    let mut waiting = waiting.layer(service_fn(echo));
    let waiting = waiting.ready().await.unwrap().call(request(URL));
    let shown = format!("{shown} {credential:?} {layer:?} {signed:?} {waiting:?} {answer:?}");
    assert!(!shown.contains("canary"), "{shown}");
}
