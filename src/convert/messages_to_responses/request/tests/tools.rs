use serde_json::{Value, json};

use super::{Case, Done};
use crate::target::Options;

#[track_caller]
fn tools(list: Value) -> Done {
    Case::default().with(json!({ "tools": list }))
}

/// The only tool that is sent.
#[track_caller]
fn tool(definition: Value) -> Value {
    let done = tools(json!([definition]));
    let list = done.body["tools"].as_array().unwrap();
    assert_eq!(list.len(), 1);
    list[0].clone()
}

#[test]
fn functions_always_say_strict() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for kind in [Value::Null, json!("custom")] {
        let mut definition = json!({"name": "f", "description": "d", "input_schema": schema});
        definition["type"] = kind;
        assert_eq!(
            tool(definition),
            json!({"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": false})
        );
    }
    let closed = json!({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": false});
    assert_eq!(
        tool(json!({"name": "f", "input_schema": closed, "strict": true}))["strict"],
        true
    );
    let done = tools(json!([{"name": "f", "input_schema": schema, "strict": true}]));
    assert_eq!(done.body["tools"][0]["strict"], false);
    done.approximated("tools[].strict");
}

#[test]
fn schemas_get_properties_and_keep_their_bytes() {
    for (schema, expected) in [
        (
            json!({"type": "object"}),
            json!({"type": "object", "properties": {}}),
        ),
        (json!({}), json!({"type": "object", "properties": {}})),
        (Value::Null, json!({"type": "object", "properties": {}})),
        (
            json!({"type": "object", "additionalProperties": false}),
            json!({"type": "object", "additionalProperties": false, "properties": {}}),
        ),
    ] {
        let sent = tool(json!({"name": "f", "input_schema": schema}));
        assert_eq!(sent["parameters"], expected);
    }
    let text = r#"{"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object", "properties":{"z":{"maximum":1.0},"a":{}}}}]}"#;
    let done = Case::default().try_run_text(text).unwrap();
    let schema = r#"{"type":"object", "properties":{"z":{"maximum":1.0},"a":{}}}"#;
    assert!(done.text.contains(schema), "{}", done.text);
    Case::default().invalid(
        "tools[0].input_schema",
        json!({"tools": [{"name": "f", "input_schema": [1]}]}),
    );
    Case::default().invalid("tools[0].name", json!({"tools": [{"input_schema": {}}]}));
    Case::default().invalid("tools[0]", json!({"tools": [7]}));
}

#[test]
fn hints_of_tools() {
    let done = tools(json!([{
        "name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}},
        "input_examples": [{"a": 1}], "cache_control": {"type": "ephemeral"}, "eager_input_streaming": true,
        "defer_loading": true, "allowed_callers": ["direct", "code_execution_20250825"], "new": 1,
    }]));
    assert_eq!(
        done.body["tools"][0]["description"],
        "d\n\nExamples:\n[{\"a\":1}]"
    );
    for field in [
        "cache_control",
        "eager_input_streaming",
        "defer_loading",
        "new",
    ] {
        done.dropped(&format!("tools[].{field}"));
    }
    done.approximated("tools[].input_examples");
    tools(json!([{"name": "f", "allowed_callers": ["code_execution_20250825"]}]))
        .approximated("tools[].allowed_callers")
        .has("tools", Value::Null);
}

#[test]
fn long_names_find_back() {
    let long = format!("mcp__server__{}", "x".repeat(100));
    let done = Case::default().with(json!({
        "tools": [{"name": long, "input_schema": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "tool", "name": long},
        "messages": [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "i", "name": long, "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "i"}]},
        ],
    }));
    let sent = done.body["tools"][0]["name"].as_str().unwrap();
    assert_eq!(sent.len(), 64);
    assert_eq!(done.body["tool_choice"]["name"], sent);
    assert_eq!(done.body["input"][0]["name"], sent);
    assert_eq!(done.state.tools.original(sent), long);
    done.approximated("tools[].name");
}

#[test]
fn anthropics_own_tools() {
    for (kind, name) in [
        ("bash_20250124", "bash"),
        ("text_editor_20250728", "str_replace_based_edit_tool"),
        ("text_editor_20250124", "str_replace_editor"),
        ("memory_20250818", "memory"),
    ] {
        let sent = tool(json!({"type": kind, "name": name}));
        assert_eq!(sent["type"], "function");
        assert_eq!(sent["name"], name);
        assert_eq!(sent["strict"], false);
        assert!(sent["parameters"]["properties"]["command"].is_object());
    }
    tools(json!([{"type": "text_editor_20250728", "name": "e", "max_characters": 5}]))
        .dropped("tools[].max_characters")
        .approximated("tools[].type");
    for kind in [
        "code_execution_20250825",
        "advisor_20260301",
        "computer_20250124",
        "browser_toolset_20260401",
        "computer_toolset_20260401",
        "hologram_1",
    ] {
        let list = json!([{"type": kind, "name": "x"}]);
        tools(list.clone())
            .dropped("tools[]")
            .has("tools", Value::Null);
        // Forced, it cannot be left out.
        Case::default().unsupported(
            "tool_choice.name",
            json!({"tools": list, "tool_choice": {"type": "tool", "name": "x"}}),
        );
        Case::default().unsupported(
            "tool_choice",
            json!({"tools": list, "tool_choice": {"type": "any"}}),
        );
    }
    tools(json!([{"type": "tool_search_tool_regex_20251119", "name": "t"}]))
        .approximated("tools[].type")
        .has("tools", Value::Null);
}

#[test]
fn web_search() {
    let done = tools(
        json!([{"type": "web_search_20250305", "name": "web_search", "max_uses": 8,
        "allowed_domains": ["a.org"], "response_inclusion": "full",
        "user_location": {"type": "approximate", "city": "Köln", "country": "DE", "region": null, "timezone": "Europe/Berlin"}}]),
    );
    done.has(
        "tools",
        json!([{"type": "web_search", "filters": {"allowed_domains": ["a.org"]},
            "user_location": {"type": "approximate", "city": "Köln", "country": "DE", "timezone": "Europe/Berlin"}}]),
    )
    .has("max_tool_calls", json!(8))
    .has(
        "include",
        json!(["reasoning.encrypted_content", "web_search_call.action.sources"]),
    )
    .dropped("tools[].response_inclusion");
    assert!(done.state.web_search);
    Case::model("gpt-4o")
        .with(json!({"tools": [{"type": "web_search_20260209", "name": "web_search", "blocked_domains": []}]}))
        .has("tools", json!([{"type": "web_search"}]))
        .has("include", json!(["web_search_call.action.sources"]));
    let blocked = json!({"tools": [{"type": "web_search_20250305", "name": "web_search", "blocked_domains": ["b.org"]}]});
    Case::default().unsupported("tools[0].blocked_domains", blocked.clone());
    Case::default()
        .lossy()
        .with(blocked)
        .dropped("tools[].blocked_domains")
        .has("tools", json!([{"type": "web_search"}]));
    Case::default()
        .with(json!({
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            "tool_choice": {"type": "tool", "name": "web_search"},
        }))
        .has(
            "tool_choice",
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}),
        );
}

#[test]
fn web_fetch() {
    let fetch = json!({"type": "web_fetch_20250910", "name": "web_fetch"});
    tools(json!([fetch]))
        .dropped("tools[]")
        .has("tools", Value::Null);
    tools(json!([fetch, {"type": "web_search_20250305", "name": "web_search"}]))
        .has("tools", json!([{"type": "web_search"}]));
    let options = Options {
        web_fetch_as_search: Some(true),
        ..Options::default()
    };
    Case::default()
        .options(|o| *o = options)
        .with(json!({"tools": [fetch], "tool_choice": {"type": "tool", "name": "web_fetch"}}))
        .has("tools", json!([{"type": "web_search"}]))
        .has(
            "tool_choice",
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}),
        );
}

#[test]
fn mcp_servers() {
    let server =
        json!({"type": "url", "name": "s", "url": "https://s/mcp", "authorization_token": "t"});
    let sent = |toolset: Option<Value>, extra: Value| {
        let mut server = server.clone();
        for (key, value) in extra.as_object().unwrap() {
            server[key] = value.clone();
        }
        let list: Vec<Value> = toolset
            .into_iter()
            .map(|mut toolset| {
                toolset["type"] = json!("mcp_toolset");
                toolset["mcp_server_name"] = json!("s");
                toolset
            })
            .collect();
        json!({"mcp_servers": [server], "tools": list})
    };
    let mcp = |allowed: Value| {
        let mut tool = json!({"type": "mcp", "server_label": "s", "server_url": "https://s/mcp", "authorization": "t", "require_approval": "never"});
        if !allowed.is_null() {
            tool["allowed_tools"] = allowed;
        }
        json!([tool])
    };
    let some = json!({"default_config": {"enabled": false}, "configs": {"a": {"enabled": true}, "b": {"enabled": false}, "c": {}}});
    for (toolset, extra, expected) in [
        (Some(json!({})), json!({}), mcp(Value::Null)),
        (Some(some), json!({}), mcp(json!(["a"]))),
        (
            Some(json!({"default_config": {"enabled": false}})),
            json!({}),
            Value::Null,
        ),
        (
            None,
            json!({"tool_configuration": {"allowed_tools": ["x"]}}),
            mcp(json!(["x"])),
        ),
        (
            None,
            json!({"tool_configuration": {"enabled": false}}),
            Value::Null,
        ),
        (None, json!({}), mcp(Value::Null)),
    ] {
        Case::default()
            .with(sent(toolset, extra))
            .has("tools", expected);
    }
    let but = sent(
        Some(json!({"configs": {"a": {"enabled": false}}})),
        json!({}),
    );
    Case::default().unsupported("tools[0].configs", but.clone());
    Case::default().lossy().with(but).dropped("tools[].configs");
    Case::default().invalid(
        "mcp_servers[0].url",
        json!({"mcp_servers": [{"name": "s"}]}),
    );
}

#[test]
fn choices() {
    let with = |choice: Value| {
        Case::default().with(json!({"tools": [{"name": "f"}], "tool_choice": choice}))
    };
    for (choice, sent) in [
        (json!({"type": "auto"}), json!("auto")),
        (json!({"type": "any"}), json!("required")),
        (json!({"type": "none"}), json!("none")),
        (
            json!({"type": "tool", "name": "f"}),
            json!({"type": "function", "name": "f"}),
        ),
    ] {
        with(choice)
            .exact()
            .has("tool_choice", sent)
            .has("parallel_tool_calls", Value::Null);
    }
    with(json!({"type": "auto", "disable_parallel_tool_use": true}))
        .has("parallel_tool_calls", json!(false));
    Case::default()
        .with(json!({"tool_choice": {"type": "auto"}}))
        .dropped("tool_choice")
        .has("tool_choice", Value::Null);
    for (choice, param) in [
        (json!({}), "tool_choice.type"),
        (json!({"type": "tool"}), "tool_choice.name"),
        (json!({"type": "maybe"}), "tool_choice.type"),
    ] {
        Case::default().invalid(
            param,
            json!({"tools": [{"name": "f"}], "tool_choice": choice}),
        );
    }
}
