#![expect(
    clippy::needless_pass_by_value,
    reason = "values are made by `json!` where they are given"
)]

use http::StatusCode;
use serde_json::{Value, json};

use super::convert;
use crate::convert::context::AnswerContext;
use crate::convert::messages_to_responses::state::State;
use crate::format::error::ClientError;

const CX: AnswerContext = AnswerContext::at(7);

fn try_with(state: &State, members: Value) -> Result<Value, ClientError> {
    let mut body = json!({"id": "resp_1", "object": "response", "model": "m", "status": "completed", "output": []});
    for (key, value) in members.as_object().unwrap() {
        body[key] = value.clone();
    }
    convert(body.to_string().as_bytes(), state, CX)
        .map(|answer| serde_json::from_slice(&answer.body).unwrap())
}

#[track_caller]
fn with(members: Value) -> Value {
    try_with(&State::default(), members).unwrap()
}

/// The blocks for these output items.
#[track_caller]
fn content(output: Value) -> Value {
    with(json!({ "output": output }))["content"].clone()
}

fn text(text: &str) -> Value {
    json!({"type": "message", "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn call() -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"})
}

#[test]
fn reasoning() {
    let block = |item: Value| {
        let mut item = item;
        item["type"] = json!("reasoning");
        content(json!([item]))
    };
    let summary = |texts: &[&str]| -> Value {
        texts
            .iter()
            .map(|text| json!({"type": "summary_text", "text": text}))
            .collect()
    };
    let shown = block(json!({"summary": summary(&["A", "B"]), "encrypted_content": "gAAAA2"}));
    assert_eq!(
        shown,
        json!([{"type": "thinking", "thinking": "A\n\nB",
            "signature": "tlg1.openai.eyJ2IjoxLCJlYyI6ImdBQUFBMiIsInMiOlsiQSIsIkIiXX0"}])
    );
    let redacted = block(json!({"summary": [], "encrypted_content": "gAAAA1"}));
    assert_eq!(
        redacted,
        json!([{"type": "redacted_thinking", "data": "tlg1.openai.eyJ2IjoxLCJlYyI6ImdBQUFBMSJ9"}])
    );
    // Never an empty signature: clients drop such blocks.
    let unsigned = block(json!({"summary": summary(&["A"]), "encrypted_content": null}));
    assert_eq!(unsigned[0]["thinking"], "A");
    assert!(
        unsigned[0]["signature"]
            .as_str()
            .unwrap()
            .starts_with("tlg1.openai.")
    );
    let open = block(
        json!({"content": [{"type": "reasoning_text", "text": "raw"}], "encrypted_content": "e"}),
    );
    assert_eq!(open[0]["thinking"], "raw");
    assert_eq!(block(json!({"summary": []})), json!([]));
}

#[test]
fn texts() {
    assert_eq!(
        content(json!([
            {"type": "message", "content": [
                {"type": "output_text", "text": "a\"é\n"},
                {"type": "output_text", "text": ""},
                {"type": "hologram"},
                {"type": "output_text", "text": "b", "annotations": [
                    {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1},
                    {"type": "file_citation", "file_id": "f"},
                ]},
            ]},
            {"type": "compaction", "encrypted_content": "x"},
            {"type": "mcp_list_tools", "tools": []},
            {"type": "hologram"},
            7,
        ])),
        json!([
            {"type": "text", "text": "a\"é\n"},
            {"type": "text", "text": "b", "citations": [
                {"type": "web_search_result_location", "url": "u", "title": "t", "cited_text": "b", "encrypted_index": ""}]},
        ])
    );
}

#[test]
fn calls() {
    let mut state = State::default();
    state.tools.insert("short", "the long name", false);
    for (arguments, input) in [
        ("{\"b\":1,\"a\":2.50}", json!({"b": 1, "a": 2.5})),
        ("", json!({})),
        ("[1]", json!({"__raw_arguments": "[1]"})),
        ("{\"a\":", json!({"__raw_arguments": "{\"a\":"})),
    ] {
        let message = try_with(
            &state,
            json!({"output": [{"type": "function_call", "call_id": "c", "name": "short", "arguments": arguments}]}),
        )
        .unwrap();
        assert_eq!(
            message["content"],
            json!([{"type": "tool_use", "id": "c", "name": "the long name", "input": input}])
        );
        assert_eq!(message["stop_reason"], "tool_use");
    }
}

#[test]
fn searches_and_servers() {
    let page = |url: &str| json!({"type": "web_search_result", "url": url, "title": url, "encrypted_content": "", "page_age": null});
    let message = with(json!({"output": [
        {"type": "web_search_call", "id": "ws_1", "status": "completed",
            "action": {"type": "search", "query": "q\"", "sources": [{"type": "url", "url": "https://a"}]}},
        {"type": "web_search_call", "id": "ws_2", "action": {"type": "open_page", "url": "https://b"}},
        {"type": "web_search_call", "id": "ws_3", "status": "failed", "action": {"type": "search", "queries": ["r"]}},
        {"type": "mcp_call", "id": "mcp_1", "server_label": "s", "name": "n", "arguments": "{\"x\":1}", "output": "done"},
        {"type": "mcp_call", "id": "mcp_2", "server_label": "s", "name": "n", "arguments": "{}", "error": "broke"},
    ]}));
    assert_eq!(
        message["content"],
        json!([
            {"type": "server_tool_use", "id": "srvtoolu_ws_1", "name": "web_search", "input": {"query": "q\""}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_ws_1", "content": [page("https://a")]},
            {"type": "server_tool_use", "id": "srvtoolu_ws_2", "name": "web_search", "input": {"query": "open: https://b"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_ws_2", "content": [page("https://b")]},
            {"type": "server_tool_use", "id": "srvtoolu_ws_3", "name": "web_search", "input": {"query": "r"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_ws_3",
                "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"}},
            {"type": "mcp_tool_use", "id": "mcptoolu_mcp_1", "name": "n", "server_name": "s", "input": {"x": 1}},
            {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_mcp_1", "is_error": false, "content": [{"type": "text", "text": "done"}]},
            {"type": "mcp_tool_use", "id": "mcptoolu_mcp_2", "name": "n", "server_name": "s", "input": {}},
            {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_mcp_2", "is_error": true, "content": [{"type": "text", "text": "broke"}]},
        ])
    );
    assert_eq!(message["stop_reason"], "end_turn");
    assert_eq!(
        message["usage"]["server_tool_use"],
        json!({"web_search_requests": 3, "web_fetch_requests": 0})
    );
    let counted = with(json!({"tool_usage": {"web_search": {"num_requests": 5}}}));
    assert_eq!(
        counted["usage"]["server_tool_use"]["web_search_requests"],
        5
    );
}

#[test]
fn stop_reasons() {
    let refusal =
        json!({"type": "message", "content": [{"type": "refusal", "refusal": "No \"x\"."}]});
    let details = |explanation: Value| json!({"type": "refusal", "category": null, "explanation": explanation});
    for (members, reason, stop_details) in [
        (json!({"output": [text("a")]}), "end_turn", Value::Null),
        (
            json!({"output": [text("a"), call()]}),
            "tool_use",
            Value::Null,
        ),
        (
            json!({"output": [refusal]}),
            "refusal",
            details(json!("No \"x\".")),
        ),
        (
            json!({"output": [refusal, call()]}),
            "tool_use",
            Value::Null,
        ),
        (
            json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [call()]}),
            "max_tokens",
            Value::Null,
        ),
        (
            json!({"status": "incomplete", "incomplete_details": null}),
            "max_tokens",
            Value::Null,
        ),
        (
            json!({"status": "incomplete", "incomplete_details": {"reason": "max_messages"}}),
            "max_tokens",
            Value::Null,
        ),
        (
            json!({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}),
            "refusal",
            details(Value::Null),
        ),
        (
            json!({"status": "incomplete", "incomplete_details": {"reason": "steered"}}),
            "end_turn",
            Value::Null,
        ),
        (json!({"status": null}), "end_turn", Value::Null),
    ] {
        let message = with(members.clone());
        assert_eq!(message["stop_reason"], reason, "{members}");
        assert_eq!(message["stop_details"], stop_details, "{members}");
        assert_eq!(message["stop_sequence"], Value::Null);
    }
}

#[test]
fn stop_sequences_end_the_message() {
    let state = State {
        stops: vec!["END".to_owned()],
        ..State::default()
    };
    let message = try_with(
        &state,
        json!({"output": [text("a"), text("b END c"), text("d"), call()]}),
    )
    .unwrap();
    assert_eq!(
        message["content"],
        json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b "}])
    );
    assert_eq!(message["stop_reason"], "stop_sequence");
    assert_eq!(message["stop_sequence"], "END");
    // Neither reasoning nor arguments are looked through.
    let message = try_with(
        &state,
        json!({"output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "END"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":\"END\"}"},
            text("ENDED"),
        ]}),
    )
    .unwrap();
    assert_eq!(message["content"].as_array().unwrap().len(), 2);
    let message = try_with(&state, json!({"output": [text("no EN")]})).unwrap();
    assert_eq!(message["content"][0]["text"], "no EN");
    assert_eq!(message["stop_reason"], "end_turn");
}

#[test]
fn usage_and_tier() {
    let message = with(json!({"service_tier": "flex", "usage": {
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 6},
        "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 10}, "total_tokens": 130}}));
    assert_eq!(
        message["usage"],
        json!({"input_tokens": 30, "cache_creation_input_tokens": 6, "cache_read_input_tokens": 64, "output_tokens": 30,
            "output_tokens_details": {"thinking_tokens": 10}, "service_tier": "batch"})
    );
    assert_eq!(
        with(json!({"usage": null, "service_tier": "auto"}))["usage"],
        json!({"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0})
    );
    for (tier, expected) in [
        ("default", "standard"),
        ("priority", "priority"),
        ("fast", "priority"),
    ] {
        assert_eq!(
            with(json!({"service_tier": tier}))["usage"]["service_tier"],
            expected
        );
    }
}

#[test]
fn a_prewarm_has_no_content() {
    let state = State {
        prewarm: true,
        ..State::default()
    };
    let message = try_with(&state, json!({"output": [text("a"), call()]})).unwrap();
    assert_eq!(message["content"], json!([]));
    assert_eq!(message["stop_reason"], "max_tokens");
}

#[test]
fn what_is_no_answer() {
    let fails = |members: Value| try_with(&State::default(), members).unwrap_err();
    let failed = fails(
        json!({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}}),
    );
    assert_eq!(failed.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        (&*failed.kind, &*failed.message),
        ("rate_limit_error", "slow")
    );
    let failed =
        fails(json!({"status": "failed", "error": {"code": "invalid_prompt", "message": "x"}}));
    assert_eq!(failed.status, StatusCode::BAD_REQUEST);
    for status in ["cancelled", "queued", "in_progress"] {
        let error = fails(json!({ "status": status }));
        assert_eq!(error.status, StatusCode::BAD_GATEWAY);
        assert_eq!(error.kind, "api_error");
    }
    let error = fails(json!({"output": null, "error": {"message": "odd"}}));
    assert_eq!(
        (error.status, &*error.message),
        (StatusCode::INTERNAL_SERVER_ERROR, "odd")
    );
    assert_eq!(fails(json!({"output": 7})).status, StatusCode::BAD_GATEWAY);
    for body in ["", "[]", "null", "{\"output\":", "<html>"] {
        let error = convert(body.as_bytes(), &State::default(), CX).unwrap_err();
        assert_eq!(error.status, StatusCode::BAD_GATEWAY, "{body}");
    }
}
