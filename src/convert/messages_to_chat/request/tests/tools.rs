use serde_json::{Value, json};

use super::{COMPOUND, GEMINI, LLAMA, OSS, OTHER, SONAR, tool, user};

#[test]
fn functions() {
    let full = json!({
        "type": "custom", "name": "f", "description": "d", "strict": true,
        "input_schema": {"properties": {}}, "cache_control": {"type": "ephemeral"},
        "input_examples": [], "eager_input_streaming": true, "defer_loading": true,
        "allowed_callers": ["direct", "code_execution_20250825"], "new": 1
    });
    let done = OSS.with(json!({"tools": [full]}));
    for member in [
        "cache_control",
        "input_examples",
        "eager_input_streaming",
        "defer_loading",
        "new",
    ] {
        done.dropped(&format!("tools[].{member}"));
    }
    done.has(
        "tools",
        json!([{"type": "function", "function": {
            "name": "f", "description": "d", "strict": true,
            "parameters": {"type": "object", "properties": {}}
        }}]),
    );
    GEMINI
        .with(json!({"tools": [full]}))
        .dropped("tools[].strict")
        .has(
            "tools",
            json!([{"type": "function", "function": {
                "name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}
            }}]),
        );
    let null_type = json!({"name": "f", "input_schema": {"type": null, "x": 1}});
    let done = OSS.with(json!({"tools": [null_type]}));
    assert_eq!(
        done.body["tools"][0]["function"]["parameters"],
        json!({"type": "object", "x": 1})
    );
    for (param, tools) in [
        ("tools[0].name", json!([{"input_schema": {}}])),
        ("tools[0].input_schema", json!([{"name": "f"}])),
        (
            "tools[0].input_schema",
            json!([{"name": "f", "input_schema": true}]),
        ),
        ("tools[1].name", json!([tool("f"), tool("f")])),
        (
            "tools[0].strict",
            json!([{"name": "f", "input_schema": {}, "strict": 1}]),
        ),
    ] {
        OSS.invalid(param, json!({ "tools": tools }));
    }
    OSS.unsupported(
        "tools[0].allowed_callers",
        json!({"tools": [{"name": "f", "input_schema": {}, "allowed_callers": ["code_execution_20250825"]}]}),
    );
    SONAR.unsupported("tools", json!({"tools": [tool("f")]}));
}

#[test]
fn long_names_go_out_short_and_find_back() {
    let long = "mcp__".to_owned() + &"n".repeat(90);
    let done = OSS.with(json!({
        "tools": [tool(&long)],
        "tool_choice": {"type": "tool", "name": long},
        "messages": [
            user("x"),
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": long, "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}]}
        ]
    }));
    done.approximated("tools[].name");
    let sent = done.body["tools"][0]["function"]["name"].as_str().unwrap();
    assert!(sent.len() == 64 && sent.starts_with("mcp__nnn"));
    assert_eq!(done.body["tool_choice"]["function"]["name"], *sent);
    assert_eq!(
        done.body["messages"][1]["tool_calls"][0]["function"]["name"],
        *sent
    );
    assert_eq!(done.state.tools.original(sent), long);
}

#[test]
fn tool_choice() {
    let with = |choice: Value| json!({"tools": [tool("f"), tool("g")], "tool_choice": choice});
    for to in [GEMINI, OSS, OTHER] {
        for (choice, expected) in [
            (json!({"type": "auto"}), json!("auto")),
            (json!({"type": "any"}), json!("required")),
            (json!({"type": "none"}), json!("none")),
            (
                json!({"type": "tool", "name": "g"}),
                json!({"type": "function", "function": {"name": "g"}}),
            ),
        ] {
            to.with(with(choice))
                .exact()
                .has("tool_choice", expected)
                .has("parallel_tool_calls", Value::Null);
        }
        to.with(with(
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ))
        .exact()
        .has("parallel_tool_calls", json!(false));
        to.with(with(
            json!({"type": "auto", "disable_parallel_tool_use": false}),
        ))
        .has("parallel_tool_calls", Value::Null);
        to.with(json!({"tool_choice": {"type": "any"}}))
            .dropped("tool_choice")
            .has("tool_choice", Value::Null);
        to.invalid(
            "tool_choice.name",
            with(json!({"type": "tool", "name": "h"})),
        );
        to.invalid("tool_choice.name", with(json!({"type": "tool"})));
        to.invalid("tool_choice.type", with(json!({"type": "some"})));
        to.invalid("tool_choice.type", with(json!({})));
    }
}

#[test]
fn web_search() {
    let search = json!({
        "type": "web_search_20250305", "name": "web_search", "max_uses": 8,
        "allowed_domains": ["a.example"], "blocked_domains": ["b.example"],
        "user_location": {"type": "approximate", "city": "Paris", "country": "FR", "timezone": "Europe/Paris"}
    });
    let forced = json!({"type": "tool", "name": "web_search"});
    let both = json!({"tools": [search], "tool_choice": forced});
    let done = SONAR.with(both.clone());
    done.dropped("tools[].max_uses")
        .dropped("tools[].user_location.timezone")
        .approximated("tools[]")
        .approximated("tool_choice")
        .has("tools", Value::Null)
        .has("tool_choice", Value::Null)
        .has("search_domain_filter", json!(["a.example", "-b.example"]))
        .has(
            "web_search_options",
            json!({"user_location": {"city": "Paris", "country": "FR"}}),
        );
    assert!(done.state.wants_search);
    COMPOUND
        .with(both.clone())
        .approximated("tools[].user_location")
        .has("tools", Value::Null)
        .has(
            "search_settings",
            json!({"include_domains": ["a.example"], "exclude_domains": ["b.example"], "country": "FR"}),
        );
    OSS.with(both.clone())
        .dropped("tools[].allowed_domains")
        .dropped("tools[].blocked_domains")
        .dropped("tools[].user_location")
        .has("tools", json!([{"type": "browser_search"}]))
        .has("tool_choice", json!("required"));
    OSS.unsupported(
        "tool_choice",
        json!({"tools": [search, tool("f")], "tool_choice": forced}),
    );
    for to in [GEMINI, LLAMA, OTHER] {
        // Agents always attach it; only a choice that forces it cannot be kept.
        let done = to.with(json!({"tools": [search, tool("f")], "tool_choice": {"type": "auto"}}));
        done.dropped("tools[]");
        assert_eq!(done.body["tools"].as_array().unwrap().len(), 1);
        to.with(json!({"tools": [search]}))
            .dropped("tools[]")
            .has("tools", Value::Null);
        to.unsupported("tool_choice", both.clone());
        to.unsupported(
            "tool_choice",
            json!({"tools": [search], "tool_choice": {"type": "any"}}),
        );
    }
    let bare = json!({"type": "web_search_20250305", "name": "web_search"});
    SONAR
        .with(json!({"tools": [bare], "tool_choice": {"type": "any"}}))
        .has("search_domain_filter", Value::Null)
        .has("web_search_options", Value::Null);
}

#[test]
fn other_hosted_tools() {
    let code = json!({"type": "code_execution_20250825", "name": "code_execution"});
    let fetch = json!({"type": "web_fetch_20250910", "name": "web_fetch"});
    let find = json!({"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"});
    OSS.with(json!({"tools": [code]}))
        .approximated("tools[]")
        .has("tools", json!([{"type": "code_interpreter"}]));
    COMPOUND
        .with(json!({"tools": [code, fetch]}))
        .approximated("tools[]")
        .has("tools", Value::Null);
    OSS.with(json!({"tools": [fetch]})).dropped("tools[]");
    for to in [GEMINI, OSS, SONAR] {
        to.with(json!({"tools": [find]}))
            .approximated("tools[]")
            .has("tools", Value::Null);
        for kind in [
            "bash_20250124",
            "text_editor_20250728",
            "memory_20250818",
            "computer_20251124",
            "mcp_toolset",
            "advisor_20260301",
            "unheard_of",
        ] {
            to.with(json!({"tools": [{"type": kind, "name": "t"}]}))
                .dropped("tools[]")
                .has("tools", Value::Null);
            to.unsupported(
                "tool_choice",
                json!({"tools": [{"type": kind, "name": "t"}], "tool_choice": {"type": "tool", "name": "t"}}),
            );
        }
    }
    assert!(!GEMINI.with(json!({"tools": [code]})).state.wants_search);
}
