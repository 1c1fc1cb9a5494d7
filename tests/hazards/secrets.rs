//! Secrets and headers: nothing of a client's goes up that has no business there, nothing of a provider's comes down.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::BodyExt;
use proptest::prelude::*;
use tower::{ServiceExt, service_fn};
use tower_llm_gateway::{
    Connection, Credential, Gateway, GatewayLayer, Outcome, Payload, Provider, Rule, Target,
};

use crate::setup::{Cell, PROVIDER_KEY, ask, cells, quick_retries};
use crate::support::upstream::{Reply, Upstream};

const CANARY: &str = "canary-7f3a91";

/// Headers that clients send, or that proxies before the gateway add.
const CANARIES: [&str; 52] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "api-key",
    "authorization",
    "authorization-extra",
    "baggage",
    "cache-control",
    "cdn-loop",
    "cf-connecting-ip",
    "content-language",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "from",
    "helicone-auth",
    "http2-settings",
    "if-match",
    "if-none-match",
    "keep-alive",
    "origin",
    "pragma",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-target",
    "x-amzn-bedrock-trace",
    "x-api-key",
    "x-auth-token",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-gateway-connection",
    "x-goog-api-key",
    "x-goog-user-project",
    "x-real-ip",
    "x-request-id",
    "x-stainless-lang",
    "x-stainless-retry-count",
];

/// The names of the headers that a request of this cell has, whatever the client sent.
fn outgoing(cell: Cell, signed: bool, stream: bool) -> Vec<&'static str> {
    let mut names = vec!["content-length", "content-type", "host", "user-agent"];
    names.push(match cell.provider {
        Provider::Anthropic => "x-api-key",
        _ => "authorization",
    });
    if cell.is_aws() {
        if signed {
            names.push("x-amz-date");
        }
        if cell.provider == Provider::AwsBedrockInvoke {
            names.push(if stream {
                "x-amzn-bedrock-accept"
            } else {
                "accept"
            });
        }
    } else {
        names.extend(["accept", "accept-encoding"]);
    }
    if cell.provider == Provider::Anthropic {
        names.push("anthropic-version");
    }
    names.sort_unstable();
    names
}

#[tokio::test]
async fn s1_nothing_of_a_clients_headers_goes_upstream() {
    for cell in cells() {
        for signed in [false, true] {
            if signed && !cell.is_aws() {
                continue;
            }
            let upstream = Upstream::start(|_| Reply::json(400, "{}"));
            let credential = if signed {
                Credential::aws_keys("AKIDEXAMPLE", "aws-secret", None)
            } else {
                Credential::api_key(PROVIDER_KEY)
            };
            let connection = cell.connection_with("main", &upstream.url(), credential);
            let gateway = Gateway::builder()
                .connection(connection.clone())
                .rule(Rule::new("*", [Target::new(connection)]))
                .build(tower_llm_gateway::client::client(&Default::default()).unwrap())
                .unwrap();
            for more in ["", r#","stream":true"#] {
                let mut request = cell.post(cell.body("m", more));
                for name in CANARIES {
                    request
                        .headers_mut()
                        .insert(name, HeaderValue::from_static(CANARY));
                }
                request
                    .headers_mut()
                    .append("cookie", HeaderValue::from_static("canary-7f3a91=1"));
                ask(gateway.clone(), request).await;
            }
            let sent = upstream.wait_requests(2);
            assert_eq!(sent.len(), 2, "{cell:?}");
            for (request, stream) in sent.into_iter().zip([false, true]) {
                let mut names: Vec<_> = request
                    .headers
                    .iter()
                    .map(|(name, _)| name.to_ascii_lowercase())
                    .collect();
                names.sort_unstable();
                assert_eq!(names, outgoing(cell, signed, stream), "{cell:?}");
                assert!(!request.contains("canary"), "{cell:?}");
            }
        }
    }
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Every kind of answer that has something to say of the request: refusals, failures, streams that break, successes.
fn answers() -> Vec<Reply> {
    vec![
        Reply::json(200, "{}"),
        Reply::json(200, "not json"),
        Reply::json(400, r#"{"error":{"message":"no"}}"#),
        Reply::json(401, r#"{"error":{"message":"bad key"}}"#),
        Reply::json(403, r#"{"message":"denied"}"#),
        Reply::json(500, "<html>oops</html>"),
        Reply::json(307, "").header("location", "http://127.0.0.1:9/?key=1"),
        Reply::sse(["data: {\"error\":{\"message\":\"x\"}}\n\n"]),
        Reply::sse(["data: nothing\n\n"]).reset(),
        Reply::no_head_fin(),
        Reply::no_head_reset(),
    ]
}

#[tokio::test]
async fn s2_secrets_are_neither_logged_nor_answered() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    const AWS_SECRET: &str = "aws-secret-91c2d7";
    const AWS_SESSION: &str = "aws-session-44be0a";
    let secrets = [PROVIDER_KEY, CANARY, AWS_SECRET, AWS_SESSION];
    for (cell, signed) in cells()
        .into_iter()
        .flat_map(|cell| [(cell, false), (cell, true)])
        .filter(|(cell, signed)| !signed || cell.is_aws())
    {
        let upstream = Upstream::new();
        let credential = if signed {
            Credential::aws_keys("AKIDEXAMPLE", AWS_SECRET, Some(AWS_SESSION.to_owned()))
        } else {
            Credential::api_key(PROVIDER_KEY)
        };
        let connection = cell.connection_with("main", &upstream.url(), credential);
        let gateway = Gateway::builder()
            .connection(connection.clone())
            .rule(Rule::new("*", [Target::new(connection)]))
            .retry(quick_retries(0))
            .build(tower_llm_gateway::client::client(&Default::default()).unwrap())
            .unwrap();
        let shown = format!("{gateway:?}");
        assert!(
            !secrets.iter().any(|secret| shown.contains(secret)),
            "{shown}"
        );
        for reply in answers() {
            upstream.push(reply);
            for name in ["x-api-key", "authorization", "cookie"] {
                let mut request = cell.post(cell.body("m", r#","stream":true"#));
                request
                    .headers_mut()
                    .insert(name, HeaderValue::from_static(CANARY));
                request
                    .headers_mut()
                    .insert("x-gateway-max-retries", HeaderValue::from_static("0"));
                *request.uri_mut() = format!("{}?key={CANARY}", cell.path).parse().unwrap();
                if cell.is_passthrough() {
                    // A query goes on to the same provider: it is for it alone.
                    *request.uri_mut() = cell.path.parse().unwrap();
                }
                let answer = ask(gateway.clone(), request).await;
                for secret in secrets {
                    let seen = format!("{:?} {}", answer.headers, answer.text());
                    assert!(!seen.contains(secret), "{cell:?} {seen}");
                }
            }
        }
        // On the way up each key stands in the one header that it is for, and a secret that signs nowhere.
        for request in upstream.requests() {
            assert!(
                !request.contains(CANARY) && !request.contains(AWS_SECRET),
                "{cell:?}"
            );
            let mut keys = Vec::new();
            for (name, value) in &request.headers {
                if value.contains(PROVIDER_KEY) || value.contains(AWS_SESSION) {
                    keys.push(name.to_ascii_lowercase());
                }
            }
            let expected = match cell.provider {
                _ if signed => "x-amz-security-token",
                Provider::Anthropic => "x-api-key",
                _ => "authorization",
            };
            assert_eq!(keys, [expected], "{cell:?}");
        }
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("tower_llm_gateway"), "nothing was logged");
    for secret in secrets {
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}

#[test]
fn s2_debug_shows_no_secret() {
    let connection = Connection::builder("c", Provider::OpenAi)
        .credential(Credential::api_key(PROVIDER_KEY))
        .header("x-extra", PROVIDER_KEY);
    let shown = format!("{connection:?}");
    assert!(!shown.contains(PROVIDER_KEY), "{shown}");
    let connection = Arc::new(connection.build().unwrap());
    let target = Target::new(connection.clone());
    let gateway = Gateway::builder()
        .client_keys(tower_llm_gateway::ClientKeys::new().with("ci", CANARY))
        .connection(connection.clone())
        .rule(Rule::new("*", [target.clone()]))
        .build(())
        .unwrap();
    for shown in [
        format!(
            "{connection:?} {target:?} {gateway:?} {:?}",
            gateway.routes()
        ),
        format!("{:?}", GatewayLayer::new(gateway)),
        format!("{:?}", Credential::api_key(PROVIDER_KEY)),
        format!(
            "{:?}",
            Credential::aws_keys(CANARY, PROVIDER_KEY, Some(CANARY.to_owned()))
        ),
        format!(
            "{:?}",
            tower_llm_gateway::ClientKeys::new().with("ci", CANARY)
        ),
    ] {
        assert!(
            !shown.contains(PROVIDER_KEY) && !shown.contains(CANARY),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn s2_injected_keys_are_marked_as_sensitive() {
    for cell in cells() {
        let seen = Arc::<Mutex<Vec<(HeaderName, bool)>>>::default();
        let record = seen.clone();
        let client = service_fn(move |request: Request<Payload>| {
            for (name, value) in request.headers() {
                if value.to_str().is_ok_and(|text| text.contains(PROVIDER_KEY)) {
                    let entry = (name.clone(), value.is_sensitive());
                    record.lock().unwrap().push(entry);
                }
            }
            async { Ok::<_, std::convert::Infallible>(http::Response::new(Payload::new("{}"))) }
        });
        let connection = cell.connection("main", "http://127.0.0.1:9");
        let gateway = Gateway::builder()
            .connection(connection.clone())
            .rule(Rule::new("*", [Target::new(connection)]))
            .build(client)
            .unwrap();
        ask(gateway, cell.post(cell.body("m", ""))).await;
        let seen = seen.lock().unwrap();
        assert!(
            !seen.is_empty() && seen.iter().all(|(_, sensitive)| *sensitive),
            "{cell:?} {seen:?}"
        );
    }
}

#[tokio::test]
async fn s3_only_listed_headers_come_back() {
    for cell in cells() {
        for status in [200, 400, 429, 503] {
            let mut reply = Reply::json(status, r#"{"error":{"message":"no"}}"#);
            for (name, value) in [
                ("Access-Control-Allow-Origin", "*"),
                ("Alt-Svc", "h3=\":443\""),
                ("Authorization", "canary-7f3a91"),
                ("CF-RAY", "1"),
                ("Connection", "Keep-Alive, Content-Type"),
                ("cOnNeCtIoN", "X-RateLimit-Limit-Requests"),
                ("Keep-Alive", "timeout=5"),
                ("OpenAI-Organization", "the-account"),
                ("Server", "provider"),
                ("Set-Cookie", "canary-7f3a91=1"),
                ("Strict-Transport-Security", "max-age=1"),
                ("Trailer", "x"),
                ("Upgrade", "h2c"),
                ("X-Amzn-Trace-Id", "1"),
                ("X-RateLimit-Limit-Requests", "7"),
                ("X-RateLimit-Remaining-Requests", "6"),
            ] {
                reply = reply.header(name, value);
            }
            let upstream = Upstream::start(move |_| reply.clone());
            let gateway = cell.gateway_with(&upstream, |builder| builder.retry(quick_retries(0)));
            let answer = ask(gateway, cell.post(cell.body("m", ""))).await;
            let mut expected = vec![
                "content-type",
                "x-gateway-attempts",
                "x-gateway-connection",
                "x-gateway-model",
                "x-gateway-provider",
                "x-gateway-request-id",
                "x-ratelimit-remaining-requests",
            ];
            expected.push(if cell.path == "/v1/messages" {
                "request-id"
            } else {
                "x-request-id"
            });
            let names: Vec<_> = answer
                .names()
                .into_iter()
                .filter(|name| {
                    ![
                        "x-should-retry",
                        "x-gateway-approximated",
                        "x-gateway-dropped",
                    ]
                    .contains(name)
                })
                .filter(|name| !name.starts_with("anthropic-ratelimit-"))
                // Known to servers by the body; some answers carry it, some do not.
                .filter(|name| *name != "content-length")
                .collect();
            expected.retain(|name| !name.starts_with("x-ratelimit") || names.contains(name));
            expected.sort_unstable();
            assert_eq!(names, expected, "{cell:?} {status}");
            let seen = format!("{:?}", answer.headers);
            assert!(!seen.contains("canary"), "{seen}");
        }
    }
}

#[tokio::test]
async fn s4_a_client_cannot_have_the_key_removed_on_the_way() {
    for cell in cells() {
        let upstream = Upstream::start(|_| Reply::json(400, "{}"));
        let mut request = cell.post(cell.body("m", ""));
        for line in [
            "close, Authorization",
            "x-api-key,X-Amz-Date",
            "content-length",
        ] {
            request
                .headers_mut()
                .append("connection", HeaderValue::from_static(line));
        }
        ask(cell.gateway(&upstream), request).await;
        let sent = &upstream.wait_requests(1)[0];
        let head = String::from_utf8(sent.head.clone()).unwrap();
        assert!(head.contains(PROVIDER_KEY), "{cell:?} {head}");
        assert_eq!(sent.header("connection"), None, "{cell:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn s5_no_string_splits_a_head(
        model in "[a-z/:.%\\r\\n\\x00 é@+-]{0,20}|.{0,30}",
        beta in proptest::collection::vec(0_u8..128, 0..20),
        tool in "[a-z\\r\\n\\x00é: ]{0,20}",
        at in any::<prop::sample::Index>(),
    ) {
        let cells = cells();
        let cell = cells[at.index(cells.len())];
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let model_json = quoted(&model);
        let more = match cell.path {
            "/v1/messages" => format!(r#","tools":[{{"name":{},"input_schema":{{"type":"object"}}}}]"#, quoted(&tool)),
            "/v1/responses" => format!(r#","tools":[{{"type":"function","name":{},"parameters":{{"type":"object"}}}}]"#, quoted(&tool)),
            _ => format!(r#","tools":[{{"type":"function","function":{{"name":{}}}}}]"#, quoted(&tool)),
        };
        let body = cell.body(&model_json[1..model_json.len() - 1], &more);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let upstream = Upstream::start(|_| Reply::json(400, "{}"));
            let mut request = cell.post(body);
            for name in ["anthropic-beta", "openai-beta", "openai-organization", "x-request-id"] {
                if let Ok(value) = HeaderValue::from_bytes(&beta) {
                    request.headers_mut().insert(name, value);
                }
            }
            let answer = ask(cell.gateway(&upstream), request).await;
            assert!(answer.status.is_client_error(), "{cell:?} {answer:?}");
            let sent = upstream.requests();
            assert!(sent.len() <= 1 && upstream.errors().is_empty(), "{:?}", upstream.errors());
            for request in sent {
                assert_eq!(request.method, "POST");
                assert!(serde_json::from_slice::<serde_json::Value>(&request.body).is_ok());
            }
        });
    }
}

#[tokio::test]
async fn s7_an_error_tells_no_part_of_a_key() {
    let key = "sk-proj-abcdEFGH1234ijkl5678mnop";
    let error = format!(
        r#""error":{{"type":"authentication_error","code":"invalid_api_key","message":"Incorrect API key provided: {key}. You can find it at https://x.test"}}"#
    );
    for cell in cells() {
        for status in [401, 403, 429] {
            let body = match cell.provider {
                Provider::Anthropic => format!(r#"{{"type":"error",{error}}}"#),
                _ if cell.is_aws() => format!(r#"{{"message":"Incorrect API key: {key}."}}"#),
                _ => format!("{{{error}}}"),
            };
            let upstream = Upstream::start(move |_| Reply::json(status, body.clone()));
            let answer = ask(cell.gateway(&upstream), cell.post(cell.body("m", ""))).await;
            cell.assert_error(&answer);
            assert_eq!(answer.status.as_u16(), status, "{cell:?}");
            for part in ["abcdEFGH", "5678mnop", "ijkl"] {
                assert!(!answer.text().contains(part), "{cell:?} {}", answer.text());
            }
        }
    }
}

/// What the body says of the call is there also for the extension's reader.
#[tokio::test]
async fn s2_an_outcome_shows_no_secret() {
    let cell = cells()[0];
    let upstream = Upstream::start(|_| Reply::json(200, "{}"));
    let Ok(response) = cell
        .gateway(&upstream)
        .oneshot(cell.post(cell.body("m", "")))
        .await;
    let outcome = format!("{:?}", response.extensions().get::<Outcome>().unwrap());
    assert!(!outcome.contains(PROVIDER_KEY), "{outcome}");
    let body: Bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "{}");
}
