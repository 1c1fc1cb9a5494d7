use serde_json::{Value, json};

use super::{answer, converted, cx, state};
use crate::convert::messages_to_converse::{response, stream};
use crate::convert::validate::messages::{End, validate};

fn everything() -> Value {
    json!([
        {"reasoningContent": {"reasoningText": {"text": "Think \u{e9}\n", "signature": "Eq/B"}}},
        {"reasoningContent": {"redactedContent": "Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="}},
        {"reasoningContent": {"redactedContent": "cnNuX2FiY2Q="}},
        {"reasoningContent": {"reasoningText": {"text": "loud"}}},
        {"text": "Checking."},
        {"citationsContent": {
            "content": [{"text": "Grass "}, {"text": "is green."}],
            "citations": [{"title": "Doc", "sourceContent": [{"text": "green"}], "location": {"documentChar": {"documentIndex": 0, "start": 1, "end": 2}}}],
        }},
        {"toolUse": {"toolUseId": "s1", "name": "nova_grounding", "type": "server_tool_use", "input": {}}},
        {"toolResult": {"toolUseId": "s1", "content": []}},
        {"toolUse": {"toolUseId": "tooluse_1", "name": "get_weather_f65d43", "input": {"b": 1, "a": "x"}}},
        {"toolUse": {"toolUseId": "tooluse_2", "name": "now", "input": {}}},
    ])
}

#[test]
fn every_kind_of_block() {
    let message = converted(&answer(everything(), "tool_use"));
    assert_eq!(message["id"], "msg_bdrk_7f0c1d2e3a4b45c6");
    assert_eq!(message["model"], "sonnet");
    assert_eq!(message["stop_reason"], "tool_use");
    let citation = json!({
        "type": "char_location", "cited_text": "green", "document_title": "Doc", "document_index": 0,
        "start_char_index": 1, "end_char_index": 2,
    });
    assert_eq!(
        message["content"],
        json!([
            {"type": "thinking", "thinking": "Think \u{e9}\n", "signature": "Eq/B"},
            {"type": "redacted_thinking", "data": "RW5jcnlwdGVkVGhpbmtpbmdCbG9i"},
            {"type": "redacted_thinking", "data": "tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0"},
            {"type": "thinking", "thinking": "loud", "signature": "tlg1.plain.eyJ2IjoxLCJwIjoiYXdzLWJlZHJvY2sifQ"},
            {"type": "text", "text": "Checking."},
            {"type": "text", "text": "Grass is green.", "citations": [citation]},
            {"type": "tool_use", "id": "tooluse_1", "name": "get.weather", "input": {"b": 1, "a": "x"}},
            {"type": "tool_use", "id": "tooluse_2", "name": "now", "input": {}},
        ])
    );
}

#[test]
fn a_replayed_answer_says_the_same() {
    let body = answer(everything(), "tool_use").to_string();
    let mut out = bytes::BytesMut::new();
    let usage = stream::replay(body.as_bytes(), state(), cx(), &mut out).unwrap();
    let outcome = validate(&out).unwrap();
    assert_eq!(outcome.end, End::Complete);
    let whole = converted(&answer(everything(), "tool_use"));
    assert_eq!(outcome.message["content"], whole["content"]);
    assert_eq!(outcome.message["stop_reason"], whole["stop_reason"]);
    assert_eq!((usage.input, usage.output), (Some(3), Some(4)));
}

#[test]
fn stop_reasons() {
    let text = json!([{"text": "x"}]);
    for (reason, expected) in [
        ("end_turn", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("max_tokens", "max_tokens"),
        (
            "model_context_window_exceeded",
            "model_context_window_exceeded",
        ),
        ("guardrail_intervened", "refusal"),
        ("content_filtered", "refusal"),
        ("tool_use", "end_turn"),
        ("new", "end_turn"),
    ] {
        let message = converted(&answer(text.clone(), reason));
        assert_eq!(message["stop_reason"], expected, "{reason}");
        assert_eq!(message["stop_sequence"], Value::Null);
        assert!(message.get("stop_details").is_none());
    }
    let called = json!([{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]);
    assert_eq!(
        converted(&answer(called, "end_turn"))["stop_reason"],
        "tool_use"
    );
    for reason in ["malformed_model_output", "malformed_tool_use"] {
        let body = answer(text.clone(), reason).to_string();
        let error = response::convert(body.as_bytes(), &state(), cx()).unwrap_err();
        assert_eq!(error.status, 502);
    }
    let mut stopped = answer(text, "stop_sequence");
    stopped["additionalModelResponseFields"] = json!({"stop_sequence": "a\"\n"});
    assert_eq!(converted(&stopped)["stop_sequence"], "a\"\n");
    // Only where it stopped there.
    stopped["stopReason"] = json!("end_turn");
    assert_eq!(converted(&stopped)["stop_sequence"], Value::Null);
}

#[test]
fn usage() {
    let mut body = answer(json!([{"text": "x"}]), "end_turn");
    body["usage"] = json!({
        "inputTokens": 30, "outputTokens": 77, "totalTokens": 1, "cacheReadInputTokens": 2000, "cacheWriteInputTokens": 48,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 40}, {"ttl": "5m", "inputTokens": 8}],
    });
    for (tier, expected) in [
        ("flex", "standard"),
        ("default", "standard"),
        ("priority", "priority"),
        ("reserved", "priority"),
    ] {
        body["serviceTier"] = json!({"type": tier});
        assert_eq!(
            converted(&body)["usage"],
            json!({
                "input_tokens": 30, "output_tokens": 77, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 48,
                "cache_creation": {"ephemeral_5m_input_tokens": 8, "ephemeral_1h_input_tokens": 40}, "service_tier": expected,
            })
        );
    }
    body["usage"]["cacheDetails"] = json!([{"ttl": "1h", "inputTokens": 40}]);
    assert!(converted(&body)["usage"].get("cache_creation").is_none());
    body["usage"] = Value::Null;
    body["serviceTier"] = Value::Null;
    assert_eq!(
        converted(&body)["usage"],
        json!({"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0})
    );
}

#[test]
fn what_is_no_answer() {
    for body in [
        "",
        "[]",
        "{}",
        "not json",
        r#"{"Output":{"__type":"x"},"Version":"1.0"}"#,
    ] {
        let error = response::convert(body.as_bytes(), &state(), cx()).unwrap_err();
        assert_eq!(error.status, 502, "{body}");
    }
    assert_eq!(
        converted(&answer(json!([]), "end_turn"))["content"],
        json!([])
    );
}
