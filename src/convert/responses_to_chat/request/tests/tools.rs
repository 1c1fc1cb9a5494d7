//! Tools, choices of them, and searches.

use super::*;

#[test]
fn tools() {
    let function = |name: &str, parameters: Value| json!({"type": "function", "function": {"name": name, "parameters": parameters}});
    let (body, report) = sent(
        GROQ,
        &json!({
            "tools": [
                {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true},
                {"type": "function", "name": "g", "parameters": null, "strict": null},
                {"type": "namespace", "name": "crm", "description": "CRM.", "tools": [
                    {"type": "function", "name": "find", "description": "Finds."},
                    {"type": "custom", "name": "raw"},
                    {"type": "file_search"}
                ]},
                {"type": "local_shell"}
            ],
            "tool_choice": {"type": "function", "name": "find", "namespace": "crm"},
            "parallel_tool_calls": false
        }),
    );
    assert_eq!(
        body["tools"],
        json!([
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}},
            function("g", json!({"type": "object", "properties": {}})),
            {"type": "function", "function": {"name": "crm__find", "description": "CRM.\n\nFinds.", "parameters": {"type": "object", "properties": {}}}},
            {"type": "function", "function": {
                "name": "crm__raw",
                "description": "CRM.\n\nPut the complete tool input, as plain text, in the single string field `input`.",
                "parameters": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"], "additionalProperties": false}
            }}
        ])
    );
    assert_eq!(
        body["tool_choice"],
        json!({"type": "function", "function": {"name": "crm__find"}})
    );
    assert_eq!(body["parallel_tool_calls"], false);
    assert_eq!(dropped(&report), ["tools[].tools[]", "tools[]"]);
}

#[test]
fn choices_of_tools() {
    let tools = json!([{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}, {"type": "mcp"}]);
    for (choice, expected, count) in [
        (json!("none"), json!("none"), 2),
        (json!("required"), json!("required"), 2),
        (
            json!({"type": "custom", "name": "c"}),
            json!({"type": "function", "function": {"name": "c"}}),
            2,
        ),
        (
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "c"}, {"type": "mcp"}]}),
            json!("required"),
            1,
        ),
    ] {
        let (body, _) = sent(GROQ, &json!({"tools": tools, "tool_choice": choice}));
        assert_eq!(body["tool_choice"], expected);
        assert_eq!(body["tools"].as_array().unwrap().len(), count, "{choice}");
    }
    // Without a tool there is nothing to choose.
    let (body, _) = sent(
        GROQ,
        &json!({"tools": [{"type": "mcp"}], "tool_choice": "auto"}),
    );
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
    let unknown = json!({"tools": tools, "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "x"}]}});
    assert_eq!(refused(GROQ, &unknown).1, "tool_choice.tools[0]");
}

#[test]
fn searches() {
    let search = json!([{
        "type": "web_search",
        "search_context_size": "low",
        "user_location": {"type": "approximate", "city": "Paris", "country": "FR"},
        "filters": {"allowed_domains": ["a.org"], "blocked_domains": ["b.org"]}
    }]);
    let (body, _) = sent(
        SONAR,
        &json!({"tools": search, "tool_choice": {"type": "web_search_preview"}}),
    );
    assert_eq!(
        body["web_search_options"],
        json!({"search_context_size": "low", "user_location": {"city": "Paris", "country": "FR"}})
    );
    assert_eq!(body["search_domain_filter"], json!(["a.org", "-b.org"]));
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
    let (body, _) = sent(COMPOUND, &json!({ "tools": search }));
    assert_eq!(
        body["search_settings"],
        json!({"country": "FR", "include_domains": ["a.org"], "exclude_domains": ["b.org"]})
    );
    let (body, _) = sent(
        GPT_OSS,
        &json!({
            "tools": [{"type": "web_search_2025_08_26"}, {"type": "code_interpreter", "container": {"type": "auto"}}],
        }),
    );
    assert_eq!(
        body["tools"],
        json!([{"type": "browser_search"}, {"type": "code_interpreter"}])
    );
    let (body, _) = sent(
        GPT_OSS,
        &json!({"tools": search, "tool_choice": {"type": "web_search"}}),
    );
    assert_eq!(body["tool_choice"], "required");
    let (body, report) = sent(
        GPT_OSS,
        &json!({"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["x"]}}]}),
    );
    assert!(body.get("tools").is_none() && dropped(&report) == ["tools[]"]);
}
