//! Any stream from a provider, cut anywhere: the client's stream does not depend on the cuts, and is a legal one.
#![no_main]

#[path = "../../tests/golden_support/chat_stream.rs"]
mod chat_stream;
mod support;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use support::{Call, assert_error, run};
use tower_llm_gateway::Provider;
use tower_llm_gateway::settings::{Limits, Lossy};

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";

const TOOLS: &str = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}},{"type":"custom","custom":{"name":"run_sql"}}]}"#;
const PLAIN: &str =
    r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"max_tokens":9}"#;
const FUNCTIONS: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"functions":[{"name":"get_weather","parameters":{"type":"object"}}]}"#;
const RESPONSE: &str = r#"{"model":"m","stream":true,"input":"hi"}"#;

/// Events of the Messages format: the second byte of a step is the block's index, the third chooses among values.
fn event(step: [u8; 3]) -> String {
    let [kind, index, value] = step;
    let index = index % 4;
    let pick = |values: &[&'static str]| values[usize::from(value) % values.len()];
    let text = pick(&[
        "",
        "a",
        "{",
        "{\\\"q\\\":",
        "1}",
        "\\u00e9\\n",
        "\\\"",
        "\\ud83d\\ude00",
    ]);
    let block = |content: &str| {
        let json = format!(
            r#"{{"type":"content_block_start","index":{index},"content_block":{content}}}"#
        );
        ("content_block_start", json)
    };
    let delta = |delta: String| {
        let json = format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#);
        ("content_block_delta", json)
    };
    let name = pick(&["get_weather", "run_sql", "unknown"]);
    let (name, data) = match kind % 20 {
        0 => (
            "message_start",
            r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}"#.to_owned(),
        ),
        1 => block(&format!(r#"{{"type":"text","text":"{text}"}}"#)),
        2 => block(r#"{"type":"thinking","thinking":"","signature":""}"#),
        3 => block(&format!(r#"{{"type":"tool_use","id":"toolu_{index}","name":"{name}","input":{{}}}}"#)),
        4 => block(r#"{"type":"redacted_thinking","data":"Eq"}"#),
        5 => delta(format!(r#"{{"type":"text_delta","text":"{text}"}}"#)),
        6 => delta(format!(r#"{{"type":"thinking_delta","thinking":"{text}"}}"#)),
        7 => delta(r#"{"type":"signature_delta","signature":"Eq"}"#.to_owned()),
        8 => delta(format!(r#"{{"type":"input_json_delta","partial_json":"{text}"}}"#)),
        9 => ("content_block_stop", format!(r#"{{"type":"content_block_stop","index":{index}}}"#)),
        10 => {
            let reason = pick(&[
                "\"end_turn\"", "\"max_tokens\"", "\"tool_use\"", "\"refusal\"", "\"pause_turn\"", "\"new\"", "null",
            ]);
            let json = format!(r#"{{"type":"message_delta","delta":{{"stop_reason":{reason},"stop_sequence":null}},"usage":{{"output_tokens":{value}}}}}"#);
            ("message_delta", json)
        }
        11 => ("message_stop", r#"{"type":"message_stop"}"#.to_owned()),
        12 => ("ping", r#"{"type":"ping"}"#.to_owned()),
        13 => (
            "error",
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#.to_owned(),
        ),
        14 => block(&format!(r#"{{"type":"server_tool_use","id":"srvtoolu_{index}","name":"web_search","input":{{}}}}"#)),
        15 => block(r#"{"type":"web_search_tool_result","tool_use_id":"srvtoolu_0","content":[{"type":"web_search_result","url":"https://a.test","title":"A","encrypted_content":"E"}]}"#),
        16 => delta(r#"{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://a.test","title":"A","cited_text":"a","encrypted_index":"E"}}"#.to_owned()),
        17 => ("future_event", r#"{"type":"future_event"}"#.to_owned()),
        18 => delta(pick(&[r#"{"type":"future_delta"}"#, "null", "3", r#"{"type":"text_delta"}"#]).to_owned()),
        _ => ("message_start", pick(&["{", "[]", "null", "{}", r#"{"type":7}"#]).to_owned()),
    };
    format!("event: {name}\ndata: {data}\n\n")
}

// The first byte chooses the cell and how the rest is read, the second the number of cuts, the next are the sizes of the
// pieces; then the stream, or steps of three bytes that are an event each.
fuzz_target!(|input: &[u8]| {
    let [choice, cuts, rest @ ..] = input else {
        return;
    };
    let Some((sizes, rest)) = rest.split_at_checked(usize::from(cuts % 16)) else {
        return;
    };
    let stream: Bytes = if choice & 0x80 == 0 {
        Bytes::copy_from_slice(rest)
    } else {
        let steps = rest.as_chunks::<3>().0.iter();
        steps.map(|step| event(*step)).collect::<String>().into()
    };
    let (path, provider, body) = match choice & 0x07 {
        0..=1 => (CHAT, Provider::Anthropic, TOOLS),
        2 => (CHAT, Provider::Anthropic, PLAIN),
        3 => (CHAT, Provider::Anthropic, FUNCTIONS),
        4 => (CHAT, Provider::OpenAi, PLAIN),
        5 => (CHAT, Provider::Groq, PLAIN),
        6 => (RESPONSES, Provider::OpenAi, RESPONSE),
        _ => (MESSAGES, Provider::Anthropic, PLAIN),
    };
    let converts = path == CHAT && provider == Provider::Anthropic;
    let mut limits = Limits::default();
    if choice & 0x08 != 0 {
        limits.event = 256;
    }
    let call = |pieces: Vec<Bytes>, slow: bool| {
        run(Call {
            provider,
            path_and_query: path.to_owned(),
            body: Bytes::from_static(body.as_bytes()),
            model: None,
            lossy: Lossy::Reject,
            limits,
            content_type: "text/event-stream",
            answer: pieces,
            slow,
        })
    };
    let mut pieces = Vec::new();
    let mut uncut = stream.clone();
    for &size in sizes {
        pieces.push(uncut.split_to(usize::from(size).min(uncut.len())));
    }
    pieces.push(uncut);
    let bytes: Vec<_> = stream.chunks(1).map(Bytes::copy_from_slice).collect();

    let whole = call(vec![stream.clone()], false);
    assert_eq!(whole.sent.len(), 1);
    for (pieces, slow) in [(pieces.clone(), false), (pieces, true), (bytes, false)] {
        let cut = call(pieces, slow);
        assert_eq!(cut.status, whole.status);
        assert_eq!(cut.body, whole.body);
        assert_eq!(cut.broken, whole.broken);
    }

    if whole.status != 200 {
        assert!(!whole.broken);
        assert!(whole.status.as_u16() >= 400);
        assert_error(path, &whole);
    } else if converts {
        assert!(!whole.broken);
        let problem = chat_stream::problem(&whole.body);
        assert_eq!(problem, None, "{}", String::from_utf8_lossy(&whole.body));
    } else {
        // Every byte first, and then at most one error event of our own.
        let own = whole.body.strip_prefix(&stream[..]);
        let own = own.expect("passthrough must keep every byte");
        let text = std::str::from_utf8(own).unwrap();
        assert!(text.is_empty() || text.ends_with("\n\n") && text.contains("error"));
        assert!(text.is_empty() || !whole.broken);
        assert!(text.matches("data:").count() <= 1);
    }
});
