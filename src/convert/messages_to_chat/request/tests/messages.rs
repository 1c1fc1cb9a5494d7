use serde_json::json;

use super::{ALL, GEMINI, OSS, OTHER, SONAR, user};

#[test]
fn systems() {
    let system = json!([
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2"},
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": ""},
        {"type": "text", "text": "b\n"}
    ]);
    for to in ALL {
        let done = to.with(json!({"system": system}));
        done.dropped("system[]").dropped("system[].cache_control").has(
            "messages",
            json!([{"role": "system", "content": "a\n\nb\n"}, {"role": "user", "content": "hi"}]),
        );
        to.with(json!({"system": "s"})).exact();
        to.with(json!({"system": ""}))
            .has("messages", json!([{"role": "user", "content": "hi"}]));
        to.invalid(
            "messages",
            json!({"system": "s", "messages": [{"role": "system", "content": "t"}]}),
        );
        to.invalid("system[0].text", json!({"system": [{"type": "text"}]}));
        to.invalid("system[0].type", json!({"system": [{"type": "image"}]}));
        to.invalid("system", json!({"system": 5}));
    }
    let messages = json!([
        {"role": "system", "content": "lead"},
        user("u"),
        {"role": "system", "content": [{"type": "text", "text": "m1"}, {"type": "text", "text": "m2"}]},
        {"role": "assistant", "content": "a"},
        user("v")
    ]);
    let kept = json!([
        {"role": "system", "content": "top\n\nlead"},
        {"role": "user", "content": "u"},
        {"role": "system", "content": "m1\n\nm2"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "v"}
    ]);
    let request = json!({"system": "top", "messages": messages});
    OSS.with(request.clone()).has("messages", kept.clone());
    OTHER.with(request.clone()).has("messages", kept.clone());
    let mut marked = kept;
    marked[2] = json!({"role": "user", "content": "[System message]\nm1\n\nm2"});
    GEMINI
        .with(request.clone())
        .approximated("messages[].role")
        .has("messages", marked);
    SONAR.with(request).approximated("messages[].role").has(
        "messages",
        json!([
            {"role": "system", "content": "top\n\nlead"},
            {"role": "user", "content": "u\n\n[System message]\nm1\n\nm2"},
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "v"}
        ]),
    );
}

#[test]
fn roles_and_shapes() {
    for to in ALL {
        to.invalid("messages", json!({"messages": []}));
        to.invalid("messages", json!({"messages": null}));
        to.invalid("messages[0].role", json!({"messages": [{"content": "x"}]}));
        to.invalid(
            "messages[0].role",
            json!({"messages": [{"role": "tool", "content": "x"}]}),
        );
        to.invalid(
            "messages[0].content",
            json!({"messages": [{"role": "user"}]}),
        );
        to.invalid(
            "messages[0].content",
            json!({"messages": [{"role": "user", "content": 5}]}),
        );
        to.invalid(
            "messages[0].content[0].type",
            json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
        );
        to.invalid(
            "messages[0].content[0].text",
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]}),
        );
        to.unsupported(
            "messages[0].content[0]",
            json!({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}),
        );
        to.with(json!({"messages": [
            {"role": "user", "content": "x", "output_config": {"effort": "low"}, "id": "m"}
        ]}))
        .dropped("messages[].output_config")
        .dropped("messages[].id");
    }
}

#[test]
fn users_texts() {
    let two = json!([user("a"), user("b"), {"role": "assistant", "content": "c"}, user("d")]);
    assert_eq!(
        OSS.messages(two.clone()),
        json!([
            {"role": "user", "content": "a"}, {"role": "user", "content": "b"},
            {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}
        ])
    );
    assert_eq!(
        SONAR.messages(two)[0],
        json!({"role": "user", "content": "a\n\nb"})
    );
    let blocks = json!([
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}, "citations": [{}]},
        {"type": "text", "text": ""},
        {"type": "text", "text": "b"}
    ]);
    let done = OSS.with(json!({"messages": [{"role": "user", "content": blocks}, user("")]}));
    done.dropped("messages[].content[].cache_control")
        .dropped("messages[].content[].citations")
        .has("messages", json!([{"role": "user", "content": "a\nb"}]));
}

#[test]
fn assistants() {
    let server = json!([
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "text", "text": "Found", "citations": [{"type": "web_search_result_location"}]},
        {"type": "text", "text": " it."},
        {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "m", "content": []}
    ]);
    for to in ALL {
        to.with(
            json!({"messages": [user("q"), {"role": "assistant", "content": server}, user("r")]}),
        )
        .dropped("messages[].content[]")
        .dropped("messages[].content[].citations")
        .has(
            "messages",
            json!([
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": "Found it."},
                {"role": "user", "content": "r"}
            ]),
        );
        // Nothing is left of it.
        let messages = to.messages(json!([
            user("q"),
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "x"}]},
            user("r")
        ]));
        assert!(
            messages
                .as_array()
                .unwrap()
                .iter()
                .all(|m| m["role"] == "user")
        );
    }
    let merged = OSS.messages(json!([
        user("q"),
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
        user("r")
    ]));
    assert_eq!(merged[1], json!({"role": "assistant", "content": "a\n\nb"}));
    let compacted = OSS.with(json!({"messages": [
        user("q"), {"role": "assistant", "content": [{"type": "compaction", "content": "so far"}]}, user("r")
    ]}));
    assert_eq!(compacted.body["messages"][1]["content"], "so far");
}

#[test]
fn prefill() {
    let messages = json!([user("q"), {"role": "assistant", "content": "The answer is"}]);
    for to in [OSS, OTHER] {
        to.with(json!({"messages": messages}))
            .approximated("messages")
            .has("messages", json!([
                {"role": "user", "content": "q"}, {"role": "assistant", "content": "The answer is"}
            ]));
    }
    for to in [GEMINI, SONAR] {
        to.unsupported("messages[1]", json!({"messages": messages}));
    }
    SONAR.unsupported(
        "messages[0]",
        json!({"messages": [{"role": "assistant", "content": "a"}, user("q")]}),
    );
}
