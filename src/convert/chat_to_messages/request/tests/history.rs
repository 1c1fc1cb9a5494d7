//! Messages: system text, parts, calls and their results, replayed thinking, cache marks.

use serde_json::{Value, json};

use super::{Case, Done, answer, call, function, text, user};
use crate::format::error::Fault;
use crate::target::Options;

const MID_SYSTEM: &str = "claude-opus-4-8";
const NO_MID_SYSTEM: &str = "claude-opus-4-7";
const PREFILL: &str = "claude-sonnet-4-5";

/// A conversation around one call, with these messages after the assistant's.
fn after_call(case: &Case, rest: Value) -> Done {
    let mut messages = vec![
        user(json!("q")),
        json!({"role": "assistant", "tool_calls": [call("c1", "f", "{}")]}),
    ];
    messages.extend(rest.as_array().unwrap().clone());
    case.with(json!({"messages": messages, "tools": [function("f")]}))
}

#[test]
fn leading_system_messages_become_system() {
    let done = Case::default().say(json!([
        {"role": "system", "content": [text("a"), text(" "), text("b")]},
        {"role": "developer", "content": "c", "name": "n"},
        user(json!("u")),
    ]));
    done.has("system", json!([text("a"), text("b"), text("c")]))
        .dropped("messages[].name");
    Case::default()
        .say(json!([{"role": "system", "content": ""}, user(json!("u"))]))
        .exact()
        .has("system", Value::Null);
    Case::default().unsupported(
        "messages[0].content[0]",
        json!({"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}),
    );
}

#[test]
fn system_text_alone_becomes_the_users() {
    let done = Case::default().say(json!([{"role": "system", "content": "s"}, user(json!(" "))]));
    done.approximated("messages")
        .has("system", Value::Null)
        .has("messages", json!([user(json!([text("s")]))]));
    let both = Case::default().with(json!({"messages": [{"role": "system", "content": "s"}], "response_format": {"type": "json_object"}}));
    both.has("messages", json!([user(json!([text("s")]))]));
    assert_eq!(both.body["system"].as_array().unwrap().len(), 1);
    Case::default().invalid(
        "messages",
        json!({"messages": [user(json!("")), {"role": "assistant"}]}),
    );
}

#[test]
fn later_system_messages_stay_in_place() {
    let system = json!({"role": "system", "content": "S"});
    let native = json!({"role": "system", "content": [text("S")]});
    let assistant = |t: &str| json!({"role": "assistant", "content": [text(t)]});
    let a = json!({"role": "assistant", "content": "a"});
    let marked = text("[System message]\nS");
    for (messages, with, without) in [
        (
            json!([user(json!("u")), system, a, user(json!("v"))]),
            json!([
                user(json!([text("u")])),
                native,
                assistant("a"),
                user(json!([text("v")]))
            ]),
            json!([
                user(json!([text("u"), marked])),
                assistant("a"),
                user(json!([text("v")]))
            ]),
        ),
        // Between an assistant's and the user's: after the user's.
        (
            json!([user(json!("u")), a, system, user(json!("v"))]),
            json!([
                user(json!([text("u")])),
                assistant("a"),
                user(json!([text("v")])),
                native
            ]),
            json!([
                user(json!([text("u")])),
                assistant("a"),
                user(json!([marked, text("v")]))
            ]),
        ),
        // After an assistant's, and nothing follows.
        (
            json!([user(json!("u")), a, system]),
            json!([
                user(json!([text("u")])),
                assistant("a"),
                user(json!([marked]))
            ]),
            json!([
                user(json!([text("u")])),
                assistant("a"),
                user(json!([marked]))
            ]),
        ),
        // Between two assistant messages.
        (
            json!([user(json!("u")), a, system, a, user(json!("v"))]),
            json!([
                user(json!([text("u")])),
                assistant("a"),
                user(json!([marked])),
                assistant("a"),
                user(json!([text("v")]))
            ]),
            json!([
                user(json!([text("u")])),
                assistant("a"),
                user(json!([marked])),
                assistant("a"),
                user(json!([text("v")]))
            ]),
        ),
        // Neighbours merge, and what lies between was dropped.
        (
            json!([user(json!("u")), system, {"role": "assistant", "content": ""}, system]),
            json!([user(json!([text("u")])), {"role": "system", "content": [text("S"), text("S")]}]),
            json!([user(json!([text("u"), marked, marked]))]),
        ),
    ] {
        Case::model(MID_SYSTEM)
            .say(messages.clone())
            .has("messages", with);
        Case::model(NO_MID_SYSTEM)
            .say(messages)
            .has("messages", without)
            .approximated("messages[].role");
    }
}

#[test]
fn a_system_message_among_results_follows_them() {
    let rest = json!([{"role": "system", "content": "S"}, answer("c1", "r"), user(json!("v"))]);
    let done = after_call(&Case::model(MID_SYSTEM), rest.clone());
    let result = json!({"type": "tool_result", "tool_use_id": "c1", "content": "r"});
    assert_eq!(done.body["messages"][2], user(json!([result, text("v")])));
    assert_eq!(
        done.body["messages"][3],
        json!({"role": "system", "content": [text("S")]})
    );
    let done = after_call(&Case::model(NO_MID_SYSTEM), rest);
    assert_eq!(
        done.body["messages"][2],
        user(json!([result, text("[System message]\nS"), text("v")]))
    );
}

#[test]
fn neighbours_merge_and_blank_messages_vanish() {
    Case::default()
        .say(json!([user(json!("a")), user(json!("\n")), user(json!([text(""), text("b")])), user(json!(null)),
            {"role": "assistant", "content": " "}, user(json!([])), user(json!("c"))]))
        .has("messages", json!([user(json!([text("a"), text("b"), text("c")]))]));
    Case::default()
        .say(json!([{"role": "assistant", "content": "hello"}, user(json!("u"))]))
        .approximated("messages")
        .has("messages", json!([user(json!([text(".")])), {"role": "assistant", "content": [text("hello")]}, user(json!([text("u")]))]));
}

#[test]
fn an_assistant_message_keeps_its_order() {
    let done = Case::default().with(json!({"tools": [function("f")], "messages": [user(json!("u")),
        {"role": "assistant", "name": "n", "annotations": [], "refusal": "no", "content": [text("a"), {"type": "refusal", "refusal": "b"}],
         "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}], "tool_calls": [call("c", "f", " ")]},
        answer("c", "")]}));
    done.has("messages", json!([user(json!([text("u")])),
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "t", "signature": "s"}, text("a"), text("b"), text("no"),
            {"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
        user(json!([{"type": "tool_result", "tool_use_id": "c"}]))]))
        .dropped("messages[].name")
        .dropped("messages[].annotations");
}

#[test]
fn arguments_are_kept_byte_for_byte() {
    let run = |arguments: &str| {
        let messages = json!([user(json!("u")), {"role": "assistant", "tool_calls": [call("c", "f", arguments)]}, answer("c", "r")]);
        Case::default().with(json!({"messages": messages, "tools": [function("f")]}))
    };
    for arguments in [
        r#"{"z":1,"a":1.50,"m":{"b":1e5,"a":[]}}"#,
        r#"{ "city": "Lima" }"#,
        r#"{"s":"\u00e9\ud83d\ude00\\ \"q\""}"#,
        "{\"s\":\"é\"}",
        "{\n  \"a\": 12345678901234567890123\n}",
    ] {
        let done = run(arguments);
        assert!(
            done.text.contains(&format!("\"input\":{arguments}}}")),
            "{}",
            done.text
        );
        assert!(done.report.approximated().is_empty());
    }
    for arguments in ["[1]", "\"x\"", "{\"a\":", "not json", "null", "{} {}"] {
        let done = run(arguments);
        assert_eq!(
            done.body["messages"][1]["content"][0]["input"],
            json!({"__raw_arguments": arguments})
        );
        done.approximated("messages[].tool_calls[].function.arguments");
    }
}

#[test]
fn results_follow_the_calls_order_in_one_message() {
    let done = Case::default().with(json!({"tools": [function("f")], "messages": [user(json!("u")),
        {"role": "assistant", "tool_calls": [call("a", "f", "{}"), call("b", "f", "{}")]},
        user(json!("hurry")), answer("b", "2"),
        {"role": "tool", "tool_call_id": "a", "name": "f", "content": [text("1"), text(""), {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
    ]}));
    done.dropped("messages[].name");
    assert_eq!(
        done.body["messages"][2],
        user(json!([
        {"type": "tool_result", "tool_use_id": "a", "content": [text("1"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
        {"type": "tool_result", "tool_use_id": "b", "content": "2"},
        text("hurry")]))
    );
}

#[test]
fn calls_and_results_must_pair() {
    let case = Case::default();
    let tools = json!([function("f")]);
    let with = |messages: Value| json!({"messages": messages, "tools": tools});
    let asks =
        json!({"role": "assistant", "tool_calls": [call("c1", "f", "{}"), call("c2", "f", "{}")]});
    let refusal = case
        .try_with(with(json!([
            user(json!("u")),
            asks,
            answer("c1", "r"),
            user(json!("v"))
        ])))
        .unwrap_err();
    assert_eq!(
        (refusal.fault, &*refusal.param),
        (Fault::Invalid, "messages[1]")
    );
    assert!(
        refusal
            .message
            .contains("must be followed by tool messages")
            && refusal.message.contains("c2")
    );
    case.invalid("messages[1]", with(json!([user(json!("u")), asks])));
    case.invalid("messages[1]", with(json!([user(json!("u")), asks, answer("c1", ""), user(json!("x")), {"role": "assistant", "content": "a"}, answer("c2", "")])));
    case.invalid(
        "messages[4]",
        with(json!([
            user(json!("u")),
            asks,
            answer("c1", "r"),
            answer("c2", "r"),
            answer("c3", "r")
        ])),
    );
    case.invalid(
        "messages[1]",
        with(json!([user(json!("u")), answer("c1", "r")])),
    );
    case.invalid(
        "messages[0].tool_call_id",
        with(json!([{"role": "tool", "content": "x"}])),
    );
    case.with(with(json!([user(json!("u")), asks, answer("c1", "old"), answer("c2", "2"), answer("c1", "new")])))
        .approximated("messages[].tool_call_id")
        .has("messages", json!([user(json!([text("u")])),
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}, {"type": "tool_use", "id": "c2", "name": "f", "input": {}}]},
            user(json!([{"type": "tool_result", "tool_use_id": "c1", "content": "new"}, {"type": "tool_result", "tool_use_id": "c2", "content": "2"}]))]));
}

#[test]
fn ids_are_mended_and_unique() {
    let turn = |ids: [&str; 2]| {
        [
            json!({"role": "assistant", "tool_calls": [call(ids[0], "f", "{}"), call(ids[1], "f", "{}")]}),
            answer(ids[0], "1"),
            answer(ids[1], "2"),
        ]
    };
    let mut messages = vec![user(json!("u"))];
    messages.extend(turn(["functions.f:0", "toolu_1"]));
    messages.extend(turn(["functions.f:0", "functions_f_0"]));
    messages.extend(turn(["", ""]));
    let done = Case::default().with(json!({"messages": messages, "tools": [function("f")]}));
    done.approximated("messages[].tool_calls[].id");
    let ids = |message: usize, key: &str| -> Vec<String> {
        let list = done.body["messages"][message]["content"]
            .as_array()
            .unwrap();
        list.iter()
            .map(|b| b[key].as_str().unwrap().to_owned())
            .collect()
    };
    for (at, expected) in [
        (1, ["functions_f_0", "toolu_1"]),
        (3, ["functions_f_0_2", "functions_f_0_3"]),
        (5, ["call_5", "call_6"]),
    ] {
        assert_eq!(ids(at, "id"), expected);
        assert_eq!(ids(at + 1, "tool_use_id"), expected);
    }
    assert_eq!(done.body["messages"][6]["content"][1]["content"], "2");
}

#[test]
fn legacy_function_calls() {
    let ask = json!({"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"a\":1}"}});
    let done = Case::default().with(
        json!({"functions": [{"name": "f"}], "messages": [user(json!("u")), ask,
        {"role": "function", "name": "f", "content": "r"}]}),
    );
    assert!(done.state.legacy_functions);
    done.has(
        "tool_choice",
        json!({"type": "auto", "disable_parallel_tool_use": true}),
    );
    assert_eq!(
        done.body["messages"][1]["content"][0],
        json!({"type": "tool_use", "id": "call_fc_1", "name": "f", "input": {"a": 1}})
    );
    assert_eq!(
        done.body["messages"][2]["content"][0],
        json!({"type": "tool_result", "tool_use_id": "call_fc_1", "content": "r"})
    );
    Case::default().invalid("messages[2]", json!({"messages": [user(json!("u")), {"role": "assistant", "content": "a"}, {"role": "function", "name": "f", "content": "r"}]}));
    Case::default().invalid("messages[2]", json!({"messages": [user(json!("u")), {"role": "assistant", "function_call": {"name": "g"}}, {"role": "function", "name": "f"}]}));
}

#[test]
fn custom_calls_carry_their_input() {
    let done = Case::default().with(json!({"tools": [{"type": "custom", "custom": {"name": "sql"}}], "messages": [user(json!("u")),
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT \"a\"\n"}}]}, answer("c", "1")]}));
    assert_eq!(
        done.body["messages"][1]["content"][0]["input"],
        json!({"input": "SELECT \"a\"\n"})
    );
    assert!(done.state.tools.is_custom("sql"));
    let at = "messages[1].tool_calls[0].type";
    Case::default().unsupported(at, json!({"messages": [user(json!("u")), {"role": "assistant", "tool_calls": [{"id": "c", "type": "web"}]}]}));
    let at = "messages[1].tool_calls[0].function.name";
    Case::default().invalid(at, json!({"messages": [user(json!("u")), {"role": "assistant", "tool_calls": [call("c", "", "")]}]}));
}

#[test]
fn prefill() {
    let messages = json!([user(json!("u")), {"role": "assistant", "content": "It is é \n\t "}]);
    let done = Case::model(PREFILL).with(json!({"messages": messages, "reasoning_effort": "high"}));
    done.approximated("messages[].content")
        .approximated("reasoning_effort")
        .has("thinking", Value::Null);
    assert_eq!(
        done.body["messages"][1]["content"],
        json!([text("It is é")])
    );
    let marked = json!([user(json!("u")), {"role": "assistant", "content": [{"type": "text", "text": "a ", "cache_control": {"type": "ephemeral"}}]}]);
    assert_eq!(
        Case::model(PREFILL).say(marked).body["messages"][1]["content"],
        json!([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}])
    );
    Case::default().unsupported("messages[1]", json!({ "messages": messages }));
    // A system message after it makes it a turn like any other.
    Case::default().say(json!([user(json!("u")), {"role": "assistant", "content": "a"}, {"role": "system", "content": "s"}]));
}

#[test]
fn cache_marks() {
    let mark = json!({"type": "ephemeral"});
    let hour = json!({"type": "ephemeral", "ttl": "1h"});
    let marked = |t: &str, m: &Value| json!({"type": "text", "text": t, "cache_control": m});
    let done = Case::default().say(json!([
        {"role": "system", "content": [marked("s", &hour)]},
        {"role": "user", "content": [text("a"), marked(" ", &mark)]},
        {"role": "assistant", "content": "b", "cache_control": mark},
        {"role": "user", "content": [{"type": "text", "text": "c", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}]},
    ]));
    done.has("system", json!([marked("s", &hour)]))
        .has(
            "messages",
            json!([
        user(json!([marked("a", &mark)])),
        {"role": "assistant", "content": [marked("b", &mark)]},
        // A longer life may not follow a shorter one.
        user(json!([marked("c", &mark)]))]),
        )
        .approximated("messages[].content[].prompt_cache_breakpoint")
        .approximated("messages[].content[].cache_control");

    let done = Case::default().with(json!({
        "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": mark}],
        "messages": [{"role": "system", "content": [marked("s", &mark)]},
            user(json!([marked("1", &mark), marked("2", &mark), marked("3", &mark)]))]}));
    done.dropped("tools[].cache_control")
        .has(
            "tools",
            json!([{"name": "f", "input_schema": {"type": "object", "properties": {}}}]),
        )
        .has("system", json!([marked("s", &mark)]))
        .has(
            "messages",
            json!([user(json!([
                marked("1", &mark),
                marked("2", &mark),
                marked("3", &mark)
            ]))]),
        );
    let five: Vec<_> = (0..5).map(|n| marked(&n.to_string(), &mark)).collect();
    let done = Case::default().say(json!([user(json!(five))]));
    assert_eq!(
        done.dropped("messages[].content[].cache_control").body["messages"][0]["content"][0],
        text("0")
    );
    let automatic = Case {
        options: Options {
            auto_cache: Some(true),
            ..Options::default()
        },
        ..Case::default()
    };
    let done =
        automatic.with(json!({"messages": [user(json!(&five[..4]))], "prompt_cache_options": {}}));
    assert_eq!(done.body["messages"][0]["content"][0], text("0"));

    // On a result, a call, and where there is no block to carry it.
    let done = after_call(
        &Case::default(),
        json!([{"role": "tool", "tool_call_id": "c1", "content": [marked("r", &mark)]}]),
    );
    assert_eq!(
        done.body["messages"][2]["content"][0],
        json!({"type": "tool_result", "tool_use_id": "c1", "content": [text("r")], "cache_control": mark})
    );
    Case::default()
        .say(json!([user(json!("u")), user(json!([marked("", &mark)]))]))
        .dropped("messages[].content[].cache_control");
    Case::default()
        .say(json!([{"role": "user", "content": "u", "cache_control": {"type": "forever"}}]))
        .dropped("messages[].cache_control");
}

#[test]
fn what_was_sent_once_is_sent_the_same_again() {
    let mut messages = vec![
        json!({"role": "system", "content": "s"}),
        user(json!("u")),
        json!({"role": "system", "content": "m"}),
    ];
    let tools = json!([function("a.b"), {"type": "custom", "custom": {"name": "c"}}]);
    let mut before: Option<String> = None;
    for round in 0..4 {
        let done = Case::default().with(json!({"messages": messages, "tools": tools}));
        let end = done.text.find("],\"tools\"").unwrap();
        if let Some(before) = &before {
            assert!(
                done.text.starts_with(before.as_str()),
                "{}\n{before}",
                done.text
            );
        }
        before = Some(done.text[..end].to_owned());
        messages.push(json!({"role": "assistant", "content": " ", "tool_calls": [call("x:1", "a.b", "{\"n\": 1.0}"), call("", "gone!", "")],
            "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]}));
        messages.push(answer("", "late"));
        messages.push(answer("x:1", &round.to_string()));
        messages.push(json!({"role": "system", "content": "reminder"}));
    }
}
