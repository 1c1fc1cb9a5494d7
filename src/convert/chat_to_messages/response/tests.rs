use serde_json::{Value, json};

use super::*;
use crate::convert::tool_names::ToolNames;
use crate::target::ChatReasoning;
use crate::usage::Usage;

const CX: AnswerContext = AnswerContext::at(7);

fn convert_with(answer: &Value, state: &State) -> (Value, Usage) {
    let converted = convert(answer.to_string().as_bytes(), state, CX).unwrap();
    (
        serde_json::from_slice(&converted.body).unwrap(),
        converted.usage,
    )
}

fn answer(content: &Value, stop_reason: &Value) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content,
        "stop_reason": stop_reason, "usage": {"input_tokens": 1, "output_tokens": 2}})
}

fn choice(content: &Value, stop_reason: &str) -> Value {
    convert_with(&answer(content, &json!(stop_reason)), &State::default()).0["choices"][0].clone()
}

#[test]
fn finish_reasons() {
    let text = json!([{"type": "text", "text": "x"}]);
    let call = json!([{"type": "tool_use", "id": "t", "name": "f", "input": {}}]);
    for (reason, plain, called) in [
        ("end_turn", "stop", "tool_calls"),
        ("stop_sequence", "stop", "tool_calls"),
        ("tool_use", "tool_calls", "tool_calls"),
        ("max_tokens", "length", "length"),
        ("model_context_window_exceeded", "length", "length"),
        ("pause_turn", "length", "length"),
        ("compaction", "length", "length"),
        ("refusal", "content_filter", "content_filter"),
        ("something_new", "stop", "tool_calls"),
    ] {
        assert_eq!(choice(&text, reason)["finish_reason"], plain, "{reason}");
        assert_eq!(choice(&call, reason)["finish_reason"], called, "{reason}");
    }
    let unsaid = convert_with(&answer(&call, &Value::Null), &State::default()).0;
    assert_eq!(unsaid["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn content_is_null_only_beside_calls() {
    let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": {}});
    let text = json!({"type": "text", "text": "a\n"});
    for (content, expected) in [
        (json!([]), json!("")),
        (json!([call]), Value::Null),
        (json!([text, text]), json!("a\na\n")),
        (json!([text, call]), json!("a\n")),
        (
            json!([{"type": "thinking", "thinking": "t", "signature": "s"}]),
            json!(""),
        ),
    ] {
        let message = choice(&content, "end_turn")["message"].clone();
        assert_eq!(message["content"], expected, "{content}");
        assert_eq!(message["refusal"], Value::Null);
        assert_eq!(message.get("annotations"), None);
    }
}

#[test]
fn blocks_of_the_provider_are_never_calls() {
    let content = json!([
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"text": 5}]},
        {"type": "mcp_tool_use", "id": "m", "name": "f", "input": {}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "brand_new", "text": {"an": "object"}, "input": 7},
        {"type": "text", "text": "answer"},
        {"no": "type"},
    ]);
    let choice = choice(&content, "end_turn");
    assert_eq!(
        choice["message"],
        json!({"role": "assistant", "content": "answer", "refusal": null})
    );
    assert_eq!(choice["finish_reason"], "stop");
}

#[test]
fn tools_get_their_names_back() {
    let mut tools = ToolNames::default();
    tools.insert("a_b", "a.b", false);
    tools.insert("sql", "run sql", true);
    let state = State {
        tools,
        ..State::default()
    };
    let content = json!([
        {"type": "tool_use", "id": "t1", "name": "a_b", "input": {"x": "é\n"}},
        {"type": "tool_use", "id": "t2", "name": "sql", "input": {"input": "SELECT \"1\""}},
        {"type": "tool_use", "id": "t3", "name": "sql", "input": {"input": 5}},
        {"type": "tool_use", "name": "other"},
    ]);
    let (body, _) = convert_with(&answer(&content, &json!("tool_use")), &state);
    assert_eq!(
        body["choices"][0]["message"]["tool_calls"],
        json!([
            {"id": "t1", "type": "function", "function": {"name": "a.b", "arguments": r#"{"x":"é\n"}"#}},
            {"id": "t2", "type": "custom", "custom": {"name": "run sql", "input": "SELECT \"1\""}},
            {"id": "t3", "type": "custom", "custom": {"name": "run sql", "input": r#"{"input":5}"#}},
            {"id": "call_3", "type": "function", "function": {"name": "other", "arguments": "{}"}},
        ])
    );
}

#[test]
fn arguments_keep_their_spelling() {
    let body = br#"{"content":[{"type":"tool_use","id":"t","name":"f","input":{"z": 1.50, "a":1e3}}],"stop_reason":"tool_use"}"#;
    let converted = convert(body, &State::default(), CX).unwrap();
    let body: Value = serde_json::from_slice(&converted.body).unwrap();
    let call = &body["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], r#"{"z": 1.50, "a":1e3}"#);
    assert_eq!(body["id"], "chatcmpl-7");
    assert_eq!(body["model"], "");
}

#[test]
fn legacy_functions_read_one_function_call() {
    let state = State {
        legacy_functions: true,
        ..State::default()
    };
    let content = json!([{"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]);
    let (body, _) = convert_with(&answer(&content, &json!("tool_use")), &state);
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "function_call");
    assert_eq!(
        choice["message"]["function_call"],
        json!({"name": "f", "arguments": r#"{"a":1}"#})
    );
    assert_eq!(choice["message"].get("tool_calls"), None);
}

#[test]
fn reasoning_in_every_form() {
    let content = json!([
        {"type": "thinking", "thinking": "one", "signature": "s1"},
        {"type": "thinking", "thinking": "", "signature": "s2"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "thinking", "thinking": "two\n", "signature": ""},
    ]);
    let blocks = json!([
        {"type": "thinking", "thinking": "one", "signature": "s1"},
        {"type": "thinking", "thinking": "", "signature": "s2"},
        {"type": "redacted_thinking", "data": "d"},
    ]);
    let details = json!([
        {"type": "reasoning.text", "text": "one", "signature": "s1", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "", "signature": "s2", "format": "anthropic-claude-v1", "index": 1},
        {"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1", "index": 2},
    ]);
    for (reasoning, has_blocks, has_details) in [
        (ChatReasoning::ThinkingBlocks, true, false),
        (ChatReasoning::ReasoningDetails, false, true),
        (ChatReasoning::Both, true, true),
        (ChatReasoning::None, false, false),
    ] {
        let state = State {
            reasoning,
            ..State::default()
        };
        let (body, _) = convert_with(&answer(&content, &json!("end_turn")), &state);
        let message = &body["choices"][0]["message"];
        let text = json!("one\n\ntwo\n");
        assert_eq!(
            message.get("reasoning_content"),
            has_blocks.then_some(&text)
        );
        assert_eq!(
            message.get("thinking_blocks"),
            has_blocks.then_some(&blocks)
        );
        assert_eq!(message.get("reasoning"), has_details.then_some(&text));
        assert_eq!(
            message.get("reasoning_details"),
            has_details.then_some(&details)
        );
    }
}

#[test]
fn annotations_count_in_scalar_values() {
    let cite = |kind: &str, key: &str, value: &str| json!({"type": kind, key: value, "title": null, "cited_text": "c"});
    let content = json!([
        {"type": "text", "text": "é😀\n"},
        {"type": "text", "text": "ab", "citations": [
            cite("web_search_result_location", "url", "https://a"),
            cite("search_result_location", "source", "https://b"),
            cite("search_result_location", "source", "my notes"),
            cite("page_location", "url", "https://c"),
        ]},
    ]);
    let page = |url: &str| json!({"type": "url_citation", "url_citation": {"url": url, "title": "", "start_index": 3, "end_index": 5}});
    assert_eq!(
        choice(&content, "end_turn")["message"]["annotations"],
        json!([page("https://a"), page("https://b")])
    );
}

#[test]
fn usage_counts_are_summed() {
    let mut upstream = answer(&json!([]), &json!("end_turn"));
    upstream["usage"] = json!({"input_tokens": 20, "cache_creation_input_tokens": 300, "cache_read_input_tokens": null,
        "cache_creation": {"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 200}, "output_tokens": 90,
        "service_tier": "batch", "server_tool_use": {"web_search_requests": 0}});
    let (body, usage) = convert_with(&upstream, &State::default());
    assert_eq!(
        body["usage"],
        json!({"prompt_tokens": 320, "completion_tokens": 90, "total_tokens": 410, "prompt_tokens_details": {
            "cached_tokens": 0, "cache_write_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}}})
    );
    assert_eq!(body.get("service_tier"), None);
    assert_eq!(usage.cache_write_5m, Some(100));
    assert_eq!(usage.prompt(), 320);
}

#[test]
fn a_refusal_explains_itself() {
    let mut upstream = answer(&json!([]), &json!("refusal"));
    upstream["stop_details"] = json!({"type": "refusal", "explanation": "Policy."});
    let (body, _) = convert_with(&upstream, &State::default());
    assert_eq!(
        body["choices"][0]["message"],
        json!({"role": "assistant", "content": "", "refusal": "Policy."})
    );
    upstream["stop_reason"] = json!("end_turn");
    let (body, _) = convert_with(&upstream, &State::default());
    assert_eq!(body["choices"][0]["message"]["refusal"], Value::Null);
}

#[test]
fn the_text_ends_at_a_stop_sequence() {
    let state = State {
        stops: vec!["\n\n".to_owned(), "\t".to_owned()],
        ..State::default()
    };
    let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": "\n\n"}});
    let thinking = json!({"type": "thinking", "thinking": "a\n\nb", "signature": "s"});
    let text = |text: &str| json!({"type": "text", "text": text});
    for (content, left, called) in [
        (json!([text("\"é\"\n\nb\t"), call]), "\"é\"", false),
        (
            json!([text("a\n"), text("\nb"), thinking, call]),
            "a",
            false,
        ),
        (json!([text("a\n"), text(""), text("\n")]), "a", false),
        (json!([text("a"), text("\t\n\n")]), "a", false),
        (json!([text("\n\nb"), call]), "", false),
        (json!([text("a\n"), call, text("\nb")]), "a\n\nb", true),
        (json!([text("a"), call, text("b\tc"), thinking]), "ab", true),
        (json!([call, text("\tc")]), "", true),
        (json!([text("a\nb"), call]), "a\nb", true),
    ] {
        let (body, usage) = convert_with(&answer(&content, &json!("refusal")), &state);
        let choice = &body["choices"][0];
        let message = &choice["message"];
        assert_eq!(message["content"], left, "{content}");
        assert_eq!(message.get("tool_calls").is_some(), called, "{content}");
        assert_eq!(message.get("thinking_blocks"), None, "{content}");
        let cut = !left.contains('\n');
        let reason = match (cut, called) {
            (true, false) => "stop",
            (true, true) => "tool_calls",
            (false, _) => "content_filter",
        };
        assert_eq!(choice["finish_reason"], reason, "{content}");
        assert_eq!(usage.output, Some(2));
    }
    let (body, _) = convert_with(
        &answer(&json!([thinking, text("a\n\n")]), &json!("end_turn")),
        &state,
    );
    let message = &body["choices"][0]["message"];
    assert_eq!(message["reasoning_content"], "a\n\nb");
    assert_eq!(message["content"], "a");
}

#[test]
fn a_text_that_was_cut_loses_its_citations() {
    let state = State {
        stops: vec!["\n\n".to_owned()],
        ..State::default()
    };
    let cited = |text: &str| {
        json!({"type": "text", "text": text, "citations": [
        {"type": "web_search_result_location", "url": "u"}]})
    };
    for (content, count) in [
        (json!([cited("a"), cited("\n\n")]), 1),
        (json!([cited("a"), cited("b\n\n")]), 1),
        (json!([cited("a\n"), cited("\n")]), 0),
        (json!([cited("a"), cited("\n")]), 2),
    ] {
        let (body, _) = convert_with(&answer(&content, &json!("end_turn")), &state);
        let annotations = body["choices"][0]["message"]["annotations"].as_array();
        assert_eq!(annotations.map_or(0, Vec::len), count, "{content}");
    }
}

#[test]
fn what_is_no_answer() {
    for body in [
        "",
        "<html>",
        "[]",
        "7",
        "{}",
        r#"{"content":7}"#,
        r#"{"type":"message""#,
    ] {
        let error = convert(body.as_bytes(), &State::default(), CX).unwrap_err();
        assert_eq!(error.status, StatusCode::BAD_GATEWAY, "{body}");
        assert_eq!(error.code.as_deref(), Some("upstream_error"));
    }
    let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let error = convert(body, &State::default(), CX).unwrap_err();
    assert_eq!(error.message, "Overloaded");
    assert_eq!(error.code.as_deref(), Some("overloaded_error"));
}
