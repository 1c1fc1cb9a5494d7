use bytes::BytesMut;
use serde_json::{Value, json};

use super::blocks::{self, Citations, Content, Page};
use super::{Head, MessageStream, Stop, write_message};
use crate::convert::validate::messages::{End, validate};
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::format::raw::RawStr;
use crate::usage::Usage;

fn head() -> Head {
    let id = RawStr::from_json("\"resp_1\"");
    Head::new(id, "resp_", RawStr::from_json("\"gpt\""), 7)
}

fn counts() -> Usage {
    Usage {
        input: Some(3),
        output: Some(4),
        reasoning: Some(1),
        web_searches: Some(2),
        ..Usage::default()
    }
}

#[test]
fn ids() {
    for (id, expected) in [
        (Some("\"resp_a\""), "msg_a"),
        (Some("\"chat\""), "msg_chat"),
        (Some("\"\""), "msg_7"),
        (None, "msg_7"),
    ] {
        let head = Head::new(id.and_then(RawStr::from_json), "resp_", None, 7);
        let mut out = BytesMut::new();
        write_message(
            &mut out,
            &head,
            b"",
            &Stop::EndTurn,
            &Usage::default(),
            None,
        );
        let message: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(message["id"], expected);
        assert_eq!(message["model"], "");
        assert_eq!(message["usage"]["input_tokens"], 0);
    }
}

#[test]
fn every_call_in_any_order_gives_a_legal_stream() {
    let mut out = BytesMut::new();
    let mut stream = MessageStream::default();
    stream.ping(&mut out);
    stream.text(&mut out, "lost");
    assert!(out.is_empty() && !stream.has_started());
    stream.start(&mut out, &head(), None);
    stream.start(&mut out, &head(), None);
    stream.ping(&mut out);
    stream.open_thinking(&mut out);
    stream.thinking(&mut out, "T\\n");
    stream.text(&mut out, "lost");
    stream.signature(&mut out, "s\"");
    stream.open_text(&mut out);
    stream.text(&mut out, "x");
    stream.text(&mut out, "");
    stream.citation(&mut out, |out| {
        blocks::page_citation(out, "\"u\"", "\"t\"", "c");
    });
    stream.whole_block(&mut out, |out| blocks::redacted_thinking(out, "d"));
    stream.input(&mut out, "lost");
    stream.open_tool(&mut out, "call", "f");
    stream.whole_input(&mut out, "{\"a\":\"\\n\"}");
    stream.finish(
        &mut out,
        &Stop::Refusal {
            explanation: Some("\"no\""),
        },
        &counts(),
    );
    stream.ping(&mut out);
    let error = ClientError::gateway(Format::Messages, Fault::BadGateway, "late");
    stream.fail(&mut out, &error);
    let outcome = validate(&out).unwrap();
    assert_eq!(outcome.end, End::Complete);
    assert_eq!(outcome.stopped, 4);
    assert_eq!(
        outcome.message["content"],
        json!([
            {"type": "thinking", "thinking": "T\n", "signature": "s\""},
            {"type": "text", "text": "x", "citations": [{
                "type": "web_search_result_location", "url": "u", "title": "t", "cited_text": "c", "encrypted_index": ""
            }]},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "tool_use", "id": "call", "name": "f", "input": {"a": "\n"}},
        ])
    );
    assert_eq!(outcome.message["stop_details"]["explanation"], "no");
    assert_eq!(
        outcome.message["usage"]["server_tool_use"]["web_search_requests"],
        2
    );
}

#[test]
fn a_failed_stream_closes_nothing() {
    let mut out = BytesMut::new();
    let mut stream = MessageStream::default();
    stream.start(&mut out, &head(), Some(&counts()));
    stream.open_text(&mut out);
    let error = ClientError::gateway(Format::Messages, Fault::StreamEnded, "cut");
    stream.fail(&mut out, &error);
    stream.fail(&mut out, &error);
    let outcome = validate(&out).unwrap();
    assert_eq!((outcome.end, outcome.stopped), (End::Error, 0));
    assert_eq!(outcome.error.unwrap()["message"], "cut");
}

#[test]
fn whole_messages() {
    let mut content = Content::default();
    let mut citations = Citations::default();
    citations.page("\"u\"", "\"t\"", "cited");
    blocks::text(content.next(), "a\\\"b", Some(&citations));
    blocks::server_tool_use(content.next(), "s", "web_search", "{}");
    let page = Page {
        url: "\"u\"",
        title: "\"t\"",
        age: None,
    };
    blocks::web_search_result(content.next(), "s", [page]);
    blocks::web_search_error(content.next(), "s", "unavailable");
    let mut out = BytesMut::new();
    write_message(
        &mut out,
        &head(),
        content.json(),
        &Stop::Sequence("END\""),
        &counts(),
        Some("standard"),
    );
    let message: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(message["content"].as_array().unwrap().len(), 4);
    assert_eq!(message["content"][0]["text"], "a\"b");
    assert_eq!(message["stop_sequence"], "END\"");
    assert_eq!(message["stop_details"], Value::Null);
    assert_eq!(message["usage"]["service_tier"], "standard");
}

#[test]
fn inputs_are_objects() {
    for (arguments, expected) in [
        ("", "{}"),
        (" \n", "{}"),
        (" {\"b\":1.0,\"a\":1} ", "{\"b\":1.0,\"a\":1}"),
        ("{\"a\":", r#"{"__raw_arguments":"{\"a\":"}"#),
        ("[1]", r#"{"__raw_arguments":"[1]"}"#),
        ("7", r#"{"__raw_arguments":"7"}"#),
    ] {
        let mut out = BytesMut::new();
        blocks::tool_input(&mut out, arguments);
        assert_eq!(out, expected);
    }
}
