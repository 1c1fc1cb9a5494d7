use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::convert::report::LossReport;
use crate::models::ModelTable;
use crate::options::{Betas, Options};
use crate::provider::Provider;

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

#[derive(Default)]
struct Case {
    options: Options,
    betas: &'static str,
    model: Option<&'static str>,
}

/// What becomes of a body, and what was reported: dropped, approximated.
struct Outcome {
    body: String,
    headers: Vec<(String, String)>,
    dropped: Vec<String>,
    approximated: Vec<String>,
}

impl Outcome {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }
}

impl Case {
    fn with(options: Options) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    fn run(&self, body: &str) -> Result<Outcome, Refusal> {
        let mut headers = HeaderMap::new();
        if !self.betas.is_empty() {
            headers.insert(BETA, HeaderValue::from_static(self.betas));
        }
        let mut capabilities = ModelTable::default().lookup(self.model.unwrap_or(SONNET));
        adapt(&mut capabilities, &self.options);
        let mut report = LossReport::default();
        let mut cx = RequestContext {
            model: SONNET,
            provider: Provider::AwsBedrockInvoke,
            options: &self.options,
            headers: &headers,
            capabilities: &capabilities,
            lossy: false,
            report: &mut report,
        };
        let converted = convert(body.as_bytes(), &mut cx)?;
        let owned = |paths: &[Cow<'static, str>]| paths.iter().map(ToString::to_string).collect();
        Ok(Outcome {
            body: String::from_utf8(converted.body.to_vec()).unwrap(),
            headers: converted
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            dropped: owned(report.dropped()),
            approximated: owned(report.approximated()),
        })
    }
}

fn run(body: &str) -> Outcome {
    Case::default().run(body).unwrap()
}

fn refusal(body: &str) -> Refusal {
    match Case::default().run(body) {
        Err(refusal) => refusal,
        Ok(outcome) => panic!("{}", outcome.body),
    }
}

/// A body with these members beside the usual ones.
fn body_with(members: &str) -> String {
    format!(r#"{{"model":"m","max_tokens":9,"messages":[]{members}}}"#)
}

/// What `messages` becomes.
fn messages(list: &str) -> (Value, Outcome) {
    let outcome = run(&format!(r#"{{"messages":{list}}}"#));
    (outcome.json()["messages"].clone(), outcome)
}

#[test]
fn everything_else_keeps_its_bytes() {
    let outcome = run(
        "{ \"model\" : \"m\",\n \"max_tokens\" : 1e1 , \"stream\":true,\n\t\"messages\":[ {\"role\":\"user\",\"content\":\"h\\u0069 \\/\"} ] ,\"x\":{\"b\":1,\"a\":2} }\n",
    );
    assert_eq!(
        outcome.body,
        "{ \"max_tokens\" : 1e1 , \"messages\":[ {\"role\":\"user\",\"content\":\"h\\u0069 \\/\"} ] ,\"x\":{\"b\":1,\"a\":2} ,\"anthropic_version\":\"bedrock-2023-05-31\"}\n"
    );
    assert!(outcome.dropped.is_empty() && outcome.approximated.is_empty());
    let header = (
        "x-amzn-bedrock-accept".to_owned(),
        "application/json".to_owned(),
    );
    assert_eq!(outcome.headers, [header]);
}

#[test]
fn members_that_go_last_and_alone() {
    let version = r#""anthropic_version":"bedrock-2023-05-31""#;
    for (body, left) in [
        (r#"{"model":"m"}"#, format!("{{{version}}}")),
        (r#"{"stream":false,"model":"m"}"#, format!("{{{version}}}")),
        (
            r#"{"messages":[],"model":"m"}"#,
            format!(r#"{{"messages":[],{version}}}"#),
        ),
        (
            r#"{"model":"m","messages":[], "stream":false}"#,
            format!(r#"{{"messages":[],{version}}}"#),
        ),
    ] {
        let outcome = run(body);
        assert_eq!(outcome.body, left, "{body}");
        assert_eq!(outcome.headers[0].0, "accept");
    }
}

#[test]
fn versions() {
    let body = body_with(r#","anthropic_version":"2026-10-21""#);
    assert_eq!(run(&body).json()["anthropic_version"], "2026-10-21");
    let body = body_with(r#","anthropic_version":null"#);
    assert_eq!(run(&body).json()["anthropic_version"], "bedrock-2023-05-31");
    let options = Options {
        anthropic_version: Some("bedrock-x".to_owned()),
        ..Options::default()
    };
    let outcome = Case::with(options).run(&body).unwrap();
    assert_eq!(outcome.json()["anthropic_version"], "bedrock-x");
}

#[test]
fn betas_go_into_the_body() {
    let case = Case {
        betas: "claude-code-20250219,context-1m-2025-08-07, interleaved-thinking-2025-05-14",
        ..Case::default()
    };
    let outcome = case.run(&body_with("")).unwrap();
    let sent = json!(["context-1m-2025-08-07", "interleaved-thinking-2025-05-14"]);
    assert_eq!(outcome.json()["anthropic_beta"], sent);
    assert_eq!(outcome.dropped, ["anthropic-beta.claude-code-20250219"]);

    // Those of the body follow, each once.
    let body = body_with(r#","anthropic_beta":["effort-2025-11-24","x","context-1m-2025-08-07"]"#);
    let outcome = case.run(&body).unwrap();
    let sent = json!([
        "context-1m-2025-08-07",
        "interleaved-thinking-2025-05-14",
        "effort-2025-11-24"
    ]);
    assert_eq!(outcome.json()["anthropic_beta"], sent);

    for list in [r#"["x"]"#, "[]", "null"] {
        let outcome = run(&body_with(&format!(r#","anthropic_beta":{list}"#)));
        assert_eq!(outcome.json().get("anthropic_beta"), None);
    }
    let refused = refusal(&body_with(r#","anthropic_beta":[7]"#));
    assert_eq!(refused.param, "anthropic_beta");

    let newer = Case {
        model: Some("anthropic.claude-opus-4-8"),
        ..case
    };
    let outcome = newer.run(&body_with("")).unwrap();
    let sent = json!(["context-1m-2025-08-07"]);
    assert_eq!(outcome.json()["anthropic_beta"], sent);

    let all = Case {
        betas: "x",
        ..Case::with(Options {
            betas: Some(Betas::PassAll),
            ..Options::default()
        })
    };
    let outcome = all.run(&body_with("")).unwrap();
    assert_eq!(outcome.json()["anthropic_beta"], json!(["x"]));
}

#[test]
fn members_that_are_left_out() {
    for (member, path) in [
        (r#""context_management":{"edits":[]}"#, "context_management"),
        (r#""user_profile_id":"u""#, "user_profile_id"),
        (r#""workspace_id":"w""#, "workspace_id"),
        (r#""diagnostics":{}"#, "diagnostics"),
        (r#""billing_policy":"x""#, "billing_policy"),
        (r#""fallback_credit_token":"x""#, "fallback_credit_token"),
        (r#""fallbacks":[{"model":"a"}]"#, "fallbacks"),
        (r#""speed":"fast""#, "speed"),
        (r#""service_tier":"other""#, "service_tier"),
    ] {
        let outcome = run(&body_with(&format!(",{member}")));
        assert_eq!(outcome.dropped, [path]);
        assert_eq!(outcome.json().get(path), None);
    }
    for member in [
        r#""speed":"standard""#,
        r#""service_tier":"auto""#,
        r#""service_tier":null"#,
        r#""context_management":null"#,
        r#""container":null"#,
        r#""mcp_servers":[]"#,
        r#""inference_geo":null"#,
        r#""compaction":null"#,
    ] {
        let outcome = run(&body_with(&format!(",{member}")));
        assert!(outcome.dropped.is_empty(), "{member}");
        assert_eq!(outcome.json().as_object().unwrap().len(), 3, "{member}");
    }
}

#[test]
fn the_service_tier_is_a_header() {
    let outcome = run(&body_with(r#","service_tier":"standard_only""#));
    let header = (
        "x-amzn-bedrock-service-tier".to_owned(),
        "default".to_owned(),
    );
    assert!(outcome.headers.contains(&header));
    assert_eq!(outcome.json().get("service_tier"), None);
}

#[test]
fn members_that_mean_too_much() {
    for (member, path) in [
        (r#""container":"c""#, "container"),
        (r#""mcp_servers":[{}]"#, "mcp_servers"),
        (r#""inference_geo":"eu""#, "inference_geo"),
        (r#""thread":{"id":"t"}"#, "thread"),
        (r#""compaction":{}"#, "compaction"),
    ] {
        let refused = refusal(&body_with(&format!(",{member}")));
        assert_eq!(refused.param, path);
        assert_eq!(refused.fault, Fault::Unsupported);
    }
    let allowed = Case {
        betas: "compact-2026-01-12",
        ..Case::default()
    };
    let outcome = allowed.run(&body_with(r#","compaction":{"a":1}"#)).unwrap();
    assert_eq!(outcome.json()["compaction"], json!({"a": 1}));
}

#[test]
fn whether_thinking_is_shown_cannot_be_said() {
    for (thinking, left) in [
        (
            r#"{"type":"adaptive","display":"omitted"}"#,
            r#"{"type":"adaptive"}"#,
        ),
        (
            r#"{"display":"omitted", "type":"enabled","budget_tokens":1024}"#,
            r#"{"type":"enabled","budget_tokens":1024}"#,
        ),
    ] {
        let outcome = run(&body_with(&format!(r#","thinking":{thinking}"#)));
        assert!(outcome.body.contains(&format!(r#""thinking":{left}"#)));
        assert_eq!(outcome.dropped, ["thinking.display"]);
    }
    let thinking = r#","thinking":{"type":"disabled"}"#;
    assert!(run(&body_with(thinking)).dropped.is_empty());
}

#[test]
fn hosted_tools_are_left_out() {
    let tool = r#"{"name":"f","input_schema":{}}"#;
    let search = r#"{"type":"web_search_20250305","name":"web_search"}"#;
    let bash = r#"{"type":"bash_20250124","name":"bash"}"#;
    let find = r#"{"type":"tool_search_tool_bm25_20251119","name":"find"}"#;
    let tools = format!(r#","tools":[{search},{tool},{bash},{find},{search}]"#);
    let outcome = run(&body_with(&tools));
    assert_eq!(outcome.dropped, ["tools[]"]);
    let left = format!(r#""tools":[{tool},{bash},{find}]"#);
    assert!(outcome.body.contains(&left), "{}", outcome.body);

    for choice in ["auto", "none"] {
        let members = format!(r#","tools":[{search}],"tool_choice":{{"type":"{choice}"}}"#);
        let outcome = run(&body_with(&members));
        assert_eq!(outcome.dropped, ["tools[]", "tool_choice"]);
        assert_eq!(outcome.json().get("tools"), None);
        assert_eq!(outcome.json().get("tool_choice"), None);
    }
    for members in [
        format!(
            r#","tools":[{search},{tool}],"tool_choice":{{"type":"tool","name":"web_search"}}"#
        ),
        format!(r#","tools":[{search}],"tool_choice":{{"type":"any"}}"#),
    ] {
        assert_eq!(refusal(&body_with(&members)).param, "tool_choice");
    }
    let members = format!(r#","tools":[{search},{tool}],"tool_choice":{{"type":"any"}}"#);
    assert_eq!(
        run(&body_with(&members)).json()["tool_choice"],
        json!({"type": "any"})
    );
}

#[test]
fn extras_of_tools_stay_unless_the_owner_says_otherwise() {
    let tools = r#","tools":[{"name":"f","strict":true,"input_schema":{},"defer_loading":true,"cache_control":{"type":"ephemeral","scope":"global"}}]"#;
    let outcome = run(&body_with(tools));
    assert_eq!(outcome.json()["tools"][0]["strict"], true);
    assert_eq!(outcome.dropped, ["tools[].cache_control.scope"]);
    let strips = Case::with(Options {
        strip_tool_extras: Some(true),
        ..Options::default()
    });
    let outcome = strips.run(&body_with(tools)).unwrap();
    let left = json!([{"name": "f", "input_schema": {}, "cache_control": {"type": "ephemeral"}}]);
    assert_eq!(outcome.json()["tools"], left);
    assert_eq!(
        outcome.dropped,
        [
            "tools[].strict",
            "tools[].defer_loading",
            "tools[].cache_control.scope"
        ]
    );
}

#[test]
fn cache_marks() {
    let mark = r#""cache_control":{"type":"ephemeral","ttl":"1h","scope":"x"}"#;
    let body = format!(
        r#"{{"system":[{{"type":"text","text":"s",{mark}}}],"messages":[{{"role":"user","content":[{{"type":"tool_result","content":[{{"type":"text","text":"r",{mark}}}],{mark}}}]}}]}}"#
    );
    let outcome = run(&body);
    assert_eq!(
        outcome
            .body
            .matches(r#"{"type":"ephemeral","ttl":"1h"}"#)
            .count(),
        3
    );
    assert_eq!(
        outcome.dropped,
        [
            "system[].cache_control.scope",
            "messages[].content[].cache_control.scope"
        ]
    );
    let strips = Case::with(Options {
        strip_ttl: Some(true),
        ..Options::default()
    });
    let outcome = strips.run(&body).unwrap();
    assert_eq!(outcome.body.matches(r#"{"type":"ephemeral"}"#).count(), 3);
}

#[test]
fn an_automatic_mark_moves_onto_the_last_block() {
    let run = |options: &Options, messages: &str| {
        let body = format!(
            r#"{{"cache_control":{{"type":"ephemeral","scope":"x"}},"messages":{messages}}}"#
        );
        let case = Case::with(options.clone());
        case.run(&body).unwrap()
    };
    let plain = Options::default();
    let mark = json!({"type": "ephemeral"});

    let outcome = run(
        &plain,
        r#"[{"role":"user","content":"a"},{"role":"user","content":"hi"}]"#,
    );
    assert_eq!(outcome.approximated, ["cache_control"]);
    assert_eq!(outcome.json().get("cache_control"), None);
    assert_eq!(
        outcome.json()["messages"],
        json!([
            {"role": "user", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": mark}]}
        ])
    );
    let outcome = run(
        &plain,
        r#"[{"role":"assistant","content":[{"type":"text","text":"x"},{"type":"text","text":" "},{"type":"thinking","thinking":"t","signature":"s"}]}]"#,
    );
    assert_eq!(
        outcome.json()["messages"][0]["content"][0]["cache_control"],
        mark
    );
    // One that is there already is kept.
    let there = r#"[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]"#;
    assert!(run(&plain, there).body.contains(&there[1..there.len() - 1]));
    // A message without a place for it.
    let nowhere =
        r#"[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"}]}]"#;
    assert!(
        run(&plain, nowhere)
            .dropped
            .contains(&"cache_control".to_owned())
    );
    // On what a system message became.
    let outcome = run(
        &plain,
        r#"[{"role":"user","content":"hi"},{"role":"system","content":"s"}]"#,
    );
    assert_eq!(
        outcome.json()["messages"][0]["content"][1]["cache_control"],
        mark
    );

    let native = Options {
        native_auto_cache: Some(true),
        ..Options::default()
    };
    let outcome = run(&native, r#"[{"role":"user","content":"hi"}]"#);
    assert_eq!(outcome.json()["cache_control"]["type"], "ephemeral");
}

#[test]
fn what_is_elsewhere_is_refused() {
    let image = |kind: &str| format!(r#"{{"type":"image","source":{{"type":"{kind}"}}}}"#);
    for kind in ["url", "file"] {
        let image = image(kind);
        for (content, path) in [
            (format!("[{image}]"), "messages[1].content[0].source"),
            (
                format!(
                    r#"[{{"type":"text","text":"x"}},{{"type":"tool_result","content":[{image}]}}]"#
                ),
                "messages[1].content[1].content[0].source",
            ),
            (
                format!(
                    r#"[{{"type":"document","source":{{"type":"content","content":[{image}]}}}}]"#
                ),
                "messages[1].content[0].content[0].source",
            ),
        ] {
            let body = format!(
                r#"{{"messages":[{{"role":"user","content":"a"}},{{"role":"user","content":{content}}}]}}"#
            );
            let refused = refusal(&body);
            assert_eq!((&*refused.param, refused.fault), (path, Fault::Unsupported));
        }
    }
    let (_, outcome) = messages(&format!(
        r#"[{{"role":"user","content":[{},{{"type":"search_result","source":"https://a","content":[]}},{{"type":"tool_use","input":{{"source":{{"type":"url"}}}}}}]}}]"#,
        image("base64")
    ));
    assert!(outcome.dropped.is_empty());
}

#[test]
fn thinking_of_others_is_cut() {
    let (left, outcome) = messages(
        r#"[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"tlg1.openai.x"},{"type":"text","text":"a"}]}]"#,
    );
    assert_eq!(left[0]["content"], json!([{"type": "text", "text": "a"}]));
    assert_eq!(outcome.dropped, ["messages[].content[].signature"]);
}

#[test]
fn system_messages_become_texts_of_the_user() {
    let folded =
        |text: &str| json!({"type": "text", "text": format!("<system>\n{text}\n</system>")});
    let text = |text: &str| json!({"type": "text", "text": text});
    let user = |content: Value| json!({"role": "user", "content": content});
    let result = json!({"type": "tool_result", "tool_use_id": "t", "content": "r"});
    for (list, expected) in [
        // Behind a text, and behind blocks.
        (
            json!([user(json!("a")), {"role": "system", "content": "s"}]),
            json!([user(json!([text("a"), folded("s")]))]),
        ),
        (
            json!([user(json!([result, text("a")])), {"role": "system", "content": "s"}, {"role": "system", "content": "z"}]),
            json!([user(json!([result, text("a"), folded("s"), folded("z")]))]),
        ),
        (
            json!([user(json!([])), {"role": "system", "content": "s"}]),
            json!([user(json!([folded("s")]))]),
        ),
        (
            json!([user(json!(" ")), {"role": "system", "content": "s"}]),
            json!([user(json!([folded("s")]))]),
        ),
        // Before the user's: behind tool results, else in front.
        (
            json!([{"role": "assistant", "content": "c"}, {"role": "system", "content": "s"}, user(json!([result, text("a")])), user(json!("b"))]),
            json!([{"role": "assistant", "content": "c"}, user(json!([result, folded("s"), text("a")])), user(json!("b"))]),
        ),
        (
            json!([{"role": "system", "content": "s"}, user(json!([text("a")])), {"role": "system", "content": "z"}]),
            json!([user(json!([folded("s"), text("a"), folded("z")]))]),
        ),
        (
            json!([{"role": "system", "content": "s"}, user(json!("a"))]),
            json!([user(json!([folded("s"), text("a")]))]),
        ),
        (
            json!([{"role": "system", "content": "s"}, user(json!([])), {"role": "system", "content": "z"}]),
            json!([user(json!([folded("s"), folded("z")]))]),
        ),
        // Without any of the user's.
        (
            json!([user(json!("a")), {"role": "assistant", "content": "c"}, {"role": "system", "content": "s"}, {"role": "system", "content": "z"}, {"role": "assistant", "content": "d"}]),
            json!([user(json!("a")), {"role": "assistant", "content": "c"}, user(json!([folded("s"), folded("z")])), {"role": "assistant", "content": "d"}]),
        ),
        // Nothing to say.
        (
            json!([user(json!("a")), {"role": "system", "content": " \n"}, {"role": "system"}, {"role": "system", "content": []}]),
            json!([user(json!("a"))]),
        ),
        (
            json!([{"role": "assistant", "content": "c"}, {"role": "system", "content": ""}, {"role": "system", "content": "z"}]),
            json!([{"role": "assistant", "content": "c"}, user(json!([folded("z")]))]),
        ),
        // Blocks, with what they carry.
        (
            json!([user(json!("a")), {"role": "system", "content": [
                {"type": "text", "text": "s\n\"", "cache_control": {"type": "ephemeral", "scope": "x"}},
                {"type": "text", "text": " "},
                text("z")
            ]}]),
            json!([user(
                json!([text("a"), {"type": "text", "text": "<system>\ns\n\"\n</system>", "cache_control": {"type": "ephemeral"}}, folded("z")])
            )]),
        ),
    ] {
        let (left, outcome) = messages(&list.to_string());
        assert_eq!(left, expected, "{list}");
        assert_eq!(outcome.approximated, ["messages[].role"]);
    }
}

#[test]
fn what_a_system_message_says_besides_is_reported() {
    let list = r#"[{"role":"user","content":"a"},{"role":"system","content":"s","output_config":{"effort":"low"}}]"#;
    let (_, outcome) = messages(list);
    assert_eq!(outcome.dropped, ["messages[].output_config"]);
    let native = Case::with(Options {
        mid_system: Some(MidSystem::Native),
        ..Options::default()
    });
    let outcome = native.run(&format!(r#"{{"messages":{list}}}"#)).unwrap();
    assert!(outcome.body.contains(list));
    assert!(outcome.approximated.is_empty());
}

#[test]
fn a_body_over_awss_limit_is_refused() {
    let fits = "x".repeat(LARGEST - 200);
    assert!(
        Case::default()
            .run(&body_with(&format!(r#","x":"{fits}""#)))
            .is_ok()
    );
    let over = "x".repeat(LARGEST);
    let refused = refusal(&body_with(&format!(r#","x":"{over}""#)));
    assert_eq!(refused.fault, Fault::TooLarge);
}

/// Any JSON, with the words that mean something here.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "user",
        "system",
        "assistant",
        "text",
        "tool_result",
        "image",
        "url",
        "content",
        "any",
        "tool",
        "thinking",
        "tlg1.x",
        "web_search_1",
        "custom",
        "",
        " ",
        "standard_only",
    ]);
    let keys = prop::sample::select(vec![
        "role",
        "content",
        "type",
        "text",
        "source",
        "cache_control",
        "scope",
        "ttl",
        "name",
        "signature",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "display",
        "model",
        "stream",
        "anthropic_beta",
        "anthropic_version",
        "service_tier",
        "speed",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(k, v)| (k.to_owned(), v))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_body_is_refused_or_becomes_a_body(
        messages in prop::collection::vec(any_json(), 0..6),
        more in any_json(),
        streams in any::<bool>(),
    ) {
        let mut body = json!({"model": "m", "stream": streams, "messages": messages});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            for (key, value) in more {
                body.entry(key).or_insert(value);
            }
        }
        for text in [body.to_string(), serde_json::to_string_pretty(&body).unwrap()] {
            let Ok(outcome) = Case::default().run(&text) else { continue };
            let json: Value = serde_json::from_str(&outcome.body)
                .map_err(|error| TestCaseError::fail(format!("{error}: {}", outcome.body)))?;
            prop_assert!(json.get("model").is_none() && json.get("stream").is_none());
            prop_assert!(json.get("anthropic_version").is_some());
            if let Some(list) = json["messages"].as_array() {
                prop_assert!(list.iter().all(|message| message["role"] != "system"));
            }
        }
    }
}
