//! Streams and whole answers in the shapes that compatible servers send.

use super::*;
use crate::convert::machine::{Flow, StreamError};

/// Writes down what it is told.
#[derive(Debug, Default)]
struct Log {
    lines: Vec<String>,
    is_open: bool,
}

impl Log {
    /// The lines after the head.
    fn blocks(&self) -> Vec<&str> {
        self.lines.iter().skip(1).map(String::as_str).collect()
    }
}

impl Sink for Log {
    fn start(&mut self, head: &Head) {
        assert!(self.lines.is_empty(), "the head comes first, once");
        let model = head.model.as_deref().unwrap_or("-");
        self.lines
            .push(format!("start {} {model} {:?}", head.base, head.created));
    }

    fn sources(&mut self, sources: &Sources) {
        assert!(!self.is_open && !self.lines.is_empty());
        let count = sources.pages().len() + sources.searches().len();
        self.lines.push(format!("sources {count}"));
    }

    fn open(&mut self, block: Opening<'_>) {
        assert!(!self.is_open && !self.lines.is_empty());
        self.is_open = true;
        self.lines.push(match block {
            Opening::Text => "text".to_owned(),
            Opening::Refusal => "refusal".to_owned(),
            Opening::Reasoning => "reasoning".to_owned(),
            Opening::Call { id, name } => format!("call {id} {name}"),
        });
    }

    fn delta(&mut self, text: &str) {
        assert!(self.is_open && !text.is_empty());
        self.lines.push(format!("+{text}"));
    }

    fn close(&mut self, closing: Closing<'_>) {
        assert!(self.is_open);
        self.is_open = false;
        let mut line = String::from(if closing.cut { "cut" } else { "end" });
        for signature in closing.signatures {
            match signature {
                Signature::Call { id, value } => line.push_str(&format!(" {id}={value}")),
                Signature::Message { value } => line.push_str(&format!(" msg={value}")),
            }
        }
        if !closing.sources.annotations().is_empty() {
            line.push_str(&format!(
                " {} annotations",
                closing.sources.annotations().len()
            ));
        }
        self.lines.push(line);
    }
}

fn origin(provider: Provider, model: &str) -> Origin {
    Origin::new(provider, model, Format::Responses).unwrap()
}

fn read(provider: Provider, model: &str, events: &[&str]) -> (Log, Result<Ending, StreamError>) {
    let mut reader = Reader::new(origin(provider, model), 1 << 20);
    let mut log = Log::default();
    for event in events {
        let before = log.lines.len();
        match reader.event("", event.as_bytes(), &mut log) {
            Ok(Flow::Continue) => {}
            Ok(Flow::Done) => return (log, Ok(reader.ending())),
            Err(error) => {
                assert_eq!(log.lines.len(), before, "nothing is told of a bad event");
                return (log, Err(error));
            }
        }
    }
    let end = reader.finish(&mut log).map(|()| reader.ending());
    (log, end)
}

fn chunk(delta: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-A-1","created":17,"model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
    )
}

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

/// What the deltas give, with a finish reason after them.
fn blocks(provider: Provider, model: &str, deltas: &[&str]) -> Vec<String> {
    let chunks: Vec<String> = deltas.iter().map(|delta| chunk(delta)).collect();
    let mut events: Vec<&str> = chunks.iter().map(String::as_str).collect();
    events.push(STOP);
    let (log, end) = read(provider, model, &events);
    end.unwrap();
    assert_eq!(log.lines[0], "start A1 \"m\" Some(17)");
    assert!(!log.is_open);
    log.blocks().into_iter().map(str::to_owned).collect()
}

fn groq(deltas: &[&str]) -> Vec<String> {
    blocks(Provider::Groq, "m", deltas)
}

#[test]
fn calls_in_every_shape() {
    let call = |members: &str| format!(r#"{{"tool_calls":[{{{members}}}]}}"#);
    for (name, deltas, expected) in [
        (
            "whole in one chunk, without index",
            vec![
                call(r#""id":"a","function":{"name":"f","arguments":"{\"x\":1}"}"#),
                call(r#""id":"b","function":{"name":"f","arguments":"{}"}"#),
            ],
            vec!["call a f", r#"+{\"x\":1}"#, "end", "call b f", "+{}", "end"],
        ),
        (
            "two in one chunk, without index and id",
            vec![
                r#"{"tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"g","arguments":"[]"}}]}"#
                    .to_owned(),
            ],
            vec!["call call_A1_0 f", "+{}", "end", "call call_A1_1 g", "+[]", "end"],
        ),
        (
            "fragments that interleave",
            vec![
                call(r#""index":0,"id":"a","function":{"name":"f","arguments":""}"#),
                call(r#""index":0,"function":{"arguments":"{"}"#),
                call(r#""index":1,"id":"b","function":{"name":"g","arguments":"{\"y\""}"#),
                call(r#""index":0,"function":{"arguments":"}"}"#),
                call(r#""index":1,"function":{"arguments":":2}"}"#),
            ],
            vec!["call a f", "+{", "+}", "end", "call b g", r#"+{\"y\""#, "+:2}", "end"],
        ),
        (
            "every call has index 0",
            vec![
                call(r#""index":0,"id":"a","function":{"name":"f","arguments":"{}"}"#),
                call(r#""index":0,"id":"b","function":{"name":"f","arguments":"{}"}"#),
                call(r#""index":0,"function":{"arguments":" "}"#),
            ],
            vec!["call a f", "+{}", "end", "call b f", "+{}", "+ ", "end"],
        ),
        (
            "id and name repeated in every fragment",
            vec![
                call(r#""index":0,"id":"a","function":{"name":"f","arguments":"{"}"#),
                call(r#""index":0,"id":"a","function":{"name":"f","arguments":"}"}"#),
            ],
            vec!["call a f", "+{", "+}", "end"],
        ),
        (
            "fragments without index and id",
            vec![
                call(r#""id":"a","function":{"name":"f"}"#),
                call(r#""function":{"arguments":"{}"}"#),
                call(r#""id":"","function":{"name":null,"arguments":null}"#),
            ],
            vec!["call a f", "+{}", "end"],
        ),
        (
            "the name comes late",
            vec![
                call(r#""index":0,"id":"a","function":{"arguments":"{"}"#),
                call(r#""index":0,"function":{"name":"f","arguments":"}"}"#),
            ],
            vec!["call a f", "+{}", "end"],
        ),
        (
            "arguments as an object",
            vec![call(r#""id":"a","function":{"name":"f","arguments":{"x":"\n"}}"#)],
            vec!["call a f", r#"+{\"x\":\"\\n\"}"#, "end"],
        ),
        (
            "the deprecated function_call",
            vec![
                r#"{"function_call":{"name":"f","arguments":"{"}}"#.to_owned(),
                r#"{"function_call":{"arguments":"}"}}"#.to_owned(),
            ],
            vec!["call call_A1_0 f", "+{", "+}", "end"],
        ),
        (
            "text after a call is another block",
            vec![
                call(r#""id":"a","function":{"name":"f","arguments":"{}"}"#),
                r#"{"content":"x"}"#.to_owned(),
            ],
            vec!["call a f", "+{}", "end", "text", "+x", "end"],
        ),
    ] {
        let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
        assert_eq!(groq(&deltas), expected, "{name}");
    }
}

#[test]
fn texts_reasoning_and_refusals() {
    assert_eq!(
        groq(&[
            r#"{"role":"assistant","content":""}"#,
            r#"{"reasoning":"r","content":null}"#,
            r#"{"reasoning_content":"s"}"#,
            r#"{"content":"t\n"}"#,
            r#"{"content":[{"type":"text","text":"u"},{"type":"refusal","refusal":"no"}]}"#,
            r#"{"refusal":"!"}"#,
            "null",
        ]),
        [
            "reasoning",
            "+r",
            "+s",
            "end",
            "text",
            r"+t\n",
            "+u",
            "end",
            "refusal",
            "+no",
            "+!",
            "end"
        ]
    );
    assert_eq!(
        blocks(
            Provider::Perplexity,
            "sonar-reasoning",
            &[
                r#"{"content":"<thi"}"#,
                r#"{"content":"nk>a</think>b"}"#,
                r#"{"content":"<think>"}"#
            ],
        ),
        ["reasoning", "+a", "end", "text", "+b", "+<think>", "end"]
    );
    assert_eq!(
        blocks(Provider::Perplexity, "sonar", &[r#"{"content":"<think>"}"#]),
        ["text", "+<think>", "end"]
    );
    // What was held is told at the end.
    assert_eq!(
        blocks(
            Provider::Perplexity,
            "sonar-reasoning",
            &[r#"{"content":"<thi"}"#]
        ),
        ["text", "+<thi", "end"]
    );
}

#[test]
fn signatures() {
    let gemini = |deltas: &[&str]| blocks(Provider::Gemini, "gemini-3.8-flash", deltas);
    assert_eq!(
        gemini(&[
            r#"{"content":"\u003cthought\u003ewhy","extra_content":{"google":{"thought":true}}}"#,
            r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S=="}}}]}"#,
            r#"{"tool_calls":[{"id":"b","function":{"name":"f","arguments":"{}"}}]}"#,
        ]),
        [
            "reasoning",
            "+why",
            "end a=S==",
            "call a f",
            "+{}",
            "end",
            "call b f",
            "+{}",
            "end"
        ]
    );
    assert_eq!(
        gemini(&[
            r#"{"content":"x"}"#,
            r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S"}}}]}"#,
        ]),
        [
            "text",
            "+x",
            "end",
            "reasoning",
            "end a=S",
            "call a f",
            "+{}",
            "end"
        ]
    );
    assert_eq!(
        gemini(&[
            r#"{"content":"x"}"#,
            r#"{"extra_content":{"google":{"thought_signature":"M"}}}"#,
        ]),
        ["text", "+x", "end", "reasoning", "end msg=M"]
    );
    // A signature that comes with a later fragment is not lost.
    assert_eq!(
        gemini(&[
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
            r#"{"tool_calls":[{"index":0,"extra_content":{"google":{"thought_signature":"S"}}}]}"#,
        ]),
        ["call a f", "+{}", "end", "reasoning", "end a=S"]
    );
}

#[test]
fn sources_and_annotations() {
    let with = |extra: &str, delta: &str| {
        format!(r#"{{"id":"A1","created":17,"model":"m","choices":[{{"delta":{delta}}}]{extra}}}"#)
    };
    let known = with(r#","citations":["https://a"]"#, r#"{"content":"x"}"#);
    let (log, end) = read(Provider::Perplexity, "sonar", &[&known, &known, STOP]);
    end.unwrap();
    assert_eq!(log.blocks(), ["sources 1", "text", "+x", "+x", "end"]);
    // Too late for the first block.
    let unknown = with("", r#"{"content":"x"}"#);
    let (log, _) = read(Provider::Perplexity, "sonar", &[&unknown, &known, STOP]);
    assert_eq!(log.blocks(), ["text", "+x", "+x", "end", "sources 1"]);
    let cited = with(
        "",
        r#"{"content":"x","annotations":[{"type":"url_citation","url_citation":{"url":"u"}}]}"#,
    );
    let (log, _) = read(Provider::OpenAiCompatible, "m", &[&cited, STOP]);
    assert_eq!(log.blocks(), ["text", "+x", "end 1 annotations"]);
}

#[test]
fn ends() {
    let text = chunk(r#"{"content":"x"}"#);
    let length = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}"#;
    let after = chunk(r#"{"content":"late"}"#);
    for (events, finish, known, expected) in [
        (
            vec![&*text, STOP],
            Finish::Done,
            false,
            vec!["text", "+x", "end"],
        ),
        (
            vec![&text, length],
            Finish::Length,
            false,
            vec!["text", "+x", "cut"],
        ),
        (
            vec![&text, "[DONE]"],
            Finish::Done,
            false,
            vec!["text", "+x", "end"],
        ),
        (
            vec![&text, STOP, usage, &after],
            Finish::Done,
            true,
            vec!["text", "+x", "end"],
        ),
        // Usage before the end is no end.
        (
            vec![usage, &text, STOP],
            Finish::Done,
            true,
            vec!["text", "+x", "end"],
        ),
        // Some servers repeat the reason on every chunk.
        (
            vec![&text, STOP, &after, STOP],
            Finish::Done,
            false,
            vec!["text", "+x", "+late", "end"],
        ),
        (vec!["[DONE]"], Finish::Done, false, vec![]),
        (
            vec!["", " ", &text, STOP, "[DONE] x"],
            Finish::Done,
            false,
            vec!["text", "+x", "end"],
        ),
    ] {
        let (log, end) = read(Provider::Groq, "m", &events);
        let end = end.unwrap();
        assert_eq!(log.blocks(), expected, "{events:?}");
        assert_eq!(end.finish, finish, "{events:?}");
        assert_eq!(end.usage.is_some(), known, "{events:?}");
    }
    for events in [vec![], vec![&*text], vec![usage]] {
        let (_, end) = read(Provider::Groq, "m", &events);
        assert_eq!(end.unwrap_err(), StreamError::ended(Format::Responses));
    }
}

#[test]
fn usage_is_cumulative_and_groqs_own_comes_second() {
    let own = r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}"#;
    let later = r#"{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":2}}"#;
    let (_, end) = read(Provider::Groq, "m", &[own]);
    assert_eq!(end.unwrap().usage.unwrap().input, Some(1));
    let (_, end) = read(Provider::Groq, "m", &[own, later]);
    assert_eq!(end.unwrap().usage.unwrap().input, Some(2));
    let each = |n: u32| {
        format!(
            r#"{{"choices":[{{"delta":{{"content":"x"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{n},"completion_tokens":{n},"total_tokens":{}}}}}"#,
            2 * n
        )
    };
    let (_, end) = read(Provider::Gemini, "gemini-3", &[&each(3), &each(4), own]);
    assert_eq!(end.unwrap().usage.unwrap().prompt(), 4);
}

#[test]
fn errors_inside_streams() {
    for (event, status, message) in [
        (r#"{"error":{"message":"m","status_code":400}}"#, 400, "m"),
        (
            r#"[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}]"#,
            429,
            "m",
        ),
        (
            r#"{"error":{"message":"m","status":"UNAVAILABLE"}}"#,
            503,
            "m",
        ),
        (r#"{"error":"m"}"#, 502, "m"),
        (r#"{"choices":[],"x_groq":{"error":"m"}}"#, 502, "m"),
        (
            r#"{"error":{"message":"m","code":"rate_limit_exceeded"}}"#,
            429,
            "m",
        ),
        (r#"{"error":{"x":1}}"#, 502, "groq reported an error"),
        ("{", 502, "malformed upstream event"),
        ("[1]", 502, "malformed upstream event"),
        ("hello", 502, "malformed upstream event"),
        (r#"{"choices":5}"#, 502, "malformed upstream event"),
    ] {
        let (_, end) = read(Provider::Groq, "m", &[event]);
        let error = end.unwrap_err().error;
        assert_eq!(error.status.as_u16(), status, "{event}");
        assert_eq!(error.message, message, "{event}");
    }
    for harmless in [
        r#"{"error":null,"choices":[]}"#,
        r#"{"error":false,"x_groq":{"error":null}}"#,
        r#"{"error":{}}"#,
    ] {
        assert!(
            read(Provider::Groq, "m", &[harmless, STOP]).1.is_ok(),
            "{harmless}"
        );
    }
    let mut reader = Reader::new(origin(Provider::Groq, "m"), 1 << 20);
    let event = reader.event(
        "error",
        br#"{"message":"m","status_code":503}"#,
        &mut Log::default(),
    );
    assert_eq!(event.unwrap_err().error.message, "m");
}

#[test]
fn what_would_break_a_call_is_an_error() {
    let nameless = chunk(r#"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}"#);
    let (_, end) = read(Provider::Groq, "m", &[&nameless, STOP]);
    assert_eq!(
        end.unwrap_err().error.message,
        "upstream tool call without a name"
    );
    let (_, end) = read(Provider::Groq, "m", &[&nameless, "[DONE]"]);
    assert!(end.is_err());
    let two = chunk(
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"b","function":{"name":"g"}}]}"#,
    );
    let more = chunk(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":1}"}}]}"#);
    let (_, end) = read(Provider::Groq, "m", &[&two, &more, STOP]);
    assert_eq!(
        end.unwrap_err().error.message,
        "upstream tool arguments after their end"
    );
}

#[test]
fn what_is_held_back_is_bounded_and_what_was_sent_is_not() {
    let mut reader = Reader::new(origin(Provider::Groq, "m"), 1000);
    let mut log = Log::default();
    let text = chunk(&format!(r#"{{"content":"{}"}}"#, "x".repeat(500)));
    for _ in 0..100 {
        reader.event("", text.as_bytes(), &mut log).unwrap();
    }
    let open =
        chunk(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#);
    reader.event("", open.as_bytes(), &mut log).unwrap();
    let behind = chunk(&format!(
        r#"{{"tool_calls":[{{"index":1,"id":"b","function":{{"name":"f","arguments":"{}"}}}}]}}"#,
        "x".repeat(400)
    ));
    reader.event("", behind.as_bytes(), &mut log).unwrap();
    reader.event("", behind.as_bytes(), &mut log).unwrap();
    let error = reader.event("", behind.as_bytes(), &mut log).unwrap_err();
    assert!(error.error.message.contains("holds back more"));
}

#[test]
fn ids_are_made_of_letters_and_digits() {
    for (id, base) in [
        (r#""chatcmpl-A1""#, "A1"),
        (r#""ab7cac59-7b92""#, "ab7cac597b92"),
        (r#""gen\u0041_\"x""#, "genAx"),
    ] {
        let json = format!(r#"{{"id":{id},"choices":[]}}"#);
        let (log, _) = read(Provider::Groq, "m", &[&json]);
        assert!(log.lines[0].starts_with(&format!("start {base} ")), "{id}");
    }
    let long = format!(r#"{{"id":"{}","choices":[]}}"#, "x".repeat(2000));
    for json in [
        r#"{"id":"","choices":[]}"#,
        r#"{"choices":[]}"#,
        r#"{"id":7}"#,
        &long,
    ] {
        let (log, _) = read(Provider::Groq, "m", &[json]);
        let base = log.lines[0].split(' ').nth(1).unwrap();
        assert!(
            base.len() == 24 && base.bytes().all(|b| b.is_ascii_hexdigit()),
            "{json}"
        );
    }
}

fn whole(provider: Provider, model: &str, message: &str, rest: &str) -> (Vec<String>, Ending) {
    let body = format!(
        r#"{{"id":"A1","created":17,"model":"m","choices":[{{"index":0,"finish_reason":"stop","message":{message}}}]{rest}}}"#
    );
    let whole = Whole::read(body.as_bytes(), &origin(provider, model)).unwrap();
    let mut log = Log::default();
    whole.tell(&mut log);
    assert!(!log.is_open);
    let lines = log.blocks().into_iter().map(str::to_owned).collect();
    (lines, whole.ending)
}

#[test]
fn whole_answers() {
    let (lines, ending) = whole(
        Provider::Gemini,
        "gemini-3",
        r#"{"content":"<thought>why</thought>so","extra_content":{"google":{"thought":true,"thought_signature":"M"}},
        "tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S"}}},
        {"id":"","function":{"name":"g","arguments":""}}]}"#,
        r#","usage":{"prompt_tokens":80,"completion_tokens":24,"total_tokens":150},"service_tier":"x""#,
    );
    assert_eq!(
        lines,
        [
            "reasoning",
            "+why",
            "end a=S msg=M",
            "text",
            "+so",
            "end",
            "call a f",
            "+{}",
            "end",
            "call call_A1_1 g",
            "end"
        ]
    );
    assert!(ending.called);
    assert_eq!(ending.usage.unwrap().output, Some(70));
    assert_eq!(ending.service_tier.as_deref(), Some("x"));

    let (lines, _) = whole(
        Provider::Perplexity,
        "sonar-reasoning",
        r#"{"content":"<think>a</think>b"}"#,
        r#","citations":["https://a","https://b"]"#,
    );
    assert_eq!(
        lines,
        ["sources 2", "reasoning", "+a", "end", "text", "+b", "end"]
    );

    let (lines, ending) = whole(
        Provider::Groq,
        "m",
        r#"{"content":null,"refusal":"no"}"#,
        "",
    );
    assert_eq!(lines, ["refusal", "+no", "end"]);
    assert_eq!(ending.usage, None);
    let (lines, _) = whole(Provider::Groq, "m", r#"{"content":""}"#, "");
    assert!(lines.is_empty());
}

#[test]
fn thoughts_of_whole_answers_carry_no_flag() {
    for content in ["<thought>why</thought>so", r"\u003cthought>why</thought>so"] {
        let message = format!(r#"{{"content":"{content}"}}"#);
        let (lines, _) = whole(Provider::Gemini, "gemini-3", &message, "");
        assert_eq!(lines, ["reasoning", "+why", "end", "text", "+so", "end"]);
    }
}

#[test]
fn a_whole_answer_that_is_none() {
    let groq = origin(Provider::Groq, "m");
    for (body, status, message) in [
        ("", 502, "the provider's answer is no chat completion"),
        ("{}", 502, "the provider's answer is no chat completion"),
        (
            r#"{"choices":[]}"#,
            502,
            "the provider's answer is no chat completion",
        ),
        ("[1]", 502, "the provider's answer is no chat completion"),
        ("<html>", 502, "the provider's answer is no chat completion"),
        (r#"{"error":{"message":"m","code":503}}"#, 503, "m"),
        (r#"[{"error":{"message":"m"}}]"#, 502, "m"),
    ] {
        let error = Whole::read(body.as_bytes(), &groq).unwrap_err();
        assert_eq!(error.status.as_u16(), status, "{body}");
        assert_eq!(error.message, message, "{body}");
    }
}
