//! Tools and the choice among them.

use super::*;
use crate::convert::sent_tools::SentTool;

fn names(done: &Done) -> Vec<&str> {
    let tools = done.body["tools"].as_array().unwrap();
    tools.iter().map(|t| t["name"].as_str().unwrap()).collect()
}

#[test]
fn functions() {
    for (tool, sent) in [
        (
            json!({"type": "function", "name": "f", "parameters": null, "strict": null}),
            json!({"name": "f", "input_schema": {"type": "object", "properties": {}}}),
        ),
        (
            json!({"type": "function", "name": "f", "description": "d", "parameters": {"properties": {"a": {}}}, "strict": false}),
            json!({"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {"a": {}}}}),
        ),
        (
            json!({"type": "function", "name": "f", "strict": true, "parameters": {"type": "object", "properties": {}, "additionalProperties": false}}),
            json!({"name": "f", "strict": true, "input_schema": {"type": "object", "properties": {}, "additionalProperties": false}}),
        ),
    ] {
        let done = Case::default().with(json!({"tools": [tool]}));
        done.has("tools", json!([sent])).exact();
    }
    let tool = json!({"type": "function", "name": "f", "output_schema": {}, "defer_loading": true, "allowed_callers": ["direct"]});
    Case::default()
        .with(json!({"tools": [tool]}))
        .dropped("tools[].output_schema")
        .dropped("tools[].defer_loading");
    let programs = json!({"type": "function", "name": "f", "allowed_callers": ["programmatic"]});
    Case::default().unsupported("tools[0].allowed_callers", json!({"tools": [programs]}));
    let any = json!({"type": "function", "name": "f", "parameters": {"anyOf": []}});
    Case::default().unsupported("tools[0].parameters", json!({"tools": [any]}));
    Case::default().invalid("tools[0].name", json!({"tools": [{"type": "function"}]}));
}

#[test]
fn freeform_tools_and_namespaces() {
    let tools = json!([
        {"type": "custom", "name": "patch", "description": "Edit", "format": {"type": "grammar", "syntax": "lark", "definition": "start: \"x\"\n"}},
        {"type": "custom", "name": "free"},
        {"type": "namespace", "name": "crm", "description": "CRM tools", "tools": [
            {"type": "function", "name": "find", "description": "Find one"},
            {"type": "custom", "name": "run"},
            {"type": "later"}]},
        {"type": "function", "name": "crm__find"},
    ]);
    let done = Case::default().with(json!({ "tools": tools }));
    assert_eq!(
        names(&done),
        ["patch", "free", "crm__find_2", "crm__run", "crm__find"]
    );
    let sent = &done.body["tools"];
    assert_eq!(
        sent[0]["description"],
        "Edit\n\nThe value of `input` must match this lark grammar:\nstart: \"x\"\n"
    );
    assert_eq!(sent[0]["input_schema"]["required"], json!(["input"]));
    assert_eq!(sent[1].get("description"), None);
    assert_eq!(sent[2]["description"], "CRM tools\n\nFind one");
    assert_eq!(sent[3].get("description"), None);
    done.dropped("tools[]").approximated("tools[].tools");

    let map = &done.state.tools;
    let tool = |name: &str, namespace: Option<&str>, custom| SentTool {
        name: name.to_owned(),
        namespace: namespace.map(str::to_owned),
        custom,
    };
    assert_eq!(
        map.get("crm__find_2"),
        Some(&tool("find", Some("crm"), false))
    );
    assert_eq!(map.get("crm__run"), Some(&tool("run", Some("crm"), true)));
    assert_eq!(map.get("patch"), Some(&tool("patch", None, true)));
    assert_eq!(map.get("crm__find"), None);
}

#[test]
fn calls_of_the_history_use_the_names_that_were_sent() {
    let mut namespaced = call("a", "find", "{}");
    namespaced["namespace"] = json!("crm");
    let mut gone = call("b", "find", "{}");
    gone["namespace"] = json!("old.one");
    let done = Case::default().with(json!({
        "tools": [{"type": "namespace", "name": "crm", "tools": [function("find")]}, function("x y")],
        "input": [user("x"), namespaced, gone, call("c", "x y", "{}"),
            output("a", json!("A")), output("b", json!("B")), output("c", json!("C"))]
    }));
    let calls = done.body["messages"][1]["content"].as_array().unwrap();
    let called: Vec<&str> = calls.iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(called, ["crm__find", "old_one__find", "x_y"]);
}

#[test]
fn additional_tools_join_the_list_and_the_last_wins() {
    let item = json!({"type": "additional_tools", "role": "developer", "tools": [
        {"type": "function", "name": "f", "description": "new"},
        {"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]}]});
    let done = Case::default().with(json!({
        "tools": [{"type": "function", "name": "f", "description": "old"}],
        "input": [item, {"role": "developer", "content": "system"}, user("x")]
    }));
    assert_eq!(names(&done), ["f", "functions__exec"]);
    assert_eq!(done.body["tools"][0]["description"], "new");
    assert_eq!(done.body["system"][0]["text"], "system");
    done.approximated("input[].tools");
    Case::default().invalid(
        "input[0].tools[0].name",
        json!({"input": [{"type": "additional_tools", "tools": [{"type": "custom"}]}, user("x")]}),
    );
}

#[test]
fn web_search() {
    let tool = json!({"type": "web_search", "filters": {"allowed_domains": ["a.org"]}, "search_context_size": "high",
        "external_web_access": true, "user_location": {"type": "approximate", "country": "DE", "city": null}});
    let done =
        Case::default().with(json!({"tools": [tool, function("web_search")], "max_tool_calls": 3}));
    assert_eq!(
        done.body["tools"][0],
        json!({"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a.org"],
            "user_location": {"type": "approximate", "country": "DE"}, "max_uses": 3})
    );
    // Anthropic's own name is taken.
    assert_eq!(done.body["tools"][1]["name"], "web_search_2");
    done.dropped("tools[].search_context_size")
        .approximated("max_tool_calls");
    for kind in [
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    ] {
        let done = Case::default().with(json!({"tools": [{"type": kind, "user_location": null}]}));
        done.has(
            "tools",
            json!([{"type": "web_search_20250305", "name": "web_search"}]),
        );
    }
    // No built-in tool: nothing to limit.
    Case::default()
        .with(json!({"max_tool_calls": 3, "tools": [function("f")]}))
        .exact();
}

#[test]
fn hosted_tools_are_left_out_unless_forced() {
    let schema = json!({"format": {"type": "json_schema", "name": "n", "schema": {"type": "object", "properties": {}, "additionalProperties": false}}});
    let bedrock = Case {
        provider: Provider::AwsBedrockInvoke,
        ..Case::default()
    };
    let hosted = |kind: &str| json!({"type": kind, "server_label": "l", "server_url": "https://x", "require_approval": "always"});
    for kind in [
        "tool_search",
        "file_search",
        "computer",
        "computer_use_preview",
        "code_interpreter",
        "image_generation",
        "local_shell",
        "shell",
        "apply_patch",
        "programmatic_tool_calling",
        "mcp",
        "never_heard_of",
    ] {
        let done = Case::default().with(json!({"tools": [hosted(kind)]}));
        done.has("tools", json!(null)).dropped("tools[]");
        Case::default().unsupported(
            "tool_choice.type",
            json!({"tools": [hosted(kind), function("f")], "tool_choice": {"type": kind}}),
        );
        Case::default().unsupported(
            "tool_choice",
            json!({"tools": [hosted(kind)], "tool_choice": "required"}),
        );
    }
    for (case, members) in [
        (&bedrock, json!({"tools": [{"type": "web_search"}]})),
        (
            &Case::default(),
            json!({"tools": [{"type": "web_search", "external_web_access": false}]}),
        ),
        (
            &Case::default(),
            json!({"tools": [{"type": "web_search"}], "text": schema}),
        ),
    ] {
        let done = case.with(members.clone());
        done.has("tools", json!(null)).dropped("tools[]");
        let mut forced = members;
        forced["tool_choice"] = json!({"type": "web_search"});
        case.unsupported("tool_choice.type", forced);
    }
}

#[test]
fn choices() {
    let tools = json!([function("f"), {"type": "custom", "name": "c"}, {"type": "web_search"},
        {"type": "namespace", "name": "n", "tools": [function("g")]}]);
    for (choice, parallel, sent) in [
        (json!(null), json!(null), json!(null)),
        (json!(null), json!(true), json!(null)),
        (
            json!(null),
            json!(false),
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ),
        (json!("auto"), json!(null), json!({"type": "auto"})),
        (json!("none"), json!(false), json!({"type": "none"})),
        (
            json!("required"),
            json!(false),
            json!({"type": "any", "disable_parallel_tool_use": true}),
        ),
        (
            json!({"type": "function", "name": "f"}),
            json!(null),
            json!({"type": "tool", "name": "f"}),
        ),
        (
            json!({"type": "custom", "name": "c"}),
            json!(null),
            json!({"type": "tool", "name": "c"}),
        ),
        (
            json!({"type": "function", "name": "g"}),
            json!(null),
            json!({"type": "tool", "name": "n__g"}),
        ),
        (
            json!({"type": "web_search_preview"}),
            json!(null),
            json!({"type": "tool", "name": "web_search"}),
        ),
    ] {
        let done = Case::default()
            .with(json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}));
        assert_eq!(done.body["tool_choice"], sent, "{choice}");
    }
    let case = Case::default();
    case.invalid(
        "tool_choice.name",
        json!({"tools": tools, "tool_choice": {"type": "function", "name": "nope"}}),
    );
    case.invalid(
        "tool_choice",
        json!({"tools": tools, "tool_choice": "maybe"}),
    );
    case.invalid("tool_choice", json!({"tool_choice": "required"}));
    case.with(json!({"tool_choice": "auto"}))
        .dropped("tool_choice");
    let twice = json!([{"type": "namespace", "name": "a", "tools": [function("g")]}, {"type": "namespace", "name": "b", "tools": [function("g")]}]);
    case.invalid(
        "tool_choice.name",
        json!({"tools": twice, "tool_choice": {"type": "function", "name": "g"}}),
    );
}

#[test]
fn allowed_tools() {
    let tools = json!([function("f"), function("g"), {"type": "web_search"},
        {"type": "namespace", "name": "n", "tools": [function("h")]}, {"type": "shell"}]);
    let choose = |mode: &str, list: Value| json!({"tools": tools, "tool_choice": {"type": "allowed_tools", "mode": mode, "tools": list}});
    let done = Case::default().with(choose(
        "required",
        json!([{"type": "function", "name": "g"}, {"type": "web_search"}, {"type": "shell"}]),
    ));
    assert_eq!(names(&done), ["g", "web_search"]);
    done.has("tool_choice", json!({"type": "any"}))
        .approximated("tool_choice");
    let done = Case::default().with(choose("auto", json!([{"type": "namespace", "name": "n"}])));
    assert_eq!(names(&done), ["n__h"]);
    Case::default().invalid(
        "tool_choice.tools[0]",
        choose("auto", json!([{"type": "function", "name": "nope"}])),
    );
}

#[test]
fn models_that_cannot_be_forced() {
    let members = json!({"tools": [function("f")], "tool_choice": "required"});
    Case::model("claude-opus-5-5").unsupported("tool_choice", members.clone());
    let lossy = Case {
        lossy: true,
        ..Case::model("claude-opus-5-5")
    };
    lossy
        .with(members.clone())
        .has("tool_choice", json!({"type": "auto"}))
        .approximated("tool_choice");
    // Thinking is given up for the choice.
    let mut thinking = members;
    thinking["reasoning"] = json!({"effort": "high"});
    Case::model("claude-opus-4-7")
        .with(thinking)
        .has("thinking", json!(null))
        .approximated("reasoning.effort");
}

#[test]
fn stubs_for_calls_without_tools() {
    let done = Case::default().say(json!([
        user("x"),
        call("a", "f", "{}"),
        call("b", "f", "{}"),
        call("c", "g.h", "{}"),
        output("a", json!("A")),
        output("b", json!("B")),
        output("c", json!("C")),
    ]));
    assert_eq!(names(&done), ["f", "g_h"]);
    done.has("tool_choice", json!({"type": "none"}));
}

#[test]
fn schemas_keep_their_order_and_spelling() {
    let body = r#"{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{"z":{"default":1.50},"a":{}}}}]}"#;
    let done = Case::default().try_run_text(body).unwrap();
    assert!(
        done.text
            .contains(r#""properties":{"z":{"default":1.50},"a":{}}"#)
    );
}

#[test]
fn mcp_servers_where_the_owner_and_the_client_allow_it() {
    let case = Case {
        options: Options {
            allow_mcp: Some(true),
            ..Options::default()
        },
        ..Case::default()
    };
    let server = json!({"type": "mcp", "server_label": "docs", "server_url": "https://ex.org/mcp", "authorization": "t",
        "require_approval": "never", "allowed_tools": ["search"]});
    let done = case.with(json!({"tools": [server, function("docs")], "input": [user("x"),
        {"type": "mcp_list_tools", "server_label": "docs", "tools": []},
        {"type": "mcp_call", "server_label": "docs", "name": "search", "arguments": "{}", "output": "found \"it\""},
        user("y")]}));
    assert_eq!(
        done.body["tools"][0],
        json!({"type": "mcp_toolset", "mcp_server_name": "docs", "default_config": {"enabled": false},
            "configs": {"search": {"enabled": true}}})
    );
    assert_eq!(done.body["tools"][1]["name"], "docs");
    done.has(
        "mcp_servers",
        json!([{"type": "url", "name": "docs", "url": "https://ex.org/mcp", "authorization_token": "t"}]),
    );
    assert_eq!(done.header("anthropic-beta"), Some("mcp-client-2025-11-20"));
    assert_eq!(
        done.body["messages"][1]["content"][0]["text"],
        "[mcp docs.search → found \"it\"]"
    );
    // What Anthropic cannot promise is not run.
    for (key, value) in [
        ("require_approval", json!("always")),
        ("require_approval", json!(null)),
        (
            "require_approval",
            json!({"never": {"tool_names": ["search"]}}),
        ),
        ("connector_id", json!("connector_gmail")),
        ("tunnel_id", json!("t")),
        ("headers", json!({"x": "y"})),
        ("server_url", json!(null)),
    ] {
        let mut other = server.clone();
        other[key] = value;
        let done = case.with(json!({"tools": [other]}));
        done.has("mcp_servers", json!(null)).dropped("tools[]");
    }
}
