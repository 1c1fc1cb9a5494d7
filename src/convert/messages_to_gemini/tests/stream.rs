use bytes::BytesMut;
use serde_json::{Value, json};

use super::{CX, parts, run, sent, state, stop, told};
use crate::convert::messages_to_gemini::{response, stream};
use crate::convert::validate::messages::{End, validate};

fn converted(body: &Value) -> Value {
    let answer = response::convert(body.to_string().as_bytes(), &state(), CX).unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

fn grounded() -> Vec<Value> {
    let mut end = stop();
    end["candidates"][0]["groundingMetadata"] = json!({"webSearchQueries": ["q"], "groundingChunks": [{"web": {"uri": "https://u", "title": "T"}}, {"web": {"title": "none"}}],
        "groundingSupports": [{"segment": {"startIndex": 3, "endIndex": 8, "text": "ü b"}, "groundingChunkIndices": [0, 1]}]});
    vec![
        parts(json!([{"text": "think", "thought": true}])),
        parts(json!([{"text": "é ü"}])),
        parts(json!([{"text": " b."}])),
        end,
    ]
}

#[test]
fn a_grounded_answer() {
    let outcome = told(&grounded());
    assert_eq!(outcome.end, End::Complete);
    let message = outcome.message;
    let empty = crate::convert::gemini_envelope::write(&[]);
    assert_eq!(
        message["content"],
        json!([
            {"type": "thinking", "thinking": "think", "signature": empty},
            {"type": "text", "text": "é ü b.", "citations": [{"type": "web_search_result_location", "url": "https://u", "title": "T", "cited_text": "ü b", "encrypted_index": ""}]},
            {"type": "server_tool_use", "id": "srvtoolu_r1_search", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_r1_search", "content": [{"type": "web_search_result", "url": "https://u", "title": "T", "encrypted_content": "", "page_age": null}]},
        ])
    );
    assert_eq!(
        message["usage"]["server_tool_use"]["web_search_requests"],
        1
    );
    assert_eq!(message["stop_reason"], "end_turn");
}

#[test]
fn every_cut_ends_with_an_error_unless_the_reason_was_said() {
    let whole = grounded();
    for cut in 0..whole.len() {
        assert_eq!(told(&whole[..cut]).end, End::Error, "{cut}");
    }
}

#[test]
fn code_fetches_and_calls() {
    let mut end = stop();
    end["candidates"][0]["urlContextMetadata"] = json!({"urlMetadata": [{"retrievedUrl": "https://a", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}, {"retrievedUrl": "https://b", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"}]});
    let said = json!([{"executableCode": {"language": "PYTHON", "code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
        {"text": "one"}, {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}]);
    let outcome = told(&[parts(said.clone()), end.clone()]);
    assert_eq!(outcome.end, End::Complete);
    let kinds: Vec<&Value> = outcome.message["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| &block["type"])
        .collect();
    assert_eq!(
        json!(kinds),
        json!([
            "server_tool_use",
            "code_execution_tool_result",
            "text",
            "thinking",
            "tool_use",
            "thinking",
            "server_tool_use",
            "web_fetch_tool_result",
            "server_tool_use",
            "web_fetch_tool_result"
        ])
    );
    assert_eq!(outcome.message["stop_reason"], "tool_use");
    // The next request holds the parts as they came.
    let results = json!([{"type": "tool_result", "tool_use_id": "call_r1_0", "content": "r"}]);
    let body = sent(
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": outcome.message["content"]}, {"role": "user", "content": results}]}),
    );
    assert_eq!(body["contents"][1]["parts"], said);
    // And the same for a whole answer.
    let mut whole = parts(said.clone());
    for (key, value) in end["candidates"][0].as_object().unwrap() {
        whole["candidates"][0][key] = value.clone();
    }
    let message = converted(&whole);
    let body = sent(
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": message["content"]}, {"role": "user", "content": results}]}),
    );
    assert_eq!(body["contents"][1]["parts"], said);
}

#[test]
fn reasons() {
    for (reason, expected) in [
        ("STOP", "end_turn"),
        ("MAX_TOKENS", "max_tokens"),
        ("SAFETY", "refusal"),
        ("OTHER", "end_turn"),
    ] {
        let mut end = stop();
        end["candidates"][0]["finishReason"] = json!(reason);
        let outcome = told(&[parts(json!([{"text": "a"}])), end]);
        assert_eq!(outcome.message["stop_reason"], expected, "{reason}");
    }
    let blocked = json!({"responseId": "b", "promptFeedback": {"blockReason": "SAFETY"}});
    let outcome = told(std::slice::from_ref(&blocked));
    assert_eq!(outcome.message["stop_reason"], "refusal");
    assert_eq!(
        outcome.message["stop_details"]["explanation"],
        "Prompt blocked by Gemini: SAFETY"
    );
    assert_eq!(
        converted(&blocked)["stop_details"],
        outcome.message["stop_details"]
    );
    let failed = json!({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]});
    assert_eq!(told(&[failed]).end, End::Error);
}

#[test]
fn whole_answers_are_replayed() {
    let list = Value::Array(grounded()).to_string();
    let mut out = BytesMut::new();
    stream::replay(list.as_bytes(), state(), CX, &mut out).unwrap();
    assert_eq!(out, run(&grounded(), 1 << 20));
    assert_eq!(validate(&out).unwrap().end, End::Complete);
    let mut out = BytesMut::new();
    assert!(stream::replay(b"<html>", state(), CX, &mut out).is_err());
    assert!(out.is_empty());
}
