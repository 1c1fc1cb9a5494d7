//! Tools and choices.

use super::*;
use crate::target::NoneStrategy;

fn spec(name: &str) -> Value {
    json!({"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object", "properties": {}}}}})
}

#[test]
fn functions() {
    let tool = json!({"type": "function", "function": {"name": "f", "description": "d\n", "strict": true,
        "parameters": {"properties": {"z": {}, "a": {}}, "$defs": {"x": {"$ref": "#/$defs/x"}}}}, "odd": 1});
    let done = Case::default().with(json!({"tools": [tool]}));
    done.has(
        "/toolConfig/tools/0/toolSpec",
        json!({"name": "f", "description": "d\n", "strict": true, "inputSchema": {"json": {
            "type": "object", "properties": {"z": {}, "a": {}}, "$defs": {"x": {"$ref": "#/$defs/x"}}}}}),
    )
    .dropped("tools[].odd");
    let strict =
        json!({"tools": [{"type": "function", "function": {"name": "f", "strict": true}}]});
    Case::model(NOVA)
        .with(strict.clone())
        .has("/toolConfig/tools", json!([spec("f")]))
        .approximated("tools[].function.strict");
    Case::model(NOVA)
        .options(|options| options.strict_tools = Some(true))
        .with(strict)
        .has("/toolConfig/tools/0/toolSpec/strict", json!(true))
        .exact();
    Case::default()
        .with(json!({"tools": [{"type": "function", "function": {"name": "f", "description": " ", "strict": false, "parameters": null}}]}))
        .has("/toolConfig/tools", json!([spec("f")]))
        .exact();
    let case = Case::default();
    case.invalid(
        "tools[0].function.name",
        json!({"tools": [{"type": "function", "function": {}}]}),
    );
    case.invalid(
        "tools[0].function",
        json!({"tools": [{"type": "function"}]}),
    );
    case.invalid("tools[0].type", json!({"tools": [{}]}));
    case.invalid(
        "tools[0].function.parameters",
        json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": [1]}}]}),
    );
    case.unsupported(
        "tools[0].function.parameters.type",
        json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]}),
    );
}

#[test]
fn marks_of_tools() {
    let mark = json!({"type": "ephemeral"});
    Case::default()
        .with(json!({"tools": [
            {"type": "function", "function": {"name": "f", "cache_control": mark}},
            {"type": "function", "function": {"name": "g"}, "cache_control": mark},
        ]}))
        .has(
            "/toolConfig/tools",
            json!([spec("f"), cache_point(), spec("g"), cache_point()]),
        )
        .exact();
}

#[test]
fn freeform_tools_become_functions_with_one_input() {
    let done = Case::default().with(json!({"tools": [{"type": "custom", "custom": {"name": "a b", "description": "d",
        "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: \"x\""}}}}]}));
    let name = done.body["toolConfig"]["tools"][0]["toolSpec"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(done.state.tools.is_custom(&name));
    assert_eq!(done.state.tools.original(&name), "a b");
    done.has(
        "/toolConfig/tools/0/toolSpec/description",
        json!("d\n\nThe value of `input` must match this lark grammar:\nstart: \"x\""),
    )
    .has(
        "/toolConfig/tools/0/toolSpec/inputSchema/json/required",
        json!(["input"]),
    )
    .approximated("tools[].custom")
    .approximated("tools[].custom.format");
}

#[test]
fn deprecated_functions() {
    let done =
        Case::default().with(json!({"functions": [{"name": "f"}], "function_call": {"name": "f"}}));
    done.has("/toolConfig/toolChoice", json!({"tool": {"name": "f"}}))
        .has(
            "/additionalModelRequestFields",
            json!({"tool_choice": {"disable_parallel_tool_use": true}}),
        )
        .exact();
    assert!(done.state.legacy_functions);
    let done =
        Case::model(NOVA).with(json!({"functions": [{"name": "f"}], "function_call": "auto"}));
    done.has("/toolConfig/toolChoice", json!({"auto": {}}))
        .exact();
    let done =
        Case::default().with(json!({"functions": [{"name": "f"}], "tools": [function("g")]}));
    assert!(!done.state.legacy_functions);
    done.has("/toolConfig/tools", json!([spec("g"), spec("f")]));
}

#[test]
fn choices() {
    let tools = json!([function("f"), function("g")]);
    let with = |choice: Value| Case::default().with(json!({"tools": tools, "tool_choice": choice}));
    with(json!("auto"))
        .has("/toolConfig/toolChoice", json!({"auto": {}}))
        .exact();
    with(json!("required"))
        .has("/toolConfig/toolChoice", json!({"any": {}}))
        .exact();
    with(json!({"type": "function", "function": {"name": "g"}}))
        .has("/toolConfig/toolChoice", json!({"tool": {"name": "g"}}))
        .exact();
    let allowed = |mode: &str| json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [function("g")]}});
    with(allowed("auto"))
        .has(
            "/toolConfig",
            json!({"tools": [spec("g")], "toolChoice": {"auto": {}}}),
        )
        .exact();
    with(allowed("required"))
        .has("/toolConfig/toolChoice", json!({"any": {}}))
        .exact();
    let case = Case::default();
    let refused = |choice: Value| {
        case.refuses(json!({"tools": tools, "tool_choice": choice}))
            .1
    };
    assert_eq!(
        refused(json!({"type": "function", "function": {"name": "x"}})),
        "tool_choice.function.name"
    );
    assert_eq!(refused(json!("odd")), "tool_choice");
    assert_eq!(
        refused(json!({"type": "allowed_tools", "allowed_tools": {"tools": [function("x")]}})),
        "tool_choice.allowed_tools.tools[0]"
    );
    // Nothing to choose from.
    case.with(json!({"tool_choice": "auto"}))
        .has("/toolConfig", json!(null))
        .dropped("tool_choice");
    case.with(json!({"tool_choice": "none"}))
        .has("/toolConfig", json!(null))
        .exact();
    case.invalid("tool_choice", json!({"tool_choice": "required"}));
}

#[test]
fn models_that_cannot_be_forced() {
    let forced = json!({"tools": [function("f")], "tool_choice": "required"});
    let model = "anthropic.claude-opus-5-5";
    Case::model(model).unsupported("tool_choice", forced.clone());
    let lossy = Case {
        lossy: true,
        ..Case::model(model)
    };
    lossy
        .with(forced)
        .has("/toolConfig/toolChoice", json!({"auto": {}}))
        .approximated("tool_choice");
}

#[test]
fn one_call_at_a_time() {
    let members = json!({"tools": [function("f")], "parallel_tool_calls": false});
    Case::default()
        .with(members.clone())
        .has(
            "/additionalModelRequestFields",
            json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}),
        )
        .has("/toolConfig/toolChoice", json!(null))
        .exact();
    Case::model(GPT_OSS)
        .with(members)
        .has("/additionalModelRequestFields", json!(null))
        .dropped("parallel_tool_calls");
    Case::model(GPT_OSS)
        .with(json!({"tools": [function("f")], "parallel_tool_calls": true}))
        .exact();
    Case::default()
        .with(json!({"parallel_tool_calls": false}))
        .exact();
}

fn history() -> Value {
    json!([user("q"), {"role": "assistant", "content": "Let me see.", "tool_calls": [call("a", "f", "{\"x\":1}")]},
        answer("a", "two\nlines"), user("thanks")])
}

#[test]
fn no_call_may_follow() {
    let members = json!({"messages": history(), "tools": [function("f")], "tool_choice": "none"});
    Case::default()
        .with(members.clone())
        .has("/toolConfig", json!({"tools": [spec("f")]}))
        .has(
            "/additionalModelRequestFields",
            json!({"tool_choice": {"type": "none"}}),
        )
        .exact();
    Case::model(NOVA)
        .with(members.clone())
        .says(json!([
            turn("user", json!([text("q")])),
            turn(
                "assistant",
                json!([text("Let me see."), text("[called f with {\"x\":1}]")])
            ),
            turn(
                "user",
                json!([text("[result of f: two\nlines]"), text("thanks")])
            ),
        ]))
        .has("/toolConfig", json!(null))
        .approximated("tool_choice");
    Case::model(NOVA)
        .options(|options| options.none_strategy = Some(NoneStrategy::Stub))
        .with(members)
        .has("/toolConfig", json!({"tools": [spec("f")]}))
        .approximated("tool_choice");
}

#[test]
fn earlier_calls_need_tools() {
    Case::default()
        .with(json!({"messages": history()}))
        .has(
            "/toolConfig",
            json!({"tools": [{"toolSpec": {"name": "f", "description": "Unavailable in this turn; do not call.",
                "inputSchema": {"json": {"type": "object"}}}}]}),
        )
        .exact();
}

#[test]
fn tools_of_others() {
    let bash = json!({"type": "bash_20250124", "name": "bash"});
    let search = json!({"type": "web_search_20250305", "name": "web_search"});
    Case::default()
        .with(json!({"tools": [function("f"), bash, search]}))
        .has("/toolConfig/tools", json!([spec("f")]))
        .has("/additionalModelRequestFields", json!({"tools": [bash]}))
        .dropped("tools[]");
    Case::model(NOVA)
        .with(json!({"tools": [bash, search]}))
        .has(
            "/toolConfig/tools",
            json!([{"systemTool": {"name": "nova_grounding"}}]),
        )
        .dropped("tools[]")
        .approximated("tools[]");
    Case::model(NOVA)
        .with(json!({"web_search_options": {"search_context_size": "low", "user_location": {}}}))
        .has(
            "/toolConfig/tools",
            json!([{"systemTool": {"name": "nova_grounding"}}]),
        )
        .approximated("web_search_options")
        .dropped("web_search_options.search_context_size")
        .dropped("web_search_options.user_location");
    let case = Case::default();
    let mcp = json!({"type": "mcp", "server_label": "x"});
    case.with(json!({"tools": [mcp]}))
        .has("/toolConfig", json!(null))
        .dropped("tools[]");
    case.unsupported(
        "tool_choice",
        json!({"tools": [mcp], "tool_choice": "required"}),
    );
    case.unsupported(
        "tool_choice",
        json!({"tools": [mcp], "tool_choice": {"type": "mcp"}}),
    );
}
