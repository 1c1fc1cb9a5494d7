//! What a provider's answer means, through all layers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::StatusCode;

use super::*;
use crate::call::CallOptions;
use crate::gateway::Gateway;

type Acts = Vec<(u16, &'static str, &'static str)>;

/// A gateway with two providers of the same format; answers which keys were sent where.
async fn fallback(acts: Acts, retries: u32) -> (Answer, Vec<(String, HeaderMap)>) {
    let (first, second) = (
        connection("one", Provider::OpenAi),
        connection("two", Provider::Groq),
    );
    let asked = Arc::<Mutex<Vec<_>>>::default();
    let client = {
        let asked = asked.clone();
        service_fn(move |request: Request<Payload>| {
            let mut asked = asked.lock().unwrap();
            let (status, header, body) = acts[asked.len().min(acts.len() - 1)];
            asked.push((
                request.uri().host().unwrap().to_owned(),
                request.headers().clone(),
            ));
            let mut response = Response::new(Payload::new(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some((name, value)) = header.split_once(": ") {
                response
                    .headers_mut()
                    .insert(http::HeaderName::from_static(name), value.parse().unwrap());
            }
            async move { Ok::<_, Infallible>(response) }
        })
    };
    let gateway = Gateway::builder()
        .rule(Rule::new("*", [Target::new(first), Target::new(second)]))
        .build(client)
        .unwrap();
    let mut request = post("/v1/chat/completions", r#"{"model":"m"}"#);
    request
        .extensions_mut()
        .insert(CallOptions::new().max_retries(retries));
    for name in ["authorization", "x-api-key", "openai-organization"] {
        request = with(request, name, "clients-own");
    }
    let answer = read(gateway.oneshot(request).await.unwrap()).await;
    let asked = asked.lock().unwrap().clone();
    (answer, asked)
}

#[tokio::test(start_paused = true)]
async fn nothing_of_one_provider_leaks_to_the_next() {
    let (answer, asked) = fallback(
        vec![(503, "retry-after: 9", "{}"), (200, "", "{\"ok\":1}")],
        2,
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("x-gateway-connection")),
        (200, "two")
    );
    assert_eq!(answer.header("x-gateway-attempts"), "2");
    assert_eq!(answer.header("retry-after"), "");
    let [(one, first), (two, second)] = &asked[..] else {
        panic!()
    };
    assert_eq!((&**one, &**two), ("one.test", "two.test"));
    assert_eq!(first["authorization"], "Bearer key-one");
    assert_eq!(first["openai-organization"], "clients-own");
    assert_eq!(second["authorization"], "Bearer key-two");
    assert!(!second.contains_key("openai-organization") && !second.contains_key("x-api-key"));
    assert!(!format!("{second:?}").contains("key-one"));
}

#[tokio::test(start_paused = true)]
async fn statuses_are_retried_as_the_contract_says() {
    let error = r#"{"error":{"message":"m","type":"t","param":null,"code":null}}"#;
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        let (answer, asked) = fallback(vec![(status, "", error), (200, "", "{}")], 2).await;
        assert_eq!((answer.status, asked.len()), (200, 2), "{status}");
    }
    for status in [400, 401, 402, 403, 404, 405, 413, 415, 422, 501] {
        let (answer, asked) = fallback(vec![(status, "", error)], 2).await;
        assert_eq!((answer.status, asked.len()), (status, 1), "{status}");
        assert_eq!(answer.header("x-gateway-connection"), "one");
        let told = answer.header("x-should-retry") == "false";
        assert_eq!(told, status == 401, "{status}");
    }
    let (_, asked) = fallback(
        vec![(400, "x-should-retry: true", error), (200, "", "{}")],
        2,
    )
    .await;
    assert_eq!(asked.len(), 2);
    let (answer, asked) = fallback(vec![(503, "x-should-retry: false", error)], 2).await;
    assert_eq!((answer.status, asked.len()), (503, 1));
    let (answer, asked) = fallback(vec![(429, "retry-after: 99", error)], 2).await;
    assert_eq!((answer.status, asked.len()), (429, 2));
    assert_eq!(
        (
            answer.header("retry-after"),
            answer.header("x-should-retry")
        ),
        ("99", "false")
    );
    // A quota does not come back within a retry, but another target may have one.
    let spent = (429, "", r#"{"error":{"code":"insufficient_quota"}}"#);
    let (answer, asked) = fallback(vec![spent, (200, "", "{}")], 2).await;
    assert_eq!((answer.status, asked.len()), (200, 2));
    let (answer, asked) = fallback(vec![spent, spent, (200, "", "{}")], 2).await;
    assert_eq!((answer.status, asked.len()), (429, 2));
    assert_eq!(answer.header("x-should-retry"), "false");
}
