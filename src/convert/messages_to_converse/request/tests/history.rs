//! Conversations.

use serde_json::{Value, json};

use super::{GPT, NOVA, OPUS_4_6, OSS, SONNET, to, tool_round};
use crate::target::{MidSystem, Options, UnsupportedTools};

const OPAQUE: &str =
    "tlg1.converse.eyJ2IjoxLCJibG9ja3MiOlt7InJlZGFjdGVkQ29udGVudCI6ImNuTnVYMkZpWTJRPSJ9XX0";
const PLAIN: &str = "tlg1.plain.eyJ2IjoxLCJwIjoiYXdzLWJlZHJvY2sifQ";

fn said(role: &str, text: &str) -> Value {
    json!({"role": role, "content": [{"text": text}]})
}

#[test]
fn turns_alternate_and_blank_texts_vanish() {
    for (messages, expected) in [
        (
            json!([{"role": "user", "content": "a"}, {"role": "user", "content": [{"type": "text", "text": " b "}]}]),
            json!([{"role": "user", "content": [{"text": "a"}, {"text": " b "}]}]),
        ),
        (
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": " \n"}, {"role": "user", "content": "b"}]),
            json!([{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]),
        ),
        (
            json!([{"role": "user", "content": ""}, {"role": "assistant", "content": "x"}, {"role": "user", "content": "b"}]),
            json!([
                said("user", "(empty)"),
                said("assistant", "x"),
                said("user", "b")
            ]),
        ),
        (
            json!([{"role": "assistant", "content": "x"}, {"role": "user", "content": "b"}]),
            json!([
                said("user", "(continued)"),
                said("assistant", "x"),
                said("user", "b")
            ]),
        ),
        // The beginning of the answer.
        (
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "{ \n"}]),
            json!([said("user", "a"), said("assistant", "{")]),
        ),
        (
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": " "}]),
            json!([said("user", "a")]),
        ),
    ] {
        assert_eq!(to(SONNET).messages(messages), expected);
    }
}

#[test]
fn system_messages_between_the_others_stay_in_place() {
    let call = json!([{"type": "tool_use", "id": "t1", "name": "w", "input": {}}]);
    let messages = json!([
        {"role": "system", "content": "first"},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": call},
        {"role": "system", "content": [{"type": "text", "text": "Be \"formal\"."}, {"type": "text", "text": ""}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "r"}]},
    ]);
    let done = to(SONNET).with(json!({"messages": messages}));
    assert_eq!(
        done.body["messages"],
        json!([
            {"role": "user", "content": [{"text": "<system>\nfirst\n</system>"}, {"text": "a"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "w", "input": {}}}]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "t1", "content": [{"text": "r"}]}},
                {"text": "<system>\nBe \"formal\".\n</system>"},
            ]},
        ])
    );
    assert_eq!(done.approximated, ["messages[].role"]);
    assert!(done.body.get("system").is_none());

    let options = Options {
        mid_system: Some(MidSystem::Native),
        ..Options::default()
    };
    let messages = to(SONNET).options(options).messages(messages);
    assert_eq!(messages[1], said("system", "first"));
    assert_eq!(messages[4], said("system", "Be \"formal\"."));
    to(SONNET).invalid(
        "messages[0].content[0].type",
        json!({"messages": [{"role": "system", "content": [{"type": "image"}]}, {"role": "user", "content": "x"}]}),
    );
}

#[test]
fn the_system_prompt() {
    let blocks = json!([
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1"},
        {"type": "text", "text": "One", "citations": [{"type": "x"}]},
        {"type": "text", "text": " "},
        {"type": "text", "text": "Two"},
    ]);
    let done = to(OSS).with(json!({"system": blocks}));
    assert_eq!(
        done.body["system"],
        json!([{"text": "One"}, {"text": "Two"}])
    );
    assert_eq!(done.dropped, ["system[]", "system[].citations"]);
    assert!(
        to(OSS)
            .with(json!({"system": " "}))
            .body
            .get("system")
            .is_none()
    );
    to(OSS).invalid("system[0].type", json!({"system": [{"type": "image"}]}));
    to(OSS).invalid("system", json!({"system": 7}));
}

#[test]
fn signed_reasoning_survives_a_tool_loop_for_claude() {
    let assistant = json!([
        {"type": "thinking", "thinking": "Look \u{e9}\n", "signature": "Eq\u{5c}/B"},
        {"type": "redacted_thinking", "data": "RW5jcnlwdGVkVGhpbmtpbmdCbG9i"},
        {"type": "text", "text": "Checking."},
        {"type": "tool_use", "id": "t1", "name": "w", "input": {"b": 1.50, "a": " "}},
    ]);
    let round = tool_round(
        assistant,
        json!({"type": "tool_result", "tool_use_id": "t1", "content": "r"}),
    );
    let thinking = json!({"type": "enabled", "budget_tokens": 2000});
    let done = to(SONNET).with(json!({"messages": round, "thinking": thinking}));
    assert_eq!(
        done.body["messages"][1]["content"],
        json!([
            {"reasoningContent": {"reasoningText": {"text": "Look \u{e9}\n", "signature": "Eq\u{5c}/B"}}},
            {"reasoningContent": {"redactedContent": "Ulc1amNubHdkR1ZrVkdocGJtdHBibWRDYkc5aQ=="}},
            {"text": "Checking."},
            {"toolUse": {"toolUseId": "t1", "name": "w", "input": {"b": 1.5, "a": " "}}},
        ])
    );
    assert_eq!(
        done.body["additionalModelRequestFields"]["thinking"],
        thinking
    );
    assert!(done.dropped.is_empty(), "{:?}", done.dropped);
    // Other families take only what is sealed, or nothing.
    let content = |model| to(model).messages(round.clone())[1]["content"].clone();
    assert_eq!(content(GPT).as_array().unwrap().len(), 3);
    assert_eq!(content(OSS)[0], json!({"text": "Checking."}));
}

#[test]
fn unsigned_and_foreign_reasoning_is_not_sent_back() {
    for signature in [
        json!(""),
        json!(PLAIN),
        json!("tlg1.gemini.e30"),
        json!(null),
    ] {
        let assistant = json!([
            {"type": "thinking", "thinking": "secret", "signature": signature},
            {"type": "tool_use", "id": "t1", "name": "w", "input": {}},
        ]);
        let round = tool_round(
            assistant,
            json!({"type": "tool_result", "tool_use_id": "t1"}),
        );
        let members =
            json!({"messages": round, "thinking": {"type": "enabled", "budget_tokens": 2000}});
        let done = to(SONNET).with(members);
        assert!(!done.text.contains("secret") && !done.text.contains("tlg1."));
        // Claude refuses to think with a budget in the middle of a loop that began without.
        assert_eq!(done.dropped, ["messages[].content[].thinking", "thinking"]);
    }
    let adaptive = json!({"type": "adaptive"});
    let assistant = json!([{"type": "tool_use", "id": "t1", "name": "w", "input": {}}]);
    let round = tool_round(
        assistant,
        json!({"type": "tool_result", "tool_use_id": "t1"}),
    );
    let done = to(OPUS_4_6).with(json!({"messages": round, "thinking": adaptive}));
    assert_eq!(
        done.body["additionalModelRequestFields"]["thinking"],
        adaptive
    );
}

#[test]
fn sealed_reasoning_of_other_models_comes_back_out_of_its_envelope() {
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [
            {"type": "redacted_thinking", "data": OPAQUE}, {"type": "text", "text": "b"}
        ]},
        {"role": "user", "content": "c"},
    ]);
    let sealed = json!([{"reasoningContent": {"redactedContent": "cnNuX2FiY2Q="}}, {"text": "b"}]);
    assert_eq!(to(GPT).messages(messages.clone())[1]["content"], sealed);
    let done = to(OSS).with(json!({"messages": messages}));
    assert_eq!(done.body["messages"][1]["content"], json!([{"text": "b"}]));
    assert_eq!(done.dropped, ["messages[].content[].data"]);
    let options = Options {
        strip_foreign_reasoning: Some(true),
        ..Options::default()
    };
    let done = to(GPT).options(options).with(json!({"messages": messages}));
    assert_eq!(done.body["messages"][1]["content"], json!([{"text": "b"}]));
}

#[test]
fn reasoning_of_the_loop_under_way_is_kept_where_older_reasoning_is_stripped() {
    let thinking = json!({"type": "thinking", "thinking": "t", "signature": "EqQB"});
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [thinking, {"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": [thinking, {"type": "tool_use", "id": "t1", "name": "w", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]},
    ]);
    let options = Options {
        strip_foreign_reasoning: Some(true),
        ..Options::default()
    };
    let messages = to(SONNET).options(options).messages(messages);
    assert_eq!(messages[1]["content"], json!([{"text": "b"}]));
    assert!(messages[3]["content"][0].get("reasoningContent").is_some());
}

#[test]
fn results() {
    let call = json!([{"type": "tool_use", "id": "t1", "name": "w"}]);
    for (result, expected) in [
        (json!({}), json!({"content": [{"text": "(empty)"}]})),
        (
            json!({"content": ""}),
            json!({"content": [{"text": "(empty)"}]}),
        ),
        (
            json!({"content": [{"type": "text", "text": " "}], "is_error": true}),
            json!({"content": [{"text": "(empty)"}], "status": "error"}),
        ),
        (
            json!({"content": "{\"a\":1}", "is_error": false}),
            json!({"content": [{"text": "{\"a\":1}"}], "status": "success"}),
        ),
        (
            json!({"content": [{"type": "tool_reference", "tool_name": "Web\"Fetch"}]}),
            json!({"content": [{"text": "[tool: Web\"Fetch]"}]}),
        ),
        (
            json!({"content": [{"type": "browser_state", "text": "page"}]}),
            json!({"content": [{"text": "page"}]}),
        ),
        (
            json!({"content": [{"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}]}),
            json!({"content": [{"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}}]}),
        ),
    ] {
        let mut block = json!({"type": "tool_result", "tool_use_id": "t1"});
        let mut wanted = json!({"toolUseId": "t1"});
        for (to, from) in [(&mut block, &result), (&mut wanted, &expected)] {
            for (key, value) in from.as_object().unwrap() {
                to[key.as_str()] = value.clone();
            }
        }
        let messages = to(SONNET).messages(tool_round(call.clone(), block));
        assert_eq!(messages[2]["content"], json!([{"toolResult": wanted}]));
    }
    let inner = |content: Value| {
        let block = json!({"type": "tool_result", "tool_use_id": "t1", "content": content});
        json!({"messages": tool_round(call.clone(), block)})
    };
    let at = "messages[2].content[0].content[0]";
    to(SONNET).unsupported(at, inner(json!([{"type": "browser_state"}])));
    to(SONNET).unsupported(at, inner(json!([{"type": "new"}])));
    to(SONNET).invalid(&format!("{at}.text"), inner(json!([{"type": "text"}])));
}

#[test]
fn calls_and_results_belong_together() {
    let use_ = |id: &str| json!({"type": "tool_use", "id": id, "name": "w", "input": {}});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": id});
    let ids = |messages: &Value, kind: &str, message: usize| -> Vec<String> {
        messages[message]["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(|block| block[kind]["toolUseId"].as_str().unwrap().to_owned())
            .collect()
    };
    // In any order, the first of two results for one call, ids made valid alike.
    let messages = to(SONNET).messages(json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [use_("a/b"), use_("c")]},
        {"role": "user", "content": [result("c"), result("a/b"), result("c")]},
    ]));
    assert_eq!(ids(&messages, "toolUse", 1), ["a_b_c14cddc0", "c"]);
    assert_eq!(ids(&messages, "toolResult", 2), ["c", "a_b_c14cddc0"]);
    to(SONNET).invalid(
        "messages[1].content[0].tool_use_id",
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": [result("x")]}]}),
    );
    to(SONNET).invalid(
        "messages[1]",
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [use_("x")]}, {"role": "user", "content": "b"}]}),
    );
    to(SONNET).invalid(
        "messages[0].content[0].input",
        json!({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "w", "input": []}]}]}),
    );
    let misplaced =
        |role: &str, block: Value| json!({"messages": [{"role": role, "content": [block]}]});
    to(SONNET).invalid("messages[0].content[0].type", misplaced("user", use_("x")));
    to(SONNET).invalid(
        "messages[0].content[0].type",
        misplaced("assistant", result("x")),
    );
}

#[test]
fn texts_after_calls_move_before_them_and_results_lead() {
    let messages = to(SONNET).messages(json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "text", "text": "one"},
            {"type": "tool_use", "id": "a", "name": "w", "input": {}},
            {"type": "text", "text": "two"},
        ]},
        {"role": "user", "content": [
            {"type": "text", "text": "note"}, {"type": "tool_result", "tool_use_id": "a"},
        ]},
    ]));
    let kinds = |message: usize| -> Vec<String> {
        let blocks = messages[message]["content"].as_array().unwrap();
        blocks
            .iter()
            .map(|block| block.as_object().unwrap().keys().next().unwrap().clone())
            .collect()
    };
    assert_eq!(kinds(1), ["text", "text", "toolUse"]);
    assert_eq!(kinds(2), ["toolResult", "text"]);
}

#[test]
fn blocks_of_tools_that_anthropic_ran_itself() {
    let assistant = json!([
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "text", "text": "Found."},
    ]);
    let members = json!({"messages": [
        {"role": "user", "content": "go"}, {"role": "assistant", "content": assistant}, {"role": "user", "content": "on"},
    ]});
    to(SONNET).unsupported("messages[1].content[0]", members.clone());
    let options = Options {
        unsupported_tools: Some(UnsupportedTools::Drop),
        ..Options::default()
    };
    for to in [to(SONNET).options(options), to(NOVA).lossy()] {
        let done = to.with(members.clone());
        assert_eq!(
            done.body["messages"][1]["content"],
            json!([{"text": "[server tool web_search result omitted]"}, {"text": "Found."}])
        );
        assert_eq!(done.dropped, ["messages[].content[]"]);
    }
    let upload = json!({"type": "container_upload", "file_id": "f"});
    to(SONNET).lossy().unsupported(
        "messages[0].content[0]",
        json!({"messages": [{"role": "user", "content": [upload]}]}),
    );
    let compaction = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "compaction", "content": "Summary."}]},
        {"role": "user", "content": "b"},
    ]);
    let done = to(SONNET).with(json!({"messages": compaction}));
    assert_eq!(done.body["messages"][1], said("assistant", "Summary."));
    assert_eq!(done.approximated, ["messages[].content[]"]);
}

#[test]
fn members_that_only_anthropic_reads_are_reported() {
    let done = to(SONNET).with(json!({"messages": [
        {"role": "user", "content": [{"type": "text", "text": "a", "citations": [{"type": "x"}], "new": 1}], "output_config": {"effort": "low"}},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "w", "input": {}, "caller": {}, "toolset_name": "n"}], "extra": 1},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
    ]}));
    let mut dropped = done.dropped;
    dropped.sort_unstable();
    assert_eq!(
        dropped,
        [
            "messages[].content[].caller",
            "messages[].content[].citations",
            "messages[].content[].new",
            "messages[].content[].toolset_name",
            "messages[].extra",
            "messages[].output_config",
        ]
    );
}
