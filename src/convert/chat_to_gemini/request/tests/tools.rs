//! Functions, freeform tools, Google's own tools, and the choice between them.

use super::*;

fn declared(done: &Done) -> Value {
    done.body["tools"][0]["functionDeclarations"].clone()
}

#[test]
fn googles_tools_in_every_spelling() {
    let case = Case::default();
    for (tool, expected) in [
        (json!({"googleSearch": {}}), json!({"googleSearch": {}})),
        (json!({"google_search": {}}), json!({"googleSearch": {}})),
        (json!({"type": "googleSearch"}), json!({"googleSearch": {}})),
        (
            json!({"type": "google_search", "google_search": {"time_range_filter": {"start_time": "2026-01-01T00:00:00Z"}}}),
            json!({"googleSearch": {"timeRangeFilter": {"startTime": "2026-01-01T00:00:00Z"}}}),
        ),
        (
            json!({"type": "googleSearch", "searchTypes": {"web_search": {}}}),
            json!({"googleSearch": {"searchTypes": {"webSearch": {}}}}),
        ),
        (
            json!({"google_search_retrieval": {"dynamic_retrieval_config": {"mode": "MODE_DYNAMIC", "dynamic_threshold": 0.50}}}),
            json!({"googleSearchRetrieval": {"dynamicRetrievalConfig": {"mode": "MODE_DYNAMIC", "dynamicThreshold": 0.5}}}),
        ),
        (json!({"urlContext": {}}), json!({"urlContext": {}})),
        (function("url_context"), json!({"urlContext": {}})),
        (function("codeExecution"), json!({"codeExecution": {}})),
        (
            json!({"type": "function", "function": {"name": "codeExecution", "parameters": {"type": "object", "properties": {}}}}),
            json!({"codeExecution": {}}),
        ),
        (
            json!({"type": "function", "function": {"name": "file_search", "parameters": {"file_search_store_names": ["a/b"]}}}),
            json!({"fileSearch": {"fileSearchStoreNames": ["a/b"]}}),
        ),
        (
            json!({"fileSearch": {"fileSearchStoreNames": ["x"], "topK": 3, "metadataFilter": "a_b = 1"}}),
            json!({"fileSearch": {"fileSearchStoreNames": ["x"], "topK": 3, "metadataFilter": "a_b = 1"}}),
        ),
        (json!({"googleMaps": {}}), json!({"googleMaps": {}})),
    ] {
        case.with(json!({"tools": [tool]}))
            .exact()
            .has("/tools", json!([expected]));
    }
    case.unsupported(
        "tools[0].googleSearch.excludeDomains",
        json!({"tools": [{"googleSearch": {"excludeDomains": ["x"]}}]}),
    );
    case.invalid(
        "tools[1].fileSearch.fileSearchStoreNames",
        json!({"tools": [{"urlContext": {}}, {"fileSearch": {}}]}),
    );
}

#[test]
fn duplicates_merge_and_web_search_options_is_one() {
    let case = Case::default();
    case.with(json!({"tools": [
        {"googleSearch": {"searchTypes": {"webSearch": {}}, "timeRangeFilter": {"startTime": "a"}}}, {"urlContext": {}},
        {"google_search": {"time_range_filter": {"startTime": "b"}}}
    ], "web_search_options": {}}))
    .exact()
    .has(
        "/tools",
        json!([
            {"googleSearch": {"searchTypes": {"webSearch": {}}, "timeRangeFilter": {"startTime": "b"}}}, {"urlContext": {}}
        ]),
    );
    case.with(json!({"web_search_options": {"search_context_size": "low", "user_location": {"type": "approximate"}, "odd": 1}}))
        .dropped("web_search_options.search_context_size")
        .dropped("web_search_options.user_location")
        .dropped("web_search_options.odd")
        .has("/tools", json!([{"googleSearch": {}}]));
}

#[test]
fn a_function_of_the_clients_that_is_called_so_stays_one() {
    let schema = json!({"type": "object", "properties": {"q": {"type": "string"}}});
    let tool =
        json!({"type": "function", "function": {"name": "googleSearch", "parameters": schema}});
    let done = Case::default().with(json!({"tools": [tool]}));
    assert_eq!(
        declared(&done),
        json!([{"name": "googleSearch", "parametersJsonSchema": schema}])
    );
}

#[test]
fn functions_keep_their_schemas() {
    let schema = r##"{"$defs":{"P":{"type":"object"}},"type":"object","properties":{"a":{"$ref":"#/$defs/P","exclusiveMinimum":0},"b":{"const":1.50}},"patternProperties":{"x":{}}}"##;
    let parameters: Value = serde_json::from_str(schema).unwrap();
    let done = Case::default().with(json!({"tools": [
        {"type": "function", "function": {"name": "f", "description": "d\n", "parameters": parameters, "strict": true}},
        {"type": "function", "function": {"name": "bare"}},
        {"type": "function", "function": {"name": "empty", "parameters": {"type": "object", "properties": {}, "additionalProperties": false}}}
    ]}));
    done.dropped("tools[].function.strict");
    assert_eq!(
        declared(&done),
        json!([{"name": "f", "description": "d\n", "parametersJsonSchema": parameters}, {"name": "bare"}, {"name": "empty"}])
    );
    // The deprecated list.
    let done = Case::default()
        .with(json!({"functions": [{"name": "f", "parameters": {"properties": {"a": true}}}]}));
    done.exact();
    assert_eq!(
        declared(&done),
        json!([{"name": "f", "parametersJsonSchema": {"type": "object", "properties": {"a": {}}}}])
    );
}

#[test]
fn names_that_google_does_not_take_are_repaired() {
    let done = Case::default().with(json!({"tools": [function("1a"), function("_1a"), function("a.b:c-d"), function("a b"), function("a_b")]}));
    let names: Vec<String> = declared(&done)
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["_1a_2", "_1a", "a.b:c-d", "a_b_2", "a_b"]);
    done.approximated("tools[].function.name");
    assert_eq!(done.state.tools.original("_1a_2"), "1a");
    assert_eq!(done.state.tools.original("a_b"), "a_b");
}

#[test]
fn freeform_tools_become_functions() {
    let done = Case::default().with(json!({"tools": [{"type": "custom", "custom": {"name": "sql", "description": "Runs.",
        "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: \"x\""}}}}]}));
    done.approximated("tools[].custom")
        .approximated("tools[].custom.format");
    let declared = declared(&done);
    assert_eq!(
        declared[0]["description"],
        "Runs.\n\nThe value of `input` must match this lark grammar:\nstart: \"x\""
    );
    assert_eq!(
        declared[0]["parametersJsonSchema"]["required"],
        json!(["input"])
    );
    assert!(done.state.tools.is_custom("sql"));
}

#[test]
fn functions_beside_googles_tools_need_a_model_that_can() {
    let both = json!({"tools": [{"googleSearch": {}}, function("f")]});
    Case::default()
        .with(both.clone())
        .has(
            "/tools",
            json!([{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}]),
        )
        .has(
            "/toolConfig",
            json!({"includeServerSideToolInvocations": true}),
        );
    for model in [OLD, LEGACY] {
        let refusal = Case::model(model).try_with(both.clone()).unwrap_err();
        assert_eq!(
            (refusal.fault, &*refusal.param),
            (Fault::Unsupported, "tools")
        );
        assert_eq!(
            refusal.message,
            format!("built-in tools cannot be combined with functions on {model}")
        );
    }
    // AUTO is the default, and not understood beside them.
    let mut auto = both.clone();
    auto["tool_choice"] = json!("auto");
    Case::default().with(auto).has(
        "/toolConfig",
        json!({"includeServerSideToolInvocations": true}),
    );
    let mut any = both;
    any["tool_choice"] = json!("required");
    Case::default().with(any).has(
        "/toolConfig",
        json!({"functionCallingConfig": {"mode": "ANY"}, "includeServerSideToolInvocations": true}),
    );
}

#[test]
fn choices() {
    let case = Case::default();
    let with = |choice: Value| {
        case.with(json!({"tools": [function("f"), function("1g")], "tool_choice": choice}))
            .body["toolConfig"]["functionCallingConfig"]
            .clone()
    };
    for (choice, expected) in [
        (json!("none"), json!({"mode": "NONE"})),
        (json!("auto"), json!({"mode": "AUTO"})),
        (json!("required"), json!({"mode": "ANY"})),
        (
            function("f"),
            json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ),
        (
            function("1g"),
            json!({"mode": "ANY", "allowedFunctionNames": ["_1g"]}),
        ),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [function("f"), function("1g")]}}),
            json!({"mode": "VALIDATED", "allowedFunctionNames": ["f", "_1g"]}),
        ),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [function("f")]}}),
            json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ),
    ] {
        assert_eq!(with(choice.clone()), expected, "{choice}");
    }
    let choose = |choice: Value| json!({"tools": [function("f")], "tool_choice": choice});
    case.invalid("tool_choice.function.name", choose(function("other")));
    case.invalid("tool_choice", choose(json!("any")));
    case.invalid("tool_choice.type", choose(json!({"type": "odd"})));
    case.invalid(
        "tool_choice.allowed_tools.tools[0]",
        choose(json!({"type": "allowed_tools", "allowed_tools": {"tools": [function("x")]}})),
    );
    case.with(json!({"functions": [{"name": "f"}], "function_call": {"name": "f"}}))
        .has(
            "/toolConfig/functionCallingConfig/allowedFunctionNames",
            json!(["f"]),
        );
    case.with(json!({"tools": [function("f")], "parallel_tool_calls": false}))
        .dropped("parallel_tool_calls");
    case.with(json!({"tools": [function("f")], "parallel_tool_calls": true}))
        .exact();
}

#[test]
fn googles_tools_cannot_be_chosen() {
    let case = Case::default();
    for choice in [
        json!("required"),
        json!("auto"),
        json!("none"),
        function("googleSearch"),
        json!({"type": "googleSearch"}),
    ] {
        case.with(json!({"tools": [{"googleSearch": {}}], "tool_choice": choice}))
            .dropped("tool_choice")
            .has("/toolConfig", Value::Null);
    }
}

#[test]
fn tools_that_nobody_knows_are_dropped_unless_forced() {
    let case = Case::default();
    let odd = json!({"tools": [{"type": "tool_search"}, {"googleSearch": {}}]});
    case.with(odd)
        .dropped("tools[]")
        .has("/tools", json!([{"googleSearch": {}}]));
    case.unsupported(
        "tool_choice",
        json!({"tools": [{"type": "mcp"}], "tool_choice": "required"}),
    );
    case.unsupported(
        "tool_choice",
        json!({"tools": [{"type": "mcp"}, function("f")], "tool_choice": {"type": "mcp"}}),
    );
    case.invalid("tool_choice", json!({"tool_choice": "required"}));
    case.invalid("tools[0].type", json!({"tools": [{"odd": {}}]}));
    case.invalid("tools[0].function.name", json!({"tools": [function("")]}));
}

#[test]
fn older_models_get_a_subset() {
    let done = Case::model(LEGACY).with(json!({"tools": [{"type": "function", "function": {"name": "f", "parameters":
        {"type": "object", "properties": {"a": {"type": ["integer", "null"], "exclusiveMinimum": 0}}, "required": ["a", "b"]}}}]}));
    assert_eq!(
        declared(&done),
        json!([{"name": "f", "parameters":
        {"type": "OBJECT", "properties": {"a": {"type": "INTEGER", "minimum": 1, "nullable": true}}, "required": ["a"]}}])
    );
}
