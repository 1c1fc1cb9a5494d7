//! Messages, calls, results, signatures.

use super::*;

fn contents(done: &Done) -> Value {
    done.body["contents"].clone()
}

fn model(parts: Value) -> Value {
    json!({"role": "model", "parts": parts})
}

fn said(text: &str) -> Value {
    json!({"role": "user", "parts": [{"text": text}]})
}

#[test]
fn system_messages_stand_apart_wherever_they_were() {
    let done = Case::default().say(json!([
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        user(json!("u")),
        {"role": "system", "content": "late"}
    ]));
    done.approximated("messages[].role").has(
        "/systemInstruction",
        json!({"parts": [{"text": "a"}, {"text": "b\n\nc"}, {"text": "late"}]}),
    );
    assert_eq!(contents(&done), json!([said("u")]));
    let case = Case::default();
    case.with(json!({"messages": [{"role": "system", "content": "a"}, user(json!("u"))]}))
        .exact();
    case.unsupported(
        "messages[0].content[0]",
        json!({"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}]}),
    );
    case.invalid(
        "messages",
        json!({"messages": [{"role": "system", "content": "a"}]}),
    );
    case.invalid("messages", json!({"messages": []}));
    case.invalid("messages[0].role", json!({"messages": [{"role": "odd"}]}));
}

#[test]
fn neighbours_merge_and_what_is_empty_vanishes() {
    let done = Case::default().say(json!([
        user(json!("")),
        user(json!("a")),
        user(json!([{"type": "text", "text": ""}, {"type": "text", "text": "b"}])),
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "x"},
        {"role": "assistant", "content": [{"type": "text", "text": "y"}], "refusal": "no"},
        user(json!("c")),
    ]));
    assert_eq!(
        contents(&done),
        json!([
            {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
            model(json!([{"text": "x"}, {"text": "y"}, {"text": "no"}])),
            said("c")
        ])
    );
    Case::default().invalid("messages", json!({"messages": [user(json!(""))]}));
}

#[test]
fn the_user_speaks_first_and_the_model_may_speak_last() {
    let case = Case::default();
    case.unsupported(
        "messages[1]",
        json!({"messages": [{"role": "system", "content": "s"}, {"role": "assistant", "content": "a"}, user(json!("u"))]}),
    );
    let done = case.say(json!([user(json!("u")), {"role": "assistant", "content": "I"}]));
    assert_eq!(
        contents(&done),
        json!([said("u"), model(json!([{"text": "I"}]))])
    );
}

#[test]
fn results_follow_their_calls_in_the_order_of_the_calls() {
    let done = Case::default().say(json!([
        user(json!("u")),
        {"role": "assistant", "content": "t", "tool_calls": [call("a", "f", "{\"x\":1.50}"), call("b", "g", "")]},
        answer("b", "{\"r\": 1}"),
        user(json!("between")),
        answer("a", "plain"),
    ]));
    assert_eq!(
        contents(&done),
        json!([
            said("u"),
            model(json!([
                {"text": "t"},
                {"functionCall": {"id": "a", "name": "f", "args": {"x": 1.5}}},
                {"functionCall": {"id": "b", "name": "g", "args": {}}}
            ])),
            {"role": "user", "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"output": "plain"}}},
                {"functionResponse": {"id": "b", "name": "g", "response": {"r": 1}}}
            ]},
            said("between")
        ])
    );
    assert!(done.text.contains(r#""args":{"x":1.50}"#), "{}", done.text);
}

#[test]
fn orphans_are_refused_in_openais_words() {
    let case = Case::default();
    let refuse = |messages: Value| {
        let refusal = case.try_with(json!({ "messages": messages })).unwrap_err();
        (refusal.param.into_owned(), refusal.message.into_owned())
    };
    assert_eq!(
        refuse(json!([user(json!("u")), answer("x", "r")])),
        (
            "messages[1]".to_owned(),
            "No tool call found for function call output with call_id x.".to_owned()
        )
    );
    assert_eq!(
        refuse(json!([
            user(json!("u")),
            {"role": "assistant", "tool_calls": [call("a", "f", "{}"), call("b", "f", "{}")]},
            answer("a", "r")
        ])),
        (
            "messages[1]".to_owned(),
            "No tool output found for function call b.".to_owned()
        )
    );
    // The calls of the very last message may still be running.
    let done = case.say(
        json!([user(json!("u")), {"role": "assistant", "tool_calls": [call("a", "f", "{}")]}]),
    );
    assert_eq!(contents(&done).as_array().unwrap().len(), 2);
    case.invalid(
        "messages[1].tool_call_id",
        json!({"messages": [user(json!("u")), {"role": "tool", "content": "r"}]}),
    );
}

#[test]
fn results_become_objects() {
    let response = |content: Value| {
        let done = Case::default().say(json!([
            user(json!("u")),
            {"role": "assistant", "tool_calls": [call("a", "f", "{}")]},
            {"role": "tool", "tool_call_id": "a", "content": content}
        ]));
        done.body
            .pointer("/contents/2/parts/0/functionResponse/response")
            .unwrap()
            .clone()
    };
    for (content, expected) in [
        (json!("x\n\"y\""), json!({"output": "x\n\"y\""})),
        (json!("{\"a\":[1]}"), json!({"a": [1]})),
        (json!(" {\"error\":\"e\"}"), json!({"error": "e"})),
        (
            json!("{\"$ref\":\"x\"}"),
            json!({"output": "{\"$ref\":\"x\"}"}),
        ),
        (json!("[1]"), json!({"output": "[1]"})),
        (json!("{broken"), json!({"output": "{broken"})),
        (json!(""), json!({"output": ""})),
        (Value::Null, json!({"output": ""})),
        (
            json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
            json!({"output": "a\nb"}),
        ),
        (
            json!([{"type": "text", "text": "{\"a\":1}"}]),
            json!({"a": 1}),
        ),
    ] {
        assert_eq!(response(content.clone()), expected, "{content}");
    }
}

#[test]
fn arguments_that_are_no_object_are_kept() {
    let args = |arguments: &str| {
        Case::default()
            .say(json!([user(json!("u")), {"role": "assistant", "tool_calls": [call("a", "f", arguments)]}]))
    };
    for arguments in ["[1]", "{\"a\":", "7"] {
        args(arguments)
            .approximated("messages[].tool_calls[].function.arguments")
            .has(
                "/contents/1/parts/0/functionCall/args",
                json!({"_raw_arguments": arguments}),
            );
    }
    args(" ").exact();
}

#[test]
fn older_models_know_no_ids() {
    let done = Case::model(OLD).say(json!([
        user(json!("u")),
        {"role": "assistant", "tool_calls": [call("a", "f", "{}")]},
        answer("a", "r")
    ]));
    assert_eq!(
        contents(&done),
        json!([
            said("u"),
            model(json!([{"functionCall": {"name": "f", "args": {}}}])),
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "r"}}}]}
        ])
    );
}

#[test]
fn deprecated_calls_and_freeform_calls() {
    let done = Case::default().say(json!([
        user(json!("u")),
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "r"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "select \"1\""}}]},
        answer("c", "1")
    ]));
    done.has(
        "/contents/1/parts/0/functionCall",
        json!({"name": "f", "args": {}}),
    )
    .has(
        "/contents/2/parts/0/functionResponse",
        json!({"name": "f", "response": {"output": "r"}}),
    )
    .has(
        "/contents/3/parts/0/functionCall",
        json!({"id": "c", "name": "sql", "args": {"input": "select \"1\""}}),
    );
}

fn signed(mut call: Value, path: &[&str]) -> Value {
    let mut value = json!("c2ln\u{e9}");
    for step in path.iter().rev() {
        value = json!({ *step: value });
    }
    let (Value::Object(into), Value::Object(from)) = (&mut call, value) else {
        unreachable!()
    };
    for (key, value) in from {
        match into.get_mut(&key) {
            Some(Value::Object(known)) => known.extend(value.as_object().unwrap().clone()),
            _ => {
                into.insert(key, value);
            }
        }
    }
    call
}

#[test]
fn signatures_come_back_from_wherever_a_gateway_put_them() {
    for path in [
        &["extra_content", "google", "thought_signature"][..],
        &["function", "thought_signature"],
        &["thought_signature"],
        &["thoughtSignature"],
        &["provider_specific_fields", "thought_signature"],
    ] {
        let done = Case::default().say(json!([
            user(json!("u")),
            {"role": "assistant", "tool_calls": [signed(call("a", "f", "{}"), path)]},
            answer("a", "r")
        ]));
        done.has("/contents/1/parts/0/thoughtSignature", json!("c2ln\u{e9}"));
    }
    let id = "a__thought__c2ln";
    let done = Case::default().say(json!([
        user(json!("u")),
        {"role": "assistant", "tool_calls": [call(id, "f", "{}")]},
        answer(id, "r")
    ]));
    done.has(
        "/contents/1/parts/0",
        json!({"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "c2ln"}),
    )
    .has("/contents/2/parts/0/functionResponse/id", json!("a"));
}

#[test]
fn unsigned_calls_of_the_current_turn_get_a_stand_in() {
    let turn = |id: &str, other: &str| json!({"role": "assistant", "tool_calls": [call(id, "f", "{}"), call(other, "f", "{}")]});
    let messages = json!([
        user(json!("old")),
        turn("a", "b"),
        answer("a", "r"),
        answer("b", "r"),
        user(json!("new")),
        turn("c", "d"),
        answer("c", "r"),
        answer("d", "r"),
        turn("e", "g"),
        answer("e", "r"),
        answer("g", "r")
    ]);
    let done = Case::default().say(messages.clone());
    let signature = |content: usize, part: usize| {
        done.body["contents"][content]["parts"][part]["thoughtSignature"].clone()
    };
    assert_eq!(signature(1, 0), Value::Null);
    for content in [4, 6] {
        assert_eq!(
            signature(content, 0),
            json!("skip_thought_signature_validator")
        );
        assert_eq!(signature(content, 1), Value::Null);
    }
    assert!(!Case::model(OLD).say(messages).text.contains("skip_"));
}

#[test]
fn the_signature_of_a_message_goes_with_its_last_text() {
    let message = |signature: &str| {
        Case::default().say(json!([
            user(json!("u")),
            {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                "tool_calls": [signed(call("a", "f", "{}"), &["thought_signature"])],
                "extra_content": {"google": {"thought_signature": signature}}},
            answer("a", "r")
        ]))
    };
    message("bXNn").exact().has(
        "/contents/1/parts",
        json!([{"text": "a"}, {"text": "b", "thoughtSignature": "bXNn"},
            {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "c2ln\u{e9}"}]),
    );
    // It belongs to the call.
    message("c2ln\u{e9}").has("/contents/1/parts/1", json!({"text": "b"}));
}

#[test]
fn parts_of_googles_come_back_as_they_were() {
    let parts = r#"[{"toolCall":{"id":"t","toolType":"GOOGLE_SEARCH_WEB","args":{"q":1.50}},"thoughtSignature":"eA=="},{"toolResponse":{"id":"t"}},{"functionCall":{"id":"a","name":"f","args":{}}}]"#;
    let parsed: Value = serde_json::from_str(parts).unwrap();
    let messages = |parts: Value| {
        json!([
            user(json!("u")),
            {"role": "assistant", "content": "lost", "tool_calls": [call("a", "f", "{}")],
                "extra_content": {"google": {"parts": parts, "grounding_metadata": {}}}},
            answer("a", "r")
        ])
    };
    let done = Case::default().say(messages(parsed.clone()));
    done.exact()
        .has("/contents/1/parts", parsed)
        .has("/contents/2/parts/0/functionResponse/name", json!("f"));
    Case::default()
        .say(messages(json!([])))
        .has("/contents/1/parts/0/text", json!("lost"));
}

#[test]
fn thoughts_are_not_sent_back() {
    let done = Case::default().say(json!([
        user(json!("u")),
        {"role": "assistant", "content": "a", "reasoning_content": "r", "reasoning": "r", "thinking_blocks": [], "annotations": [], "images": []},
        user(json!("v"))
    ]));
    for field in [
        "reasoning_content",
        "reasoning",
        "thinking_blocks",
        "annotations",
        "images",
    ] {
        done.dropped(&format!("messages[].{field}"));
    }
    assert_eq!(contents(&done)[1], model(json!([{"text": "a"}])));
    Case::default().unsupported(
        "messages[1].audio",
        json!({"messages": [user(json!("u")), {"role": "assistant", "audio": {"id": "x"}}]}),
    );
}
