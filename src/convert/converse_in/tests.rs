#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::convert::machine::{Flow, StreamError};
use crate::endpoint::Format;
use crate::format::converse::Location;

/// Writes down what it is told, and checks the order.
#[derive(Debug, Default)]
struct Log {
    text: String,
    started: bool,
    open: Option<&'static str>,
    stopped: bool,
}

impl Log {
    fn begin(&self) {
        assert!(self.started && !self.stopped && self.open.is_none());
    }
}

impl Sink for Log {
    fn start(&mut self, head: &Head) {
        assert!(!self.started);
        self.started = true;
        assert!(!head.base.is_empty());
        self.text.push_str("start;");
    }

    fn open(&mut self, block: Opening<'_>) {
        self.begin();
        let kind = match block {
            Opening::Text => "text",
            Opening::Reasoning => "reasoning",
            Opening::Call { id, name } => {
                write!(self.text, "{id}={name} ").unwrap();
                "call"
            }
        };
        self.open = Some(kind);
        write!(self.text, "{kind}(").unwrap();
    }

    fn delta(&mut self, text: &str) {
        assert!(self.open.is_some());
        write!(self.text, "{text}|").unwrap();
    }

    fn citation(&mut self, citation: &Citation<'_>) {
        assert_eq!(self.open, Some("text"));
        match citation.location() {
            Some(Location::Web { url }) => write!(self.text, "@{}|", url.content()).unwrap(),
            _ => self.text.push_str("@|"),
        }
    }

    fn close(&mut self, closing: Closing<'_>) {
        let open = self.open.take().unwrap();
        assert!(open == "reasoning" || closing.signature.is_none());
        if let Some(signature) = closing.signature {
            write!(self.text, "~{signature}").unwrap();
        }
        self.text.push_str(");");
    }

    fn redacted(&mut self, redacted: &Redacted) {
        self.begin();
        write!(self.text, "redacted({});", redacted.data()).unwrap();
    }

    fn stopped(&mut self, ending: &Ending) {
        self.begin();
        self.stopped = true;
        write!(self.text, "{}", ending.reason.messages()).unwrap();
    }
}

fn reader() -> Reader {
    Reader::new(AnswerContext::at(0), Format::Responses, 1 << 20)
}

fn feed(reader: &mut Reader, log: &mut Log, event: &(&str, Value)) -> Result<Flow, StreamError> {
    reader.event(event.0, event.1.to_string().as_bytes(), log)
}

/// What is told of these events.
fn told(events: &[(&str, Value)]) -> (String, Ending) {
    let (mut reader, mut log) = (reader(), Log::default());
    for event in events {
        feed(&mut reader, &mut log, event).unwrap();
    }
    (log.text, reader.ending())
}

fn text(index: u64, text: &str) -> (&'static str, Value) {
    let delta = json!({"contentBlockIndex": index, "delta": {"text": text}});
    ("contentBlockDelta", delta)
}

fn thought(index: u64, delta: Value) -> (&'static str, Value) {
    let delta = json!({"contentBlockIndex": index, "delta": {"reasoningContent": delta}});
    ("contentBlockDelta", delta)
}

fn call(index: u64, id: &str, name: &str) -> (&'static str, Value) {
    let call = json!({"toolUseId": id, "name": name});
    let start = json!({"contentBlockIndex": index, "start": {"toolUse": call}});
    ("contentBlockStart", start)
}

fn input(index: u64, fragment: &str) -> (&'static str, Value) {
    let delta = json!({"toolUse": {"input": fragment}});
    let delta = json!({"contentBlockIndex": index, "delta": delta});
    ("contentBlockDelta", delta)
}

fn end(index: u64) -> (&'static str, Value) {
    ("contentBlockStop", json!({"contentBlockIndex": index}))
}

fn stop(reason: &str) -> (&'static str, Value) {
    ("messageStop", json!({"stopReason": reason}))
}

fn start() -> (&'static str, Value) {
    ("messageStart", json!({"role": "assistant", "p": "abc"}))
}

#[test]
fn blocks_in_their_order() {
    let events = [
        start(),
        thought(0, json!({"text": "Need "})),
        thought(0, json!({"text": "\"it\"."})),
        thought(0, json!({"signature": "EqQB"})),
        end(0),
        text(1, ""),
        text(1, "Hi\n"),
        text(1, "you"),
        end(1),
        call(2, "tooluse_1", "w"),
        input(2, ""),
        input(2, "{\"a\":"),
        input(2, "1}"),
        end(2),
        call(3, "tooluse_2", "n"),
        end(3),
        stop("tool_use"),
    ];
    let expected = "start;reasoning(Need |\\\"it\\\".|~EqQB);text(Hi\\n|you|);tooluse_1=w call(|{\\\"a\\\":|1}|);tooluse_2=n call();tool_use";
    assert_eq!(told(&events).0, expected);
}

#[test]
fn starts_are_made_where_none_came() {
    for (events, expected) in [
        (vec![text(0, "a")], "start;text(a|"),
        (vec![end(0)], "start;"),
        (vec![stop("end_turn")], "start;end_turn"),
        (vec![("metadata", json!({}))], "start;"),
        (vec![("brandNew", json!({}))], ""),
        (
            vec![start(), start(), text(7, "a"), start()],
            "start;text(a|",
        ),
    ] {
        assert_eq!(told(&events).0, expected, "{events:?}");
    }
}

#[test]
fn blocks_without_an_end_and_blocks_that_change() {
    for (events, expected) in [
        // The stop ends what is left.
        (
            vec![text(0, "a"), text(1, "b"), stop("end_turn")],
            "start;text(a|);text(b|);end_turn",
        ),
        // Another kind of delta under the same number.
        (
            vec![
                thought(0, json!({"text": "r"})),
                text(0, "a"),
                end(0),
                end(0),
            ],
            "start;reasoning(r|);text(a|);",
        ),
        (
            vec![
                thought(0, json!({"text": "r"})),
                thought(0, json!({"redactedContent": "cg=="})),
                end(0),
            ],
            "start;reasoning(r|);redacted(tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNnPT0ifV19);",
        ),
        // A number is used again.
        (
            vec![
                call(0, "x", "f"),
                input(0, "{"),
                call(0, "y", "g"),
                end(0),
                text(0, "a"),
            ],
            "start;x=f call({|);y=g call();text(a|",
        ),
        // A later block waits for an earlier one.
        (
            vec![
                call(0, "x", "f"),
                call(1, "y", "g"),
                input(1, "{}"),
                input(0, "[]"),
                end(1),
                text(2, "t"),
                (
                    "contentBlockDelta",
                    json!({"contentBlockIndex": 2, "delta": {"citation": {"location": {"web": {"url": "https://w"}}}}}),
                ),
                thought(3, json!({"signature": "s"})),
                end(0),
                end(2),
                end(3),
            ],
            "start;x=f call([]|);y=g call({}|);text(t|@https://w|);reasoning(~s);",
        ),
        // Input without a call, and what the provider's own tools do.
        (
            vec![
                text(0, "a"),
                input(0, "{}"),
                (
                    "contentBlockStart",
                    json!({"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use"}}}),
                ),
                input(1, "{}"),
                end(1),
                (
                    "contentBlockStart",
                    json!({"contentBlockIndex": 2, "start": {"toolResult": {"toolUseId": "s"}}}),
                ),
                (
                    "contentBlockDelta",
                    json!({"contentBlockIndex": 2, "delta": {"toolResult": [{"text": "x"}]}}),
                ),
                end(2),
                text(0, "b"),
                stop("tool_use"),
                text(0, "late"),
                call(4, "z", "f"),
            ],
            "start;text(a|b|);end_turn",
        ),
        // A citation alone makes a text.
        (
            vec![
                ("contentBlockDelta", json!({"delta": {"citation": {}}})),
                end(0),
            ],
            "start;text(@|);",
        ),
        // Signatures in pieces.
        (
            vec![
                thought(0, json!({"signature": "Eq"})),
                thought(0, json!({"signature": "QB"})),
                end(0),
            ],
            "start;reasoning(~EqQB);",
        ),
        // A call without an id gets one; the rest of it is the call's own.
        (vec![stop("end_turn"), stop("max_tokens")], "start;end_turn"),
    ] {
        assert_eq!(told(&events).0, expected, "{events:?}");
    }
}

#[test]
fn redacted_pieces_are_joined_byte_by_byte() {
    let events = [
        thought(0, json!({"redactedContent": "cnNuX2Fi"})),
        thought(0, json!({"redactedContent": "Y2Q="})),
        end(0),
    ];
    let expected = "start;redacted(tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0);";
    assert_eq!(told(&events).0, expected);
    let events = [
        thought(
            0,
            json!({"redactedContent": "Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="}),
        ),
        stop("max_tokens"),
    ];
    let expected = "start;redacted(RW5jcnlwdGVkVGhpbmtpbmdCbG9i);max_tokens";
    assert_eq!(told(&events).0, expected);
}

#[test]
fn the_end() {
    let fields = json!({"stop_sequence": "x\n", "usage": {"output_tokens_details": {"thinking_tokens": 21}}});
    let counts = json!({"inputTokens": 30, "outputTokens": 77, "cacheReadInputTokens": 5});
    let metadata = (
        "metadata",
        json!({"usage": counts, "serviceTier": {"type": "reserved"}}),
    );
    let stopped = (
        "messageStop",
        json!({"stopReason": "stop_sequence", "additionalModelResponseFields": fields}),
    );
    for events in [
        [stopped.clone(), metadata.clone()],
        [metadata.clone(), stopped.clone()],
    ] {
        let (mut reader, mut log) = (reader(), Log::default());
        assert_eq!(feed(&mut reader, &mut log, &events[0]), Ok(Flow::Continue));
        assert_eq!(feed(&mut reader, &mut log, &events[1]), Ok(Flow::Done));
        assert_eq!(feed(&mut reader, &mut log, &text(0, "x")), Ok(Flow::Done));
        assert_eq!(log.text, "start;stop_sequence");
        let ending = reader.ending();
        assert_eq!(ending.stop_sequence.as_deref(), Some(r#""x\n""#));
        assert_eq!(ending.service_tier, Some(ServiceTier::Reserved));
        let usage = ending.usage.unwrap();
        assert_eq!(usage, reader.usage());
        assert_eq!((usage.prompt(), usage.reasoning), (35, Some(21)));
    }

    // Nothing was counted: complete all the same.
    let (mut reader, mut log) = (reader(), Log::default());
    feed(&mut reader, &mut log, &text(0, "x")).unwrap();
    assert_eq!(
        reader.finish(),
        Err(super::reader::ended(Format::Responses))
    );
    feed(&mut reader, &mut log, &stopped).unwrap();
    assert_eq!(reader.finish(), Ok(()));
    assert_eq!(
        (reader.ending().usage, reader.usage()),
        (None, Usage::default())
    );
}

#[test]
fn what_cannot_be_understood_is_an_error_before_anything_is_told() {
    for (name, data) in [
        ("messageStart", "[]"),
        ("contentBlockDelta", "{"),
        ("metadata", "5"),
        ("messageStop", r#"{"stopReason":"malformed_tool_use"}"#),
        ("messageStop", r#"{"stopReason":"malformed_model_output"}"#),
        (
            "contentBlockStart",
            r#"{"start":{"toolUse":{"toolUseId":"x"}}}"#,
        ),
        (
            "contentBlockDelta",
            r#"{"delta":{"reasoningContent":{"redactedContent":"!!"}}}"#,
        ),
    ] {
        let (mut reader, mut log) = (reader(), Log::default());
        let error = reader.event(name, data.as_bytes(), &mut log).unwrap_err();
        assert_eq!(error.error.status.as_u16(), 502, "{name}");
        assert_eq!(log.text, "", "{name}");
    }
}

#[test]
fn what_is_held_is_bounded() {
    let mut reader = Reader::new(AnswerContext::at(0), Format::Chat, 1000);
    let mut log = Log::default();
    let long = "x".repeat(100);
    // What goes to the client at once is not held.
    for _ in 0..50 {
        feed(&mut reader, &mut log, &text(0, &long)).unwrap();
    }
    let results = (0..50).map(|_| feed(&mut reader, &mut log, &text(1, &long)));
    assert!(results.collect::<Vec<_>>().iter().any(Result::is_err));

    let (mut reader, mut log) = (self::reader(), Log::default());
    let results = (0..2000).map(|index| feed(&mut reader, &mut log, &text(index, "x")));
    assert!(results.collect::<Vec<_>>().iter().any(Result::is_err));
}

#[test]
fn calls_without_an_id_get_one() {
    let mut cx = AnswerContext::at(0);
    let value = http::HeaderValue::from_static("7f0c-1d2e");
    cx.request_id = crate::convert::context::UpstreamId::read(&value);
    let mut reader = Reader::new(cx, Format::Chat, 1000);
    let mut log = Log::default();
    for index in 0..2 {
        let start = json!({"contentBlockIndex": index, "start": {"toolUse": {"name": "f"}}});
        feed(&mut reader, &mut log, &("contentBlockStart", start)).unwrap();
        feed(&mut reader, &mut log, &end(index)).unwrap();
    }
    assert_eq!(
        log.text,
        "start;call_7f0c1d2e_0=f call();call_7f0c1d2e_1=f call();"
    );
    assert_eq!(reader.head().base, "7f0c1d2e");
    assert_eq!(Head::new(AnswerContext::at(0)).base.len(), 32);
    assert_ne!(
        Head::new(AnswerContext::at(0)),
        Head::new(AnswerContext::at(0))
    );
}

#[test]
fn whole_answers_are_told_in_the_same_way() {
    let body = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "r", "signature": "EqQB"}}},
            {"reasoningContent": {"redactedContent": "cnNuX2FiY2Q="}},
            {"reasoningContent": {"reasoningText": {}}},
            {"text": ""},
            {"text": "a\n"},
            {"citationsContent": {"content": [{"text": "b"}, {"text": "c"}], "citations": [
                {"title": "t", "location": {"web": {"url": "https://w"}}}, 5]}},
            {"citationsContent": {}},
            {"toolUse": {"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use", "input": {}}},
            {"toolResult": {"toolUseId": "s"}},
            {"toolUse": {"toolUseId": "x", "name": "f", "input": {"b": 1.50, "a": "\""}}},
            {"toolUse": {"toolUseId": "y", "name": "g"}},
        ]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 2},
        "additionalModelResponseFields": {"usage": {"output_tokens_details": {"thinking_tokens": 1}}},
        "serviceTier": {"type": "flex"}, "metrics": {"latencyMs": 1}
    })
    .to_string();
    let whole = Whole::read(body.as_bytes(), AnswerContext::at(0), Format::Chat).unwrap();
    let mut log = Log::default();
    whole.tell(&mut log);
    assert_eq!(
        log.text,
        "start;reasoning(r|~EqQB);redacted(tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0);\
         text(a\\n|);text(b|c|@https://w|);x=f call({\\\"a\\\":\\\"\\\\\\\"\\\",\\\"b\\\":1.5}|);y=g call();tool_use"
    );
    assert_eq!(whole.ending.usage.unwrap().reasoning, Some(1));
    assert_eq!(whole.ending.service_tier, Some(ServiceTier::Flex));
}

#[test]
fn whole_answers_that_are_none() {
    let with = |content: Value, reason: &str| {
        json!({"output": {"message": {"content": content}}, "stopReason": reason}).to_string()
    };
    for body in [
        String::new(),
        "[]".to_owned(),
        "{".to_owned(),
        r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#.to_owned(),
        with(json!([]), "malformed_model_output"),
        with(json!([{"toolUse": {"toolUseId": "x"}}]), "tool_use"),
        with(json!([{"reasoningContent": {"redactedContent": "!"}}]), "end_turn"),
    ] {
        let error = Whole::read(body.as_bytes(), AnswerContext::at(0), Format::Messages);
        assert_eq!(error.unwrap_err().status.as_u16(), 502, "{body}");
    }
    let empty = with(json!([]), "end_turn");
    let whole = Whole::read(empty.as_bytes(), AnswerContext::at(0), Format::Chat).unwrap();
    let mut log = Log::default();
    whole.tell(&mut log);
    assert_eq!(
        (log.text.as_str(), whole.ending.usage),
        ("start;end_turn", None)
    );
}

/// Any event of a stream, well formed or not.
fn any_event() -> impl Strategy<Value = (&'static str, Value)> {
    let index = || 0_u64..4;
    prop_oneof![
        Just(start()),
        (index(), ".{0,3}").prop_map(|(at, content)| text(at, &content)),
        (index(), "[a-z]{0,3}").prop_map(|(at, content)| thought(at, json!({"text": content}))),
        (index(), "[a-z]{0,3}")
            .prop_map(|(at, content)| thought(at, json!({"signature": content}))),
        (index(), "[a-zA-Z]{0,5}")
            .prop_map(|(at, content)| thought(at, json!({"redactedContent": content}))),
        (index(), "[a-z]{0,2}").prop_map(|(at, name)| call(at, "id", &name)),
        (index(), "[{}a]{0,2}").prop_map(|(at, fragment)| input(at, &fragment)),
        index().prop_map(|at| (
            "contentBlockDelta",
            json!({"contentBlockIndex": at, "delta": {"citation": {}}})
        )),
        index().prop_map(end),
        prop_oneof![
            Just("end_turn"),
            Just("tool_use"),
            Just("malformed_tool_use")
        ]
        .prop_map(stop),
        Just(("metadata", json!({"usage": {"inputTokens": 1}}))),
        Just(("contentBlockDelta", json!(5))),
        Just(("other", json!({}))),
    ]
}

proptest! {
    /// [`Log`] checks the order itself.
    #[test]
    fn any_events_are_told_in_order(events in proptest::collection::vec(any_event(), 0..24)) {
        let (mut reader, mut log) = (reader(), Log::default());
        for event in &events {
            let before = log.text.clone();
            match feed(&mut reader, &mut log, event) {
                Ok(Flow::Continue) => {}
                Ok(Flow::Done) => break,
                Err(_) => {
                    prop_assert_eq!(&log.text, &before);
                    break;
                }
            }
        }
        prop_assert_eq!(reader.finish().is_ok(), log.stopped);
        prop_assert!(!log.stopped || log.open.is_none());
    }
}
