use serde_json::{Value, json};

use super::{
    call, complete, cx, delta, end, input, metadata, reasoning, run, start, state, stop, text, told,
};
use crate::convert::machine::Machine;
use crate::convert::messages_to_converse::stream::ConverseToMessages;
use crate::convert::validate::messages::{End, events, validate};

#[test]
fn the_counts_come_at_the_end() {
    let events = [start(), text(0, "Hi"), stop(0), end("end_turn"), metadata()];
    let out = String::from_utf8(run(&events).to_vec()).unwrap();
    assert!(out.contains(r#""usage":{"input_tokens":0,"output_tokens":0}}"#));
    let (before, last) = out.split_once("event: message_delta").unwrap();
    assert!(!before.contains("\"end_turn\""));
    assert!(last.contains(r#""input_tokens":3"#) && last.contains(r#""output_tokens":4"#));
    let message = complete(&events);
    assert_eq!(message["id"], "msg_bdrk_7f0c1d2e3a4b45c6");
    assert_eq!(message["usage"]["cache_read_input_tokens"], 2);

    let mut machine = ConverseToMessages::new(state(), cx(), 1 << 20);
    let mut out = bytes::BytesMut::new();
    for (name, data) in &events {
        machine
            .event(name, data.to_string().as_bytes(), &mut out)
            .unwrap();
    }
    assert_eq!(machine.usage().prompt(), 5);
}

#[test]
fn a_stream_without_counts_is_complete() {
    let message = complete(&[start(), text(0, "x"), end("max_tokens")]);
    assert_eq!(message["stop_reason"], "max_tokens");
    assert_eq!(
        message["usage"],
        json!({"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0})
    );
}

#[test]
fn indexes_have_no_gaps_whatever_converse_numbers() {
    let message = complete(&[
        start(),
        text(4, ""),
        stop(4),
        text(7, "a"),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 8, "start": {"toolUse": {"toolUseId": "s", "name": "n", "type": "server_tool_use"}}}),
        ),
        input(8, "{}"),
        stop(8),
        stop(7),
        call(9, "t1", "get_weather_f65d43"),
        input(9, ""),
        input(9, "{\"city\":"),
        input(9, "\"Oslo\"}"),
        stop(9),
        end("tool_use"),
        metadata(),
    ]);
    assert_eq!(
        message["content"],
        json!([
            {"type": "text", "text": "a"},
            {"type": "tool_use", "id": "t1", "name": "get.weather", "input": {"city": "Oslo"}},
        ])
    );
}

#[test]
fn fragments_go_on_as_they_come() {
    let out = run(&[
        start(),
        call(0, "t", "f"),
        input(0, ""),
        input(0, "{}"),
        stop(0),
        end("tool_use"),
    ]);
    let fragments: Vec<Value> = events(&out)
        .iter()
        .filter(|(name, _)| name == "content_block_delta")
        .map(|(_, data)| {
            serde_json::from_str::<Value>(data).unwrap()["delta"]["partial_json"].clone()
        })
        .collect();
    assert_eq!(fragments, ["", "{}"]);
    // A call without input is one with an empty input.
    let message = complete(&[start(), call(0, "t", "f"), stop(0), end("tool_use")]);
    assert_eq!(message["content"][0]["input"], json!({}));
}

#[test]
fn the_kind_of_a_block_is_known_at_its_first_piece() {
    let message = complete(&[
        start(),
        reasoning(0, json!({"text": "Think"})),
        reasoning(0, json!({"signature": "Eq/B"})),
        stop(0),
        reasoning(1, json!({"signature": "EqQC"})),
        stop(1),
        reasoning(2, json!({"text": "loud"})),
        stop(2),
        // Without a stop between them.
        text(3, "a"),
        reasoning(3, json!({"text": "b", "signature": "EqQD"})),
        end("end_turn"),
        metadata(),
    ]);
    assert_eq!(
        message["content"],
        json!([
            {"type": "thinking", "thinking": "Think", "signature": "Eq/B"},
            {"type": "thinking", "thinking": "", "signature": "EqQC"},
            {"type": "thinking", "thinking": "loud", "signature": "tlg1.plain.eyJ2IjoxLCJwIjoiYXdzLWJlZHJvY2sifQ"},
            {"type": "text", "text": "a"},
            {"type": "thinking", "thinking": "b", "signature": "EqQD"},
        ])
    );
}

#[test]
fn redacted_pieces_are_put_together() {
    let message = complete(&[
        start(),
        reasoning(0, json!({"redactedContent": "cnNu"})),
        reasoning(0, json!({"redactedContent": "X2FiY2Q="})),
        stop(0),
        end("end_turn"),
    ]);
    assert_eq!(
        message["content"],
        json!([{"type": "redacted_thinking", "data": "tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0"}])
    );
}

#[test]
fn citations() {
    let web = json!({"title": "Wiki", "location": {"web": {"url": "https://w", "domain": "w"}}});
    let message = complete(&[
        start(),
        text(0, "Green."),
        delta(0, json!({"citation": web})),
        delta(0, json!({"citation": {"title": "nowhere"}})),
        stop(0),
        delta(1, json!({"citation": web})),
        text(1, "late"),
        stop(1),
        end("end_turn"),
    ]);
    let cited = json!([{"type": "web_search_result_location", "cited_text": "", "encrypted_index": "", "title": "Wiki", "url": "https://w"}]);
    assert_eq!(message["content"][0]["citations"], cited);
    assert_eq!(message["content"][1]["citations"], cited);
    assert_eq!(message["content"][1]["text"], "late");
}

#[test]
fn a_stream_cut_after_every_event_ends_with_an_error_unless_it_was_complete() {
    let whole = [
        start(),
        reasoning(0, json!({"text": "t"})),
        reasoning(0, json!({"signature": "EqQB"})),
        stop(0),
        text(1, "a"),
        stop(1),
        call(2, "t1", "f"),
        input(2, "{}"),
        stop(2),
        end("tool_use"),
        metadata(),
    ];
    for cut in 0..whole.len() {
        let outcome = told(&whole[..cut]);
        if cut >= 10 {
            assert_eq!(outcome.end, End::Complete, "{cut}");
        } else {
            assert_eq!(outcome.end, End::Error, "{cut}");
            let error = outcome.error.unwrap();
            assert_eq!(
                error,
                json!({"type": "api_error", "message": "upstream stream ended before messageStop"})
            );
        }
    }
}

#[test]
fn what_cannot_be_understood_ends_the_stream_with_an_error() {
    for bad in [
        ("contentBlockDelta", json!([])),
        ("messageStop", json!({"stopReason": "malformed_tool_use"})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "x"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 1, "delta": {"reasoningContent": {"redactedContent": "!"}}}),
        ),
    ] {
        let outcome = told(&[
            start(),
            text(0, "a"),
            bad.clone(),
            text(0, "b"),
            end("end_turn"),
        ]);
        assert_eq!(outcome.end, End::Error, "{bad:?}");
    }
    // What comes after the end, or is new, is passed over.
    let new = ("somethingNew", json!({"x": 1}));
    let events = [
        start(),
        new,
        text(0, "a"),
        end("end_turn"),
        text(0, "late"),
        metadata(),
        text(0, "later"),
    ];
    assert_eq!(
        complete(&events)["content"],
        json!([{"type": "text", "text": "a"}])
    );
}

#[test]
fn nothing_follows_an_error() {
    let mut machine = ConverseToMessages::new(state(), cx(), 1 << 20);
    let mut out = bytes::BytesMut::new();
    machine.event("messageStart", b"{}", &mut out).unwrap();
    let error = machine.finish(&mut out).unwrap_err();
    machine.fail(&error, &mut out);
    let ended = out.clone();
    machine.fail(&error, &mut out);
    let _ = machine.event(
        "contentBlockDelta",
        text(0, "x").1.to_string().as_bytes(),
        &mut out,
    );
    assert!(machine.finish(&mut out).is_ok());
    assert_eq!(out, ended);
    assert_eq!(validate(&out).unwrap().end, End::Error);
}
