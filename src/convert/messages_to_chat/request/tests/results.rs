use serde_json::{Value, json};

use super::{GEMINI, OSS, OTHER, SONAR, To, result, tool_loop, tool_use, user};
use crate::format::error::Fault;

#[test]
fn calls_and_results() {
    let messages = OSS.messages(tool_loop(
        json!([{"type": "text", "text": "So "}, {"type": "text", "text": "be it."}, tool_use("c1"), {"type": "text", "text": "And"}, tool_use("c2")]),
        json!([
            {"type": "text", "text": "before"},
            result("c2", json!("two")),
            result("c1", json!([{"type": "text", "text": "one"}, {"type": "text", "text": "more"}]))
        ]),
    ));
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": r#"{"a":"x y","b":1.0}"#}});
    assert_eq!(
        messages,
        json!([
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "So be it.\n\nAnd", "tool_calls": [call("c1"), call("c2")]},
            {"role": "tool", "tool_call_id": "c2", "content": "two"},
            {"role": "tool", "tool_call_id": "c1", "content": "one\nmore"},
            {"role": "user", "content": "before"}
        ])
    );
    // Order and spelling of the input are the client's.
    let done = OSS
        .try_text(r#"{"max_tokens":1,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{ "z" : 1.50, "a" : "\u00e9 \"" }}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c"}]}]}"#)
        .unwrap();
    assert_eq!(
        done.body["messages"][1]["tool_calls"][0]["function"]["arguments"],
        r#"{"z":1.50,"a":"\u00e9 \""}"#
    );
    assert_eq!(done.body["messages"][1]["content"], Value::Null);
    assert_eq!(done.body["messages"][2]["content"], "(empty)");
}

#[test]
fn what_results_hold() {
    let one = |to: To, content: Value, is_error: bool| {
        let mut result = result("c", content);
        result["is_error"] = json!(is_error);
        let messages = to.messages(tool_loop(json!([tool_use("c")]), json!([result])));
        let tail = messages.as_array().unwrap()[2..].to_vec();
        (
            tail[0]["content"].as_str().unwrap().to_owned(),
            tail.get(1).cloned(),
        )
    };
    for (content, is_error, expected) in [
        (json!(""), false, "(empty)"),
        (json!(null), false, "(empty)"),
        (json!([]), true, "[tool error] (empty)"),
        (json!("x"), true, "[tool error] x"),
        (json!("x"), false, "x"),
        (
            json!([{"type": "tool_reference", "tool_name": "WebFetch"}]),
            false,
            "[tool: WebFetch]",
        ),
        (
            json!([{"type": "search_result", "title": "R", "source": "s", "content": []}]),
            false,
            "[search result: R — s]",
        ),
    ] {
        for to in [GEMINI, OSS, OTHER] {
            assert_eq!(
                one(to, content.clone(), is_error),
                (expected.to_owned(), None),
                "{content}"
            );
        }
    }
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iV"}});
    let (text, media) = one(GEMINI, json!([image, {"type": "text", "text": "t"}]), false);
    assert_eq!(text, "t");
    assert_eq!(
        media.unwrap(),
        json!({"role": "user", "content": [
            {"type": "text", "text": "[image returned by tool call c]"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iV"}}
        ]})
    );
    assert_eq!(one(OSS, json!([image]), false).0, "(no text output)");
    GEMINI
        .with(json!({"messages": tool_loop(json!([tool_use("c")]), json!([result("c", json!([image]))]))}))
        .approximated("messages[].content[].content");
    OSS.unsupported(
        "messages[2].content[0].content[0]",
        json!({"messages": tool_loop(json!([tool_use("c")]), json!([result("c", json!([{"type": "hologram"}]))]))}),
    );
}

#[test]
fn orphans() {
    for to in [GEMINI, OSS, OTHER] {
        let refusal = to.refuses(
            Fault::Invalid,
            "messages[0]",
            json!({"messages": [{"role": "user", "content": [result("lost", json!("x"))]}]}),
        );
        assert!(
            refusal
                .message
                .starts_with("No tool call found for function call output with call_id lost")
        );
        let refusal = to.refuses(
            Fault::Invalid,
            "messages[1]",
            json!({"messages": [user("q"), {"role": "assistant", "content": [tool_use("c")]}, user("and?")]}),
        );
        assert!(
            refusal
                .message
                .starts_with("No tool output found for function call c")
        );
        for (param, content) in [
            (
                "messages[0].content[0].tool_use_id",
                json!([{"type": "tool_result"}]),
            ),
            ("messages[0].content[0].type", json!([tool_use("c")])),
            (
                "messages[0].content[0].type",
                json!([{"type": "thinking", "thinking": "x"}]),
            ),
        ] {
            to.invalid(
                param,
                json!({"messages": [{"role": "user", "content": content}]}),
            );
        }
        to.invalid(
            "messages[1].content[0].type",
            json!({"messages": [user("q"), {"role": "assistant", "content": [result("c", json!("x"))]}]}),
        );
    }
    // No tools at all: no calls in the history either.
    SONAR.unsupported(
        "messages[1]",
        json!({"messages": tool_loop(json!([tool_use("c")]), json!([result("c", json!("x"))]))}),
    );
    // A history with calls needs no tools.
    OSS.with(
        json!({"messages": tool_loop(json!([tool_use("c")]), json!([result("c", json!("x"))]))}),
    )
    .exact();
}

#[test]
fn a_result_that_comes_late_moves_to_its_call() {
    let messages = GEMINI.messages(json!([
        user("q"),
        {"role": "assistant", "content": [tool_use("c")]},
        {"role": "system", "content": "note"},
        {"role": "user", "content": [result("c", json!("r"))]}
    ]));
    let roles: Vec<&str> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "tool", "user"]);
    assert_eq!(messages[3]["content"], "[System message]\nnote");
}
