//! The members that are neither conversation nor tools.

use serde_json::{Value, json};

use super::{
    ALL, GPT, LLAMA, NOVA, NOVA_2, OPUS_4_6, OPUS_4_7, OSS, SONNET, SONNET_3_7, request, to,
};
use crate::target::{EffortField, Options};

#[test]
fn a_plain_request() {
    for model in ALL {
        let done = to(model).with(json!({"system": "Be exact."}));
        let mut expected = json!({
            "messages": [{"role": "user", "content": [{"text": "hi"}]}],
            "system": [{"text": "Be exact."}],
            "inferenceConfig": {"maxTokens": 900},
        });
        if model.contains("claude") {
            expected["additionalModelResponseFieldPaths"] =
                json!(["/stop_sequence", "/usage/output_tokens_details"]);
        }
        assert_eq!(done.body, expected, "{model}");
        assert!(
            done.dropped.is_empty() && done.approximated.is_empty(),
            "{done:?}"
        );
        assert_eq!(done.state.model, "\"asked\"");
        assert!(done.text.starts_with(r#"{"messages":"#));
    }
}

#[test]
fn limits() {
    for (model, asked, sent) in [
        (SONNET, json!(0), json!(1)),
        (SONNET, json!(1), json!(1)),
        (SONNET, json!(64_001), json!(64_000)),
        (GPT, json!(3), json!(16)),
        (LLAMA, json!(1_000_000), json!(1_000_000)),
    ] {
        let done = to(model).with(json!({"max_tokens": asked}));
        assert_eq!(done.body["inferenceConfig"]["maxTokens"], sent);
        let changed: &[&str] = if asked == sent { &[] } else { &["max_tokens"] };
        assert_eq!(done.approximated, changed, "{model} {asked}");
    }
    to(SONNET).invalid("max_tokens", json!({"max_tokens": null}));
    to(SONNET).invalid("max_tokens", json!({"max_tokens": -1}));
    to(SONNET).invalid("max_tokens", json!({"max_tokens": "9"}));
}

#[test]
fn sampling() {
    let asked = json!({"temperature": 0.30, "top_p": 0.9, "top_k": 5});
    for (model, fields, dropped) in [
        (SONNET, json!({"top_k": 5}), &[][..]),
        (NOVA, json!({"inferenceConfig": {"topK": 5}}), &[]),
        (OPUS_4_7, Value::Null, &["top_k"]),
        (OSS, Value::Null, &["top_k"]),
    ] {
        let done = to(model).with(asked.clone());
        assert_eq!(
            done.body["inferenceConfig"],
            json!({"maxTokens": 900, "temperature": 0.3, "topP": 0.9})
        );
        assert_eq!(done.body["additionalModelRequestFields"], fields, "{model}");
        assert_eq!(done.dropped, dropped);
    }
    to(SONNET).invalid("temperature", json!({"temperature": "hot"}));
    to(SONNET).invalid("top_k", json!({"top_k": [1]}));
    // Nova's highest effort stands alone.
    let members = json!({"temperature": 0.3, "top_p": 0.9, "thinking": {"type": "adaptive"}});
    let done = to(NOVA_2).with(members);
    assert!(done.body.get("inferenceConfig").is_none());
    assert_eq!(done.dropped, ["max_tokens", "temperature", "top_p"]);
}

#[test]
fn stop_sequences() {
    let done = to(SONNET).with(json!({"stop_sequences": ["</x>", "", " "]}));
    assert_eq!(
        done.body["inferenceConfig"]["stopSequences"],
        json!(["</x>", " "])
    );
    assert_eq!(done.dropped, ["stop_sequences[]"]);
}

#[test]
fn thinking() {
    let verbatim = json!({"type": "enabled", "budget_tokens": 4000, "display": "omitted"});
    let done = to(SONNET).with(json!({"thinking": verbatim}));
    assert_eq!(
        done.body["additionalModelRequestFields"],
        json!({"thinking": verbatim})
    );
    assert!(done.dropped.is_empty() && done.approximated.is_empty());

    let between = json!({"type": "between_tools", "new": 1});
    let members = json!({"thinking": between, "output_config": {"effort": "max"}});
    let done = to(OPUS_4_6).with(members.clone());
    assert_eq!(
        done.body["additionalModelRequestFields"],
        json!({"thinking": between, "output_config": {"effort": "max"}})
    );
    let options = Options {
        effort_field: Some(EffortField::TopLevel),
        ..Options::default()
    };
    let done = to(OPUS_4_6).options(options).with(members);
    assert_eq!(
        done.body["additionalModelRequestFields"],
        json!({"thinking": between})
    );
    assert_eq!(done.body["outputConfig"], json!({"effort": "max"}));

    let opus_4_5 = to("anthropic.claude-opus-4-5-20251101-v1:0");
    let done = opus_4_5.with(json!({"output_config": {"effort": "low"}}));
    assert_eq!(
        done.body["additionalModelRequestFields"],
        json!({"output_config": {"effort": "low"}, "anthropic_beta": ["effort-2025-11-24"]})
    );

    let asked =
        json!({"thinking": {"type": "enabled", "budget_tokens": 9000, "display": "omitted"}});
    let done = to(OSS).with(asked);
    assert_eq!(
        done.body["additionalModelRequestFields"],
        json!({"reasoning_effort": "high"})
    );
    assert_eq!(done.approximated, ["thinking"]);
    assert_eq!(done.dropped, ["thinking.display"]);

    let done = to(LLAMA)
        .with(json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}));
    assert_eq!(done.dropped, ["thinking", "output_config.effort"]);
    let done = to(OSS).with(json!({"thinking": {"type": "disabled"}}));
    assert!(done.body.get("additionalModelRequestFields").is_none());

    to(SONNET).invalid("thinking.type", json!({"thinking": {}}));
    to(SONNET).invalid(
        "thinking.budget_tokens",
        json!({"thinking": {"type": "enabled"}}),
    );
    to(OSS).invalid("thinking.type", json!({"thinking": {"type": "deep"}}));
    to(SONNET).invalid(
        "output_config.effort",
        json!({"output_config": {"effort": "none"}}),
    );
}

#[test]
fn structured_output() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "object"}}});
    let format = json!({"type": "json_schema", "schema": schema});
    let text = |done: &super::Done| {
        let structure = &done.body["outputConfig"]["textFormat"]["structure"]["jsonSchema"];
        assert!(structure.get("name").is_none());
        structure["schema"].as_str().unwrap().to_owned()
    };
    for members in [
        json!({"output_config": {"format": format}}),
        json!({"output_format": format}),
    ] {
        let done = to(OPUS_4_6).with(members.clone());
        assert_eq!(
            text(&done),
            r#"{"properties":{"a":{"type":"object","additionalProperties":false}},"type":"object","additionalProperties":false}"#
        );
        assert_eq!(done.approximated, ["output_config.format.schema"]);
        let done = to(OSS).with(members);
        assert_eq!(text(&done), schema.to_string());
        assert!(done.approximated.is_empty());
    }
    for (param, format) in [
        ("output_config.format.type", json!({"schema": {}})),
        (
            "output_config.format.schema",
            json!({"type": "json_schema"}),
        ),
        (
            "output_config.format.schema",
            json!({"type": "json_schema", "schema": true}),
        ),
    ] {
        to(SONNET).invalid(param, json!({"output_config": {"format": format}}));
    }
    let other = json!({"output_config": {"format": {"type": "grammar"}}});
    to(SONNET).unsupported("output_config.format.type", other);
}

#[test]
fn the_users_account() {
    let agent = r#"{"device_id":"d","session_id":"s"}"#;
    let members =
        json!({"metadata": {"user_id": agent, "new": 1}, "service_tier": "standard_only"});
    let done = to(SONNET).with(members.clone());
    assert_eq!(
        done.body["additionalModelRequestFields"],
        json!({"metadata": {"user_id": agent}})
    );
    assert_eq!(done.body["serviceTier"], json!({"type": "default"}));
    assert_eq!(done.dropped, ["metadata.new"]);
    assert_eq!(
        to(LLAMA).with(members).dropped,
        ["metadata.new", "metadata.user_id"]
    );
    let done = to(SONNET).with(json!({"service_tier": "auto"}));
    assert!(done.body.get("serviceTier").is_none() && done.dropped.is_empty());
    assert_eq!(
        to(SONNET).with(json!({"service_tier": "new"})).dropped,
        ["service_tier"]
    );
}

#[test]
fn betas() {
    let names = "claude-code-20250219, interleaved-thinking-2025-05-14,context-1m-2025-08-07,,effort-2025-11-24, context-1m-2025-08-07";
    let done = to(SONNET)
        .beta(names)
        .beta("fine-grained-tool-streaming-2025-05-14")
        .with(json!({}));
    assert_eq!(
        done.body["additionalModelRequestFields"]["anthropic_beta"],
        json!([
            "interleaved-thinking-2025-05-14",
            "context-1m-2025-08-07",
            "effort-2025-11-24",
            "fine-grained-tool-streaming-2025-05-14"
        ])
    );
    assert_eq!(done.dropped, ["anthropic-beta.claude-code-20250219"]);
    // Newer models think between calls by themselves.
    let done = to(OPUS_4_6)
        .beta("interleaved-thinking-2025-05-14")
        .with(json!({}));
    assert!(done.body.get("additionalModelRequestFields").is_none());
    assert_eq!(
        done.dropped,
        ["anthropic-beta.interleaved-thinking-2025-05-14"]
    );
    assert_eq!(
        to(OSS)
            .beta("context-1m-2025-08-07")
            .with(json!({}))
            .dropped,
        ["anthropic-beta.context-1m-2025-08-07"]
    );
}

#[test]
fn context_management() {
    let compact = json!({"type": "compact_20260112", "trigger": {"value": 50_000}});
    let clear = json!({"type": "clear_thinking_20251015", "keep": "all"});
    let with = |edits: Value| json!({"context_management": {"edits": edits}});
    let asked = to(SONNET).beta("compact-2026-01-12");
    let done = asked.with(with(json!([compact])));
    assert_eq!(
        done.body["additionalModelRequestFields"],
        json!({"context_management": {"edits": [compact]}, "anthropic_beta": ["compact-2026-01-12"]})
    );
    assert!(done.dropped.is_empty(), "{:?}", done.dropped);
    let done = asked.with(with(json!([clear, compact])));
    assert_eq!(
        done.body["additionalModelRequestFields"]["context_management"],
        json!({"edits": [compact]})
    );
    assert_eq!(done.dropped, ["context_management"]);
    for to in [to(SONNET), to(OSS).beta("compact-2026-01-12")] {
        let done = to.with(with(json!([clear, compact])));
        assert!(done.body.get("additionalModelRequestFields").is_none());
        assert!(done.dropped.contains(&"context_management".to_owned()));
    }
}

#[test]
fn what_converse_has_no_place_for() {
    for field in ["container", "thread", "compaction"] {
        to(SONNET).unsupported(field, json!({field: "x"}));
    }
    to(SONNET).unsupported("inference_geo", json!({"inference_geo": "us"}));
    assert_eq!(
        to(SONNET)
            .lossy()
            .with(json!({"inference_geo": "us"}))
            .dropped,
        ["inference_geo"]
    );
    let hints = json!({
        "inference_geo": "global", "speed": "fast", "diagnostics": {}, "fallbacks": [],
        "fallback_credit_token": "t", "billing_policy": {}, "user_profile_id": "u",
        "workspace_id": "w", "mcp_servers": [{"name": "n", "url": "u", "type": "url"}],
        "output_config": {"task_budget": {}, "new": 1}, "container": null,
    });
    let mut dropped = to(SONNET).with(hints).dropped;
    dropped.sort_unstable();
    assert_eq!(
        dropped,
        [
            "billing_policy",
            "diagnostics",
            "fallback_credit_token",
            "fallbacks",
            "mcp_servers",
            "output_config.new",
            "output_config.task_budget",
            "speed",
            "user_profile_id",
            "workspace_id"
        ]
    );
}

#[test]
fn bodies_that_are_no_request() {
    for (body, param) in [
        ("[]", ""),
        (r#"{"messages":{},"max_tokens":1}"#, "messages"),
        (
            r#"{"thinking":{"type":5},"max_tokens":1,"messages":[{"role":"user","content":"x"}]}"#,
            "thinking.type",
        ),
        (
            r#"{"max_tokens":1,"messages":[{"role":"user","content":"x"}],"thinking":7}"#,
            "thinking",
        ),
        (r#"{"max_tokens":1}"#, "messages"),
        (r#"{"max_tokens":1,"messages":[]}"#, "messages"),
        (r#"{"max_tokens":1,"messages":[7]}"#, "messages[0]"),
        (
            r#"{"max_tokens":1,"messages":[{"role":"user"}]}"#,
            "messages[0].content",
        ),
        (
            r#"{"max_tokens":1,"messages":[{"content":"x"}]}"#,
            "messages[0].role",
        ),
        (
            r#"{"max_tokens":1,"messages":[{"role":"tool","content":"x"}]}"#,
            "messages[0].role",
        ),
        (
            r#"{"max_tokens":1,"messages":[{"role":"assistant","content":" "}]}"#,
            "messages",
        ),
    ] {
        assert_eq!(
            to(SONNET).try_text(body).unwrap_err().param,
            param,
            "{body}"
        );
    }
}

#[test]
fn counting_tokens_takes_the_conversation_and_the_tools() {
    let members = json!({
        "max_tokens": null, "system": "s", "temperature": 0.5, "service_tier": "standard_only",
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": [{"name": "w", "input_schema": {"type": "object"}}],
    });
    let text = request(&members).to_string();
    let count = |text: &str| {
        let work = |cx: &mut crate::convert::context::RequestContext<'_>| {
            super::convert_count(text.as_bytes(), cx)
        };
        let (body, ..) = to(SONNET_3_7).context(work).unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    assert_eq!(
        count(&text),
        json!({"input": {"converse": {
            "messages": [{"role": "user", "content": [{"text": "hi"}]}],
            "system": [{"text": "s"}],
            "toolConfig": {"tools": [{"toolSpec": {"name": "w", "inputSchema": {"json": {"type": "object"}}}}]},
            "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        }}})
    );
}
