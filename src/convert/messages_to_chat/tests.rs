use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::error;
use super::response;
use super::state::State;
use super::stream::ChatToMessages;
use crate::codec::sse::Decoder;
use crate::convert::chat_in::Origin;
use crate::convert::context::AnswerContext;
use crate::convert::machine::{Flow, Machine};
use crate::convert::tool_names::ToolNames;
use crate::convert::validate::messages::{End, Outcome, validate};
use crate::endpoint::Format;
use crate::provider::Provider;
use http::StatusCode;

const CX: AnswerContext = AnswerContext { now: 7 };
const LIMIT: usize = 1 << 20;

fn state(provider: Provider, model: &str) -> State {
    State {
        origin: Origin::new(provider, model, Format::Messages).unwrap(),
        model: format!("\"{model}\""),
        wants_search: false,
        tools: ToolNames::default(),
    }
}

fn gemini() -> State {
    state(Provider::Gemini, "gemini-3.8-flash")
}

fn groq() -> State {
    state(Provider::Groq, "openai/gpt-oss-120b")
}

fn sonar() -> State {
    state(Provider::Perplexity, "sonar")
}

fn searching(state: State) -> State {
    State {
        wants_search: true,
        ..state
    }
}

/// Feeds `upstream` and ends the stream as the body around the machine does.
pub(super) fn run(mut machine: impl Machine, upstream: &[(String, String)]) -> BytesMut {
    let mut out = BytesMut::new();
    for (name, data) in upstream {
        let before = out.len();
        match machine.event(name, data.as_bytes(), &mut out) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Done) => return out,
            Err(error) => {
                assert_eq!(out.len(), before, "an event with an error said something");
                machine.fail(&error, &mut out);
                return out;
            }
        }
    }
    if let Err(error) = machine.finish(&mut out) {
        machine.fail(&error, &mut out);
    }
    out
}

/// A chunk with this delta.
fn delta(delta: Value) -> Value {
    json!({"id": "chatcmpl-A1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"id": "chatcmpl-A1", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn usage(usage: Value) -> Value {
    json!({"id": "chatcmpl-A1", "model": "m", "choices": [], "usage": usage})
}

fn call(call: Value) -> Value {
    delta(json!({"tool_calls": [call]}))
}

const DONE: &str = "[DONE]";

fn events(chunks: &[Value]) -> Vec<(String, String)> {
    chunks
        .iter()
        .map(|chunk| {
            let data = match chunk {
                Value::String(text) => text.clone(),
                chunk => chunk.to_string(),
            };
            (String::new(), data)
        })
        .collect()
}

#[track_caller]
fn told(state: State, chunks: &[Value]) -> Outcome {
    let out = run(ChatToMessages::new(state, CX, LIMIT), &events(chunks));
    validate(&out).unwrap()
}

#[track_caller]
fn complete(state: State, chunks: &[Value]) -> Value {
    let outcome = told(state, chunks);
    assert_eq!(outcome.end, End::Complete, "{outcome:?}");
    assert_eq!(
        outcome.stopped,
        outcome.message["content"].as_array().unwrap().len()
    );
    outcome.message
}

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
fn signed_thinking_of_every_provider() {
    for (state, signature) in [
        (groq(), "tlg1.plain.eyJ2IjoxLCJwIjoiZ3JvcSJ9"),
        (gemini(), "tlg1.gemini.eyJ2IjoxLCJzaWdzIjpbXX0"),
    ] {
        let message = complete(
            state,
            &[
                delta(json!({"reasoning": "hm"})),
                delta(json!({"content": "x"})),
                finish("stop"),
            ],
        );
        assert_eq!(
            message["content"][0],
            json!({"type": "thinking", "thinking": "hm", "signature": signature})
        );
    }
    let deep = state(Provider::Perplexity, "sonar-reasoning-pro");
    let message = complete(
        deep,
        &[
            delta(json!({"content": "<thi"})),
            delta(json!({"content": "nk>a</think>\n\nb"})),
            finish("stop"),
        ],
    );
    let thinking = &message["content"][0];
    assert_eq!(thinking["thinking"], "a");
    assert!(
        thinking["signature"]
            .as_str()
            .unwrap()
            .starts_with("tlg1.plain.")
    );
    assert_eq!(message["content"][1]["text"], "\n\nb");
}

#[test]
fn signatures_of_messages_and_of_calls_with_other_ids() {
    let extra = |signature: &str| json!({"google": {"thought_signature": signature}});
    let message = complete(
        gemini(),
        &[
            delta(json!({"content": "x", "extra_content": extra("bXNn")})),
            call(
                json!({"id": "a.b", "function": {"name": "f", "arguments": "{}"}, "extra_content": extra("Y2Fs+/=")}),
            ),
            finish("stop"),
            json!(DONE),
        ],
    );
    let blocks = message["content"].as_array().unwrap();
    let kinds: Vec<&str> = blocks.iter().map(|b| b["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "thinking", "tool_use", "thinking"]);
    let id = blocks[2]["id"].as_str().unwrap();
    let signature =
        |block: &Value| crate::convert::gemini_envelope::read(block["signature"].as_str().unwrap());
    use crate::convert::gemini_envelope::Signature;
    assert_eq!(
        signature(&blocks[1]),
        [Signature::Call {
            id: id.to_owned(),
            value: "Y2Fs+/=".into()
        }]
    );
    assert_eq!(
        signature(&blocks[3]),
        [Signature::Message {
            value: "bXNn".into()
        }]
    );
}

#[test]
fn whole_thoughts_without_a_flag() {
    for content in [
        r"<thought>hm</thought>Yes.",
        r"\u003cthought\u003ehm\u003c/thought\u003eYes.",
    ] {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"{content}"}}}}]}}"#);
        let answer = response::convert(body.as_bytes(), &gemini(), CX).unwrap();
        let message: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(message["content"][0]["thinking"], "hm");
        assert_eq!(message["content"][1]["text"], "Yes.");
        let answer = response::convert(body.as_bytes(), &groq(), CX).unwrap();
        let message: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(message["content"][0]["text"], "<thought>hm</thought>Yes.");
    }
}

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

fn pages() -> Value {
    json!([
        {"url": "https://a", "title": "A \"q\"", "date": "2026-01-02", "snippet": "é".repeat(200)},
        {"url": "https://b", "title": null, "snippet": "s\n"},
        {"url": "https://c", "title": "C"}
    ])
}

fn cited_chunk(text: &str) -> Value {
    let mut chunk = delta(json!({"content": text}));
    chunk["search_results"] = pages();
    chunk["citations"] = json!(["https://a"]);
    chunk["usage"] = json!({"prompt_tokens": 6, "completion_tokens": 3, "total_tokens": 9});
    chunk
}

#[test]
fn searches_and_citations() {
    let chunks = [
        cited_chunk("x [2] y"),
        cited_chunk(" [1][2] [9]"),
        finish("stop"),
    ];
    let citations = json!([
        {"type": "web_search_result_location", "url": "https://b", "title": "", "cited_text": "s\n", "encrypted_index": ""},
        {"type": "web_search_result_location", "url": "https://a", "title": "A \"q\"", "cited_text": "é".repeat(150), "encrypted_index": ""}
    ]);
    // Nobody asked for a search: only what the text cites is told.
    let message = complete(sonar(), &chunks);
    assert_eq!(message["content"].as_array().unwrap().len(), 1);
    assert_eq!(message["content"][0]["citations"], citations);
    assert_eq!(message["usage"].get("server_tool_use"), None);

    let message = complete(searching(sonar()), &chunks);
    assert_eq!(
        message["content"][0],
        json!({"type": "server_tool_use", "id": "srvtoolu_A1_0", "name": "web_search", "input": {}})
    );
    let result = |url: &str, title: &str, age: Value| json!({"type": "web_search_result", "url": url, "title": title, "encrypted_content": "", "page_age": age});
    assert_eq!(
        message["content"][1],
        json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_A1_0", "content": [
            result("https://a", "A \"q\"", json!("2026-01-02")),
            result("https://b", "", json!(null)),
            result("https://c", "C", json!(null))
        ]})
    );
    assert_eq!(message["content"][2]["citations"], citations);
    assert_eq!(
        message["usage"]["server_tool_use"],
        json!({"web_search_requests": 1, "web_fetch_requests": 0})
    );

    let mut counted = cited_chunk("x");
    counted["usage"]["num_search_queries"] = json!(3);
    let message = complete(sonar(), &[counted, finish("stop")]);
    assert_eq!(
        message["usage"]["server_tool_use"]["web_search_requests"],
        3
    );
}

#[test]
fn searches_that_groq_ran() {
    let tools = json!([
        {"index": 0, "type": "browser_search", "arguments": "{\"query\":\"q \\\"1\\\"\"}", "search_results": {"results": [{"url": "https://a", "title": "A"}]}},
        {"index": 1, "type": "python", "arguments": "{}"},
        {"index": 2, "type": "search", "arguments": "{\"query\":\"two\"}", "search_results": {"results": []}}
    ]);
    let streamed = complete(
        searching(groq()),
        &[
            delta(json!({"reasoning": "hm"})),
            delta(json!({"executed_tools": tools})),
            delta(json!({"content": "x"})),
            finish("stop"),
        ],
    );
    let kinds: Vec<&str> = streamed["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].as_str().unwrap())
        .collect();
    let search = ["server_tool_use", "web_search_tool_result"];
    assert_eq!(
        kinds,
        [&["thinking"][..], &search, &search, &["text"]].concat()
    );
    assert_eq!(streamed["content"][1]["input"], json!({"query": "q \"1\""}));
    let whole = answer(
        searching(groq()),
        &json!({"id": "chatcmpl-A1", "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 1},
            "choices": [{"finish_reason": "stop", "message": {"reasoning": "hm", "content": "x", "executed_tools": tools}}]}),
    );
    assert_eq!(whole["content"], streamed["content"]);
    assert_eq!(whole["usage"]["server_tool_use"]["web_search_requests"], 2);
    let plain = answer(
        groq(),
        &json!({"choices": [{"message": {"content": "x", "executed_tools": tools}}]}),
    );
    assert_eq!(plain["content"], json!([{"type": "text", "text": "x"}]));
}

#[test]
fn citations_that_the_server_placed() {
    let annotation = |url: &str| json!({"type": "url_citation", "url_citation": {"url": url, "title": "T", "start_index": 0, "end_index": 1}});
    let annotations = json!([annotation("https://a"), annotation("https://b"), annotation("https://a"), {"type": "document_citation"}]);
    let other = state(Provider::OpenAiCompatible, "m");
    let streamed = complete(
        other.clone(),
        &[
            delta(json!({"content": "x", "annotations": annotations})),
            finish("stop"),
        ],
    );
    let whole = answer(
        other,
        &json!({"choices": [{"message": {"content": "x", "annotations": annotations}}]}),
    );
    for content in [&streamed["content"], &whole["content"]] {
        let urls: Vec<&str> = content[0]["citations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|citation| citation["url"].as_str().unwrap())
            .collect();
        assert_eq!(urls, ["https://a", "https://b"]);
    }
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

fn answer(state: State, body: &Value) -> Value {
    let answer = response::convert(body.to_string().as_bytes(), &state, CX).unwrap();
    serde_json::from_slice(&answer.body).unwrap()
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

#[test]
fn errors_in_streams() {
    let text = delta(json!({"content": "x"}));
    for (event, status, kind) in [
        (
            json!({"error": {"message": "m", "status_code": 400}}),
            Some(400),
            "invalid_request_error",
        ),
        (
            json!({"error": {"message": "m", "code": 429}}),
            Some(429),
            "rate_limit_error",
        ),
        (
            json!([{"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}]),
            Some(503),
            "overloaded_error",
        ),
        (
            json!({"choices": [], "x_groq": {"error": "m"}}),
            None,
            "api_error",
        ),
        (json!({"error": "m"}), None, "api_error"),
        (json!("{\"id\":"), None, "api_error"),
        (json!("nonsense"), None, "api_error"),
    ] {
        let mut machine = ChatToMessages::new(groq(), CX, LIMIT);
        let mut out = BytesMut::new();
        let data = match &event {
            Value::String(text) => text.clone(),
            event => event.to_string(),
        };
        // As the first event it becomes a plain answer.
        let error = machine.event("", data.as_bytes(), &mut out).unwrap_err();
        assert!(out.is_empty());
        assert_eq!(error.upstream_status.map(|s| s.as_u16()), status, "{event}");
        assert_eq!(error.error.kind, kind, "{event}");

        let outcome = told(groq(), &[text.clone(), event.clone(), text.clone()]);
        assert_eq!(outcome.end, End::Error);
        assert_eq!(outcome.error.unwrap()["type"], kind, "{event}");
        assert_eq!(outcome.stopped, 0);
    }
    let mut machine = ChatToMessages::new(groq(), CX, LIMIT);
    let error = machine
        .event("error", br#"{"message":"m"}"#, &mut BytesMut::new())
        .unwrap_err();
    assert_eq!(error.error.message, "m");
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

#[test]
fn errors_of_every_class() {
    for (status, client, kind) in [
        (400, 400, "invalid_request_error"),
        (401, 401, "authentication_error"),
        (402, 402, "billing_error"),
        (403, 403, "permission_error"),
        (404, 404, "not_found_error"),
        (405, 405, "invalid_request_error"),
        (408, 504, "timeout_error"),
        (409, 409, "invalid_request_error"),
        (413, 413, "invalid_request_error"),
        (422, 400, "invalid_request_error"),
        (424, 400, "invalid_request_error"),
        (429, 429, "rate_limit_error"),
        (498, 529, "overloaded_error"),
        (500, 500, "api_error"),
        (502, 502, "api_error"),
        (503, 529, "overloaded_error"),
        (504, 504, "timeout_error"),
        (529, 529, "overloaded_error"),
    ] {
        let body = r#"{"error":{"message":"m","type":"their_own","code":"c"}}"#;
        let error = error::convert(
            StatusCode::from_u16(status).unwrap(),
            body.as_bytes(),
            &groq(),
        );
        assert_eq!(
            (error.status.as_u16(), &*error.kind),
            (client, kind),
            "{status}"
        );
        assert_eq!(error.message, "m");
    }
    let bad_key = br#"[{"error":{"code":400,"message":"k","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#;
    let error = error::convert(StatusCode::BAD_REQUEST, bad_key, &gemini());
    assert_eq!(
        (error.status.as_u16(), &*error.kind),
        (401, "authentication_error")
    );
    let page = error::convert(
        StatusCode::UNAUTHORIZED,
        b"<html><h1>Authorization Required</h1>",
        &sonar(),
    );
    assert_eq!(page.message, "401 from perplexity: Authorization Required");
    let failed =
        br#"{"error":{"message":"Failed.","code":"tool_use_failed","failed_generation":"<f>"}}"#;
    let error = error::convert(StatusCode::BAD_REQUEST, failed, &groq());
    assert!(error.message.contains("<f>"));
}

/// A stream with thoughts, text, interleaved calls, signatures and an end.
fn busy() -> Vec<Value> {
    let signed = json!({"google": {"thought_signature": "c2ln"}});
    vec![
        delta(
            json!({"role": "assistant", "content": "<thought>é 😀", "extra_content": {"google": {"thought": true}}}),
        ),
        delta(json!({"content": "</thought>Text [1]"})),
        delta(json!({"reasoning": "r"})),
        call(
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"x\""}, "extra_content": signed}),
        ),
        call(json!({"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}})),
        call(json!({"index": 0, "function": {"arguments": ":\"\\u00e9\"}"}})),
        call(json!({"index": 1, "function": {"arguments": "{}"}})),
        call(json!({"id": "c", "function": {"name": "h", "arguments": "{}"}})),
        delta(json!({"content": "after", "extra_content": signed})),
        finish("stop"),
        usage(json!({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12})),
        json!(DONE),
    ]
}

#[test]
fn a_stream_cut_at_every_byte_says_the_same() {
    let mut wire = Vec::new();
    for (_, data) in events(&busy()) {
        wire.extend_from_slice(format!("data: {data}\r\n\r\n").as_bytes());
    }
    let feed = |pieces: &[&[u8]]| {
        let mut decoder = Decoder::new(1 << 16);
        let mut machine = ChatToMessages::new(gemini(), CX, LIMIT);
        let mut out = BytesMut::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(event) = decoder.next(&mut input).unwrap() {
                machine.event(event.name, event.data, &mut out).unwrap();
            }
        }
        machine.finish(&mut out).unwrap();
        out
    };
    let whole = feed(&[&wire]);
    assert_eq!(validate(&whole).unwrap().end, End::Complete);
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
    let whole = complete(gemini(), &chunks);
    for cut in 0..chunks.len() {
        let outcome = told(gemini(), &chunks[..cut]);
        let finished = cut >= 10;
        assert_eq!(
            outcome.end,
            if finished { End::Complete } else { End::Error },
            "{cut}"
        );
        if finished {
            assert_eq!(outcome.message["content"], whole["content"]);
        } else {
            assert_eq!(outcome.error.unwrap()["type"], "api_error");
        }
    }
}

fn any_chunk() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just(""),
        Just("a"),
        Just("é\n\""),
        Just("<thought>"),
        Just("</thought>"),
        Just("<think>"),
        Just("</think>"),
        Just("[1] [2]")
    ];
    let arguments = prop_oneof![
        Just(""),
        Just("{"),
        Just("}"),
        Just("{}"),
        Just("null"),
        Just("{\"a\":[1]}"),
        Just("]")
    ];
    let id = prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!("a")),
        Just(json!("b.c")),
        Just(json!(7))
    ];
    let name = prop_oneof![3 => Just(json!("f")), 1 => Just(json!(null)), 1 => Just(json!(""))];
    let index = prop_oneof![
        Just(json!(null)),
        Just(json!(0)),
        Just(json!(1)),
        Just(json!("x"))
    ];
    let extra = prop_oneof![
        Just(json!(null)),
        Just(json!({"google": {"thought": true}})),
        Just(json!({"google": {"thought_signature": "s"}}))
    ];
    prop_oneof![
        4 => (text.clone(), extra.clone()).prop_map(|(text, extra)| delta(json!({"content": text, "extra_content": extra}))),
        2 => text.clone().prop_map(|text| delta(json!({"reasoning": text}))),
        1 => text.prop_map(|text| delta(json!({"refusal": text}))),
        6 => (index, id, name.clone(), arguments.clone(), extra).prop_map(|(index, id, name, arguments, extra)| {
            call(json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}, "extra_content": extra}))
        }),
        1 => (name, arguments).prop_map(|(name, arguments)| delta(json!({"function_call": {"name": name, "arguments": arguments}}))),
        1 => Just(cited_chunk("[1]")),
        1 => Just(delta(json!({"executed_tools": [{"index": 0, "type": "search", "arguments": "{\"query\":\"q\"}"}], "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}]}))),
        1 => prop_oneof![Just("stop"), Just("length"), Just("content_filter"), Just("tool_calls")].prop_map(finish),
        1 => Just(usage(json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 9}))),
        1 => prop_oneof![
            Just(json!({})),
            Just(json!({"choices": [null, 3]})),
            Just(json!({"choices": [{"index": 1, "delta": {"content": "other"}}]})),
            Just(json!({"choices": [{}]})),
            Just(json!({"error": {"message": "m"}})),
            Just(json!(DONE)),
            Just(json!("{"))
        ],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunks_in_any_order_give_a_legal_stream(
        chunks in prop::collection::vec(any_chunk(), 0..24),
        who in 0_usize..5,
        search in any::<bool>(),
    ) {
        let states = [
            gemini(),
            groq(),
            sonar(),
            state(Provider::Perplexity, "sonar-reasoning-pro"),
            state(Provider::OpenAiCompatible, "m"),
        ];
        let mut state = states.into_iter().nth(who).unwrap();
        state.wants_search = search;
        let out = run(ChatToMessages::new(state, CX, 4096), &events(&chunks));
        match validate(&out) {
            Ok(outcome) => {
                prop_assert!(outcome.end != End::Open, "{}", String::from_utf8_lossy(&out));
                if let Some(content) = outcome.message["content"].as_array() {
                    let mut ids: Vec<&str> = content.iter().filter(|b| b["type"] == "tool_use").map(|b| b["id"].as_str().unwrap()).collect();
                    let count = ids.len();
                    ids.sort_unstable();
                    ids.dedup();
                    prop_assert_eq!(ids.len(), count, "an id twice");
                }
            }
            Err(problem) => prop_assert!(false, "{problem}: {}", String::from_utf8_lossy(&out)),
        }
    }

    #[test]
    fn mutated_streams_give_legal_streams(seed in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(), drop in any::<bool>()) {
        let mut chunks = busy();
        let (a, b) = (seed.index(chunks.len()), other.index(chunks.len()));
        if drop {
            chunks.remove(a);
        } else {
            chunks.swap(a, b);
        }
        let out = run(ChatToMessages::new(gemini(), CX, LIMIT), &events(&chunks));
        let outcome = validate(&out);
        prop_assert!(outcome.as_ref().is_ok_and(|o| o.end != End::Open), "{outcome:?}");
    }
}
