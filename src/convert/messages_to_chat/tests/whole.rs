use serde_json::{Value, json};

use super::{CX, answer, call, complete, finish, gemini, groq};
use crate::convert::messages_to_chat::response;

#[test]
fn names_find_back() {
    let mut state = groq();
    state.tools.insert("short_1234", "a very long name", false);
    let message = complete(
        state.clone(),
        &[
            call(
                json!({"index": 0, "id": "c", "function": {"name": "short_1234", "arguments": "{}"}}),
            ),
            finish("tool_calls"),
        ],
    );
    assert_eq!(message["content"][0]["name"], "a very long name");
    let whole = answer(
        state,
        &json!({"id": "x", "choices": [{"message": {"tool_calls": [{"id": "c", "function": {"name": "short_1234", "arguments": "{}"}}]}}]}),
    );
    assert_eq!(whole["content"][0]["name"], "a very long name");
}

#[test]
fn whole_answers() {
    let calls = json!([
        {"id": "a", "function": {"name": "f", "arguments": " {\"b\":1.0,\"a\":2} "}},
        {"id": "b:1", "function": {"name": "g", "arguments": "[1]"}},
        {"function": {"name": "h", "arguments": "{\"cut"}},
        {"id": "d", "function": {"name": "i", "arguments": ""}},
        {"id": "d", "function": {"name": "j", "arguments": "null"}}
    ]);
    let message = answer(
        groq(),
        &json!({"id": "chatcmpl-Z-9", "model": "up", "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": "t", "refusal": "no", "reasoning": "r", "tool_calls": calls}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}),
    );
    let call = |id: &str, name: &str, input: Value| json!({"type": "tool_use", "id": id, "name": name, "input": input});
    assert_eq!(
        message,
        json!({"id": "msg_Z9", "type": "message", "role": "assistant", "model": "up", "content": [
            {"type": "thinking", "thinking": "r", "signature": "tlg1.plain.eyJ2IjoxLCJwIjoiZ3JvcSJ9"},
            {"type": "text", "text": "t"},
            {"type": "text", "text": "no"},
            call("a", "f", json!({"b": 1.0, "a": 2})),
            call("toolu_Z9_0", "g", json!({"_raw_arguments": "[1]"})),
            call("call_Z9_2", "h", json!({"_raw_arguments": "{\"cut"})),
            call("d", "i", json!({})),
            call("toolu_Z9_1", "j", json!({}))
        ], "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 2,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}})
    );
    let empty = answer(
        groq(),
        &json!({"id": "x", "choices": [{"message": {"content": null}}]}),
    );
    assert_eq!(empty["content"], json!([]));
    assert_eq!(
        (&empty["stop_reason"], &empty["model"]),
        (&json!("end_turn"), &json!("openai/gpt-oss-120b"))
    );
}

#[test]
fn the_key_order_of_inputs_is_kept() {
    let body = br#"{"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"z\":1.50,\"a\":\"\\u00e9\"}"}}]}}]}"#;
    let answer = response::convert(body, &groq(), CX).unwrap();
    let text = std::str::from_utf8(&answer.body).unwrap();
    assert!(
        text.contains(r#""input":{"z":1.50,"a":"\u00e9"}"#),
        "{text}"
    );
}

#[test]
fn what_is_no_answer() {
    for body in [
        "",
        "[]",
        "<html>",
        "{}",
        r#"{"choices":[]}"#,
        r#"{"choices":"#,
    ] {
        let error = response::convert(body.as_bytes(), &groq(), CX).unwrap_err();
        assert_eq!(
            (error.status.as_u16(), &*error.kind),
            (502, "api_error"),
            "{body}"
        );
    }
    let error = response::convert(
        br#"[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}]"#,
        &gemini(),
        CX,
    )
    .unwrap_err();
    assert_eq!(
        (error.status.as_u16(), &*error.kind),
        (429, "rate_limit_error")
    );
}
