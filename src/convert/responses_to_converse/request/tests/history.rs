//! The conversation.

use super::*;
use crate::target::{MidSystem, NoneStrategy};

#[test]
fn neighbours_of_one_role_are_one_message() {
    let done = Case::default().say(json!([
        user("a"),
        user("b"),
        assistant("c"),
        {"type": "message", "role": "assistant", "phase": "final", "content": [{"type": "refusal", "refusal": "no"}]},
        user("d"),
    ]));
    done.says(json!([
        says("user", json!([{"text": "a"}, {"text": "b"}])),
        says("assistant", json!([{"text": "c"}, {"text": "no"}])),
        says("user", json!([{"text": "d"}])),
    ]))
    .dropped("input[].phase");
}

#[test]
fn texts_go_before_calls_and_results_before_texts() {
    let done = Case::default().with(json!({
        "tools": [function("f"), function("g")],
        "input": [user("q"), call("1", "f", "{\"b\":1.0,\"a\":\"x\"}"), assistant("wait"), call("2", "g", ""),
            user("hurry"), output("2", json!("two")), output("1", json!(""))]}));
    done.says(json!([
        says("user", json!([{"text": "q"}])),
        says(
            "assistant",
            json!([{"text": "wait"}, used("1", "f", json!({"b": 1.0, "a": "x"})), used("2", "g", json!({}))])
        ),
        says(
            "user",
            json!([result("1", json!([{"text": "(empty)"}])), result("2", json!([{"text": "two"}])), {"text": "hurry"}])
        ),
    ]));
    // Keys keep their order, numbers their spelling.
    assert!(done.text.contains(r#""input":{"b":1.0,"a":"x"}"#));
    done.exact();
}

#[test]
fn blank_texts_vanish() {
    let done = Case::default().say(json!([
        user("a"),
        assistant(" \n"),
        {"role": "user", "content": [{"type": "input_text", "text": ""}]},
        assistant("b"),
        user(" "),
    ]));
    done.says(json!([
        says("user", json!([{"text": "a"}])),
        says("assistant", json!([{"text": "b"}])),
        says("user", json!([{"text": "(empty)"}])),
    ]));
}

#[test]
fn the_first_word_is_the_users_and_the_last_may_be_the_assistants() {
    let done = Case::default().say(json!([assistant("a"), user("b"), assistant("c \n")]));
    done.says(json!([
        says("user", json!([{"text": "(continued)"}])),
        says("assistant", json!([{"text": "a"}])),
        says("user", json!([{"text": "b"}])),
        says("assistant", json!([{"text": "c"}])),
    ]))
    .approximated("input")
    .approximated("input[].content");
    // Nobody thinks about an answer that was begun for them.
    Case::default()
        .with(json!({"input": [user("a"), assistant("b")], "reasoning": {"effort": "low"}}))
        .has("/additionalModelRequestFields", json!(null))
        .dropped("reasoning.effort");
}

#[test]
fn system_messages() {
    let input = json!([
        {"role": "system", "content": "s"},
        {"role": "developer", "content": [{"type": "input_text", "text": "d"}, {"type": "input_text", "text": " "}]},
        user("a"),
        {"role": "developer", "content": "later"},
        user("b"),
    ]);
    let done = Case::default().with(json!({"instructions": "i", "input": input}));
    done.has(
        "/system",
        json!([{"text": "i"}, {"text": "s"}, {"text": "d"}]),
    )
    .says(json!([says(
        "user",
        json!([{"text": "a"}, {"text": "<system>\nlater\n</system>"}, {"text": "b"}])
    )]))
    .approximated("input[].role");
    let native = Case::default()
        .options(|options| options.mid_system = Some(MidSystem::Native))
        .with(json!({"input": input}));
    native
        .says(json!([
            says("user", json!([{"text": "a"}, {"text": "b"}])),
            says("system", json!([{"text": "later"}])),
        ]))
        .exact();
    // One that stands between a call and its result follows the result.
    let done = Case::default().with(json!({"tools": [function("f")], "input": [
        user("a"), call("1", "f", "{}"), {"role": "developer", "content": "later"}, output("1", json!("r"))]}));
    done.has(
        "/messages/2/content",
        json!([result("1", json!([{"text": "r"}])), {"text": "<system>\nlater\n</system>"}]),
    );
}

#[test]
fn a_request_of_nothing_but_system_text() {
    for members in [
        json!({"instructions": "i", "input": []}),
        json!({"instructions": "i", "input": ""}),
        json!({"input": [{"role": "developer", "content": "i"}]}),
    ] {
        let done = Case::default().with(members);
        done.says(json!([says("user", json!([{"text": "i"}]))]))
            .has("/system", json!(null))
            .approximated("instructions");
    }
    Case::default()
        .with(
            json!({"instructions": "i", "input": [], "text": {"format": {"type": "json_object"}}}),
        )
        .has(
            "/system",
            json!([{"text": "Respond with a single valid JSON object and nothing else."}]),
        );
}

#[test]
fn calls_and_results_must_belong_together() {
    let case = Case::default();
    for (input, param) in [
        (json!([user("a"), call("1", "f", "{}")]), "input[1].call_id"),
        (
            json!([
                user("a"),
                call("1", "f", "{}"),
                call("1", "f", "{}"),
                output("1", json!("r"))
            ]),
            "input[2].call_id",
        ),
        (
            json!([user("a"), output("1", json!("r"))]),
            "input[1].call_id",
        ),
        (
            json!([user("a"), {"type": "function_call_output", "output": "r"}]),
            "input[1].call_id",
        ),
        (
            json!([user("a"), {"type": "function_call", "name": "f", "arguments": "{}"}]),
            "input[1].call_id",
        ),
        (
            json!([user("a"), {"type": "function_call", "call_id": "1", "arguments": "{}"}, output("1", json!("r"))]),
            "input[1].name",
        ),
        (
            json!([user("a"), call("1", "f", "[]"), output("1", json!("r"))]),
            "input[1].arguments",
        ),
        (
            json!([
                user("a"),
                call("1", "f", "{\"a\":"),
                output("1", json!("r"))
            ]),
            "input[1].arguments",
        ),
        (
            json!([user("a"), call("1", "f", "{}"), output("1", json!(5))]),
            "input[2].output",
        ),
    ] {
        case.invalid(param, json!({ "input": input }));
    }
    // The first of several outputs counts.
    let done = case.say(json!([
        user("a"),
        call("1", "f", "{}"),
        output("1", json!("r")),
        output("1", json!("s"))
    ]));
    done.has(
        "/messages/2/content",
        json!([result("1", json!([{"text": "r"}]))]),
    )
    .approximated("input[].call_id");
    // Calls with one id are answered one after the other, each under an id of its own.
    let done = case.say(json!([
        user("a"),
        call("1", "f", "{}"),
        call("1", "f", "{}"),
        output("1", json!("r")),
        output("1", json!("s"))
    ]));
    done.has(
        "/messages/2/content/0/toolResult/content/0/text",
        json!("r"),
    )
    .has(
        "/messages/2/content/1/toolResult/content/0/text",
        json!("s"),
    );
    let ids = done.body.pointer("/messages/1/content").unwrap();
    assert_ne!(
        ids[0]["toolUse"]["toolUseId"],
        ids[1]["toolUse"]["toolUseId"]
    );
}

#[test]
fn ids_and_calls_of_every_kind() {
    let done = Case::default().with(json!({
        "tools": [{"type": "custom", "name": "apply"}],
        "input": [user("a"),
            {"type": "custom_tool_call", "call_id": "a/b", "name": "apply", "input": "*** \"x\"\n"},
            {"type": "custom_tool_call_output", "call_id": "a/b", "output": "Done"}]}));
    done.says(json!([
        says("user", json!([{"text": "a"}])),
        says(
            "assistant",
            json!([used(
                "a_b_c14cddc0",
                "apply",
                json!({"input": "*** \"x\"\n"})
            )])
        ),
        says(
            "user",
            json!([result("a_b_c14cddc0", json!([{"text": "Done"}]))])
        ),
    ]))
    .approximated("input[].call_id");
    Case::default().unsupported(
        "input[1].caller",
        json!({"input": [user("a"), {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}", "caller": {"type": "program"}},
            output("1", json!("r"))]}),
    );
}

#[test]
fn calls_of_tools_that_are_gone() {
    let input = json!([user("a"), call("1", "old", "{}"), output("1", json!("r"))]);
    let stub = json!([{"toolSpec": {"name": "old", "description": "Unavailable in this turn; do not call.",
        "inputSchema": {"json": {"type": "object"}}}}]);
    Case::default()
        .say(input.clone())
        .has("/toolConfig", json!({"tools": stub}));
    // No tool may be called: Claude is told so, others see the calls as texts.
    let none = json!({"input": input, "tools": [function("f")], "tool_choice": "none"});
    Case::default()
        .with(none.clone())
        .has(
            "/additionalModelRequestFields/tool_choice",
            json!({"type": "none"}),
        )
        .has("/toolConfig/toolChoice", json!(null));
    Case::model(LLAMA)
        .with(none.clone())
        .says(json!([
            says("user", json!([{"text": "a"}])),
            says("assistant", json!([{"text": "[called old with {}]"}])),
            says("user", json!([{"text": "[result of old: r]"}])),
        ]))
        .has("/toolConfig", json!(null))
        .approximated("tool_choice");
    Case::model(LLAMA)
        .options(|options| options.none_strategy = Some(NoneStrategy::Stub))
        .with(none)
        .has("/toolConfig/tools/0/toolSpec/name", json!("f"));
    Case::default()
        .with(json!({"tools": [function("f")], "tool_choice": "none"}))
        .has("/toolConfig", json!(null));
}

#[test]
fn cache_points() {
    let mark = json!({"mode": "explicit"});
    let part = |text: &str, mark: &Value| json!({"type": "input_text", "text": text, "prompt_cache_breakpoint": mark});
    let done = Case::default().with(json!({
        "tools": [{"type": "function", "name": "f", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "input": [
            {"role": "developer", "content": [part("s", &json!({"mode": "explicit", "ttl": "12h"}))]},
            {"role": "user", "content": [part("a", &mark), {"type": "input_text", "text": "b"}]},
            call("1", "f", "{}"),
            output("1", json!([part("r", &mark)]))]}));
    let point = json!({"cachePoint": {"type": "default"}});
    let hour = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    done.has("/toolConfig/tools/1", hour.clone())
        .has("/system", json!([{"text": "s"}, hour]))
        .has(
            "/messages/0/content",
            json!([{"text": "a"}, point, {"text": "b"}]),
        )
        .has(
            "/messages/2/content",
            json!([result("1", json!([{"text": "r"}])), point]),
        );
    let done = Case::model(LLAMA).say(json!([{"role": "user", "content": [part("a", &mark)]}]));
    done.says(json!([says("user", json!([{"text": "a"}]))]))
        .dropped("input[].content[].prompt_cache_breakpoint");
}
