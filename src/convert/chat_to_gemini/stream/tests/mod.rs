//! Streams, beside the documented ones.

#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

mod any;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::super::state::State;
use super::validate::validate;
use super::{GeminiToChat, replay};
use crate::codec::sse::Decoder;
use crate::convert::chat_answer::validate::{End, Outcome};
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine, StreamError};
use crate::convert::tool_names::ToolNames;

const CX: AnswerContext = AnswerContext::at(7);

fn state() -> State {
    let mut tools = ToolNames::default();
    tools.insert("sql", "sql", true);
    State {
        include_usage: true,
        model: "\"asked\"".into(),
        tools,
        ..State::default()
    }
}

/// A chunk with these parts.
fn parts(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}}]})
}

fn text(text: &str) -> Value {
    parts(json!([{ "text": text }]))
}

fn stop() -> Value {
    json!({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2}})
}

/// Feeds the chunks, then ends the stream; the error, if it failed.
fn feed(machine: &mut GeminiToChat, chunks: &[String]) -> (BytesMut, Option<StreamError>) {
    let mut out = BytesMut::new();
    for chunk in chunks {
        if let Err(error) = machine.event("", chunk.as_bytes(), &mut out) {
            machine.fail(&error, &mut out);
            return (out, Some(error));
        }
    }
    if let Err(error) = machine.finish(&mut out) {
        machine.fail(&error, &mut out);
        return (out, Some(error));
    }
    (out, None)
}

fn run(chunks: &[Value]) -> (Outcome, Option<StreamError>) {
    let chunks: Vec<String> = chunks.iter().map(Value::to_string).collect();
    let mut machine = GeminiToChat::new(state(), CX, 1 << 20);
    let (out, error) = feed(&mut machine, &chunks);
    let outcome =
        validate(&out, true).unwrap_or_else(|e| panic!("{e}\n{}", String::from_utf8_lossy(&out)));
    (outcome, error)
}

#[test]
fn pieces_of_every_kind() {
    let (outcome, _) = run(&[
        parts(json!([{"text": "think", "thought": true}])),
        parts(json!([{"text": "ing", "thought": true}, {"text": "Hé"}])),
        parts(json!([{"executableCode": {"language": "PYTHON", "code": "1\n"}}])),
        parts(json!([{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}])),
        parts(
            json!([{"functionCall": {"name": "f", "args": {"a": 1}}}, {"functionCall": {"id": "x", "name": "sql", "args": {"input": "s"}}, "thoughtSignature": "cw=="}]),
        ),
        parts(
            json!([{"inlineData": {"mimeType": "image/png", "data": "AA"}}, {"inlineData": {"mimeType": "image/png", "data": "BB"}}]),
        ),
        parts(json!([{"text": "", "thoughtSignature": "bXNn"}])),
        // Nothing to send back.
        parts(json!([{"text": ""}])),
        stop(),
    ]);
    assert_eq!(outcome.end, End::Complete);
    assert_eq!(outcome.finish_reason.as_deref(), Some("tool_calls"));
    let message = outcome.message;
    assert_eq!(message["reasoning_content"], "thinking");
    assert_eq!(
        message["content"],
        "Hé\n```python\n1\n```\n\n```text\n1\n```\n"
    );
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 2);
    assert_eq!(message["tool_calls"][1]["custom"]["input"], "s");
    assert_eq!(
        message["tool_calls"][1]["extra_content"]["google"]["thought_signature"],
        "cw=="
    );
    assert_eq!(message["images"].as_array().unwrap().len(), 2);
    let google = &message["extra_content"]["google"];
    assert_eq!(google["thought_signature"], "bXNn");
    // Texts in pieces are one part of what comes back.
    assert_eq!(
        google["parts"],
        json!([
            {"thought": true, "text": "thinking"},
            {"text": "Hé"},
            {"executableCode": {"language": "PYTHON", "code": "1\n"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
            {"functionCall": {"name": "f", "args": {"a": 1}}},
            {"functionCall": {"id": "x", "name": "sql", "args": {"input": "s"}}, "thoughtSignature": "cw=="},
            {"inlineData": {"mimeType": "image/png", "data": "AA"}},
            {"inlineData": {"mimeType": "image/png", "data": "BB"}},
            {"text": "", "thoughtSignature": "bXNn"}
        ])
    );
}

#[test]
fn what_is_held_for_the_next_request_is_bounded_and_never_fails_the_answer() {
    let code = parts(json!([{"executableCode": {"code": "1"}}]));
    let long = "x".repeat(600);
    let chunks = [code.clone(), text(&long), text(&long), code, stop()];
    let chunks: Vec<String> = chunks.iter().map(Value::to_string).collect();
    let mut machine = GeminiToChat::new(state(), CX, 1000);
    let (out, error) = feed(&mut machine, &chunks);
    assert_eq!(error, None);
    let outcome = validate(&out, true).unwrap();
    assert_eq!(outcome.end, End::Complete);
    assert!(!outcome.message.contains_key("extra_content"));
}

#[test]
fn citations_come_once_at_the_end() {
    let grounded = |chunk: Value, metadata: Value| {
        let mut chunk = chunk;
        chunk["candidates"][0]["groundingMetadata"] = metadata;
        chunk
    };
    let metadata = |end: u64, text: &str| {
        json!({"webSearchQueries": ["q"], "groundingChunks": [{"web": {"uri": "u", "title": "t"}}],
            "groundingSupports": [{"segment": {"startIndex": 3, "endIndex": end, "text": text}, "groundingChunkIndices": [0]}]})
    };
    let (outcome, _) = run(&[
        grounded(text("é b"), metadata(4, "b")),
        grounded(text("ü"), metadata(6, "bü")),
        // Some models send an empty one at the end.
        grounded(stop(), json!({})),
    ]);
    let page = |start: u64, end: u64| json!([{"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": start, "end_index": end}}]);
    assert_eq!(outcome.message["annotations"], page(2, 4));
    assert_eq!(
        outcome.message["extra_content"]["google"]["grounding_metadata"],
        metadata(6, "bü")
    );
}

#[test]
fn blocked_prompts() {
    let (outcome, _) = run(&[
        json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 8}}),
    ]);
    assert_eq!(outcome.end, End::Complete);
    assert_eq!(outcome.finish_reason.as_deref(), Some("content_filter"));
    assert_eq!(
        outcome.message["refusal"],
        "Prompt blocked by Gemini: PROHIBITED_CONTENT"
    );
    assert_eq!(outcome.usage.unwrap()["prompt_tokens"], 8);
}

#[test]
fn a_finish_without_anything_is_a_whole_stream() {
    let (outcome, _) = run(&[stop()]);
    assert_eq!(outcome.end, End::Complete);
    assert_eq!(Value::Object(outcome.message), json!({"role": "assistant"}));
    // Some relays say it on every chunk, and end as OpenAI does.
    let mut first = text("a");
    first["candidates"][0]["finishReason"] = json!("STOP");
    let mut second = text("b");
    second["candidates"][0]["finishReason"] = json!("MAX_TOKENS");
    let mut chunks: Vec<String> = [first, second].iter().map(Value::to_string).collect();
    chunks.push("[DONE]".to_owned());
    let (out, error) = feed(&mut GeminiToChat::new(state(), CX, 1000), &chunks);
    assert_eq!(error, None);
    let outcome = validate(&out, true).unwrap();
    assert_eq!(outcome.message["content"], "ab");
    assert_eq!(outcome.finish_reason.as_deref(), Some("length"));
}

#[test]
fn failures_with_nothing_to_show_are_errors() {
    let failed =
        json!({"candidates": [{"finishReason": "UNEXPECTED_TOOL_CALL", "finishMessage": "m"}]});
    for before in [vec![], vec![parts(json!([{"text": "t", "thought": true}]))]] {
        let mut chunks = before;
        chunks.push(failed.clone());
        let (outcome, error) = run(&chunks);
        assert_eq!(outcome.end, End::Error);
        let told = outcome.error.unwrap();
        assert_eq!(told["code"], "unexpected_tool_call");
        assert_eq!(told["message"], "m");
        assert_eq!(error.unwrap().error.status, 502);
    }
    // Told by the very event, so that as the first one it can be tried again.
    let mut machine = GeminiToChat::new(state(), CX, 1000);
    let mut out = BytesMut::new();
    assert!(
        machine
            .event("", failed.to_string().as_bytes(), &mut out)
            .is_err()
    );
    assert!(out.is_empty());
    let (outcome, _) = run(&[text("a"), failed]);
    assert_eq!(outcome.finish_reason.as_deref(), Some("stop"));
}

#[test]
fn errors_inside_a_stream() {
    let error = json!({"error": {"code": 503, "message": "overloaded AIzaSyA-12345678", "status": "UNAVAILABLE"}});
    for event in [error.clone(), json!([error])] {
        for before in [vec![], vec![text("a")]] {
            let mut chunks = before;
            chunks.push(event.clone());
            let (outcome, failure) = run(&chunks);
            assert_eq!(outcome.end, End::Error);
            assert_eq!(
                outcome.error.unwrap(),
                json!({"message": "overloaded [redacted]", "type": "server_error", "param": null, "code": "overloaded"})
            );
            let failure = failure.unwrap();
            assert_eq!(failure.upstream_status.unwrap(), 503);
        }
    }
    for odd in ["7", "{", "[]", "[1]", "null"] {
        let (out, failure) = feed(
            &mut GeminiToChat::new(state(), CX, 1000),
            &[text("a").to_string(), odd.to_owned()],
        );
        assert_eq!(validate(&out, true).unwrap().end, End::Error, "{odd}");
        assert_eq!(failure.unwrap().error.status, 502);
    }
    let nameless = parts(json!([{"text": "a"}, {"functionCall": {"args": {}}}]));
    let (outcome, _) = run(&[nameless]);
    assert_eq!(outcome.end, End::Error);
    assert!(outcome.message.is_empty());
}

#[test]
fn heads_of_streams() {
    let chunks = [text("a"), stop()].map(|chunk| chunk.to_string());
    let (out, _) = feed(&mut GeminiToChat::new(state(), CX, 1000), &chunks);
    let first = String::from_utf8_lossy(&out).into_owned();
    assert!(first.contains(r#""created":7,"model":"asked""#), "{first}");
    // Only the first candidate is streamed.
    let (outcome, _) = run(&[
        json!({"candidates": [{"index": 1, "content": {"parts": [{"text": "other"}]}}, {"content": {"parts": [{"text": "this"}]}}]}),
        json!({"candidates": [{"index": 1, "finishReason": "STOP"}]}),
        stop(),
    ]);
    assert_eq!(outcome.message["content"], "this");
}

#[test]
fn usage_is_sent_only_when_asked_for_and_is_that_of_the_last_chunk() {
    let counted = |prompt: u64| {
        let mut chunk = text("a");
        chunk["usageMetadata"] =
            json!({"promptTokenCount": prompt, "candidatesTokenCount": prompt});
        chunk
    };
    let chunks = [
        counted(5),
        counted(6),
        text("b"),
        json!({"candidates": [{"finishReason": "STOP"}]}),
    ]
    .map(|chunk| chunk.to_string());
    for include_usage in [false, true] {
        let state = State {
            include_usage,
            ..state()
        };
        let mut machine = GeminiToChat::new(state, CX, 1000);
        let (out, _) = feed(&mut machine, &chunks);
        let outcome = validate(&out, include_usage).unwrap();
        assert_eq!(outcome.usage.is_some(), include_usage);
        assert_eq!(machine.usage().input, Some(6));
        assert_eq!(machine.usage().output, Some(6));
    }
}

#[test]
fn log_probabilities_have_chunks_of_their_own() {
    let mut chunk = text("a");
    chunk["candidates"][0]["logprobsResult"] =
        json!({"chosenCandidates": [{"token": "a", "logProbability": -1}]});
    let chunks = [chunk, stop()].map(|chunk| chunk.to_string());
    let (out, _) = feed(&mut GeminiToChat::new(state(), CX, 1000), &chunks);
    assert_eq!(validate(&out, true).unwrap().end, End::Complete);
    let text = String::from_utf8_lossy(&out);
    assert!(
        text.contains(r#""delta":{},"finish_reason":null,"logprobs":{"content":[{"token":"a""#)
    );
}

#[test]
fn whole_answers_can_be_streamed() {
    let whole = json!({"responseId": "r", "candidates": [{"content": {"parts": [{"text": "a"}, {"functionCall": {"name": "f"}}]}, "finishReason": "STOP"}]});
    let list = json!([
        text("a"),
        parts(json!([{"functionCall": {"name": "f"}}])),
        stop()
    ]);
    for body in [
        serde_json::to_string_pretty(&whole).unwrap(),
        list.to_string(),
    ] {
        let mut out = BytesMut::new();
        replay(body.as_bytes(), state(), CX, &mut out).unwrap();
        let outcome = validate(&out, true).unwrap();
        assert_eq!(outcome.end, End::Complete);
        assert_eq!(outcome.message["content"], "a");
        assert_eq!(outcome.finish_reason.as_deref(), Some("tool_calls"));
    }
    for (body, status) in [
        ("{}", 502),
        ("[]", 502),
        ("[{]", 502),
        (r#"[{"error":{"code":429,"message":"m"}}]"#, 429),
        (r#"{"error":{"code":429,"message":"m"}}"#, 429),
    ] {
        let mut out = BytesMut::from("kept");
        let error = replay(body.as_bytes(), state(), CX, &mut out).unwrap_err();
        assert_eq!(error.status, status, "{body}");
        assert_eq!(out, "kept");
    }
}

#[test]
fn nothing_follows_the_end() {
    let mut machine = GeminiToChat::new(state(), CX, 1000);
    let (out, _) = feed(&mut machine, &[stop().to_string()]);
    let mut more = BytesMut::new();
    assert_eq!(machine.event("", b"junk", &mut more), Ok(Flow::Done));
    assert_eq!(machine.finish(&mut more), Ok(()));
    machine.fail(
        &StreamError::ended(crate::endpoint::Format::Chat),
        &mut more,
    );
    assert!(more.is_empty() && out.ends_with(b"data: [DONE]\n\n"));
}

/// A busy stream, as Google sends it.
fn busy() -> Vec<Value> {
    let mut grounded = text("Zürich.");
    grounded["candidates"][0]["groundingMetadata"] = json!({"groundingChunks": [{"web": {"uri": "u"}}],
        "groundingSupports": [{"segment": {"endIndex": 8, "text": "Zürich."}, "groundingChunkIndices": [0]}]});
    vec![
        parts(json!([{"text": "é 😀\n", "thought": true}])),
        grounded,
        parts(
            json!([{"functionCall": {"id": "a", "name": "f", "args": {"x": "\u{1f600}"}}, "thoughtSignature": "c2ln"}]),
        ),
        parts(json!([{"functionCall": {"name": "sql", "args": {"input": "1"}}}, {"text": "!"}])),
        parts(json!([{"executableCode": {"code": "1"}}])),
        stop(),
    ]
}

#[test]
fn any_cut_of_the_bytes_gives_the_same_stream() {
    let wire: String = busy()
        .iter()
        .map(|chunk| format!("data: {chunk}\r\n\r\n"))
        .collect();
    let wire = wire.as_bytes();
    let feed = |pieces: &[&[u8]]| {
        let mut decoder = Decoder::new(1 << 20);
        let mut machine = GeminiToChat::new(state(), CX, 1 << 20);
        let mut out = BytesMut::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(event) = decoder.next(&mut input).unwrap() {
                machine.event(event.name, event.data, &mut out).unwrap();
            }
        }
        machine.finish(&mut out).unwrap();
        // The id is by chance.
        let text = String::from_utf8(out.to_vec()).unwrap();
        let id = text.split('"').nth(3).unwrap().to_owned();
        text.replace(&id["chatcmpl-".len()..], "")
    };
    let whole = feed(&[wire]);
    for cut in 0..wire.len() {
        let (head, tail) = wire.split_at(cut);
        assert_eq!(feed(&[head, tail]), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = wire.chunks(1).collect();
    assert_eq!(feed(&bytes), whole);
}

#[test]
fn a_stream_cut_after_every_event_ends_with_an_error_unless_it_was_complete() {
    let chunks = busy();
    for cut in 0..=chunks.len() {
        let (outcome, error) = run(&chunks[..cut]);
        if cut == chunks.len() {
            assert_eq!(outcome.end, End::Complete);
        } else {
            assert_eq!(outcome.end, End::Error);
            assert_eq!(outcome.error.unwrap()["code"], "upstream_stream_ended");
            assert_eq!(error.unwrap().error.status, 502);
        }
    }
}
