use serde_json::{Value, json};

use super::*;
use crate::convert::validate::responses::{End as StreamEnd, validate};

fn call(name: &str) -> Call {
    Call {
        call_id_json: format!("\"call_{name}\""),
        name_json: format!("\"{name}\""),
        namespace_json: None,
    }
}

fn writer() -> ResponseWriter {
    let mut writer = ResponseWriter::new(Echo::default(), 7);
    let model = RawStr::from_json("\"m\"");
    writer.set_head(Some("A1"), model, None);
    writer
}

/// One of everything.
fn write_all(writer: &mut ResponseWriter, out: &mut BytesMut) {
    let reasoning = writer.reasoning(out);
    writer.summary(reasoning, "Hm\\n", out);
    writer.summary(reasoning, "m.", out);
    writer.set_encrypted_content(reasoning, "tlg1.x".to_owned());
    writer.end(reasoning, ItemStatus::Completed, out);
    let raw = writer.reasoning(out);
    writer.reasoning_text(raw, "raw", out);
    // An item has one kind of text.
    writer.summary(raw, "other", out);
    writer.end(raw, ItemStatus::Completed, out);
    let search = writer.web_search(out);
    let message = writer.message(out);
    writer.text(message, "It \\\"is\\\" ", out);
    writer.annotation(message, r#"{"type":"url_citation"}"#, out);
    writer.annotation(message, r#"{"type":"file_citation"}"#, out);
    writer.searching(search, out);
    writer.searched(search, out);
    writer.set_action(search, r#"{"type":"search","query":"q"}"#.to_owned());
    writer.end(search, ItemStatus::Failed, out);
    writer.refusal(message, "No.", out);
    writer.end(message, ItemStatus::Completed, out);
    let function = writer.function(call("f"), out);
    let custom = writer.custom(call("c"), out);
    writer.input(custom, "patch", out);
    writer.end(function, ItemStatus::Completed, out);
    writer.end(custom, ItemStatus::Completed, out);
    // What is done never changes.
    writer.arguments(function, "more", out);
    writer.end(function, ItemStatus::Incomplete, out);
}

#[test]
fn a_stream_of_everything_is_legal_and_ends_with_all_of_it() {
    let mut writer = writer();
    let mut out = BytesMut::new();
    write_all(&mut writer, &mut out);
    let usage = Usage {
        input: Some(3),
        output: Some(4),
        web_searches: Some(1),
        ..Usage::default()
    };
    writer.finish(End::Completed, &usage, &mut out);
    let length = out.len();
    writer.finish(End::Completed, &usage, &mut out);
    writer.fail("server_error", "late", Unfinished::Listed, &usage, &mut out);
    assert_eq!(out.len(), length, "nothing follows the end");
    let outcome = validate(&out).unwrap();
    assert_eq!(outcome.end, StreamEnd::Completed);
    let response = outcome.response.unwrap();
    assert_eq!(response["tool_usage"]["web_search"]["num_requests"], 1);
    assert_eq!(response["usage"]["total_tokens"], 7);
    let output = response["output"].as_array().unwrap();
    let ids: Vec<&str> = output.iter().map(|i| i["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "rs_A1_0", "rs_A1_1", "ws_A1_2", "msg_A1_3", "fc_A1_4", "ctc_A1_5"
        ]
    );
    assert_eq!(output[0]["summary"][0]["text"], "Hm\nm.");
    assert_eq!(output[1]["summary"], json!([]));
    assert_eq!(output[2]["status"], "failed");
    assert_eq!(
        output[3]["content"][0]["annotations"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(output[3]["content"][1]["refusal"], "No.");
    assert_eq!(output[4]["arguments"], "{}");

    // A whole answer is what the last event holds.
    let mut whole = self::writer().without_events();
    let mut out = BytesMut::new();
    write_all(&mut whole, &mut out);
    assert!(out.is_empty());
    whole.whole(End::Completed, &usage, &mut out);
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), response);
}

#[test]
fn open_items_end_with_the_stream() {
    for (end, status) in [
        (End::Completed, "completed"),
        (End::Incomplete("max_output_tokens"), "incomplete"),
    ] {
        let mut writer = writer();
        let mut out = BytesMut::new();
        let message = writer.message(&mut out);
        writer.text(message, "x", &mut out);
        writer.finish(end, &Usage::default(), &mut out);
        let response = validate(&out).unwrap().response.unwrap();
        assert_eq!(response["output"][0]["status"], status);
        assert_eq!(response["status"], status);
    }
}

#[test]
fn a_failed_stream_lists_open_items_or_not() {
    for (unfinished, count) in [(Unfinished::Listed, 2), (Unfinished::LeftOut, 1)] {
        let mut writer = writer();
        let mut out = BytesMut::new();
        let done = writer.reasoning(&mut out);
        writer.end(done, ItemStatus::Completed, &mut out);
        let message = writer.message(&mut out);
        writer.text(message, "x", &mut out);
        assert!(writer.held() > 0);
        writer.fail(
            "server_error",
            "a \"b\"",
            unfinished,
            &Usage::default(),
            &mut out,
        );
        let outcome = validate(&out).unwrap();
        assert_eq!(outcome.end, StreamEnd::Failed);
        let response = outcome.response.unwrap();
        assert_eq!(response["output"].as_array().unwrap().len(), count);
        assert_eq!(
            response["error"],
            json!({"code": "server_error", "message": "a \"b\""})
        );
        if count == 2 {
            assert_eq!(response["output"][1]["status"], "incomplete");
        }
    }
}

#[test]
fn a_failure_before_anything_else_is_a_legal_stream() {
    let mut writer = ResponseWriter::new(Echo::default(), 7);
    let mut out = BytesMut::new();
    writer.fail(
        "server_error",
        "x",
        Unfinished::Listed,
        &Usage::default(),
        &mut out,
    );
    let outcome = validate(&out).unwrap();
    assert_eq!(outcome.end, StreamEnd::Failed);
    assert_eq!(outcome.response.unwrap()["id"], "resp_7");
}
