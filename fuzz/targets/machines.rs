//! Any stream from a provider, cut anywhere: the client's stream does not depend on the cuts, and is a legal one.
#![no_main]

#[path = "../../tests/golden_support/chat_stream.rs"]
mod chat_stream;
#[path = "support/events.rs"]
mod events;
#[path = "../../src/convert/validate/messages.rs"]
#[allow(dead_code)]
mod messages_stream;
#[path = "../../src/convert/validate/responses.rs"]
#[allow(dead_code)]
mod responses_stream;
mod support;

use bytes::Bytes;
use events::Dialect;
use libfuzzer_sys::fuzz_target;
use support::{Call, Outcome, assert_error, run};
use tower_llm_gateway::Provider;
use tower_llm_gateway::settings::Lossy;

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";

const TOOLS: &str = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}},{"type":"custom","custom":{"name":"run_sql"}}]}"#;
const PLAIN: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"max_tokens":9,"stop":["\n\n"]}"#;
const FUNCTIONS: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"functions":[{"name":"get_weather","parameters":{"type":"object"}}]}"#;
const CHAT_SEARCH: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"web_search_options":{},"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}}]}"#;
const RESPONSE: &str = r#"{"model":"m","stream":true,"input":"hi","tools":[{"type":"function","name":"get_weather","parameters":{"type":"object"}},{"type":"custom","name":"run_sql"}]}"#;
const RESPONSE_SEARCH: &str = r#"{"model":"m","stream":true,"input":"hi","include":["reasoning.encrypted_content"],"tools":[{"type":"web_search"},{"type":"function","name":"get_weather","parameters":{"type":"object"}}]}"#;
const MESSAGE: &str = r#"{"model":"m","stream":true,"max_tokens":9,"stop_sequences":["a1"],"messages":[{"role":"user","content":"hi"}],"tools":[{"name":"get_weather","input_schema":{"type":"object"}}]}"#;
const MESSAGE_SEARCH: &str = r#"{"model":"m","stream":true,"max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"web_search_20250305","name":"web_search"},{"name":"get_weather","input_schema":{"type":"object"}}]}"#;

/// A cell: a request, whom it goes to, the stream's vocabulary, and whether it is converted.
type Cell = (&'static str, Provider, &'static str, Dialect, bool);

const CELLS: &[Cell] = &[
    (CHAT, Provider::Anthropic, TOOLS, Dialect::Messages, true),
    (CHAT, Provider::Anthropic, PLAIN, Dialect::Messages, true),
    (
        CHAT,
        Provider::Anthropic,
        FUNCTIONS,
        Dialect::Messages,
        true,
    ),
    (
        RESPONSES,
        Provider::Anthropic,
        RESPONSE,
        Dialect::Messages,
        true,
    ),
    (
        RESPONSES,
        Provider::Anthropic,
        RESPONSE_SEARCH,
        Dialect::Messages,
        true,
    ),
    (
        MESSAGES,
        Provider::OpenAi,
        MESSAGE,
        Dialect::Responses,
        true,
    ),
    (
        MESSAGES,
        Provider::OpenAi,
        MESSAGE_SEARCH,
        Dialect::Responses,
        true,
    ),
    (MESSAGES, Provider::Groq, MESSAGE, Dialect::Chat, true),
    (MESSAGES, Provider::Gemini, MESSAGE, Dialect::Chat, true),
    (
        MESSAGES,
        Provider::OpenAiCompatible,
        MESSAGE,
        Dialect::Chat,
        true,
    ),
    (RESPONSES, Provider::Groq, RESPONSE, Dialect::Chat, true),
    (RESPONSES, Provider::Gemini, RESPONSE, Dialect::Chat, true),
    (
        RESPONSES,
        Provider::OpenAiCompatible,
        RESPONSE_SEARCH,
        Dialect::Chat,
        true,
    ),
    (CHAT, Provider::Gemini, CHAT_SEARCH, Dialect::Gemini, true),
    (
        RESPONSES,
        Provider::Gemini,
        RESPONSE_SEARCH,
        Dialect::Gemini,
        true,
    ),
    (
        MESSAGES,
        Provider::Gemini,
        MESSAGE_SEARCH,
        Dialect::Gemini,
        true,
    ),
    (CHAT, Provider::AwsBedrock, TOOLS, Dialect::Converse, true),
    (
        CHAT,
        Provider::AwsBedrock,
        FUNCTIONS,
        Dialect::Converse,
        true,
    ),
    (
        RESPONSES,
        Provider::AwsBedrock,
        RESPONSE,
        Dialect::Converse,
        true,
    ),
    (
        MESSAGES,
        Provider::AwsBedrock,
        MESSAGE,
        Dialect::Converse,
        true,
    ),
    (
        CHAT,
        Provider::AwsBedrockInvoke,
        TOOLS,
        Dialect::Invoke,
        true,
    ),
    (
        RESPONSES,
        Provider::AwsBedrockInvoke,
        RESPONSE,
        Dialect::Invoke,
        true,
    ),
    (
        MESSAGES,
        Provider::AwsBedrockInvoke,
        MESSAGE,
        Dialect::Invoke,
        false,
    ),
    (CHAT, Provider::OpenAi, PLAIN, Dialect::Chat, false),
    (CHAT, Provider::Groq, PLAIN, Dialect::Chat, false),
    (CHAT, Provider::Perplexity, PLAIN, Dialect::Chat, false),
    (
        RESPONSES,
        Provider::OpenAi,
        RESPONSE,
        Dialect::Responses,
        false,
    ),
    (
        MESSAGES,
        Provider::Anthropic,
        MESSAGE,
        Dialect::Messages,
        false,
    ),
];

/// The longest event where events are short.
const SHORT: usize = 256;

// The first byte chooses the cell, the second how the rest is read (steps or bytes), the longest event, and the number of cuts;
// the next are the sizes of the pieces; then comes the stream.
fuzz_target!(|input: &[u8]| {
    let [cell, choice, rest @ ..] = input else {
        return;
    };
    let (path, provider, body, dialect, converts) = CELLS[usize::from(*cell) % CELLS.len()];
    let Some((sizes, rest)) = rest.split_at_checked(usize::from(choice % 16)) else {
        return;
    };
    let stream = if choice & 0x80 == 0 {
        events::of_bytes(dialect, rest)
    } else {
        events::of_steps(dialect, rest)
    };
    let stream = stream.freeze();
    let event_limit = (choice & 0x40 != 0).then_some(SHORT);
    let call = |pieces: Vec<Bytes>, slow: bool| {
        run(Call {
            provider,
            path_and_query: path.to_owned(),
            body: Bytes::from_static(body.as_bytes()),
            model: None,
            lossy: Lossy::Drop,
            event_limit,
            content_type: match dialect {
                Dialect::Converse | Dialect::Invoke => "application/vnd.amazon.eventstream",
                _ => "text/event-stream",
            },
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

    let whole = call(vec![stream.clone()], false);
    assert_eq!(whole.sent.len(), 1);
    let same = |pieces: Vec<Bytes>, slow: bool| {
        let cut = call(pieces, slow);
        assert_eq!(cut.status, whole.status);
        if cut.body != whole.body {
            assert_eq!(without_ids(&cut.body), without_ids(&whole.body));
        }
        assert_eq!(cut.broken, whole.broken);
    };
    // Byte by byte is the dearest way by far: some streams have to do.
    let pieces = if choice & 0x10 != 0 {
        stream
            .chunks(1)
            .map(|byte| stream.slice_ref(byte))
            .collect()
    } else {
        pieces
    };
    same(pieces, choice & 0x20 != 0);

    if whole.status != 200 {
        assert!(!whole.broken);
        assert!(whole.status.as_u16() >= 400);
        assert_error(path, &whole);
    } else if converts {
        assert!(!whole.broken);
        let problem = problem(path, &whole);
        assert_eq!(problem, None, "{}", String::from_utf8_lossy(&whole.body));
    } else if dialect != Dialect::Invoke {
        // Every byte first, and then at most one error event of our own.
        let own = whole.body.strip_prefix(&stream[..]);
        let own = own.expect("passthrough must keep every byte");
        let text = std::str::from_utf8(own).unwrap();
        assert!(text.is_empty() || text.ends_with("\n\n") && text.contains("error"));
        assert!(text.is_empty() || !whole.broken);
        assert!(text.matches("data:").count() <= 1);
    } else {
        assert!(!whole.broken);
        assert!(whole.body.is_empty() || whole.body.ends_with(b"\n\n"));
    }
});

/// A stream without the ids that the gateway makes up where the provider gave none, as they are random, without the envelopes
/// that hold some, and without the seconds of its clock, which goes on when the machine does something else.
fn without_ids(stream: &[u8]) -> String {
    let mut out = String::new();
    let text = String::from_utf8_lossy(stream);
    let mut envelope = false;
    for word in text.split_inclusive(|c: char| !c.is_ascii_hexdigit()) {
        let id = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
        if envelope {
            out.extend(word.chars().filter(|&c| c == '"'));
        } else {
            let second = id.len() == 10 && id.starts_with("17000000");
            out.push_str(if second || id.len() >= 20 {
                &word[id.len()..]
            } else {
                word
            });
        }
        envelope = (envelope || out.ends_with("tlg1.")) && !word.ends_with('"');
    }
    out
}

/// A stream whose halves of characters, which a provider may send apart and which go on as they came, are some other character.
fn without_halves(stream: &[u8]) -> Vec<u8> {
    let mut out = stream.to_vec();
    let mut at = 0;
    while let Some(rest) = out.get_mut(at..).filter(|rest| rest.len() >= 6) {
        at += match rest {
            [
                b'\\',
                b'u',
                b'd' | b'D',
                b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F',
                ..,
            ] => {
                rest[2..6].copy_from_slice(b"0058");
                6
            }
            [b'\\', ..] => 2,
            _ => 1,
        };
    }
    out
}

/// What is wrong with a converted stream in the format of the client of `path`.
fn problem(path: &str, outcome: &Outcome) -> Option<String> {
    let stream = without_halves(&outcome.body);
    match path {
        CHAT => chat_stream::problem(&stream),
        RESPONSES => match responses_stream::validate(&stream) {
            Ok(outcome) if outcome.end == responses_stream::End::Open => Some("no end".to_owned()),
            Ok(_) => None,
            Err(problem) => Some(problem),
        },
        _ => match messages_stream::validate(&stream) {
            Ok(outcome) if outcome.end == messages_stream::End::Open => Some("no end".to_owned()),
            Ok(_) => None,
            Err(problem) => Some(problem),
        },
    }
}
