//! Items become turns: order, pairing, system texts.

use super::*;

fn roles(done: &Done) -> Vec<&str> {
    let messages = done.body["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|m| m["role"].as_str().unwrap())
        .collect()
}

fn kinds(done: &Done, message: usize) -> Vec<&str> {
    let blocks = done.body["messages"][message]["content"]
        .as_array()
        .unwrap();
    blocks.iter().map(|b| b["type"].as_str().unwrap()).collect()
}

#[test]
fn results_follow_their_calls_in_the_order_of_the_calls() {
    let done = Case::default().say(json!([
        user("x"),
        call("a", "f", r#"{"n": 1.50}"#),
        {"type": "custom_tool_call", "call_id": "b", "name": "patch", "input": "*** \"x\"\n"},
        user("meanwhile"),
        {"type": "custom_tool_call_output", "call_id": "b", "output": "B"},
        output("a", json!("A")),
        user("go on"),
    ]));
    assert_eq!(roles(&done), ["user", "assistant", "user"]);
    assert!(done.text.contains(r#""input":{"n": 1.50}"#));
    assert!(done.text.contains(r#""input":{"input":"*** \"x\"\n"}"#));
    assert_eq!(
        kinds(&done, 2),
        ["tool_result", "tool_result", "text", "text"]
    );
    let results = &done.body["messages"][2]["content"];
    assert_eq!(
        results[0],
        json!({"type": "tool_result", "tool_use_id": "a", "content": "A"})
    );
    assert_eq!(results[1]["tool_use_id"], "b");
    assert_eq!(results[2]["text"], "meanwhile");
}

#[test]
fn sequential_calls_are_turns_of_their_own() {
    let done = Case::default().say(json!([
        user("x"),
        call("a", "f", "{}"),
        output("a", json!("A")),
        call("b", "f", "{}"),
        output("b", json!("B")),
    ]));
    assert_eq!(
        roles(&done),
        ["user", "assistant", "user", "assistant", "user"]
    );
}

#[test]
fn an_output_far_behind_is_pulled_forward() {
    let done = Case::default().say(json!([
        user("x"),
        call("a", "f", "{}"),
        user("y"),
        {"role": "assistant", "content": "z"},
        output("a", json!("A")),
        user("end"),
    ]));
    assert_eq!(
        roles(&done),
        ["user", "assistant", "user", "assistant", "user"]
    );
    assert_eq!(kinds(&done, 2), ["tool_result", "text"]);
}

#[test]
fn outputs() {
    for (item, result) in [
        (output("a", json!("")), json!({})),
        (output("a", json!([])), json!({})),
        (
            output("a", json!([{"type": "input_text", "text": "t"}])),
            json!({"content": [{"type": "text", "text": "t"}]}),
        ),
        (
            json!({"type": "function_call_output", "call_id": "a", "output": "cut", "status": "incomplete"}),
            json!({"content": "cut", "is_error": true}),
        ),
    ] {
        let done = Case::default().say(json!([user("x"), call("a", "f", "{}"), item]));
        let mut expected = json!({"type": "tool_result", "tool_use_id": "a"});
        for (key, value) in result.as_object().unwrap() {
            expected[key] = value.clone();
        }
        assert_eq!(done.body["messages"][2]["content"], json!([expected]));
    }
}

#[test]
fn orphans_are_refused_in_openais_words() {
    for (items, param, message) in [
        (
            json!([user("x"), output("nope", json!("A"))]),
            "input[1].call_id",
            "No tool call found for function call output with call_id nope.",
        ),
        (
            json!([user("x"), {"type": "custom_tool_call_output", "call_id": "nope", "output": "A"}]),
            "input[1].call_id",
            "No tool call found for custom tool call output with call_id nope.",
        ),
        (
            json!([user("x"), call("a", "f", "{}"), user("y")]),
            "input[1].call_id",
            "No tool output found for function call a.",
        ),
        (
            json!([
                user("x"),
                call("a", "f", "{}"),
                call("a", "f", "{}"),
                output("a", json!("A"))
            ]),
            "input[2].call_id",
            "No tool output found for function call a.",
        ),
    ] {
        let refusal = Case::default()
            .try_with(json!({ "input": items }))
            .unwrap_err();
        assert_eq!(refusal.param, param);
        assert_eq!(refusal.message, message);
    }
}

#[test]
fn the_last_of_several_outputs_counts() {
    let done = Case::default().say(json!([
        user("x"),
        call("a", "f", "{}"),
        output("a", json!("first")),
        output("a", json!("second")),
    ]));
    assert_eq!(done.body["messages"][2]["content"][0]["content"], "second");
    done.approximated("input[].call_id");
}

#[test]
fn ids_are_made_valid_for_calls_and_results_alike() {
    let done = Case::default().say(json!([
        user("x"),
        call("functions.f:0", "f", ""),
        call("functions_f_0", "f", "{}"),
        output("functions.f:0", json!("A")),
        output("functions_f_0", json!("B")),
    ]));
    let calls = &done.body["messages"][1]["content"];
    let results = &done.body["messages"][2]["content"];
    for at in 0..2 {
        assert_eq!(calls[at]["id"], results[at]["tool_use_id"]);
        assert!(!calls[at]["id"].as_str().unwrap().contains(['.', ':']));
    }
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    assert_eq!(calls[0]["input"], json!({}));
    done.approximated("input[].call_id");
}

#[test]
fn broken_arguments_are_carried_as_text() {
    for arguments in ["{\"a\":", "[1]", "nonsense"] {
        let done = Case::default().say(json!([
            user("x"),
            call("a", "f", arguments),
            output("a", json!("A"))
        ]));
        let input = &done.body["messages"][1]["content"][0]["input"];
        assert_eq!(*input, json!({ "__raw_arguments": arguments }));
        done.approximated("input[].arguments");
    }
}

#[test]
fn system_texts() {
    let input = json!([
        {"role": "developer", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
        {"role": "system", "content": "c"},
        user("x"),
        {"role": "developer", "content": "later"},
        {"role": "assistant", "content": "y"},
        user("z"),
    ]);
    let done = Case::default().with(json!({"instructions": "i", "input": input}));
    let texts: Vec<&str> = done.body["system"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["i", "a", "b", "c"]);
    assert_eq!(roles(&done), ["user", "system", "assistant", "user"]);
    // A model that takes none in between.
    let done = Case::model("claude-sonnet-4-5").with(json!({ "input": input }));
    assert_eq!(roles(&done), ["user", "assistant", "user"]);
    assert_eq!(
        done.body["messages"][0]["content"][1]["text"],
        "[System message]\nlater"
    );
    done.approximated("input[].role");
}

#[test]
fn a_late_system_text_waits_for_the_results() {
    let done = Case::default().say(json!([
        user("x"),
        call("a", "f", "{}"),
        {"role": "developer", "content": "late"},
        output("a", json!("A")),
    ]));
    assert_eq!(roles(&done), ["user", "assistant", "user", "system"]);
}

#[test]
fn instructions_alone_become_the_users_words() {
    let done = Case::default().with(json!({"instructions": "do it", "input": null}));
    done.has("system", json!(null)).has(
        "messages",
        json!([{"role": "user", "content": [{"type": "text", "text": "do it"}]}]),
    );
    let done = Case::default().say(json!([{"role": "developer", "content": "do it"}]));
    assert_eq!(roles(&done), ["user"]);
}

#[test]
fn the_first_message_is_the_users_and_prefill_is_for_models_that_take_it() {
    let input = json!([{"role": "assistant", "content": "I"}, user("x")]);
    let done = Case::default().say(input);
    assert_eq!(done.body["messages"][0]["content"][0]["text"], ".");
    done.approximated("input");

    let prefill = json!({"input": [user("x"), {"role": "assistant", "content": "The answer: \n"}]});
    Case::default().unsupported("input[1]", prefill.clone());
    let done = Case::model("claude-sonnet-4-5").with(prefill);
    assert_eq!(
        done.body["messages"][1]["content"][0]["text"],
        "The answer:"
    );
}

#[test]
fn assistant_texts_stay_apart() {
    let done = Case::default().say(json!([
        user("x"),
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary", "content": [
            {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}], "logprobs": []},
            {"type": "output_text", "text": "b"},
            {"type": "refusal", "refusal": "c"}]},
        user("y"),
    ]));
    let blocks = &done.body["messages"][1]["content"];
    assert_eq!(
        *blocks,
        json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, {"type": "text", "text": "c"}])
    );
    done.dropped("input[].content[].annotations")
        .dropped("input[].phase")
        .dropped("input[].id");
}

#[test]
fn every_other_item_type() {
    for kind in [
        "compaction_trigger",
        "item_reference",
        "program",
        "program_output",
        "file_search_call",
        "computer_call",
        "computer_call_output",
        "image_generation_call",
        "code_interpreter_call",
        "local_shell_call",
        "local_shell_call_output",
        "shell_call",
        "shell_call_output",
        "apply_patch_call",
        "apply_patch_call_output",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "never_heard_of",
    ] {
        Case::default().unsupported(
            "input[1].type",
            json!({"input": [user("x"), {"type": kind, "call_id": "c"}]}),
        );
    }
    let done = Case::default().say(json!([
        user("x"),
        {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "tool_search_call", "execution": "server"},
        {"type": "tool_search_output", "execution": "server", "tools": []},
        {"role": "assistant", "content": "y"},
        user("z"),
    ]));
    assert_eq!(roles(&done), ["user", "assistant", "user"]);
    done.dropped("input[].type");
    Case::default().unsupported(
        "input[1].type",
        json!({"input": [user("x"), {"type": "tool_search_call", "execution": "client"}]}),
    );
    let mut program = call("a", "f", "{}");
    program["caller"] = json!({"type": "program"});
    Case::default().unsupported(
        "input[1].caller",
        json!({"input": [user("x"), program, output("a", json!("A"))]}),
    );
}

#[test]
fn the_beginning_of_a_conversation_stays_the_same_bytes() {
    let items = [
        json!({"role": "developer", "content": "s"}),
        user("x"),
        call("a", "f", "{\"z\":1,\"a\":2}"),
        call("b.1", "ns.f", "{}"),
        output("b.1", json!("B")),
        output("a", json!("A")),
        json!({"role": "assistant", "content": "done"}),
        user("more"),
        call("a", "f", "{}"),
        output("a", json!("A2")),
    ];
    let short = Case::default().with(json!({"input": items[..6], "tools": [function("f")]}));
    let long = Case::default().with(json!({"input": items, "tools": [function("f")]}));
    let end = short.text.find("]}],\"tools\"").unwrap();
    assert_eq!(short.text[..end], long.text[..end]);
}
