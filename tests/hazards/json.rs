//! What a request's JSON may be, and what its limits are.

use proptest::prelude::*;
use tower_llm_gateway::Provider;

use crate::setup::{Cell, ask, cells, limits, quick_retries};
use crate::support::upstream::{Reply, Upstream};

/// Sends these bodies, none of which may reach the provider, and gives the answers' bodies.
async fn refused(
    cell: Cell,
    bodies: impl IntoIterator<Item = Vec<u8>>,
    status: u16,
    limited: impl FnOnce(&mut tower_llm_gateway::settings::Limits),
) -> Vec<String> {
    let upstream = Upstream::start(|_| Reply::json(400, "{}"));
    let gateway = cell.gateway_with(&upstream, |builder| builder.limits(limits(limited)));
    let mut texts = Vec::new();
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        let answer = ask(gateway.clone(), cell.post(body)).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{cell:?} {shown} {answer:?}"
        );
        cell.assert_error(&answer);
        assert_eq!(upstream.connections(), 0, "{cell:?} {shown}");
        texts.push(answer.text().to_owned());
    }
    texts
}

#[tokio::test]
async fn j1_a_member_that_stands_twice_is_refused() {
    for cell in cells() {
        for (name, more) in [
            ("model", r#","model":"other""#),
            ("model", r#","mod\u0065l":"other""#),
            ("stream", r#","stream":false,"stream":true"#),
            ("stream", r#","\u0073tream":false,"stream":true"#),
            ("tools", r#","tools":[],"tools":[{}]"#),
            ("max_tokens", r#","max_tokens":5,"max_tokens":6"#),
            (
                "never_heard_of",
                r#","never_heard_of":1,"never_heard_of":1"#,
            ),
        ] {
            let body = cell.body("m", more).into_bytes();
            let texts = refused(cell, [body], 400, |_| {}).await;
            assert!(texts[0].contains(name), "{}", texts[0]);
        }
    }
}

/// A body whose value `x` nests so deep that the whole is of this depth.
fn deep(cell: Cell, depth: usize) -> Vec<u8> {
    let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
    cell.body("m", &format!(r#","x":{open}1{close}"#))
        .into_bytes()
}

#[tokio::test]
async fn j2_nesting_is_limited() {
    for cell in cells() {
        refused(cell, [deep(cell, 129), deep(cell, 100_000)], 400, |_| {}).await;
        refused(cell, [deep(cell, 9)], 400, |limits| limits.json_depth = 8).await;
        let upstream = Upstream::start(|_| Reply::json(418, "{}"));
        let gateway = cell.gateway_with(&upstream, |builder| builder);
        let answer = ask(gateway, cell.post(deep(cell, 128))).await;
        assert_eq!(
            answer.status,
            if cell.is_passthrough() {
                418
            } else {
                answer.status.as_u16()
            }
        );
        assert!(!answer.text().contains("nest"), "{cell:?} {answer:?}");
    }
}

#[tokio::test]
async fn j3_a_body_over_the_limit_is_a_413() {
    for cell in cells() {
        let long = cell.body("m", &format!(r#","x":"{}""#, "x".repeat(5000)));
        refused(cell, [long.into_bytes()], 413, |limits| {
            limits.request_body = 4096
        })
        .await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn j4_numbers_and_order_pass_as_they_are(
        before in proptest::collection::vec(odd_member(), 0..4),
        after in proptest::collection::vec(odd_member(), 0..4),
        at in any::<prop::sample::Index>(),
    ) {
        let cells: Vec<_> = cells().into_iter().filter(|cell| cell.is_passthrough()).collect();
        let cell = cells[at.index(cells.len())];
        let list = |from: &str, members: &[String]| members.iter().enumerate()
            .map(|(at, value)| format!("\"{from}{at}\" :{value}"))
            .collect::<Vec<_>>();
        let mut parts = list("z", &before);
        parts.push("\"model\"\t: \"main/real\"".to_owned());
        parts.extend(list("a", &after));
        let body = format!(" {{{} }}\n", parts.join(" ,"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let upstream = Upstream::start(|_| Reply::json(200, "{}"));
            ask(cell.gateway(&upstream), cell.post(body.clone())).await;
            assert_eq!(upstream.wait_requests(1)[0].text(), body.replace("main/real", "real"), "{cell:?}");
        });
    }
}

/// JSON that a parser would not give back as it was.
fn odd_member() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "1e400",
        "-0",
        "0.10",
        "18446744073709551616",
        "1E+2",
        "\"\\u00e9\\/\"",
        "\"\\ud83d\\ude00\"",
        "{ \"b\":1, \"a\":{\"model\":\"inner\"} }",
        "[1 ,2.0,\t[]]",
        "null",
        "\"é\"",
        "\"\\ud800\"",
    ])
    .prop_map(str::to_owned)
}

#[tokio::test]
async fn j4_schemas_and_inputs_are_converted_as_they_are() {
    let schema = r#"{"type":"object","properties":{"z":{"type":"number","maximum":1e400},"a":{"const":18446744073709551616}}}"#;
    for cell in cells() {
        let more = match cell.path {
            "/v1/messages" => format!(r#","tools":[{{"name":"f","input_schema":{schema}}}]"#),
            "/v1/responses" => {
                format!(r#","tools":[{{"type":"function","name":"f","parameters":{schema}}}]"#)
            }
            _ => format!(
                r#","tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]"#
            ),
        };
        let upstream = Upstream::start(|_| Reply::json(400, "{}"));
        let answer = ask(cell.gateway(&upstream), cell.post(cell.body("m", &more))).await;
        match &upstream.requests()[..] {
            [sent] => {
                let text = sent.text();
                let (z, a) = (text.find("\"z\""), text.find("\"a\""));
                assert!(z.is_some() && z < a, "{cell:?} {text}");
                assert!(
                    text.contains("1e400") && text.contains("18446744073709551616"),
                    "{cell:?} {text}"
                );
            }
            _ => assert!(answer.text().contains("tools"), "{cell:?} {answer:?}"),
        }
    }
}

#[tokio::test]
async fn j5_what_is_no_json_is_refused() {
    for cell in cells() {
        let mut bodies: Vec<Vec<u8>> = vec![
            Vec::new(),
            b"\xef\xbb\xbf{\"model\":\"m\"}".to_vec(),
            b"{\"model\":\"m\",\"x\":\"\xff\"}".to_vec(),
            b"{\"model\":\"m\",\"x\":\"\0\"}".to_vec(),
            b"{\"model\":\"m\"}\0".to_vec(),
            b"{\"model\":\"m\"} {}".to_vec(),
            b"[{\"model\":\"m\"}]".to_vec(),
        ];
        for value in [
            "NaN",
            "01",
            "+1",
            ".5",
            "1.",
            "'x'",
            "[1,]",
            "{\"a\":1,}",
            "tru",
            "\"\\x\"",
            "\"\\u12\"",
        ] {
            bodies.push(cell.body("m", &format!(",\"x\":{value}")).into_bytes());
        }
        refused(cell, bodies, 400, |_| {}).await;
    }
}

#[tokio::test]
async fn j6_members_are_limited() {
    for cell in cells() {
        let many = |count: usize| {
            let members: Vec<_> = (0..count).map(|at| format!("\"k{at}\":0")).collect();
            cell.body("m", &format!(",\"metadata\":{{{}}}", members.join(",")))
                .into_bytes()
        };
        refused(cell, [many(101)], 400, |limits| limits.members = 100).await;
    }
    let cell = Cell {
        provider: Provider::OpenAi,
        path: "/v1/chat/completions",
    };
    let many = |count: usize| {
        let members: Vec<_> = (0..count).map(|at| format!(",\"k{at}\":0")).collect();
        cell.body("m", &members.concat()).into_bytes()
    };
    refused(cell, [many(65_536), many(1_000_000)], 400, |_| {}).await;
}

#[tokio::test]
async fn limits_bound_the_models_name() {
    for cell in cells() {
        refused(
            cell,
            [cell.body(&"m".repeat(257), "").into_bytes()],
            400,
            |_| {},
        )
        .await;
        let texts = refused(cell, [cell.body("mmmmm", "").into_bytes()], 400, |limits| {
            limits.model_id = 4
        })
        .await;
        assert!(texts[0].contains("model"), "{texts:?}");
        // Longer names may be allowed.
        let upstream = Upstream::start(|_| Reply::json(418, "{}"));
        let gateway = cell.gateway_with(&upstream, |builder| {
            builder
                .limits(limits(|limits| limits.model_id = 2048))
                .retry(quick_retries(0))
        });
        let answer = ask(gateway, cell.post(cell.body(&"m".repeat(2000), ""))).await;
        assert_eq!(upstream.requests().len(), 1, "{cell:?} {answer:?}");
    }
}

#[tokio::test]
async fn limits_bound_what_is_held_of_an_answer() {
    for cell in cells() {
        let long = format!(r#"{{"pad":"{}"}}"#, "x".repeat(100_000));
        let body = long.clone();
        let upstream = Upstream::start(move |_| Reply::json(200, body.clone()));
        let gateway = cell.gateway_with(&upstream, |builder| {
            builder
                .limits(limits(|limits| limits.response_body = 50_000))
                .retry(quick_retries(0))
        });
        let answer = ask(gateway, cell.post(cell.body("m", ""))).await;
        if answer.status == 200 {
            // What passes through is passed on as it comes, however long.
            assert!(answer.body == long, "{cell:?}");
        } else {
            assert_eq!(answer.status, 502, "{cell:?}");
            cell.assert_error(&answer);
        }
        assert_eq!(answer.status == 200, cell.is_passthrough(), "{cell:?}");
    }
}

#[tokio::test]
async fn limits_bound_an_errors_body() {
    for cell in cells() {
        let long = format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(100_000));
        let upstream = Upstream::start(move |_| Reply::json(429, long.clone()));
        let gateway = cell.gateway_with(&upstream, |builder| builder.retry(quick_retries(0)));
        let answer = ask(gateway, cell.post(cell.body("m", ""))).await;
        assert_eq!(answer.status, 429, "{cell:?}");
        cell.assert_error(&answer);
        assert!(
            answer.body.len() <= 65 * 1024,
            "{cell:?} {}",
            answer.body.len()
        );
    }
}
