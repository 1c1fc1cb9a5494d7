//! Tools, and which of them shall be called.

use serde_json::{Value, json};

use super::{GPT, LLAMA, NOVA, NOVA_2, OSS, SONNET, to, tool_round};
use crate::target::{NoneStrategy, Options};

fn weather() -> Value {
    json!({"name": "w", "description": "weather", "input_schema": {"type": "object", "properties": {"z": {}, "a": {"minimum": 1.50}}}})
}

fn looped(tools: Value, choice: Value) -> Value {
    let call = json!([{"type": "tool_use", "id": "t1", "name": "w", "input": {"city": "Oslo"}}]);
    let result = json!({"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "4C"}, {"type": "text", "text": "dry"}]});
    json!({"messages": tool_round(call, result), "tools": tools, "tool_choice": choice})
}

#[test]
fn functions() {
    let done = to(SONNET).with(json!({"tools": [
        weather(),
        {"type": "custom", "name": "get.weather", "description": " ", "input_schema": {}, "strict": true,
         "eager_input_streaming": true, "defer_loading": true, "input_examples": [], "allowed_callers": ["direct"], "new": 1},
    ]}));
    assert!(done.text.contains(
        r#"{"toolSpec":{"name":"w","description":"weather","inputSchema":{"json":{"properties":{"a":{"minimum":1.5},"z":{}},"type":"object"}}}}"#
    ), "{}", done.text);
    assert_eq!(
        done.body["toolConfig"]["tools"][1],
        json!({"toolSpec": {"name": "get_weather_f65d43", "inputSchema": {"json": {"type": "object", "properties": {}}}, "strict": true}})
    );
    assert_eq!(
        done.state.tools.original("get_weather_f65d43"),
        "get.weather"
    );
    let mut dropped = done.dropped;
    dropped.sort_unstable();
    assert_eq!(
        dropped,
        [
            "tools[].allowed_callers",
            "tools[].defer_loading",
            "tools[].eager_input_streaming",
            "tools[].input_examples",
            "tools[].new"
        ]
    );
    let strict =
        json!({"tools": [{"name": "w", "input_schema": {"type": "object"}, "strict": true}]});
    assert_eq!(
        to(NOVA).with(strict.clone()).approximated,
        ["tools[].strict"]
    );
    let options = Options {
        strict_tools: Some(true),
        ..Options::default()
    };
    let done = to(NOVA).options(options).with(strict);
    assert_eq!(
        done.body["toolConfig"]["tools"][0]["toolSpec"]["strict"],
        true
    );

    to(SONNET).invalid("tools[0].name", json!({"tools": [{"input_schema": {}}]}));
    to(SONNET).invalid("tools[1].name", json!({"tools": [weather(), weather()]}));
    let schema = |schema: Value| json!({"tools": [{"name": "w", "input_schema": schema}]});
    to(SONNET).invalid("tools[0].input_schema", schema(json!([])));
    to(SONNET).invalid("tools[0].input_schema", schema(json!({"type": "string"})));
}

#[test]
fn choices() {
    for (choice, expected) in [
        (json!({"type": "auto"}), json!({"auto": {}})),
        (json!({"type": "any"}), json!({"any": {}})),
        (
            json!({"type": "tool", "name": "w"}),
            json!({"tool": {"name": "w"}}),
        ),
        (json!(null), Value::Null),
    ] {
        let done = to(OSS).with(json!({"tools": [weather()], "tool_choice": choice}));
        assert_eq!(done.body["toolConfig"]["toolChoice"], expected);
    }
    // One call at a time is said in Anthropic's words, and never twice.
    for (choice, converse, own) in [
        (
            "auto",
            Value::Null,
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ),
        (
            "any",
            json!({"any": {}}),
            json!({"disable_parallel_tool_use": true}),
        ),
    ] {
        let choice = json!({"type": choice, "disable_parallel_tool_use": true});
        let members = json!({"tools": [weather()], "tool_choice": choice});
        let done = to(SONNET).with(members.clone());
        assert_eq!(done.body["toolConfig"]["toolChoice"], converse);
        assert_eq!(
            done.body["additionalModelRequestFields"]["tool_choice"],
            own
        );
        assert_eq!(
            to(GPT).with(members).dropped,
            ["tool_choice.disable_parallel_tool_use"]
        );
    }
    let off = json!({"type": "auto", "disable_parallel_tool_use": false});
    let done = to(SONNET).with(json!({"tools": [weather()], "tool_choice": off}));
    assert!(done.body.get("additionalModelRequestFields").is_none());
    let done = to(SONNET).with(json!({"tool_choice": {"type": "any"}}));
    assert!(done.body.get("toolConfig").is_none());
    assert_eq!(done.dropped, ["tool_choice"]);
    to(SONNET).invalid("tool_choice.type", json!({"tool_choice": {}}));
    to(SONNET).invalid("tool_choice.type", json!({"tool_choice": {"type": "all"}}));
    to(SONNET).invalid("tool_choice.name", json!({"tool_choice": {"type": "tool"}}));
}

#[test]
fn no_calls() {
    let none = json!({"type": "none"});
    // Nothing was called: no tools are sent.
    let done = to(SONNET).with(json!({"tools": [weather()], "tool_choice": none}));
    assert!(done.body.get("toolConfig").is_none());
    // Claude is told so; others read the calls as text, or get the tools as they are.
    let done = to(SONNET).with(looped(json!([weather()]), none.clone()));
    assert_eq!(
        done.body["additionalModelRequestFields"]["tool_choice"],
        none
    );
    assert!(done.body["toolConfig"].get("toolChoice").is_none());
    let done = to(OSS).with(looped(json!([weather()]), none.clone()));
    assert_eq!(
        done.body["messages"][1]["content"],
        json!([{"text": "[called w with {\"city\":\"Oslo\"}]"}])
    );
    assert_eq!(
        done.body["messages"][2]["content"],
        json!([{"text": "[result of w: 4C\ndry]"}])
    );
    assert!(done.body.get("toolConfig").is_none());
    assert_eq!(done.approximated, ["tool_choice"]);
    let options = Options {
        none_strategy: Some(NoneStrategy::Stub),
        ..Options::default()
    };
    let done = to(OSS)
        .options(options)
        .with(looped(json!([weather()]), none));
    assert!(
        done.body["messages"][1]["content"][0]
            .get("toolUse")
            .is_some()
    );
    assert_eq!(done.body["toolConfig"]["tools"][0]["toolSpec"]["name"], "w");
    assert_eq!(done.approximated, ["tool_choice"]);
}

#[test]
fn calls_of_the_past_have_their_tools() {
    let done = to(LLAMA).with(looped(json!([]), Value::Null));
    assert_eq!(
        done.body["toolConfig"],
        json!({"tools": [{"toolSpec": {"name": "w", "description": "Unavailable in this turn; do not call.", "inputSchema": {"json": {"type": "object"}}}}]})
    );
}

#[test]
fn anthropics_own_client_tools() {
    let computer = json!({"type": "computer_20250124", "name": "computer", "display_width_px": 1});
    for (tool, beta) in [
        (json!({"type": "bash_20250124", "name": "bash"}), None),
        (
            json!({"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}),
            None,
        ),
        (json!({"type": "memory_20250818", "name": "memory"}), None),
        (computer, Some("computer-use-2025-01-24")),
    ] {
        let members = json!({"tools": [weather(), tool]});
        let done = to(SONNET).with(members.clone());
        let fields = &done.body["additionalModelRequestFields"];
        assert_eq!(fields["tools"], json!([tool]));
        assert_eq!(
            fields["anthropic_beta"].get(0).and_then(Value::as_str),
            beta
        );
        assert_eq!(
            done.body["toolConfig"]["tools"].as_array().unwrap().len(),
            1
        );
        assert!(done.dropped.is_empty());
        let done = to(NOVA).with(members);
        assert_eq!(done.dropped, ["tools[]"]);
    }
}

#[test]
fn hosted_tools_are_dropped_unless_they_are_forced() {
    for kind in [
        "web_search_20250305",
        "web_fetch_20250910",
        "code_execution_20250825",
        "tool_search_tool_regex_20251119",
        "mcp_toolset",
        "browser_toolset_20260401",
        "new_1",
    ] {
        let hosted = json!({"type": kind, "name": "h"});
        let done = to(SONNET).with(json!({"tools": [hosted, weather()]}));
        assert_eq!(
            done.body["toolConfig"]["tools"].as_array().unwrap().len(),
            1
        );
        assert_eq!(done.dropped, ["tools[]"], "{kind}");
        let choice = json!({"type": "tool", "name": "h"});
        to(SONNET).unsupported(
            "tool_choice.name",
            json!({"tools": [hosted], "tool_choice": choice}),
        );
        to(SONNET).unsupported(
            "tool_choice",
            json!({"tools": [hosted], "tool_choice": {"type": "any"}}),
        );
        let done = to(SONNET).with(json!({"tools": [hosted], "tool_choice": {"type": "auto"}}));
        assert_eq!(done.dropped, ["tools[]", "tool_choice"]);
    }
}

#[test]
fn nova_searches_the_web_itself() {
    let search = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 8});
    for model in [NOVA, NOVA_2] {
        let done = to(model).with(json!({"tools": [search, weather()]}));
        let tools = &done.body["toolConfig"]["tools"];
        assert!(
            tools
                .to_string()
                .contains(r#"{"systemTool":{"name":"nova_grounding"}}"#)
        );
        assert_eq!(done.approximated, ["tools[]"]);
        let choice = json!({"type": "tool", "name": "web_search"});
        let done = to(model).with(json!({"tools": [search], "tool_choice": choice}));
        assert_eq!(done.body["toolConfig"]["toolChoice"], json!({"auto": {}}));
        assert_eq!(done.approximated, ["tools[]", "tool_choice"]);
    }
}
