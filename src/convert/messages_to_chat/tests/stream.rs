use bytes::BytesMut;
use serde_json::{Value, json};

use super::{CX, DONE, LIMIT, answer, call, complete, delta, finish, gemini, groq, usage};
use crate::convert::machine::{Flow, Machine};
use crate::convert::messages_to_chat::stream::ChatToMessages;
use crate::convert::validate::messages::{End, validate};
use crate::endpoint::Format;

#[test]
fn a_stream_without_a_chunk() {
    let message = complete(groq(), &[json!(DONE)]);
    assert_eq!(message["content"], json!([]));
    assert_eq!(message["stop_reason"], "end_turn");
    assert_eq!(message["model"], "openai/gpt-oss-120b");
    let id = message["id"].as_str().unwrap();
    assert!(id.len() == 28 && id.starts_with("msg_"), "{id}");
    assert_eq!(
        message["usage"],
        json!({"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0})
    );
}

#[test]
fn stop_reasons() {
    let tool = call(json!({"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}));
    let text = delta(json!({"content": "x"}));
    for (chunk, reason, expected) in [
        (&text, "stop", "end_turn"),
        (&text, "length", "max_tokens"),
        (&text, "content_filter", "refusal"),
        (&text, "something", "end_turn"),
        (&tool, "stop", "tool_use"),
        (&tool, "tool_calls", "tool_use"),
        (&tool, "function_call", "tool_use"),
        (&tool, "length", "max_tokens"),
    ] {
        let message = complete(gemini(), &[chunk.clone(), finish(reason), json!(DONE)]);
        assert_eq!(message["stop_reason"], expected, "{reason}");
        let details = json!({"type": "refusal", "category": null, "explanation": null});
        let refused = expected == "refusal";
        assert_eq!(
            message["stop_details"],
            if refused {
                details.clone()
            } else {
                Value::Null
            }
        );
        let whole = json!({"id": "x", "model": "m", "choices": [{"index": 0, "finish_reason": reason,
            "message": {"role": "assistant", "content": "x"}}]});
        let whole = answer(gemini(), &whole);
        let expected = if expected == "tool_use" {
            "end_turn"
        } else {
            expected
        };
        if chunk == &text {
            assert_eq!(whole["stop_reason"], expected);
            let member = whole.get("stop_details").cloned();
            assert_eq!(member, refused.then_some(details));
        }
    }
    // No reason at all, but an end.
    let message = complete(gemini(), &[tool, json!(DONE)]);
    assert_eq!(message["stop_reason"], "tool_use");
}

#[test]
fn finish_on_every_chunk_does_not_end_the_stream() {
    let chunk = |text: &str| {
        json!({"id": "g", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}})
    };
    let message = complete(gemini(), &[chunk("a"), chunk("b"), chunk("c")]);
    assert_eq!(message["content"], json!([{"type": "text", "text": "abc"}]));
    assert_eq!(message["usage"]["input_tokens"], 3);
}

#[test]
fn calls_in_every_shape() {
    let f = |arguments: &str| json!({"name": "f", "arguments": arguments});
    let message = complete(
        gemini(),
        &[
            // Whole, without an index; the second and third of one chunk.
            call(json!({"id": "a", "function": f("{\"x\":1}")})),
            delta(json!({"tool_calls": [
                {"id": "", "function": f("{\"x\":2}")},
                {"id": "b c", "function": f("{\"x\":3}")}
            ]})),
            // An object in place of a string, and no arguments at all.
            call(json!({"id": "d", "function": {"name": "f", "arguments": {"x": 4}}})),
            call(json!({"id": "e", "function": {"name": "f"}})),
            call(json!({"id": "n", "function": f("null")})),
            finish("stop"),
            json!(DONE),
        ],
    );
    let blocks = message["content"].as_array().unwrap();
    let inputs: Vec<&Value> = blocks.iter().map(|block| &block["input"]).collect();
    assert_eq!(
        inputs,
        [
            &json!({"x": 1}),
            &json!({"x": 2}),
            &json!({"x": 3}),
            &json!({"x": 4}),
            &json!({}),
            &json!({})
        ]
    );
    let ids: Vec<&str> = blocks.iter().map(|b| b["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "call_A1_1", "toolu_A1_0", "d", "e", "n"]);
}

#[test]
fn relays_that_number_every_call_0() {
    let message = complete(
        groq(),
        &[
            call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}})),
            call(json!({"index": 0, "id": "b", "function": {"name": "g", "arguments": "{"}})),
            call(json!({"index": 0, "function": {"arguments": "}"}})),
            finish("tool_calls"),
        ],
    );
    let blocks = message["content"].as_array().unwrap();
    assert_eq!(blocks.len(), 2);
    assert_eq!(
        (&blocks[1]["id"], &blocks[1]["name"]),
        (&json!("b"), &json!("g"))
    );
}

#[test]
fn a_deprecated_function_call() {
    let message = complete(
        groq(),
        &[
            delta(json!({"function_call": {"name": "f", "arguments": "{\"a\""}})),
            delta(json!({"function_call": {"arguments": ":1}"}})),
            finish("function_call"),
        ],
    );
    assert_eq!(
        message["content"],
        json!([{"type": "tool_use", "id": "call_A1_0", "name": "f", "input": {"a": 1}}])
    );
    assert_eq!(message["stop_reason"], "tool_use");
}

#[test]
fn text_between_calls_keeps_its_place() {
    let message = complete(
        groq(),
        &[
            delta(json!({"reasoning_content": "think"})),
            delta(json!({"content": "a"})),
            call(json!({"index": 0, "id": "c", "function": {"name": "f", "arguments": "{\"x\":"}})),
            delta(json!({"content": "b"})),
            call(json!({"index": 0, "function": {"arguments": "1}"}})),
            delta(json!({"refusal": "no"})),
            finish("stop"),
        ],
    );
    let kinds: Vec<&str> = message["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use", "text", "text"]);
    assert_eq!(message["content"][2]["input"], json!({"x": 1}));
    assert_eq!(message["content"][4]["text"], "no");
}

#[test]
fn a_call_cut_by_the_limit_keeps_what_it_has() {
    let message = complete(
        groq(),
        &[
            call(
                json!({"index": 0, "id": "c", "function": {"name": "f", "arguments": "{\"x\":\"ab"}}),
            ),
            finish("length"),
            json!(DONE),
        ],
    );
    assert_eq!(message["content"][0]["input"], "{\"x\":\"ab");
    assert_eq!(message["stop_reason"], "max_tokens");
}

#[test]
fn counts_of_the_prompt_are_never_told_twice() {
    let counts = json!({"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 10}});
    let expected = json!({"input_tokens": 30, "cache_creation_input_tokens": 6, "cache_read_input_tokens": 64,
        "output_tokens": 30, "output_tokens_details": {"thinking_tokens": 10}});
    let message = complete(
        groq(),
        &[
            delta(json!({"content": "x"})),
            finish("stop"),
            usage(counts.clone()),
            json!(DONE),
        ],
    );
    assert_eq!(message["usage"], expected);
    let whole = answer(
        groq(),
        &json!({"usage": counts, "choices": [{"message": {"content": "x"}}]}),
    );
    assert_eq!(whole["usage"], expected);
    // The head of a stream knows the whole prompt only.
    let mut first = delta(json!({"content": "x"}));
    first["usage"] = counts;
    let mut out = BytesMut::new();
    let mut machine = ChatToMessages::new(groq(), CX, LIMIT);
    machine
        .event("", first.to_string().as_bytes(), &mut out)
        .unwrap();
    let started = validate(&out).unwrap().message;
    assert_eq!(
        started["usage"],
        json!({"input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0})
    );
    assert_eq!(machine.usage().cache_read, Some(64));
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut machine = ChatToMessages::new(groq(), CX, 1000);
    let mut out = BytesMut::new();
    let open = call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}));
    machine
        .event("", open.to_string().as_bytes(), &mut out)
        .unwrap();
    // What was sent is not held.
    let more = call(json!({"index": 0, "function": {"arguments": " ".repeat(500)}}));
    for _ in 0..10 {
        let sent = machine.event("", more.to_string().as_bytes(), &mut out);
        assert_eq!(sent, Ok(Flow::Continue));
    }
    let waiting = delta(json!({"content": "y".repeat(2000)}));
    let error = machine
        .event("", waiting.to_string().as_bytes(), &mut out)
        .unwrap_err();
    machine.fail(&error, &mut out);
    assert_eq!(validate(&out).unwrap().end, End::Error);
}

#[test]
fn nothing_follows_the_end() {
    let mut machine = ChatToMessages::new(groq(), CX, LIMIT);
    let mut out = BytesMut::new();
    assert_eq!(machine.event("", b"[DONE]", &mut out), Ok(Flow::Done));
    let length = out.len();
    let text = delta(json!({"content": "x"})).to_string();
    assert_eq!(machine.event("", text.as_bytes(), &mut out), Ok(Flow::Done));
    machine.finish(&mut out).unwrap();
    let late = crate::convert::machine::StreamError::ended(Format::Messages);
    machine.fail(&late, &mut out);
    assert_eq!(out.len(), length);
}
