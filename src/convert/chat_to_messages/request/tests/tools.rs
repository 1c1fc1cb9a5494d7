//! Tools and the choice among them.

use serde_json::{Value, json};

use super::{Case, answer, call, function};
use crate::provider::Provider;

const NO_FORCE: &str = "claude-opus-5-5";

fn custom(name: &str) -> Value {
    json!({"type": "custom", "custom": {"name": name}})
}

#[test]
fn functions() {
    let case = Case::default();
    let schema = |done: &super::Done| done.body["tools"][0]["input_schema"].clone();
    let with = |parameters: Value| json!({"tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": parameters, "strict": false}}]});
    let empty = json!({"type": "object", "properties": {}});
    case.with(with(json!({}))).exact().has(
        "tools",
        json!([{"name": "f", "description": "d", "input_schema": empty}]),
    );
    assert_eq!(schema(&case.with(with(json!(null)))), empty);
    assert_eq!(
        schema(&case.with(with(json!({"properties": {"a": {}}})))),
        json!({"type": "object", "properties": {"a": {}}})
    );
    assert_eq!(
        schema(&case.with(with(json!({"type": null, "title": "T"})))),
        json!({"type": "object", "title": "T"})
    );
    let at = "tools[0].function.parameters";
    case.unsupported(at, with(json!({"anyOf": [{"type": "object"}]})));
    case.unsupported(
        "tools[0].function.parameters.type",
        with(json!({"type": "array"})),
    );
    case.invalid(at, with(json!("x")));
    case.invalid(
        "tools[0].function.name",
        json!({"tools": [{"type": "function", "function": {}}]}),
    );
    case.invalid(
        "tools[0].function",
        json!({"tools": [{"type": "function", "name": "f"}]}),
    );
    case.invalid("tools[0].type", json!({"tools": [{"name": "f"}]}));
    case.invalid("tools[1]", json!({"tools": [function("f"), 5]}));
    // Key order and number spelling of a schema are the client's.
    let raw =
        r#"{"type":"object", "properties":{"z":{"minimum":1.50},"a":{"$ref":"x"}},"$schema":"s"}"#;
    let text = format!(
        r#"{{"messages":[{{"role":"user","content":"u"}}],"tools":[{{"type":"function","function":{{"name":"f","parameters":{raw}}}}}]}}"#
    );
    assert!(case.try_run_text(&text).unwrap().text.contains(raw));
    case.with(json!({"tools": []}))
        .exact()
        .has("tools", Value::Null);
    case.with(json!({"tools": [{"type": "function", "function": {"name": "f", "defer": 1}, "eager_input_streaming": true}]}))
        .dropped("tools[].eager_input_streaming").dropped("tools[].function.defer");
}

#[test]
fn strict_functions_are_sanitised() {
    let tools = json!({"tools": [{"type": "function", "function": {"name": "f", "strict": true,
        "parameters": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}}}]});
    Case::default().with(tools.clone()).approximated("tools[].function.parameters").has("tools", json!([{"name": "f", "strict": true,
        "input_schema": {"type": "object", "properties": {"n": {"type": "integer", "description": "minimum: 1"}}, "additionalProperties": false}}]));
    Case::model("claude-opus-4-1").with(tools).dropped("tools[].function.strict").has("tools", json!([{"name": "f",
        "input_schema": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}}]));
    Case::default().unsupported("tools[0].function.parameters.properties.a.additionalProperties", json!({"tools": [
        {"type": "function", "function": {"name": "f", "strict": true, "parameters": {"properties": {"a": {"type": "object", "additionalProperties": true}}}}}]}));
}

#[test]
fn names_are_mended_and_found_back() {
    let done = Case::default().with(json!({
        "tools": [function("a.b"), function("a_b"), function("a/b"), custom("c d")],
        "tool_choice": {"type": "function", "function": {"name": "a/b"}},
        "messages": [{"role": "user", "content": "u"},
            {"role": "assistant", "tool_calls": [call("1", "a.b", ""), call("2", "old name", "")]}, answer("1", "x"), answer("2", "x")]}));
    let names: Vec<_> = done.body["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a_b_2", "a_b", "a_b_3", "c_d"]);
    done.approximated("tools[].function.name")
        .approximated("tools[].custom.name")
        .has("tool_choice", json!({"type": "tool", "name": "a_b_3"}));
    assert_eq!(done.body["messages"][1]["content"][0]["name"], "a_b_2");
    assert_eq!(done.body["messages"][1]["content"][1]["name"], "old_name");
    let names = &done.state.tools;
    assert_eq!(names.original("a_b_2"), "a.b");
    assert_eq!(names.original("a_b"), "a_b");
    assert!(names.is_custom("c_d") && names.original("c_d") == "c d");
}

#[test]
fn freeform_tools_become_functions_with_one_input() {
    let done = Case::default().with(json!({"tools": [{"type": "custom", "custom": {"name": "p", "description": "D \"x\"",
        "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: \"a\"\n"}}}}, custom("q")]}));
    let input = json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"], "additionalProperties": false});
    done.approximated("tools[].custom.format").approximated("tools[].custom").has("tools", json!([
        {"name": "p", "description": "D \"x\"\n\nThe value of `input` must match this lark grammar:\nstart: \"a\"\n", "input_schema": input},
        {"name": "q", "input_schema": input}]));
}

#[test]
fn anthropics_own_tools_are_copied() {
    let own = json!({"type": "bash_20250124", "name": "bash", "max": 1.0});
    let mut marked = own.clone();
    marked["cache_control"] = json!({"type": "ephemeral", "ttl": "1h"});
    let done = Case::default().with(json!({"tools": [marked], "tool_choice": {"type": "function", "function": {"name": "bash"}}}));
    done.has("tools", json!([marked]))
        .has("tool_choice", json!({"type": "tool", "name": "bash"}));
    Case::default()
        .with(json!({"tools": [own]}))
        .exact()
        .has("tools", json!([own]));
}

#[test]
fn unknown_tools_are_dropped_unless_forced() {
    let case = Case::default();
    let hosted = json!([{"type": "file_search"}]);
    case.with(json!({"tools": hosted}))
        .dropped("tools[]")
        .has("tools", Value::Null);
    case.with(json!({"tools": hosted, "tool_choice": "auto"}))
        .dropped("tools[]")
        .has("tool_choice", Value::Null);
    case.with(
        json!({"tools": [{"type": "file_search"}, function("f")], "tool_choice": "required"}),
    )
    .dropped("tools[]")
    .has("tool_choice", json!({"type": "any"}));
    case.unsupported(
        "tool_choice",
        json!({"tools": hosted, "tool_choice": "required"}),
    );
    case.unsupported("tool_choice", json!({"tools": [{"type": "file_search"}, function("f")], "tool_choice": {"type": "file_search"}}));
}

#[test]
fn choices() {
    let case = Case::default();
    let tools = json!([function("f"), custom("c")]);
    for (choice, parallel, sent) in [
        (json!(null), json!(null), Value::Null),
        (json!(null), json!(true), Value::Null),
        (
            json!(null),
            json!(false),
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ),
        (
            json!("auto"),
            json!(false),
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ),
        (json!("none"), json!(false), json!({"type": "none"})),
        (json!("required"), json!(null), json!({"type": "any"})),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            json!(false),
            json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true}),
        ),
        (
            json!({"type": "custom", "custom": {"name": "c"}}),
            json!(null),
            json!({"type": "tool", "name": "c"}),
        ),
    ] {
        case.with(json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}))
            .has("tool_choice", sent);
    }
    case.invalid(
        "tool_choice",
        json!({"tools": tools, "tool_choice": "perhaps"}),
    );
    case.invalid("tool_choice", json!({"tools": tools, "tool_choice": 5}));
    case.invalid(
        "tool_choice.function.name",
        json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "g"}}}),
    );
    case.with(json!({"tool_choice": "auto"}))
        .dropped("tool_choice")
        .has("tool_choice", Value::Null);
    case.with(json!({"tool_choice": "none", "parallel_tool_calls": false}))
        .has("tool_choice", Value::Null);
    case.invalid("tool_choice", json!({"tool_choice": "required"}));
}

#[test]
fn legacy_choices() {
    let functions = json!([{"name": "f", "parameters": {"type": "object"}}]);
    let case = Case::default();
    let done = case.with(json!({"functions": functions, "function_call": {"name": "f"}}));
    done.has(
        "tool_choice",
        json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true}),
    )
    .has(
        "tools",
        json!([{"name": "f", "input_schema": {"type": "object"}}]),
    );
    assert!(done.state.legacy_functions);
    case.with(json!({"functions": functions, "function_call": "none"}))
        .has("tool_choice", json!({"type": "none"}));
    case.invalid(
        "function_call",
        json!({"functions": functions, "function_call": "required"}),
    );
    case.invalid(
        "function_call.name",
        json!({"functions": functions, "function_call": {"name": "g"}}),
    );
    case.invalid("functions[0].name", json!({"functions": [{}]}));
}

#[test]
fn a_model_that_cannot_be_forced() {
    let members = json!({"tools": [function("f")], "tool_choice": "required"});
    Case::model(NO_FORCE).unsupported("tool_choice", members.clone());
    Case {
        lossy: true,
        ..Case::model(NO_FORCE)
    }
    .with(members)
    .approximated("tool_choice")
    .has("tool_choice", json!({"type": "auto"}));
    Case::model(NO_FORCE)
        .with(json!({"tools": [function("f")], "tool_choice": "auto"}))
        .exact();
}

#[test]
fn allowed_tools_take_the_others_away() {
    let case = Case::default();
    let allow = |mode: &str, tools: Value| {
        json!({"tools": [function("f"), function("g"), custom("c")],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}})
    };
    let done = case.with(allow("required", json!([function("g"), custom("c")])));
    done.approximated("tool_choice")
        .has("tool_choice", json!({"type": "any"}));
    let names: Vec<_> = done.body["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["g", "c"]);
    case.with(allow("auto", json!([function("f")])))
        .has("tool_choice", json!({"type": "auto"}));
    case.invalid(
        "tool_choice.allowed_tools.tools[1]",
        allow("auto", json!([function("f"), function("h")])),
    );
    case.invalid("tool_choice.allowed_tools.mode", allow("never", json!([])));
    case.invalid("tool_choice", allow("required", json!([])));
    case.with(allow("auto", json!([])))
        .has("tools", Value::Null);
}

#[test]
fn calls_in_the_history_without_tools_get_stubs() {
    let messages = json!([{"role": "user", "content": "u"},
        {"role": "assistant", "tool_calls": [call("1", "f", ""), call("2", "g h", ""), call("3", "f", "")]},
        answer("1", ""), answer("2", ""), answer("3", "")]);
    let stub = |name: &str| json!({"name": name, "description": "unavailable", "input_schema": {"type": "object"}});
    for tools in [json!(null), json!([]), json!([{"type": "file_search"}])] {
        Case::default()
            .with(json!({"messages": messages, "tools": tools}))
            .has("tools", json!([stub("f"), stub("g_h")]))
            .has("tool_choice", json!({"type": "none"}));
    }
    let done = Case::default().with(json!({"messages": messages, "tools": [function("z")]}));
    assert_eq!(done.body["tools"].as_array().unwrap().len(), 1);
}

#[test]
fn web_search() {
    let case = Case::default();
    let options = json!({"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"city": "Berlin", "country": "DE", "planet": 3}}});
    case.with(json!({"web_search_options": options, "tools": [function("f")]}))
        .approximated("web_search_options")
        .dropped("web_search_options.search_context_size")
        .dropped("web_search_options.user_location.approximate.planet")
        .has("tools", json!([{"name": "f", "input_schema": {"type": "object", "properties": {}}},
            {"type": "web_search_20250305", "name": "web_search", "user_location": {"type": "approximate", "city": "Berlin", "country": "DE"}}]));
    case.with(json!({"web_search_options": {}})).has(
        "tools",
        json!([{"type": "web_search_20250305", "name": "web_search"}]),
    );
    case.invalid(
        "web_search_options",
        json!({"web_search_options": {}, "tools": [function("web_search")]}),
    );
    case.invalid("web_search_options", json!({"web_search_options": {}, "tools": [function("web.search")], "messages": [], "n": 1}));
    case.unsupported("response_format", json!({"web_search_options": {}, "response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}));
    Case {
        provider: Provider::AwsBedrockInvoke,
        ..Case::default()
    }
    .unsupported("web_search_options", json!({"web_search_options": {}}));
}
