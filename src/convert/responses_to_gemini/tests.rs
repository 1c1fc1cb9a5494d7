#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

use std::sync::Arc;

use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::response;
use super::state::State;
use super::stream::GeminiToResponses;
use crate::convert::context::AnswerContext;
use crate::convert::gemini_envelope::{self, Signature};
use crate::convert::machine::{Machine, StreamError};
use crate::convert::responses_out::Echo;
use crate::convert::sent_tools::{SentTool, SentTools};
use crate::convert::validate::responses::{End, Outcome, validate};
use crate::endpoint::Endpoint;
use crate::provider::Provider;
use crate::provider::spec::{Cell, Pair};

fn state() -> State {
    let mut tools = SentTools::default();
    for (sent, name, namespace, custom) in [
        ("crm__find", "find", Some("crm"), false),
        ("apply", "apply", None, true),
    ] {
        let tool = SentTool {
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            custom,
        };
        tools.insert(sent.to_owned(), tool);
    }
    State {
        echo: Echo::default(),
        model: "\"asked\"".to_owned(),
        sources: true,
        tools: Arc::new(tools),
    }
}

fn machine() -> GeminiToResponses {
    GeminiToResponses::new(state(), AnswerContext::at(7), usize::MAX)
}

/// The chunks as events; a stream that fails ends as one that does.
fn feed(machine: &mut GeminiToResponses, chunks: &[Value]) -> (BytesMut, Option<StreamError>) {
    let mut out = BytesMut::new();
    let mut work = || {
        for chunk in chunks {
            machine.event("", chunk.to_string().as_bytes(), &mut out)?;
        }
        machine.finish(&mut out)
    };
    let error: Option<StreamError> = work().err();
    if let Some(error) = &error {
        machine.fail(error, &mut out);
    }
    (out, error)
}

#[track_caller]
fn run(chunks: &[Value]) -> Outcome {
    let (out, error) = feed(&mut machine(), chunks);
    assert_eq!(error, None);
    validate(&out).unwrap()
}

fn whole(body: &Value) -> Value {
    let answer = response::convert(body.to_string().as_bytes(), &state(), AnswerContext::at(7));
    serde_json::from_slice(&answer.unwrap().body).unwrap()
}

fn parts(parts: Value) -> Value {
    json!({"responseId": "s-4", "modelVersion": "gemini-3.8-flash", "candidates": [{"content": {"role": "model", "parts": parts}}]})
}

fn stop(reason: &str, more: Value) -> Value {
    let mut candidate = json!({"content": {"parts": [{"text": ""}]}, "finishReason": reason});
    for (key, value) in more.as_object().unwrap() {
        candidate[key] = value.clone();
    }
    json!({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 15,
        "thoughtsTokenCount": 40, "toolUsePromptTokenCount": 100, "totalTokenCount": 167, "cachedContentTokenCount": 4}})
}

fn grounding() -> Value {
    json!({"groundingMetadata": {
        "webSearchQueries": ["zürich", "nice"],
        "groundingChunks": [{"web": {"uri": "https://v.example/1", "title": "t"}}],
        "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 16, "text": "Zürich is nice."}, "groundingChunkIndices": [0]}],
    }})
}

fn search() -> Value {
    json!({"id": "ws_s4_2", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "zürich",
        "queries": ["zürich", "nice"], "sources": [{"type": "url", "url": "https://v.example/1"}]}})
}

/// Other requests stay with the OpenAI-compatible endpoint.
#[test]
fn only_such_tools_need_the_native_api() {
    let serve = |body: &str| {
        let spec = Provider::Gemini.spec();
        let (cell, native) = spec.serve(Endpoint::Responses, body.as_bytes());
        match cell {
            Cell::Convert { pair, .. } => (pair, native),
            cell => panic!("{cell:?}"),
        }
    };
    for (tools, expected) in [
        (
            r#"[{"type":"web_search"}]"#,
            (Pair::ResponsesToGemini, true),
        ),
        (
            r#"[{"type":"function","name":"f"},{"type":"code_interpreter","container":{"type":"auto"}}]"#,
            (Pair::ResponsesToGemini, true),
        ),
        (
            r#"[{"type":"function","name":"web_search"},{"type":"file_search","vector_store_ids":["v"]}]"#,
            (Pair::ResponsesToChat, false),
        ),
        ("[]", (Pair::ResponsesToChat, false)),
    ] {
        let body = format!(r#"{{"model":"m","input":"x","tools":{tools}}}"#);
        assert_eq!(serve(&body), expected, "{body}");
    }
}

#[test]
fn a_grounded_answer() {
    let outcome = run(&[
        parts(json!([{"text": "Think.", "thought": true}])),
        parts(json!([{"text": "Zürich is "}])),
        parts(json!([{"text": "nice."}])),
        stop("STOP", grounding()),
    ]);
    assert_eq!(outcome.end, End::Completed);
    let response = outcome.response.unwrap();
    assert_eq!(response["id"], "resp_s4");
    assert_eq!(response["model"], "gemini-3.8-flash");
    let expected = json!([
        {"id": "rs_s4_0", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Think."}], "status": "completed"},
        {"id": "msg_s4_1", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text",
            "text": "Zürich is nice.", "annotations": [{"type": "url_citation", "url": "https://v.example/1", "title": "t",
            "start_index": 0, "end_index": 15}], "logprobs": []}]},
        search(),
    ]);
    assert_eq!(response["output"], expected);
    assert_eq!(
        response["usage"],
        json!({"input_tokens": 112, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0}, "output_tokens": 55,
            "output_tokens_details": {"reasoning_tokens": 40}, "total_tokens": 167})
    );
    assert_eq!(response["tool_usage"]["web_search"]["num_requests"], 2);

    // The whole answer says the same, and so does a stream that is made of it.
    let mut body = stop("STOP", grounding());
    body["responseId"] = json!("s-4");
    body["modelVersion"] = json!("gemini-3.8-flash");
    body["candidates"][0]["content"]["parts"] =
        json!([{"text": "Think.", "thought": true}, {"text": "Zürich is nice."}]);
    let answer = whole(&body);
    assert_eq!(answer, response);
    for body in [body.clone(), json!([body])] {
        let mut out = BytesMut::new();
        let body = body.to_string();
        response::replay(body.as_bytes(), &state(), AnswerContext::at(7), &mut out).unwrap();
        assert_eq!(validate(&out).unwrap().response.unwrap(), response);
    }
}

#[test]
fn calls_and_their_signatures() {
    let outcome = run(&[
        parts(json!([{"text": "Plan.", "thought": true}])),
        parts(
            json!([{"functionCall": {"id": "fc1", "name": "crm__find", "args": {"a": 1}}, "thoughtSignature": "s+/="}]),
        ),
        parts(json!([{"functionCall": {"id": "fc2", "name": "apply", "args": {"input": "p\n"}}}])),
        parts(json!([{"functionCall": {"name": "other"}}])),
        stop("STOP", json!({})),
    ]);
    let response = outcome.response.unwrap();
    let carrier = gemini_envelope::write(&[Signature::Call {
        id: "fc1".into(),
        value: "s+/=".into(),
    }]);
    let expected = json!([
        {"id": "rs_s4_0", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Plan."}], "encrypted_content": carrier, "status": "completed"},
        {"id": "fc_s4_1", "type": "function_call", "call_id": "fc1", "name": "find", "namespace": "crm", "arguments": "{\"a\":1}", "status": "completed"},
        {"id": "ctc_s4_2", "type": "custom_tool_call", "call_id": "fc2", "name": "apply", "input": "p\n"},
        {"id": "fc_s4_3", "type": "function_call", "call_id": "call_s4_2", "name": "other", "arguments": "{}", "status": "completed"},
    ]);
    assert_eq!(response["output"], expected);
}

#[test]
fn googles_own_steps_are_carried() {
    let step = json!({"toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB"}, "thoughtSignature": "u+/="});
    let outcome = run(&[
        parts(json!([step, {"toolResponse": {"id": "t1"}}])),
        parts(json!([{"text": "It "}])),
        parts(json!([{"text": "is."}])),
        stop("STOP", json!({})),
    ]);
    let items = outcome.items;
    assert_eq!(items.len(), 2);
    let carrier = items[1]["encrypted_content"].as_str().unwrap();
    let carried: Value =
        serde_json::from_str(&gemini_envelope::read_parts(carrier).unwrap()).unwrap();
    assert_eq!(carried[0], step);
    assert_eq!(carried[1], json!({"toolResponse": {"id": "t1"}}));
    assert_eq!(carried[2], json!({"text": "It is."}));
}

#[test]
fn code_is_shown_and_moves_citations() {
    let metadata = json!({"groundingMetadata": {
        "groundingChunks": [{"web": {"uri": "https://v", "title": "t"}}],
        "groundingSupports": [{"segment": {"startIndex": 2, "endIndex": 6, "text": "é so"}, "groundingChunkIndices": [0]}],
    }});
    let outcome = run(&[
        parts(
            json!([{"text": "a "}, {"executableCode": {"language": "PYTHON", "code": "print(4)"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "4\n"}}, {"text": "é so"}]),
        ),
        stop("STOP", metadata),
    ]);
    let part = &outcome.items[0]["content"][0];
    let text = part["text"].as_str().unwrap();
    assert_eq!(
        text,
        "a \n```python\nprint(4)\n```\n\n```text\n4\n```\né so"
    );
    let note = &part["annotations"][0];
    let at = |name: &str| usize::try_from(note[name].as_u64().unwrap()).unwrap();
    let cited: String = text
        .chars()
        .skip(at("start_index"))
        .take(at("end_index") - at("start_index"))
        .collect();
    assert_eq!(cited, "é so");
}

#[test]
fn ends() {
    for (reason, status, details) in [
        ("STOP", "completed", Value::Null),
        (
            "MAX_TOKENS",
            "incomplete",
            json!({"reason": "max_output_tokens"}),
        ),
        ("SAFETY", "incomplete", json!({"reason": "content_filter"})),
        ("OTHER", "completed", Value::Null),
    ] {
        let outcome = run(&[parts(json!([{"text": "x"}])), stop(reason, json!({}))]);
        let response = outcome.response.unwrap();
        assert_eq!(response["status"], status, "{reason}");
        assert_eq!(response["incomplete_details"], details);
        assert_eq!(response["output"][0]["status"], status);
    }
    // An answer that says nothing, and a signature of its text.
    let outcome = run(&[stop("MAX_TOKENS", json!({}))]);
    assert_eq!(outcome.items[0]["content"][0]["text"], "");
    let outcome = run(&[
        parts(json!([{"text": "x"}, {"text": "", "thoughtSignature": "s+/="}])),
        stop("STOP", json!({})),
    ]);
    let carrier = outcome.items[1]["encrypted_content"].as_str().unwrap();
    let value = "s+/=".to_owned();
    assert_eq!(
        gemini_envelope::read(carrier),
        [Signature::Message { value }]
    );
}

#[test]
fn blocked_prompts() {
    let body = json!({"responseId": "b2", "promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8}});
    let response = run(std::slice::from_ref(&body)).response.unwrap();
    assert_eq!(response["status"], "incomplete");
    assert_eq!(
        response["incomplete_details"],
        json!({"reason": "content_filter"})
    );
    assert_eq!(response["model"], "asked");
    assert_eq!(
        response["output"][0]["content"],
        json!([{"type": "refusal", "refusal": "Prompt blocked by Gemini: SAFETY"}])
    );
    assert_eq!(whole(&body), response);
}

#[test]
fn failures() {
    for chunks in [
        vec![],
        vec![parts(json!([{"text": "x"}]))],
        vec![
            parts(json!([{"text": "x"}])),
            json!({"error": {"code": 503, "status": "UNAVAILABLE", "message": "busy"}}),
        ],
        vec![parts(json!([{"text": "x"}, {"functionCall": {}}]))],
        vec![stop("MALFORMED_FUNCTION_CALL", json!({}))],
        vec![json!([{"error": {"code": 500}}])],
        vec![json!(7)],
    ] {
        let (out, error) = feed(&mut machine(), &chunks);
        assert!(error.is_some(), "{chunks:?}");
        assert_eq!(validate(&out).unwrap().end, End::Failed, "{chunks:?}");
    }
    for body in [
        "",
        "{}",
        "[]",
        "7",
        r#"{"error":{"code":400,"message":"m"}}"#,
    ] {
        let cx = AnswerContext::at(7);
        assert!(response::convert(body.as_bytes(), &state(), cx).is_err());
        let mut out = BytesMut::new();
        assert!(response::replay(body.as_bytes(), &state(), cx, &mut out).is_err());
        assert!(out.is_empty());
    }
}

#[test]
fn what_is_held_is_bounded() {
    let mut machine = GeminiToResponses::new(state(), AnswerContext::at(7), 2000);
    let many: Vec<Value> = (0..50)
        .map(|_| parts(json!([{"text": "x".repeat(100)}])))
        .collect();
    let (out, error) = feed(&mut machine, &many);
    assert_eq!(error.unwrap().error.status.as_u16(), 502);
    assert_eq!(validate(&out).unwrap().end, End::Failed);
}

fn any_chunk() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        ".{0,3}".prop_map(|text| json!({"text": text})),
        ".{0,3}".prop_map(|text| json!({"text": text, "thought": true})),
        Just(json!({"text": "", "thoughtSignature": "s"})),
        Just(json!({"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "s"})),
        Just(json!({"functionCall": {"id": "x", "name": "apply", "args": {"input": "y"}}})),
        Just(json!({"functionCall": {}})),
        Just(json!({"toolCall": {}})),
        Just(json!({"executableCode": {"code": "x"}})),
        Just(json!({"codeExecutionResult": {"output": "x"}})),
        Just(json!({"inlineData": {"mimeType": "image/png", "data": "AA=="}})),
        Just(json!(7)),
    ];
    prop_oneof![
        6 => prop::collection::vec(part, 0..4).prop_map(|list| parts(json!(list))),
        1 => Just(stop("STOP", grounding())),
        1 => Just(stop("SAFETY", json!({}))),
        1 => Just(json!({"promptFeedback": {"blockReason": "OTHER"}})),
        1 => prop::sample::select(vec![json!({}), json!([]), json!(null), json!({"error": {}}), json!({"candidates": 7})]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn any_chunks_make_a_legal_stream(chunks in prop::collection::vec(any_chunk(), 0..12)) {
        let (out, error) = feed(&mut machine(), &chunks);
        let outcome = validate(&out);
        prop_assert!(outcome.is_ok(), "{:?} in {}", outcome, String::from_utf8_lossy(&out));
        prop_assert_eq!(outcome.unwrap().end == End::Failed, error.is_some());
    }
}
