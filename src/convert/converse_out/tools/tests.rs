//! Tools and every choice among them.

use serde_json::{Value, json};

use super::*;
use crate::convert::anthropic_out::cache::MarkPaths;

const PATHS: ChoicePaths = ChoicePaths {
    choice: "tool_choice",
    parallel: "parallel_tool_calls",
};
const CLAUDE: Rules = Rules {
    cache_content: true,
    cache_tools: true,
    cache_ttl: true,
    anthropic: true,
    parallel_switch: true,
    strict_tools: true,
    grounding: false,
    plain_stubs: false,
    native_system: false,
};

fn spec(name: &'static str) -> ToolSpec<'static> {
    ToolSpec {
        name: Cow::Borrowed(name),
        ..ToolSpec::default()
    }
}

fn calling(names: &[&str]) -> Facts {
    Facts {
        has_calls: !names.is_empty(),
        called: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Facts::default()
    }
}

fn written(tools: &Tools<'_>, facts: &Facts, rules: Rules) -> (Value, LossReport, ToolNames) {
    let marks = MarkPaths {
        tools: "tools[].cache_control",
        blocks: "",
    };
    let mut out = Out::begin(0, marks, rules);
    let mut fields = Fields::default();
    let mut report = LossReport::default();
    let names = tools.write(&mut out, &mut fields, facts, PATHS, &mut report);
    fields.write(&mut out);
    let body = out.finish(&mut report);
    (serde_json::from_slice(&body).unwrap(), report, names)
}

fn with_choice(choice: Choice<'static>, one_at_a_time: bool) -> Tools<'static> {
    let mut tools = Tools::default();
    tools.push(spec("a.b")).unwrap();
    tools.choice = choice;
    tools.one_at_a_time = one_at_a_time;
    tools
}

#[test]
fn specs() {
    let mut tools = Tools::default();
    tools
        .push(ToolSpec {
            name: Cow::Borrowed("a.b"),
            description: Cow::Borrowed(r"say \n"),
            schema: Some(r#"{"type":"object","z":1.50}"#),
            strict: Some("tools[].function.strict"),
            mark: Some(Ttl::Hour),
            custom: false,
        })
        .unwrap();
    tools
        .push(ToolSpec {
            custom: true,
            ..spec("free")
        })
        .unwrap();
    assert_eq!(
        tools.push(ToolSpec {
            schema: Some("7"),
            ..spec("x")
        }),
        Err(BadSchema::NoObject)
    );
    let (body, report, names) = written(&tools, &Facts::default(), CLAUDE);
    assert_eq!(
        body,
        json!({"toolConfig": {"tools": [
            {"toolSpec": {"name": ids::name("a.b"), "description": "say \n",
                "inputSchema": {"json": {"type": "object", "z": 1.5}}, "strict": true}},
            {"cachePoint": {"type": "default", "ttl": "1h"}},
            {"toolSpec": {"name": "free", "inputSchema": {"json": {"type": "object",
                "properties": {"input": {"type": "string"}}, "required": ["input"],
                "additionalProperties": false}}}},
        ]}})
    );
    assert_eq!(report, LossReport::default());
    assert_eq!(names.original(&ids::name("a.b")), "a.b");
    assert!(names.is_custom("free"));
    let (body, report, _) = written(&tools, &Facts::default(), Rules::default());
    assert!(!body.to_string().contains("strict") && !body.to_string().contains("cachePoint"));
    assert_eq!(report.approximated(), ["tools[].function.strict"]);
    assert_eq!(report.dropped(), ["tools[].cache_control"]);
}

#[test]
fn choices() {
    let sent = ids::name("a.b").into_owned();
    let own = |value: Value| json!({ "tool_choice": value });
    for (choice, one, in_config, additional) in [
        (Choice::Unsaid, false, None, None),
        (Choice::Auto, false, Some(json!({"auto": {}})), None),
        (Choice::Any, false, Some(json!({"any": {}})), None),
        (
            Choice::Tool(Cow::Borrowed("a.b")),
            false,
            Some(json!({"tool": {"name": sent}})),
            None,
        ),
        // Converse refuses a choice of its own beside a type in the additional fields.
        (
            Choice::Unsaid,
            true,
            None,
            Some(json!({"type": "auto", "disable_parallel_tool_use": true})),
        ),
        (
            Choice::Auto,
            true,
            None,
            Some(json!({"type": "auto", "disable_parallel_tool_use": true})),
        ),
        (
            Choice::Any,
            true,
            Some(json!({"any": {}})),
            Some(json!({"disable_parallel_tool_use": true})),
        ),
        (
            Choice::Tool(Cow::Borrowed("a.b")),
            true,
            Some(json!({"tool": {"name": sent}})),
            Some(json!({"disable_parallel_tool_use": true})),
        ),
    ] {
        let tools = with_choice(choice.clone(), one);
        let (body, report, _) = written(&tools, &Facts::default(), CLAUDE);
        let found = body["toolConfig"].get("toolChoice").cloned();
        assert_eq!(found, in_config, "{choice:?} {one}");
        let found = body.get("additionalModelRequestFields").cloned();
        assert_eq!(found, additional.map(own), "{choice:?} {one}");
        assert_eq!(report, LossReport::default());
    }
    let tools = with_choice(Choice::Auto, true);
    let (body, report, _) = written(&tools, &Facts::default(), Rules::default());
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"auto": {}}));
    assert_eq!(report.dropped(), ["parallel_tool_calls"]);
}

#[test]
fn none() {
    let tools = with_choice(Choice::None, true);
    assert!(!tools.wants_calls_as_text(CLAUDE));
    assert!(tools.wants_calls_as_text(Rules::default()));
    let stubs = Rules {
        plain_stubs: true,
        ..Rules::default()
    };
    assert!(!tools.wants_calls_as_text(stubs));
    // Nothing was called: the tools need not be there.
    let (body, report, _) = written(&tools, &Facts::default(), CLAUDE);
    assert_eq!(body, json!({}));
    assert_eq!(report, LossReport::default());
    let (body, report, _) = written(&tools, &calling(&["old"]), CLAUDE);
    assert_eq!(body["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(body["toolConfig"].get("toolChoice"), None);
    assert_eq!(
        body["additionalModelRequestFields"],
        json!({"tool_choice": {"type": "none"}})
    );
    assert_eq!(report, LossReport::default());
    let (body, report, _) = written(&tools, &calling(&["old"]), stubs);
    assert_eq!(body["toolConfig"].get("toolChoice"), None);
    assert_eq!(body.get("additionalModelRequestFields"), None);
    assert_eq!(report.approximated(), ["tool_choice"]);
    let as_text = Facts {
        has_written_calls: true,
        ..Facts::default()
    };
    let (body, report, _) = written(&tools, &as_text, Rules::default());
    assert_eq!(body, json!({}));
    assert_eq!(report.approximated(), ["tool_choice"]);
}

#[test]
fn calls_without_tools_get_stubs() {
    let tools = Tools {
        choice: Choice::Any,
        one_at_a_time: true,
        ..Tools::default()
    };
    let (body, report, names) = written(&tools, &calling(&["g", "a.b"]), CLAUDE);
    let stub = |name: &str| {
        json!({"toolSpec": {"name": name, "description": "Unavailable in this turn; do not call.",
            "inputSchema": {"json": {"type": "object"}}}})
    };
    assert_eq!(
        body,
        json!({"toolConfig": {"tools": [stub("g"), stub(&ids::name("a.b"))]}})
    );
    assert_eq!(names.original(&ids::name("a.b")), "a.b");
    assert_eq!(report, LossReport::default());
    let (body, ..) = written(&tools, &Facts::default(), CLAUDE);
    assert_eq!(body, json!({}));
}

#[test]
fn tools_of_anthropic_and_nova() {
    let bash = r#"{"type":"bash_20250124","name":"bash"}"#;
    let computer = r#"{"type":"computer_20250124","name":"computer"}"#;
    let name = |json| RawStr::from_json(json);
    let mut fields = Fields::default();
    let mut tools = Tools::default();
    for (kind, json, called) in [
        ("bash_20250124", bash, "\"bash\""),
        ("computer_20250124", computer, "\"computer\""),
    ] {
        assert!(!tools.push_anthropic(kind, name(called), json, Rules::default(), &mut fields));
        assert!(tools.push_anthropic(kind, name(called), json, CLAUDE, &mut fields));
    }
    assert!(!tools.push_anthropic("web_search_20250305", None, "{}", CLAUDE, &mut fields));
    assert!(tools.has("bash") && !tools.has("w"));
    for (choice, has_config, expected) in [
        (Choice::Auto, false, None),
        (Choice::Any, false, Some(json!({"type": "any"}))),
        (Choice::Any, true, None),
        (
            Choice::Tool(Cow::Borrowed("bash")),
            true,
            Some(json!({"type": "tool", "name": "bash"})),
        ),
    ] {
        tools.specs.clear();
        if has_config {
            tools.push(spec("w")).unwrap();
        }
        tools.choice = choice;
        let (body, ..) = written(&tools, &Facts::default(), CLAUDE);
        let additional = &body["additionalModelRequestFields"];
        assert_eq!(additional["tools"].as_array().unwrap().len(), 2);
        assert_eq!(additional.get("tool_choice").cloned(), expected);
        assert_eq!(body.get("toolConfig").is_some(), has_config);
    }
    let mut out = Out::begin(
        0,
        MarkPaths {
            tools: "",
            blocks: "",
        },
        CLAUDE,
    );
    fields.write(&mut out);
    let body = out.finish(&mut LossReport::default());
    assert!(
        String::from_utf8_lossy(&body).contains(r#""anthropic_beta":["computer-use-2025-01-24"]"#)
    );

    let search = Tools {
        grounding: true,
        ..Tools::default()
    };
    let (body, ..) = written(&search, &calling(&["g"]), Rules::default());
    let list = body["toolConfig"]["tools"].as_array().unwrap();
    assert_eq!(list[0], json!({"systemTool": {"name": "nova_grounding"}}));
    assert_eq!(list[1]["toolSpec"]["name"], "g");
}

#[test]
fn descriptions() {
    let text = |json| RawStr::from_json(json);
    assert_eq!(description(text("\" \\n\"")), "");
    assert_eq!(description(None), "");
    assert_eq!(description(text("\"a\\n\"")), r"a\n");
    assert_eq!(
        with_grammar("d", text("\"lark\""), text("\"start: \\\"x\\\"\"")),
        r#"d\n\nThe value of `input` must match this lark grammar:\nstart: \"x\""#
    );
    assert!(with_grammar("", None, None).starts_with("The value"));
}
