//! AWS credentials from the real libraries, against stand-ins of what hands them out: roles through STS, and every step of the
//! default chain that is no person at a keyboard. What the chain reads of the environment is set for a process of its own.

pub mod support;

#[path = "aws_credentials/chain.rs"]
mod chain;
#[path = "aws_credentials/program.rs"]
mod program;
#[path = "aws_credentials/refused.rs"]
mod refused;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_gateway::auth::{AssumeRole, AwsChain};
use tower_llm_gateway::{
    AuthLayer, BoxError, Clock, Connection, Credential, Error, ErrorClass, Gateway, Payload,
    Provider,
};

use support::sts;
use support::upstream::{Reply, Upstream};

/// 22 November 2026, 13:00.
const NOW: u64 = 1_795_352_400;
/// An hour later.
const UNTIL: &str = "2026-11-22T14:00:00Z";
/// An hour after that.
const LATER: &str = "2026-11-22T15:00:00Z";
/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

const ROLE: &str = "arn:aws:iam::123456789012:role/models/reader";

/// The credentials of a role that this STS hands out.
fn role(sts: &Upstream) -> Credential {
    let keys = aws_credential_types::Credentials::new(
        "AKIDSOURCE",
        "canary-source-secret",
        None,
        None,
        "test",
    );
    let role = AssumeRole::new(ROLE)
        .external_id("tenant 7/ü")
        .session_length(Duration::from_secs(3600))
        .sts_endpoint(sts.url());
    Credential::aws(
        AwsChain::new()
            .region("eu-west-1")
            .source(keys)
            .assume(role),
    )
}

/// The access key that a request is signed with at this time.
async fn signed_with(credential: &Credential, now: u64) -> Result<String, BoxError> {
    let client = service_fn(|request: Request<Payload>| async move {
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let key = authorization.split(['=', '/']).nth(1).unwrap().to_owned();
        assert_eq!(request.headers()["x-amz-security-token"], sts::TOKEN);
        Ok::<_, Infallible>(Response::new(key))
    });
    let stack = AuthLayer::with(Provider::AwsBedrock, credential)?
        .clock(Clock::fixed(now))
        .layer(client);
    let uri = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse";
    let request = Request::post(uri).body(Payload::new("{}"))?;
    let answer = timeout(PATIENCE, stack.oneshot(request)).await?;
    answer.map(Response::into_body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_ask_sts_once() {
    let sts = Upstream::start(|request| sts::assumed(request, 1, UNTIL));
    let credential = role(&sts);
    let mut calls = JoinSet::new();
    for _ in 0..1000 {
        let credential = credential.clone();
        calls.spawn(async move { signed_with(&credential, NOW).await });
    }
    while let Some(key) = calls.join_next().await {
        assert_eq!(key.unwrap().unwrap(), sts::access_key(1));
    }
    let requests = sts.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    for (field, expected) in [
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", ROLE),
        ("RoleSessionName", "tower-llm-gateway"),
        ("ExternalId", "tenant 7/ü"),
        ("DurationSeconds", "3600"),
    ] {
        assert_eq!(
            sts::form(request, field).as_deref(),
            Some(expected),
            "{field}"
        );
    }
    let authorization = request.header("authorization").unwrap();
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDSOURCE/")
            && authorization.contains("/eu-west-1/sts/aws4_request,"),
        "{authorization}"
    );
}

#[tokio::test]
async fn a_role_is_renewed_ahead_of_its_end() {
    let count = Arc::new(AtomicUsize::new(0));
    let sts = Upstream::start(move |request| match count.fetch_add(1, Ordering::SeqCst) {
        0 => sts::assumed(request, 1, UNTIL),
        _ => sts::assumed(request, 2, LATER),
    });
    let credential = role(&sts);
    assert_eq!(
        signed_with(&credential, NOW).await.unwrap(),
        sts::access_key(1)
    );
    // A tenth of its life before its end.
    assert_eq!(
        signed_with(&credential, NOW + 3239).await.unwrap(),
        sts::access_key(1)
    );
    assert_eq!(sts.requests().len(), 1);
    // The calls from then on do not wait; one of them finds the new ones.
    let renewed = async {
        while signed_with(&credential, NOW + 3240).await.unwrap() == sts::access_key(1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, renewed).await.unwrap();
    assert_eq!(
        signed_with(&credential, NOW + 3240).await.unwrap(),
        sts::access_key(2)
    );
    assert_eq!(sts.requests().len(), 2);
}

#[tokio::test]
async fn a_role_is_used_to_its_end_while_sts_refuses() {
    let sts = Upstream::start(|_| sts::denied());
    let credential = role(&sts);
    let error = signed_with(&credential, NOW).await.unwrap_err();
    let error = error.downcast_ref::<Error>().unwrap();
    assert_eq!(error.class(), ErrorClass::Credentials);
    assert_eq!(sts.requests().len(), 1);

    let sts = Upstream::start(|_| sts::denied());
    let credential = role(&sts);
    let first = sts::assumed(&recorded().await, 1, UNTIL);
    sts.push(first);
    assert_eq!(
        signed_with(&credential, NOW).await.unwrap(),
        sts::access_key(1)
    );
    // In the last minute calls wait for the new ones, and go on with the old ones when there are none.
    assert_eq!(
        signed_with(&credential, NOW + 3545).await.unwrap(),
        sts::access_key(1)
    );
    assert_eq!(sts.requests().len(), 2);
    let error = signed_with(&credential, NOW + 3590).await.unwrap_err();
    let error = error.downcast_ref::<Error>().unwrap();
    assert_eq!(error.class(), ErrorClass::Credentials);
}

/// A request as STS gets one.
async fn recorded() -> support::upstream::Recorded {
    let sts = Upstream::start(|_| sts::denied());
    signed_with(&role(&sts), NOW).await.unwrap_err();
    sts.requests().remove(0)
}

#[tokio::test]
async fn an_sts_that_cannot_be_reached_fails_the_call_in_time() {
    let sts = Upstream::start(|_| Reply::never());
    let credential = role(&sts);
    let begun = std::time::Instant::now();
    let error = signed_with(&credential, NOW).await.unwrap_err();
    let error = error.downcast_ref::<Error>().unwrap();
    assert_eq!(error.class(), ErrorClass::Credentials);
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn nobody_is_asked_before_the_first_call() {
    let sts = Upstream::start(|_| sts::denied());
    let connection = Connection::builder("bedrock", Provider::AwsBedrock)
        .region("eu-west-1")
        .credential(role(&sts))
        .build()
        .unwrap();
    let gateway = Gateway::builder().connection(connection).build(());
    drop(gateway.unwrap());
    assert_eq!(sts.connections(), 0);
}
