//! Tools, and the choice among them.

use super::*;

fn with(tool: Value) -> Value {
    json!({ "tools": [tool] })
}

#[test]
fn functions() {
    let done = Case::default().try_run_text(
        r#"{"input":"x","tools":[{"type":"function","name":"get.weather","description":"W","parameters":{"type":"object","z":1.50,"a":{"$ref":"b"}},"strict":true}]}"#,
    ).unwrap();
    done.has(
        "/toolConfig/tools/0/toolSpec/name",
        json!("get_weather_f65d43"),
    )
    .has("/toolConfig/tools/0/toolSpec/strict", json!(true))
    .exact();
    assert!(
        done.text
            .contains(r#""json":{"type":"object","z":1.50,"a":{"$ref":"b"}}"#)
    );
    let tool = done.state.tools.get("get_weather_f65d43").unwrap();
    assert_eq!((&*tool.name, tool.custom), ("get.weather", false));

    let empty = json!({"type": "object", "properties": {}});
    for parameters in [json!(null), json!({})] {
        let tool = json!({"type": "function", "name": "f", "description": " ", "parameters": parameters, "strict": null});
        Case::default().with(with(tool)).has(
            "/toolConfig/tools/0/toolSpec",
            json!({"name": "f", "inputSchema": {"json": empty}}),
        );
    }
    let strict =
        json!({"type": "function", "name": "f", "parameters": {"properties": {}}, "strict": true});
    Case::model(SONNET_4)
        .with(with(strict))
        .has(
            "/toolConfig/tools/0/toolSpec",
            json!({"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}),
        )
        .approximated("tools[].strict");

    let case = Case::default();
    for (parameters, fault) in [
        (json!([]), Fault::Invalid),
        (json!({"type": "string"}), Fault::Unsupported),
    ] {
        let found = case.refuses(with(
            json!({"type": "function", "name": "f", "parameters": parameters}),
        ));
        assert_eq!(found.0, fault);
        assert!(found.1.starts_with("tools[0].parameters"), "{}", found.1);
    }
    case.invalid("tools[0].name", with(json!({"type": "function"})));
    case.invalid("tools[0].type", with(json!({"name": "f"})));
    case.invalid("tools[0]", with(json!(5)));
}

#[test]
fn what_tools_have_besides() {
    let tool = json!({"type": "function", "name": "f", "output_schema": {}, "allowed_callers": ["direct"], "defer_loading": true,
        "async": true, "odd": 1});
    let done = Case::default().with(with(tool));
    for field in [
        "output_schema",
        "allowed_callers",
        "defer_loading",
        "async",
        "odd",
    ] {
        done.dropped(&format!("tools[].{field}"));
    }
    Case::default().unsupported(
        "tools[0].allowed_callers",
        with(json!({"type": "function", "name": "f", "allowed_callers": ["programmatic"]})),
    );
}

#[test]
fn freeform_tools() {
    let done = Case::default().with(with(
        json!({"type": "custom", "name": "apply", "description": "Apply",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: \"x\""}}),
    ));
    done.has(
        "/toolConfig/tools/0/toolSpec",
        json!({"name": "apply", "description": "Apply\n\nThe value of `input` must match this lark grammar:\nstart: \"x\"",
            "inputSchema": {"json": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"], "additionalProperties": false}}}),
    )
    .approximated("tools[].type")
    .approximated("tools[].format");
    assert!(done.state.tools.get("apply").unwrap().custom);
}

#[test]
fn namespaces() {
    let done = Case::default().with(json!({
        "tools": [{"type": "namespace", "name": "crm", "description": "Customers", "tools": [
            {"type": "function", "name": "find", "description": "Find"}, {"type": "custom", "name": "odd name"}, {"type": "mcp"}]}],
        "input": [user("a"),
            {"type": "function_call", "call_id": "1", "name": "find", "namespace": "crm", "arguments": "{}"}, output("1", json!("r")),
            {"type": "function_call", "call_id": "2", "name": "gone", "namespace": "crm", "arguments": "{}"}, output("2", json!("r"))]}));
    let tools = done.body.pointer("/toolConfig/tools").unwrap();
    assert_eq!(tools.as_array().unwrap().len(), 2);
    assert_eq!(tools[0]["toolSpec"]["name"], "crm__find");
    assert_eq!(tools[0]["toolSpec"]["description"], "Customers\n\nFind");
    let odd = tools[1]["toolSpec"]["name"].as_str().unwrap();
    assert!(odd.starts_with("crm__odd_name_"));
    done.has("/messages/1/content/0/toolUse/name", json!("crm__find"))
        .has("/messages/3/content/0/toolUse/name", json!("crm__gone"))
        .approximated("tools[].tools")
        .dropped("tools[]");
    let tools = &done.state.tools;
    let find = tools.get("crm__find").unwrap();
    assert_eq!(
        (&*find.name, find.namespace.as_deref()),
        ("find", Some("crm"))
    );
    let odd = tools.get(odd).unwrap();
    assert!(odd.custom && odd.name == "odd name");

    Case::default().invalid(
        "tools[1].tools[0].name",
        json!({"tools": [function("crm__find"), {"type": "namespace", "name": "crm", "tools": [function("find")]}]}),
    );
}

#[test]
fn hosted_tools() {
    for kind in [
        "file_search",
        "computer",
        "computer_use_preview",
        "code_interpreter",
        "image_generation",
        "mcp",
        "local_shell",
        "shell",
        "apply_patch",
        "tool_search",
        "programmatic_tool_calling",
        "web_search",
        "web_search_preview",
        "never_heard_of",
    ] {
        let done = Case::default().with(with(json!({"type": kind})));
        done.has("/toolConfig", json!(null)).dropped("tools[]");
        // They are refused where the choice forces one.
        let case = Case::default();
        case.unsupported(
            "tool_choice.type",
            json!({"tools": [{"type": kind}], "tool_choice": {"type": kind}}),
        );
        case.unsupported(
            "tool_choice",
            json!({"tools": [{"type": kind}], "tool_choice": "required"}),
        );
    }
}

#[test]
fn nova_searches_the_web() {
    for kind in ["web_search", "web_search_preview", "web_search_2025_08_26"] {
        let done = Case::model(NOVA).with(with(
            json!({"type": kind, "filters": {"allowed_domains": ["a.b"]},
            "user_location": {"type": "approximate"}, "search_context_size": "low"}),
        ));
        done.has(
            "/toolConfig/tools",
            json!([{"systemTool": {"name": "nova_grounding"}}]),
        )
        .approximated("tools[].type")
        .dropped("tools[].filters")
        .dropped("tools[].user_location")
        .dropped("tools[].search_context_size");
    }
    Case::model(NOVA)
        .with(with(
            json!({"type": "web_search", "external_web_access": false}),
        ))
        .has("/toolConfig", json!(null))
        .dropped("tools[]");
    Case::model(NOVA).unsupported(
        "tool_choice.type",
        json!({"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}),
    );
}

#[test]
fn choices() {
    let tools = json!([function("f"), function("g.h"), {"type": "custom", "name": "c"}]);
    for (choice, sent) in [
        (json!("auto"), json!({"auto": {}})),
        (json!("required"), json!({"any": {}})),
        (
            json!({"type": "function", "name": "f"}),
            json!({"tool": {"name": "f"}}),
        ),
        (
            json!({"type": "custom", "name": "c"}),
            json!({"tool": {"name": "c"}}),
        ),
    ] {
        Case::model(GPT_OSS)
            .with(json!({"tools": tools, "tool_choice": choice}))
            .has("/toolConfig/toolChoice", sent);
    }
    let allowed = |mode: &str| {
        json!({"tools": tools, "tool_choice": {"type": "allowed_tools", "mode": mode,
            "tools": [{"type": "function", "name": "g.h"}, {"type": "custom", "name": "c"}]}})
    };
    let done = Case::model(GPT_OSS).with(allowed("required"));
    done.has("/toolConfig/toolChoice", json!({"any": {}}))
        .has("/toolConfig/tools/1/toolSpec/name", json!("c"))
        .has("/toolConfig/tools/2", json!(null));
    assert!(
        !done
            .report
            .approximated()
            .iter()
            .any(|f| f == "tool_choice")
    );
    Case::model(GPT_OSS)
        .with(allowed("auto"))
        .has("/toolConfig/toolChoice", json!({"auto": {}}));

    let case = Case::default();
    for (choice, param) in [
        (json!("odd"), "tool_choice"),
        (json!(5), "tool_choice"),
        (json!({"name": "f"}), "tool_choice.type"),
        (json!({"type": "function"}), "tool_choice.name"),
        (json!({"type": "function", "name": "x"}), "tool_choice.name"),
        (
            json!({"type": "allowed_tools", "tools": [{"type": "function", "name": "x"}]}),
            "tool_choice.tools[0]",
        ),
        (json!({"type": "allowed_tools"}), "tool_choice.tools"),
    ] {
        case.invalid(param, json!({"tools": tools, "tool_choice": choice}));
    }
    for kind in [
        "mcp",
        "shell",
        "apply_patch",
        "programmatic_tool_calling",
        "file_search",
    ] {
        case.unsupported(
            "tool_choice.type",
            json!({"tools": tools, "tool_choice": {"type": kind}}),
        );
    }
    case.with(json!({"tool_choice": "auto"}))
        .has("/toolConfig", json!(null))
        .dropped("tool_choice");
    case.invalid("tool_choice", json!({"tool_choice": "required"}));
}

#[test]
fn one_call_at_a_time() {
    let members = |choice: Value| json!({"tools": [function("f")], "parallel_tool_calls": false, "tool_choice": choice});
    let at = "/additionalModelRequestFields/tool_choice";
    Case::default()
        .with(members(json!("auto")))
        .has("/toolConfig/toolChoice", json!(null))
        .has(
            at,
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        );
    Case::default()
        .with(members(json!("required")))
        .has("/toolConfig/toolChoice", json!({"any": {}}))
        .has(at, json!({"disable_parallel_tool_use": true}));
    Case::model(GPT_OSS)
        .with(members(json!("auto")))
        .has("/additionalModelRequestFields", json!(null))
        .dropped("parallel_tool_calls");
}

#[test]
fn tools_that_the_input_brings() {
    let done = Case::default().with(json!({"input": [
        {"type": "additional_tools", "role": "developer", "tools": [function("late")]}, user("a")]}));
    done.has("/toolConfig/tools/0/toolSpec/name", json!("late"))
        .approximated("input[].tools");
}
