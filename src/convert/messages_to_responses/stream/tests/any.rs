//! Any events in any order.

use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CX, added, arguments, call, completed, created, done, feed, outcome, summary, text};
use crate::convert::machine::Machine;
use crate::convert::messages_to_responses::response;
use crate::convert::messages_to_responses::state::State;
use crate::convert::messages_to_responses::stream::{ResponsesToMessages, replay};
use crate::convert::validate::messages::{End, validate};

/// A stream with everything in it.
fn everything() -> Vec<Value> {
    let reasoning = json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "think"}], "encrypted_content": "enc"});
    let search = json!({"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "q", "sources": [{"url": "u"}]}});
    let mcp = json!({"type": "mcp_call", "id": "mc", "server_label": "s", "name": "n", "arguments": "{}", "output": "o"});
    let annotation =
        json!({"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 2});
    let said = json!({"type": "message", "content": [
        {"type": "output_text", "text": "hello", "annotations": [annotation]}, {"type": "refusal", "refusal": "no"}]});
    vec![
        created(),
        json!({"type": "response.in_progress", "response": {}}),
        added(0, json!({"type": "reasoning", "summary": []})),
        summary(0, 0, "thi"),
        summary(0, 0, "nk"),
        done(0, reasoning.clone()),
        added(1, search.clone()),
        json!({"type": "response.web_search_call.completed", "output_index": 1}),
        done(1, search.clone()),
        added(2, json!({"type": "message", "content": []})),
        json!({"type": "response.content_part.added", "output_index": 2, "content_index": 0, "part": {"type": "output_text", "text": ""}}),
        text(2, "hel"),
        text(2, "lo"),
        json!({"type": "response.output_text.annotation.added", "output_index": 2, "content_index": 0, "annotation": annotation}),
        json!({"type": "response.output_text.done", "output_index": 2, "content_index": 0, "text": "hello"}),
        json!({"type": "response.content_part.done", "output_index": 2, "content_index": 0, "part": {"type": "output_text", "text": "hello"}}),
        json!({"type": "response.refusal.delta", "output_index": 2, "content_index": 1, "delta": "no"}),
        json!({"type": "response.content_part.done", "output_index": 2, "content_index": 1, "part": {"type": "refusal", "refusal": "no"}}),
        done(2, said.clone()),
        added(3, call(3, "")),
        added(4, call(4, "")),
        arguments(4, "{\"x\":4}"),
        arguments(3, "{\"x\":3}"),
        done(4, call(4, "{\"x\":4}")),
        done(3, call(3, "{\"x\":3}")),
        done(5, mcp.clone()),
        completed(json!([
            reasoning,
            search,
            said,
            call(3, "{\"x\":3}"),
            call(4, "{\"x\":4}"),
            mcp
        ])),
    ]
}

#[test]
fn a_stream_says_what_the_whole_answer_says() {
    let state = State {
        web_search: true,
        ..State::default()
    };
    let upstream = everything();
    let streamed = outcome(&state, &upstream);
    let mut whole = upstream.last().unwrap()["response"].clone();
    whole["model"] = json!("m");
    let body = whole.to_string();
    let answer = response::convert(body.as_bytes(), &state, CX).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    for key in ["id", "model", "content", "stop_reason", "usage"] {
        assert_eq!(streamed.message[key], answer[key], "{key}");
    }
    let mut out = BytesMut::new();
    replay(body.as_bytes(), state, CX, &mut out).unwrap();
    let replayed = validate(&out).unwrap();
    assert_eq!(replayed.end, End::Complete);
    assert_eq!(replayed.message["content"], answer["content"]);
    assert_eq!(replayed.message["usage"], answer["usage"]);
}

#[test]
fn a_stream_cut_anywhere_ends_with_an_error() {
    let upstream = everything();
    for cut in 0..upstream.len() {
        let outcome = outcome(&State::default(), &upstream[..cut]);
        assert_eq!(outcome.end, End::Error, "{cut}");
        assert_eq!(
            outcome.error.unwrap(),
            json!({"type": "api_error", "message": "upstream stream ended before completion"})
        );
    }
    // The same where an event itself is cut.
    for event in &upstream {
        let data = event.to_string();
        for cut in 1..data.len() {
            let mut machine = ResponsesToMessages::new(State::default(), CX);
            let mut out = BytesMut::new();
            let piece = data.get(..cut).unwrap_or("{").as_bytes();
            assert!(machine.event("", piece, &mut out).is_err());
            assert!(out.is_empty());
        }
    }
}

#[test]
fn every_event_may_be_missing_or_come_twice() {
    let state = State {
        web_search: true,
        ..State::default()
    };
    let upstream = everything();
    let expected = outcome(&state, &upstream).message["content"].clone();
    let blocks = |content: &Value| {
        let mut kinds: Vec<String> = content
            .as_array()
            .unwrap()
            .iter()
            .map(|block| block["type"].as_str().unwrap().to_owned())
            .collect();
        kinds.sort_unstable();
        kinds
    };
    for at in 0..upstream.len() - 1 {
        let mut missing = upstream.clone();
        missing.remove(at);
        let outcome_missing = outcome(&state, &missing);
        assert_eq!(outcome_missing.end, End::Complete);
        assert_eq!(
            blocks(&outcome_missing.message["content"]),
            blocks(&expected),
            "without {}",
            upstream[at]
        );
        let mut twice = upstream.clone();
        twice.insert(at, upstream[at].clone());
        assert_eq!(outcome(&state, &twice).end, End::Complete);
    }
}

proptest! {
    #[test]
    fn any_events_give_a_legal_stream(
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0_u64..4, 0_u64..3), 0..60),
        stops in prop::collection::vec(prop::sample::select(vec!["hel", "lo", "no", "x"]), 0..2),
        web_search in any::<bool>(),
        prewarm in any::<bool>(),
    ) {
        let state = State {
            stops: stops.into_iter().map(str::to_owned).collect(),
            web_search,
            prewarm,
            ..State::default()
        };
        let all = everything();
        let upstream: Vec<Value> = picks
            .into_iter()
            .map(|(pick, output, part)| {
                let mut event = pick.get(&all).clone();
                if event.get("output_index").is_some() {
                    event["output_index"] = json!(output);
                }
                for key in ["content_index", "summary_index"] {
                    if event.get(key).is_some() {
                        event[key] = json!(part);
                    }
                }
                event
            })
            .collect();
        let out = feed(&state, &upstream);
        let outcome = validate(&out).map_err(TestCaseError::fail)?;
        prop_assert!(outcome.end != End::Open);
    }
}
