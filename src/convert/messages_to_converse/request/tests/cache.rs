//! Cache marks.

use serde_json::{Value, json};

use super::{NOVA, OSS, SONNET, SONNET_3_7, to, tool_round};

fn mark(ttl: Option<&str>) -> Value {
    match ttl {
        Some(ttl) => json!({"type": "ephemeral", "ttl": ttl}),
        None => json!({"type": "ephemeral"}),
    }
}

fn marked(text: &str, ttl: Option<&str>) -> Value {
    json!({"type": "text", "text": text, "cache_control": mark(ttl)})
}

fn everywhere() -> Value {
    json!({
        "system": [marked("s", Some("1h"))],
        "tools": [{"name": "w", "input_schema": {"type": "object"}, "cache_control": mark(Some("1h"))}],
        "messages": [{"role": "user", "content": [marked("a", Some("5m"))]}],
    })
}

#[test]
fn every_mark_becomes_a_point_behind_what_it_marks() {
    let done = to(SONNET).with(everywhere());
    let hour = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    assert_eq!(done.body["system"], json!([{"text": "s"}, hour]));
    assert_eq!(done.body["toolConfig"]["tools"][1], hour);
    assert_eq!(
        done.body["messages"][0]["content"],
        json!([{"text": "a"}, {"cachePoint": {"type": "default", "ttl": "5m"}}])
    );
    assert!(done.dropped.is_empty() && done.approximated.is_empty());
}

#[test]
fn what_a_family_does_not_take_is_reported() {
    let done = to(SONNET_3_7).with(everywhere());
    assert_eq!(done.text.matches("cachePoint").count(), 3);
    assert!(!done.text.contains("ttl"));
    let mut approximated = done.approximated;
    approximated.sort_unstable();
    assert_eq!(
        approximated,
        [
            "messages[].content[].cache_control",
            "system[].cache_control",
            "tools[].cache_control"
        ]
    );
    let done = to(NOVA).with(everywhere());
    assert_eq!(done.text.matches("cachePoint").count(), 2);
    assert_eq!(done.dropped, ["tools[].cache_control"]);
    let done = to(OSS).with(everywhere());
    assert!(!done.text.contains("cachePoint"));
    let mut dropped = done.dropped;
    dropped.sort_unstable();
    assert_eq!(
        dropped,
        [
            "messages[].content[].cache_control",
            "system[].cache_control",
            "tools[].cache_control"
        ]
    );
}

#[test]
fn marks_inside_results_go_behind_the_result() {
    let call = json!([{"type": "tool_use", "id": "t", "name": "w", "input": {}, "cache_control": mark(None)}]);
    for result in [
        json!({"type": "tool_result", "tool_use_id": "t", "content": [marked("r", Some("1h"))]}),
        json!({"type": "tool_result", "tool_use_id": "t", "content": "r", "cache_control": mark(Some("1h"))}),
    ] {
        let messages = to(SONNET).messages(tool_round(call.clone(), result));
        assert_eq!(
            messages[2]["content"],
            json!([
                {"toolResult": {"toolUseId": "t", "content": [{"text": "r"}]}},
                {"cachePoint": {"type": "default"}},
            ]),
            "the hour cannot follow five minutes"
        );
        assert_eq!(
            messages[1]["content"][1],
            json!({"cachePoint": {"type": "default"}})
        );
    }
}

#[test]
fn points_never_lead_and_never_follow_reasoning() {
    let messages = to(SONNET).messages(json!([
        {"role": "user", "content": [marked(" ", None), {"type": "text", "text": "a"}]},
        {"role": "assistant", "content": [
            {"type": "text", "text": "b"},
            {"type": "thinking", "thinking": "t", "signature": "EqQB", "cache_control": mark(None)},
            {"type": "text", "text": ""},
        ]},
        {"role": "user", "content": "c"},
    ]));
    assert_eq!(messages[0]["content"], json!([{"text": "a"}]));
    let blocks = messages[1]["content"].as_array().unwrap();
    assert!(blocks[1].get("cachePoint").is_some() && blocks[2].get("reasoningContent").is_some());
}

#[test]
fn the_earliest_marks_of_the_messages_go_where_there_are_too_many() {
    let mut members = everywhere();
    members["messages"][0]["content"] = json!([
        marked("a", None),
        marked("b", None),
        marked("c", None),
        marked("d", None),
    ]);
    let done = to(SONNET).with(members);
    assert_eq!(done.text.matches("cachePoint").count(), 4);
    assert_eq!(
        done.body["messages"][0]["content"],
        json!([
            {"text": "a"}, {"text": "b"},
            {"text": "c"}, {"cachePoint": {"type": "default"}},
            {"text": "d"}, {"cachePoint": {"type": "default"}},
        ])
    );
    assert_eq!(done.dropped, ["messages[].content[].cache_control"]);
}

#[test]
fn the_automatic_mark_stands_at_the_end_of_the_users_turn() {
    let automatic = json!({"cache_control": mark(Some("1h"))});
    let done = to(SONNET).with(automatic.clone());
    assert_eq!(
        done.body["messages"][0]["content"],
        json!([{"text": "hi"}, {"cachePoint": {"type": "default", "ttl": "1h"}}])
    );
    assert_eq!(done.approximated, ["cache_control"]);
    assert_eq!(to(OSS).with(automatic).dropped, ["cache_control"]);
    let prefilled = json!({
        "cache_control": mark(None),
        "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
    });
    let done = to(SONNET).with(prefilled);
    assert!(!done.text.contains("cachePoint"));
    assert!(done.dropped.contains(&"cache_control".to_owned()));
}
