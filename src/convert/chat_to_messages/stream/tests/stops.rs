//! Stop sequences that the gateway looks for itself.

use super::*;

const STOPS: [&str; 2] = ["\n\n", "\u{3000}\t"];

fn stopping() -> State {
    State {
        include_usage: true,
        stops: STOPS.map(str::to_owned).to_vec(),
        ..state()
    }
}

fn text(index: u64, text: &str) -> Value {
    delta(index, &json!({"type": "text_delta", "text": text}))
}

fn text_start(index: u64) -> Value {
    start(index, &json!({"type": "text", "text": ""}))
}

fn page(index: u64) -> Value {
    delta(
        index,
        &json!({"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": "u"}}),
    )
}

/// Streams these blocks, each given as its deltas, and a call after them; the chunks, and what they come to.
fn stream(blocks: &[&[&str]]) -> (String, Outcome) {
    let mut events = vec![head()];
    let mut index = 0;
    for deltas in blocks {
        events.push(text_start(index));
        events.extend(deltas.iter().map(|piece| text(index, piece)));
        events.push(stop(index));
        index += 1;
    }
    events.push(start(
        index,
        &json!({"type": "tool_use", "id": "t", "name": "a_b", "input": {}}),
    ));
    events.push(stop(index));
    events.push(stopped("tool_use"));
    events.push(json!({"type": "message_stop"}));
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    let (out, error) = feed(&mut MessagesToChat::new(stopping(), CX), &events);
    assert_eq!(error, None);
    let outcome = validate(&out, true).unwrap();
    assert_eq!(outcome.end, End::Complete);
    (String::from_utf8(out.to_vec()).unwrap(), outcome)
}

#[track_caller]
fn cut(blocks: &[&[&str]], content: &str) {
    let (_, outcome) = stream(blocks);
    assert_eq!(
        Value::Object(outcome.message),
        json!({"role": "assistant", "content": content}),
        "{blocks:?}"
    );
    assert_eq!(outcome.finish_reason.as_deref(), Some("stop"));
    // The counts of the head: the provider had not sent the last ones.
    let usage = outcome.usage.unwrap();
    assert_eq!(usage["prompt_tokens"], 7);
    assert_eq!(usage["completion_tokens"], 1);
}

#[track_caller]
fn not_cut(blocks: &[&[&str]]) {
    let (_, outcome) = stream(blocks);
    assert_eq!(outcome.message["content"], blocks.concat().concat());
    assert_eq!(outcome.message["tool_calls"][0]["id"], "t");
    assert_eq!(outcome.finish_reason.as_deref(), Some("tool_calls"));
    assert_eq!(outcome.usage.unwrap()["completion_tokens"], 5);
}

#[test]
fn the_text_ends_at_a_stop_sequence() {
    for deltas in [
        &["one \"é\"\n\ntwo"][..],
        &["one \"é\"\n", "\ntwo"],
        &["one \"é\"", "\n", "\n", "two"],
        &["one \"é\"\u{3000}", "\t\n\n"],
    ] {
        cut(&[deltas], "one \"é\"");
        // The same, as blocks that follow each other.
        let blocks: Vec<&[&str]> = deltas.chunks(1).collect();
        cut(&blocks, "one \"é\"");
    }
    cut(&[&["\n\n", "x"]], "");
    cut(&[&["\n"], &["\nx"]], "");
}

#[test]
fn what_was_held_back_goes_out_where_no_stop_sequence_is() {
    not_cut(&[&["one\n", " \n", "two\n"]]);
    not_cut(&[&["one\n"], &["two\u{3000}"]]);
    not_cut(&[&[]]);
    // Before what follows, and not later than it must.
    let (chunks, _) = stream(&[&["one\n", "two\n"]]);
    let at = |what: &str| {
        chunks
            .find(what)
            .unwrap_or_else(|| panic!("{what} in {chunks}"))
    };
    assert!(at(r#""content":"one""#) < at(r#""content":"\ntwo""#));
    assert!(at(r#""content":"\ntwo""#) < at(r#""content":"\n""#));
    assert!(at(r#""content":"\n""#) < at("tool_calls"));
}

#[test]
fn cuts_make_no_difference() {
    let whole = "aé\n \u{3000}x\n\u{3000}\ty\n\nz";
    for (at, _) in whole.char_indices() {
        let (a, b) = whole.split_at(at);
        cut(&[&[a, b]], "aé\n \u{3000}x\n");
        cut(&[&[a], &[b]], "aé\n \u{3000}x\n");
    }
    let characters: Vec<String> = whole.chars().map(String::from).collect();
    let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
    cut(&[&characters], "aé\n \u{3000}x\n");
}

#[test]
fn other_blocks_are_not_looked_through_and_part_the_texts() {
    let events = [
        head(),
        start(0, &json!({"type": "thinking", "thinking": "a\n\nb"})),
        delta(0, &json!({"type": "signature_delta", "signature": "s"})),
        stop(0),
        text_start(1),
        text(1, "x\n"),
        stop(1),
        start(2, &json!({"type": "tool_use", "id": "t", "name": "a_b"})),
        delta(
            2,
            &json!({"type": "input_json_delta", "partial_json": "{\n\n}"}),
        ),
        stop(2),
        text(3, "\ny\n"),
        // Without its start.
        delta(4, &json!({"type": "thinking_delta", "thinking": "c"})),
        text(5, "\nz"),
        stopped("end_turn"),
    ];
    let (outcome, error) = run_with(stopping(), &events);
    assert_eq!(error, None);
    assert_eq!(outcome.message["content"], "x\n\ny\n\nz");
    assert_eq!(outcome.message["reasoning_content"], "a\n\nb\n\nc");
    let call = &outcome.message["tool_calls"][0]["function"];
    assert_eq!(call["arguments"], "{\n\n}");
    assert_eq!(outcome.finish_reason.as_deref(), Some("tool_calls"));
}

#[test]
fn nothing_is_read_after_the_stop_sequence() {
    let mut machine = MessagesToChat::new(stopping(), CX);
    let mut out = BytesMut::new();
    for event in [head(), text_start(0), text(0, "x\n")] {
        let flow = machine.event("", event.to_string().as_bytes(), &mut out);
        assert_eq!(flow, Ok(Flow::Continue));
    }
    let hit = text(0, "\n").to_string();
    assert_eq!(machine.event("", hit.as_bytes(), &mut out), Ok(Flow::Done));
    let complete = out.len();
    assert_eq!(validate(&out, true).unwrap().end, End::Complete);
    let more = text(0, "more").to_string();
    assert_eq!(machine.event("", more.as_bytes(), &mut out), Ok(Flow::Done));
    assert_eq!(machine.finish(&mut out), Ok(()));
    assert_eq!(out.len(), complete);
}

#[test]
fn a_text_that_was_cut_loses_its_citations() {
    for (second, cited) in [("\n\n", 1), ("b\n\n", 1), ("\nb", 2)] {
        let events = [
            head(),
            text_start(0),
            page(0),
            text(0, "a"),
            stop(0),
            text_start(1),
            page(1),
            text(1, second),
            stop(1),
            stopped("end_turn"),
        ];
        let (outcome, _) = run_with(stopping(), &events);
        let annotations = outcome.message["annotations"].as_array().unwrap();
        assert_eq!(annotations.len(), cited, "{second:?}");
        assert_eq!(annotations[0]["url_citation"]["end_index"], 1);
    }
    // The stop sequence began in the first text.
    let events = [
        head(),
        text_start(0),
        page(0),
        text(0, "a\n"),
        stop(0),
        text(1, "\n"),
    ];
    let (outcome, _) = run_with(stopping(), &events);
    assert_eq!(
        Value::Object(outcome.message),
        json!({"role": "assistant", "content": "a"})
    );
}

#[test]
fn a_refusal_after_the_stop_sequence_is_not_told() {
    let answer = json!({"type": "message", "content": [{"type": "text", "text": "a\n\nb"}], "stop_reason": "refusal",
        "stop_details": {"explanation": "no"}});
    let mut out = BytesMut::new();
    replay(answer.to_string().as_bytes(), stopping(), CX, &mut out).unwrap();
    let outcome = validate(&out, true).unwrap();
    assert_eq!(
        Value::Object(outcome.message),
        json!({"role": "assistant", "content": "a"})
    );
    assert_eq!(outcome.finish_reason.as_deref(), Some("stop"));
}
