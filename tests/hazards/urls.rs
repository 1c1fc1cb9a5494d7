//! Where calls go: only where the configuration says.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response, Uri};
use proptest::prelude::*;
use serde_json::Value;
use tower::service_fn;
use tower_llm_gateway::{Gateway, Payload, Provider, Rule, Target};

use crate::setup::{Cell, ask, cells};
use crate::support::upstream::{Reply, Upstream};

/// The host that every connection of these tests has.
const HOST: &str = "provider.test:8443";

/// Runs one request and gives where it was sent, if anywhere, and the status.
fn sent_to(cell: Cell, request: Request<Payload>) -> (Vec<Uri>, u16) {
    let seen = Arc::<Mutex<Vec<Uri>>>::default();
    let record = seen.clone();
    let client = service_fn(move |request: Request<Payload>| {
        record.lock().unwrap().push(request.uri().clone());
        async { Ok::<_, Infallible>(Response::new(Payload::new("{}"))) }
    });
    let connection = cell.connection("main", &format!("https://{HOST}/base"));
    let gateway = Gateway::builder()
        .connection(connection.clone())
        .rule(Rule::new("*", [Target::new(connection)]))
        .build(client)
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = runtime.block_on(ask(gateway, request));
    let seen = seen.lock().unwrap().clone();
    (seen, answer.status.as_u16())
}

/// A member of a body: names that other gateways took a place from, and any others.
fn member() -> impl Strategy<Value = (String, Value)> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "api_base",
            "base_url",
            "url",
            "host",
            "endpoint",
            "provider",
            "region",
            "aws_region_name",
            "custom_llm_provider",
            "api_key",
            "extra_headers",
            "metadata",
        ])
        .prop_map(str::to_owned),
        "[a-z_]{1,8}",
    ];
    let value = prop_oneof![
        Just(Value::from("http://evil.test/")),
        Just(Value::from("https://169.254.169.254/latest/meta-data")),
        Just(serde_json::json!({"host": "evil.test", "url": ["http://evil.test"]})),
        any::<bool>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    (name, value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn u1_no_request_chooses_the_host(
        members in proptest::collection::vec(member(), 0..5),
        query in "[a-z=/:@.%]{0,12}",
        at in any::<prop::sample::Index>(),
    ) {
        let cells = cells();
        let cell = cells[at.index(cells.len())];
        let mut body: serde_json::Map<String, Value> = serde_json::from_str(&cell.body("m", "")).unwrap();
        for (name, value) in members {
            body.entry(name).or_insert(value);
        }
        let mut request = cell.post(Value::Object(body).to_string());
        if let Ok(uri) = format!("http://evil.test{}?{query}", cell.path).parse() {
            *request.uri_mut() = uri;
        }
        for name in ["host", "x-forwarded-host", "x-gateway-base-url", "x-api-base"] {
            request.headers_mut().insert(name, "evil.test".parse().unwrap());
        }
        let (uris, status) = sent_to(cell, request);
        prop_assert!(uris.len() <= 3 && (status != 200 || !uris.is_empty()), "{} {:?}", status, uris);
        for uri in uris {
            prop_assert_eq!(uri.authority().map(|authority| authority.as_str()), Some(HOST), "{:?}", cell);
            prop_assert_eq!(uri.scheme_str(), Some("https"));
            prop_assert!(uri.path().starts_with("/base/"), "{}", uri);
        }
    }

    #[test]
    fn u2_a_model_is_one_segment_of_a_path(
        model in prop_oneof![
            "[a-z0-9.:/@+_-]{1,24}",
            "([a-z]{1,3}|\\.|\\.\\.|%2e|%2F|/|\\?|#|//|:|@|é|／|\\\\|;|&){1,8}",
            ".{0,20}",
            Just("us.anthropic.claude/../x:0".to_owned()),
            Just("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x-v1:0".to_owned()),
        ],
        aws in any::<bool>(),
        stream in any::<bool>(),
    ) {
        let provider = if aws { Provider::AwsBedrock } else { Provider::AwsBedrockInvoke };
        let cell = Cell { provider, path: "/v1/messages" };
        let quoted = serde_json::to_string(&model).unwrap();
        let more = if stream { r#","stream":true"# } else { "" };
        let body = cell.body(&quoted[1..quoted.len() - 1], more);
        let (uris, status) = sent_to(cell, cell.post(body));
        if uris.is_empty() {
            prop_assert_eq!(status, 400, "{}", model);
            return Ok(());
        }
        let operation = match (aws, stream) {
            (true, false) => "converse",
            (true, true) => "converse-stream",
            (false, false) => "invoke",
            (false, true) => "invoke-with-response-stream",
        };
        for uri in uris {
            prop_assert!(uri.query().is_none(), "{}", uri);
            let mut segments: VecDeque<_> = uri.path().split('/').collect();
            prop_assert_eq!(segments.len(), 5, "{}", uri);
            prop_assert_eq!(segments.pop_back(), Some(operation));
            let id = segments.pop_back().unwrap();
            let decoded = percent_decode(id);
            // A name may begin with the connection's own, which is no part of the id.
            let expected = model.strip_prefix("main/").unwrap_or(&model);
            prop_assert_eq!(&decoded, expected, "{}", uri);
            prop_assert!(id != "." && id != "..");
        }
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let hex = std::str::from_utf8(&rest[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn u4_images_are_never_fetched() {
    let elsewhere = Upstream::start(|_| Reply::json(200, "{}"));
    let url = format!("{}/cat.png", elsewhere.url());
    for cell in cells() {
        let upstream = Upstream::start(|_| Reply::json(400, "{}"));
        let body = match cell.path {
            "/v1/responses" => format!(
                r#"{{"model":"m","input":[{{"role":"user","content":[{{"type":"input_image","image_url":"{url}"}}]}}]}}"#
            ),
            "/v1/messages" => format!(
                r#"{{"model":"m","max_tokens":5,"messages":[{{"role":"user","content":[{{"type":"image","source":{{"type":"url","url":"{url}"}}}}]}}]}}"#
            ),
            _ => format!(
                r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{url}"}}}}]}}]}}"#
            ),
        };
        let answer = ask(cell.gateway(&upstream), cell.post(body)).await;
        assert_eq!(answer.status, 400, "{cell:?}");
        match &upstream.requests()[..] {
            // It goes to providers that take URLs, in the format that they take.
            [sent] => assert!(sent.contains(&url), "{cell:?} {}", sent.text()),
            [] => {
                cell.assert_error(&answer);
                assert!(
                    answer.text().to_lowercase().contains("url"),
                    "{cell:?} {}",
                    answer.text()
                );
            }
            more => panic!("{cell:?} {more:?}"),
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}
