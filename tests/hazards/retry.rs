//! Retries: never twice what must not be, never more than was agreed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderValue;
use tower_llm_gateway::client::{HttpsClient, client};
use tower_llm_gateway::settings::Timeouts;
use tower_llm_gateway::{Gateway, Provider, Rule, Target};

use crate::setup::{Cell, ask, cells, quick_retries};
use crate::support::upstream::{Reply, Upstream};

const RESPONSES: Cell = Cell {
    provider: Provider::OpenAi,
    path: "/v1/responses",
};

/// What a provider may do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    RequestTimeout,
    Conflict,
    RateLimit,
    Unavailable,
    Overloaded,
    OverloadedEvent,
    Internal,
    BadGateway,
    GatewayTimeout,
    Closed,
    Reset,
    CutAnswer,
}

const FAULTS: [Fault; 12] = [
    Fault::RequestTimeout,
    Fault::Conflict,
    Fault::RateLimit,
    Fault::Unavailable,
    Fault::Overloaded,
    Fault::OverloadedEvent,
    Fault::Internal,
    Fault::BadGateway,
    Fault::GatewayTimeout,
    Fault::Closed,
    Fault::Reset,
    Fault::CutAnswer,
];

impl Fault {
    fn reply(self) -> Reply {
        let status = match self {
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::RateLimit => 429,
            Self::Unavailable => 503,
            Self::Overloaded => 529,
            Self::Internal => 500,
            Self::BadGateway => 502,
            Self::GatewayTimeout => 504,
            Self::OverloadedEvent => {
                return Reply::sse([
                    "event: error\ndata: {\"type\":\"error\",\"code\":\"server_is_overloaded\",\"message\":\"full\"}\n\n",
                ]);
            }
            Self::Closed => return Reply::no_head_fin(),
            Self::Reset => return Reply::no_head_reset(),
            Self::CutAnswer => return Reply::json(200, "{\"id\"").lie_about_length(100),
        };
        Reply::json(
            status,
            r#"{"error":{"message":"no","type":"x","code":null,"param":null}}"#,
        )
    }

    /// The provider refused before it did anything.
    fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::RequestTimeout
                | Self::Conflict
                | Self::RateLimit
                | Self::Unavailable
                | Self::Overloaded
                | Self::OverloadedEvent
        )
    }
}

/// How a call is made: by default, with the owner's switch against ambiguous repetitions, or with a state at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Unambiguous,
    Stateful,
}

fn gateway(class: Class, upstream: &Upstream) -> Gateway<HttpsClient> {
    let mut retry = quick_retries(2);
    retry.ambiguous = class != Class::Unambiguous;
    RESPONSES.gateway_with(upstream, |builder| builder.retry(retry))
}

#[tokio::test]
async fn r1_nothing_is_sent_twice_that_must_not_be() {
    for fault in FAULTS {
        for class in [Class::Plain, Class::Unambiguous, Class::Stateful] {
            let upstream = Upstream::start(move |_| fault.reply());
            let more = match class {
                Class::Stateful => r#","stream":true,"background":true"#,
                _ => r#","stream":true"#,
            };
            let answer = ask(
                gateway(class, &upstream),
                RESPONSES.post(RESPONSES.body("m", more)),
            )
            .await;
            let expected = match class {
                Class::Plain => 3,
                Class::Unambiguous if fault.is_refusal() => 3,
                Class::Unambiguous | Class::Stateful => 1,
            };
            assert_eq!(upstream.requests().len(), expected, "{fault:?} {class:?}");
            assert!(
                !answer.status.is_success(),
                "{fault:?} {class:?} {answer:?}"
            );
            RESPONSES.assert_error(&answer);
            if class == Class::Plain {
                assert_eq!(answer.headers["x-should-retry"], "false", "{fault:?}");
            }
            assert_eq!(
                answer.headers["x-gateway-attempts"],
                expected.to_string(),
                "{fault:?} {class:?}"
            );
        }
    }
}

#[tokio::test]
async fn r1_nothing_is_sent_twice_once_a_success_was_shown() {
    for cut in [false, true] {
        let upstream = Upstream::start(move |_| {
            let reply = Reply::sse([
                "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\n",
            ]);
            if cut { reply.reset() } else { reply.fin() }
        });
        let body = RESPONSES.body("m", r#","stream":true"#);
        let answer = ask(gateway(Class::Plain, &upstream), RESPONSES.post(body)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(upstream.requests().len(), 1);
    }
}

#[tokio::test]
async fn r1_what_was_never_sent_may_always_be_sent_again() {
    // Nobody listens there any more.
    let dead = {
        let upstream = Upstream::new();
        upstream.url()
    };
    for more in ["", r#","background":true"#, r#","conversation":"c""#] {
        let upstream = Upstream::start(|_| Reply::json(200, "{}"));
        let mut retry = quick_retries(2);
        retry.ambiguous = false;
        let connections = [
            RESPONSES.connection("dead", &dead),
            RESPONSES.connection("main", &upstream.url()),
        ];
        let gateway = Gateway::builder()
            .retry(retry)
            .rule(Rule::new("*", connections.map(Target::new)))
            .build(client(&Timeouts::default()).unwrap())
            .unwrap();
        let answer = ask(gateway, RESPONSES.post(RESPONSES.body("m", more))).await;
        assert_eq!(answer.status, 200, "{more} {answer:?}");
        assert_eq!(answer.headers["x-gateway-attempts"], "2");
        assert_eq!(upstream.requests().len(), 1);
    }
}

#[tokio::test]
async fn r3_a_dead_provider_is_not_stormed() {
    const CALLS: usize = 400;
    let upstream = Upstream::start(|_| Fault::Unavailable.reply());
    let mut retry = quick_retries(2);
    retry.budget_floor = 1;
    let connection = tower_llm_gateway::Connection::builder("main", RESPONSES.provider)
        .base_url(upstream.url())
        .credential(tower_llm_gateway::Credential::api_key("k"))
        .retry(retry)
        .build()
        .unwrap();
    let connection = Arc::new(connection);
    let gateway = Gateway::builder()
        .retry(retry)
        .rule(Rule::new("*", [Target::new(connection)]))
        .build(client(&Timeouts::default()).unwrap())
        .unwrap();
    let began = std::time::Instant::now();
    let failed = Arc::new(AtomicUsize::new(0));
    for _ in 0..CALLS / 20 {
        let calls = (0..20).map(|_| {
            let (gateway, failed) = (gateway.clone(), failed.clone());
            tokio::spawn(async move {
                let body = RESPONSES.body("m", "");
                let answer = ask(gateway, RESPONSES.post(body)).await;
                assert_eq!(answer.status, 503);
                assert_eq!(answer.headers["x-should-retry"], "false");
                failed.fetch_add(1, Ordering::Relaxed);
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
    }
    assert_eq!(failed.load(Ordering::Relaxed), CALLS);
    // A floor of one retry per second over ten seconds lets ten through at once, and one more for each second since.
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    let sent = upstream.requests().len();
    let allowed = CALLS + 20 + 2 * seconds;
    assert!(sent <= allowed, "{sent} requests of {CALLS} calls");
    assert!(sent > CALLS, "nothing was tried again");
}

#[tokio::test]
async fn r4_storms_of_several_layers_are_kept_apart() {
    for cell in cells() {
        for (wish, sent) in [(None, 3), (Some("0"), 1), (Some("1"), 2), (Some("4"), 5)] {
            let upstream = Upstream::start(|_| Reply::json(503, r#"{"error":{"message":"no"}}"#));
            let mut request = cell.post(cell.body("m", ""));
            if let Some(wish) = wish {
                let wish = HeaderValue::from_static(wish);
                request.headers_mut().insert("x-gateway-max-retries", wish);
            }
            let answer = ask(cell.gateway(&upstream), request).await;
            assert_eq!(upstream.requests().len(), sent, "{cell:?}");
            assert_eq!(answer.headers["x-should-retry"], "false", "{cell:?}");
        }
        for wish in ["11", "-1", "x", "", "1.0", "99999999999999999999"] {
            let upstream = Upstream::new();
            let mut request = cell.post(cell.body("m", ""));
            let wish = HeaderValue::from_static(wish);
            request.headers_mut().insert("x-gateway-max-retries", wish);
            let answer = ask(cell.gateway(&upstream), request).await;
            assert_eq!(answer.status, 400, "{cell:?}");
            cell.assert_error(&answer);
            assert_eq!(upstream.connections(), 0);
        }
    }
}

#[tokio::test]
async fn r9_every_try_gets_the_whole_body() {
    for cell in cells() {
        let upstream = Upstream::start(|_| Fault::Unavailable.reply());
        let text = "x".repeat(1024 * 1024);
        let body = cell.body("m", "").replace("\"hi\"", &format!("\"{text}\""));
        ask(cell.gateway(&upstream), cell.post(body)).await;
        let sent = upstream.wait_requests(3);
        assert_eq!(sent.len(), 3, "{cell:?}");
        assert!(sent[0].contains(&text), "{cell:?}");
        assert!(
            sent.iter().all(|request| request.body == sent[0].body),
            "{cell:?}"
        );
    }
}

#[tokio::test]
async fn r13_refusals_leave_their_connection_to_the_next_call() {
    for cell in cells() {
        for status in [429, 503, 400] {
            let body = format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(30_000));
            let upstream = Upstream::start(move |_| Reply::json(status, body.clone()));
            let gateway = cell.gateway_with(&upstream, |builder| builder.retry(quick_retries(1)));
            for _ in 0..10 {
                ask(gateway.clone(), cell.post(cell.body("m", ""))).await;
            }
            // The pool may not have the connection back when the very next call asks for one.
            assert!(
                upstream.connections() <= 2,
                "{cell:?} {}",
                upstream.connections()
            );
        }
    }
}

#[tokio::test]
async fn r13_nearly_all_refused_calls_use_a_connection_again() {
    const CALLS: usize = 400;
    for cell in cells() {
        let upstream =
            Upstream::start(|_| Reply::json(429, r#"{"error":{"message":"slow down"}}"#));
        let gateway = cell.gateway_with(&upstream, |builder| builder.retry(quick_retries(0)));
        for _ in 0..CALLS {
            let answer = ask(gateway.clone(), cell.post(cell.body("m", ""))).await;
            assert_eq!(answer.status, 429, "{cell:?}");
            // The client's connection has a task of its own, which gives it back.
            tokio::task::yield_now().await;
        }
        let connections = upstream.connections();
        assert!(
            connections <= CALLS / 100,
            "{cell:?}: {connections} connections for {CALLS} calls"
        );
    }
}
