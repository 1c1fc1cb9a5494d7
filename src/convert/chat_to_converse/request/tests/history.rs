//! Messages of every role and order.

use super::*;

#[test]
fn leading_system_messages_are_the_system_prompt_and_later_ones_stay_where_they_are() {
    let messages = json!([
        {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": " "}, {"type": "text", "text": "b"}]},
        {"role": "developer", "content": "c"},
        user("q"), assistant("x"),
        {"role": "developer", "content": "be \"brief\""},
        user("r"),
    ]);
    let done = Case::default().say(messages.clone());
    done.has("/system", json!([text("a"), text("b"), text("c")]))
        .says(json!([
            turn("user", json!([text("q")])),
            turn("assistant", json!([text("x")])),
            turn(
                "user",
                json!([text("<system>\nbe \"brief\"\n</system>"), text("r")])
            ),
        ]))
        .approximated("messages[].role");
    let native = Case::default().options(|o| o.mid_system = Some(crate::target::MidSystem::Native));
    let done = native.say(messages);
    done.says(json!([
        turn("user", json!([text("q")])),
        turn("assistant", json!([text("x")])),
        turn("user", json!([text("r")])),
        turn("system", json!([text("be \"brief\"")])),
    ]))
    .exact();
}

#[test]
fn system_messages_alone_become_the_users() {
    Case::default()
        .say(json!([{"role": "system", "content": "a"}]))
        .says(json!([turn("user", json!([text("a")]))]))
        .has("/system", json!(null))
        .approximated("messages");
    Case::default().invalid(
        "messages",
        json!({"messages": [{"role": "system", "content": " "}]}),
    );
    Case::default().unsupported(
        "messages[0].content[0]",
        json!({"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": "x"}]}, user("q")]}),
    );
}

#[test]
fn results_and_what_the_user_says_are_one_message() {
    let done = Case::default().with(json!({"tools": [function("f")], "messages": [
        user("q"),
        {"role": "assistant", "content": "", "tool_calls": [call("a", "f", "{\"x\": 1.50}"), call("b", "f", " ")]},
        answer("b", "[1]"),
        answer("a", json!([{"type": "text", "text": "{\"k\":1}"}, {"type": "text", "text": ""}])),
        user("go on"),
    ]}));
    done.says(json!([
        turn("user", json!([text("q")])),
        turn(
            "assistant",
            json!([
                {"toolUse": {"toolUseId": "a", "name": "f", "input": {"x": 1.5}}},
                {"toolUse": {"toolUseId": "b", "name": "f", "input": {}}},
            ])
        ),
        turn(
            "user",
            json!([
                {"toolResult": {"toolUseId": "b", "content": [text("[1]")]}},
                {"toolResult": {"toolUseId": "a", "content": [text("{\"k\":1}")]}},
                text("go on"),
            ])
        ),
    ]));
    assert!(
        done.text.contains(r#""input":{"x": 1.50}"#),
        "{}",
        done.text
    );
    done.exact();
}

#[test]
fn deprecated_calls_are_answered_by_name() {
    let done = Case::default().with(json!({"functions": [{"name": "f"}, {"name": "g"}], "messages": [
        user("q"),
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "one"},
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "content": null, "function_call": {"name": "g", "arguments": "{}"}},
        {"role": "function", "name": "g", "content": "three"},
        {"role": "function", "name": "f", "content": "two"},
    ]}));
    assert!(done.state.legacy_functions);
    let result =
        |id: &str, said: &str| json!({"toolResult": {"toolUseId": id, "content": [text(said)]}});
    done.has("/messages/2/content", json!([result("fc_0", "one")]))
        .has(
            "/messages/4/content",
            json!([result("fc_2", "three"), result("fc_1", "two")]),
        );
    let case = Case::default();
    case.invalid(
        "messages[1]",
        json!({"messages": [user("q"), {"role": "function", "name": "f", "content": "x"}]}),
    );
    case.invalid(
        "messages[1]",
        json!({"messages": [user("q"), {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}, user("x")]}),
    );
    case.invalid(
        "messages[1].name",
        json!({"messages": [user("q"), {"role": "function", "content": "x"}]}),
    );
}

#[test]
fn calls_and_results_must_belong_together() {
    let case = Case::default();
    let calls =
        json!({"role": "assistant", "tool_calls": [call("a", "f", "{}"), call("b", "f", "{}")]});
    case.invalid(
        "messages[1]",
        json!({"messages": [user("q"), answer("a", "x")]}),
    );
    case.invalid(
        "messages[1]",
        json!({"messages": [user("q"), calls, answer("a", "x"), user("next")]}),
    );
    case.invalid("messages[1]", json!({"messages": [user("q"), calls]}));
    case.invalid(
        "messages[1].tool_call_id",
        json!({"messages": [user("q"), {"role": "tool", "content": "x"}]}),
    );
    case.say(json!([
        user("q"),
        calls,
        answer("a", "x"),
        answer("a", "again"),
        answer("b", "y")
    ]))
    .has(
        "/messages/2/content/0/toolResult/content/0/text",
        json!("x"),
    )
    .has(
        "/messages/2/content/1/toolResult/content/0/text",
        json!("y"),
    )
    .approximated("messages[].tool_call_id");
}

#[test]
fn arguments_must_be_objects() {
    for bad in ["[1]", "5", "{", "{} {}", "null", "\"x\""] {
        Case::default().invalid(
            "messages[1].tool_calls[0].function.arguments",
            json!({"messages": [user("q"), {"role": "assistant", "tool_calls": [call("a", "f", bad)]}, answer("a", "x")]}),
        );
    }
    Case::default().invalid(
        "messages[1].function_call.arguments",
        json!({"messages": [user("q"), {"role": "assistant", "function_call": {"name": "f", "arguments": "7"}}]}),
    );
}

#[test]
fn freeform_calls() {
    Case::default()
        .with(json!({"tools": [{"type": "custom", "custom": {"name": "sql"}}], "messages": [
            user("q"),
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT \"1\""}}]},
            answer("a", "1"),
        ]}))
        .has("/messages/1/content/0/toolUse/input", json!({"input": "SELECT \"1\""}));
    Case::default().unsupported(
        "messages[1].tool_calls[0].type",
        json!({"messages": [user("q"), {"role": "assistant", "tool_calls": [{"id": "a", "type": "odd"}]}]}),
    );
}

#[test]
fn assistants_texts_and_refusals() {
    Case::model(LLAMA)
        .say(json!([user("q"),
            {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}], "refusal": "never", "name": "n"},
            user("r")]))
        .has("/messages/1/content", json!([text("a"), text("no"), text("never")]))
        .dropped("messages[].name");
    Case::default().unsupported(
        "messages[1].audio",
        json!({"messages": [user("q"), {"role": "assistant", "audio": {"id": "x"}}]}),
    );
    Case::default().unsupported(
        "messages[1].content[0]",
        json!({"messages": [user("q"), {"role": "assistant", "content": [{"type": "image_url"}]}]}),
    );
}

#[test]
fn the_beginning_and_the_end() {
    Case::model(LLAMA)
        .say(json!([assistant("x"), user("q"), assistant("So: ")]))
        .says(json!([
            turn("user", json!([text("(continued)")])),
            turn("assistant", json!([text("x")])),
            turn("user", json!([text("q")])),
            turn("assistant", json!([text("So:")])),
        ]))
        .approximated("messages")
        .approximated("messages[].content");
    Case::default()
        .say(json!([user(" "), assistant("x"), user("")]))
        .says(json!([
            turn("user", json!([text("(empty)")])),
            turn("assistant", json!([text("x")])),
            turn("user", json!([text("(empty)")])),
        ]));
}

#[test]
fn ids_and_names_are_made_valid() {
    let done = Case::default().with(json!({"tools": [function("get.weather")], "messages": [
        user("q"), {"role": "assistant", "tool_calls": [call("a/b", "get.weather", "{}")]}, answer("a/b", "x"),
    ]}));
    done.has(
        "/messages/1/content/0/toolUse/toolUseId",
        json!("a_b_c14cddc0"),
    )
    .has(
        "/messages/2/content/0/toolResult/toolUseId",
        json!("a_b_c14cddc0"),
    )
    .has(
        "/messages/1/content/0/toolUse/name",
        json!("get_weather_f65d43"),
    )
    .has(
        "/toolConfig/tools/0/toolSpec/name",
        json!("get_weather_f65d43"),
    )
    .approximated("messages[].tool_calls[].id");
    assert_eq!(
        done.state.tools.original("get_weather_f65d43"),
        "get.weather"
    );
}

#[test]
fn marks() {
    let mark = json!({"type": "ephemeral"});
    let hour = json!({"type": "ephemeral", "ttl": "1h"});
    let messages = json!([
        {"role": "system", "content": "s", "cache_control": hour},
        {"role": "user", "content": [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "cache_control": mark}]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "r", "cache_control": mark}]},
    ]);
    let done = Case::default().with(json!({"messages": messages, "tools": [function("f")]}));
    let hours = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    done.has("/system", json!([text("s"), hours]))
        .has("/messages/0/content", json!([text("a"), hours, text("b")]))
        .has("/messages/1/content/1", cache_point())
        .has(
            "/messages/2/content",
            json!([{"toolResult": {"toolUseId": "1", "content": [text("r")]}}, cache_point()]),
        )
        .approximated("messages[].content[].prompt_cache_breakpoint");
    assert!(done.report.dropped().is_empty());

    let many: Vec<Value> = (0..6)
        .map(|n| json!({"type": "text", "text": n.to_string(), "cache_control": mark}))
        .collect();
    let done = Case::default().say(json!([user(many.clone())]));
    assert_eq!(done.text.matches("cachePoint").count(), 4);
    done.has("/messages/0/content/0", text("0"))
        .has("/messages/0/content/3", cache_point())
        .dropped("messages[].content[].cache_control");

    Case::model(GPT_OSS)
        .say(json!([user(many)]))
        .dropped("messages[].content[].cache_control")
        .has("/messages/0/content/5", text("5"));
    Case::model(NOVA)
        .with(json!({"messages": messages, "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": mark}]}))
        .has("/system/1", cache_point())
        .has("/toolConfig/tools/1", json!(null))
        .dropped("tools[].cache_control")
        .approximated("messages[].content[].cache_control");
}

#[test]
fn members_of_messages_that_nothing_knows_are_reported() {
    let done = Case::default().say(json!([
        {"role": "user", "content": [{"type": "text", "text": "q", "odd": 1}], "name": "n", "strange": 1},
        {"role": "assistant", "content": "x", "annotations": [], "weird": 1},
        {"role": "user", "content": "r"},
    ]));
    for field in [
        "messages[].content[].odd",
        "messages[].name",
        "messages[].strange",
        "messages[].annotations",
        "messages[].weird",
    ] {
        done.dropped(field);
    }
}
