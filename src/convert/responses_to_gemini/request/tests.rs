#![expect(
    clippy::needless_pass_by_value,
    reason = "cases read better without references"
)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::convert;
use crate::convert::context::RequestContext;
use crate::convert::gemini_envelope::{self, Signature};
use crate::convert::report::{LossReport, Refusal};
use crate::models::ModelTable;
use crate::provider::Provider;
use crate::target::Options;

const FLASH: &str = "gemini-3.8-flash";
const OLDER: &str = "gemini-2.5-flash";
const PNG: &str = "data:image/png;base64,iVBORw0KGgo=";

fn try_run(model: &str, body: &Value) -> Result<(Value, LossReport), Refusal> {
    let capabilities = ModelTable::new().lookup(model);
    let mut report = LossReport::default();
    let converted = convert(
        body.to_string().as_bytes(),
        &mut RequestContext {
            model,
            provider: Provider::Gemini,
            options: &Options::default(),
            headers: &http::HeaderMap::new(),
            capabilities: &capabilities,
            lossy: false,
            report: &mut report,
        },
    )?;
    let sent = serde_json::from_slice(&converted.body).unwrap();
    check(&sent);
    Ok((sent, report))
}

/// What Google refuses in any request.
fn check(sent: &Value) {
    let contents = sent["contents"].as_array().unwrap();
    assert_eq!(contents[0]["role"], "user", "{sent}");
    for content in contents {
        let parts = content["parts"].as_array().unwrap();
        assert!(!parts.is_empty(), "{sent}");
        let results = parts.iter().filter(|p| p["functionResponse"].is_object());
        let count = results.count();
        assert!(count == 0 || count == parts.len(), "{sent}");
    }
    for tool in sent["tools"].as_array().into_iter().flatten() {
        assert_eq!(tool.as_object().unwrap().len(), 1, "{sent}");
    }
    let config = &sent["toolConfig"]["functionCallingConfig"];
    if !config.is_null() {
        let declared = sent.pointer("/tools/0/functionDeclarations");
        assert!(declared.is_some(), "{sent}");
    }
}

fn request(members: Value) -> Value {
    let mut body = json!({"model": "m", "input": "hi", "tools": [{"type": "web_search"}]});
    for (key, value) in members.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[track_caller]
fn on(model: &str, members: Value) -> (Value, LossReport) {
    try_run(model, &request(members)).unwrap()
}

#[track_caller]
fn refused(members: Value) -> String {
    try_run(FLASH, &request(members))
        .unwrap_err()
        .param
        .into_owned()
}

fn dropped(report: &LossReport, field: &str) -> bool {
    report.dropped().iter().any(|f| f == field)
}

fn approximated(report: &LossReport, field: &str) -> bool {
    report.approximated().iter().any(|f| f == field)
}

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}})
}

#[test]
fn a_search() {
    let members = json!({"instructions": "Be brief.", "max_output_tokens": 500, "temperature": 1, "top_p": 0.5,
        "reasoning": {"effort": "low", "summary": "auto"}});
    let (sent, report) = on(FLASH, members);
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"googleSearch": {}}],
        "generationConfig": {"maxOutputTokens": 500, "temperature": 1, "topP": 0.5,
            "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": true}},
    });
    assert_eq!(sent, expected);
    for field in ["tools[].type", "reasoning.effort", "reasoning.summary"] {
        assert!(approximated(&report, field), "{field} in {report:?}");
    }
}

#[test]
fn what_google_has_no_word_for() {
    let members = json!({
        "tools": [{"type": "web_search", "search_context_size": "low", "filters": {"allowed_domains": ["a.b"]},
            "user_location": {"type": "approximate", "country": "DE"}},
            {"type": "file_search", "vector_store_ids": ["v"]}],
        "user": "u", "safety_identifier": "s", "max_tool_calls": 3, "prompt_cache_key": "k", "store": true,
        "truncation": "auto", "text": {"verbosity": "low"}, "prompt_cache_options": {"mode": "explicit"},
        "service_tier": "scale", "tool_choice": {"type": "web_search"},
    });
    let (sent, report) = on(FLASH, members);
    assert_eq!(sent["tools"], json!([{"googleSearch": {}}]));
    assert_eq!(sent.get("toolConfig"), None);
    for field in [
        "tools[].search_context_size",
        "tools[].filters",
        "tools[].user_location",
        "tools[]",
        "user",
        "safety_identifier",
        "max_tool_calls",
        "prompt_cache_key",
        "store",
        "truncation",
        "text.verbosity",
        "prompt_cache_options",
        "service_tier",
        "tool_choice",
    ] {
        assert!(dropped(&report, field), "{field} in {report:?}");
    }
    for (field, members) in [
        (
            "previous_response_id",
            json!({"previous_response_id": "resp_1"}),
        ),
        ("conversation", json!({"conversation": "c"})),
        ("background", json!({"background": true})),
        ("prompt", json!({"prompt": {"id": "p"}})),
        ("top_logprobs", json!({"top_logprobs": 2})),
        (
            "prompt_cache_options.prewarm",
            json!({"prompt_cache_options": {"prewarm": true}}),
        ),
        ("reasoning.effort", json!({"reasoning": {"effort": "odd"}})),
        (
            "text.format.type",
            json!({"text": {"format": {"type": "odd"}}}),
        ),
        ("max_output_tokens", json!({"max_output_tokens": "x"})),
        ("temperature", json!({"temperature": "x"})),
        ("input", json!({"input": []})),
        (
            "input[0].type",
            json!({"input": [{"type": "item_reference", "id": "x"}]}),
        ),
        (
            "input[0]",
            json!({"input": [{"role": "assistant", "content": "x"}]}),
        ),
        (
            "input[0].content[0]",
            json!({"input": [{"role": "user", "content": [{"type": "odd"}]}]}),
        ),
        (
            "input[0].content[0].file_id",
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]}),
        ),
        (
            "input[1].call_id",
            json!({"input": [{"role": "user", "content": "x"}, {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]}),
        ),
        (
            "tool_choice.type",
            json!({"tool_choice": {"type": "image_generation"}}),
        ),
    ] {
        assert_eq!(refused(members.clone()), field, "{members}");
    }
}

#[test]
fn code_that_google_runs() {
    let (sent, report) = on(
        FLASH,
        json!({"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}),
    );
    assert_eq!(sent["tools"], json!([{"codeExecution": {}}]));
    assert!(report.dropped().is_empty(), "{report:?}");
    let tools = json!([{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "4g"}}]);
    let (sent, report) = on(FLASH, json!({"tools": tools}));
    assert_eq!(
        sent["tools"],
        json!([{"googleSearch": {}}, {"codeExecution": {}}])
    );
    assert!(dropped(&report, "tools[].container"));
    let choice =
        json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "code_interpreter"}]});
    let (sent, _) = on(FLASH, json!({"tools": tools, "tool_choice": choice}));
    assert_eq!(sent["tools"], json!([{"codeExecution": {}}]));
}

#[test]
fn functions_beside_a_search() {
    let space =
        json!({"type": "namespace", "name": "n", "description": "Of n.", "tools": [function("g")]});
    let custom = json!({"type": "custom", "name": "apply", "description": "Edits",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}});
    let tools = json!([function("f"), space, custom, {"type": "web_search"}]);
    let (sent, _) = on(FLASH, json!({"tools": tools, "tool_choice": "auto"}));
    let declared = &sent["tools"][0]["functionDeclarations"];
    assert_eq!(declared[0]["name"], "f");
    assert_eq!(declared[1]["name"], "n__g");
    assert_eq!(declared[1]["description"], "Of n.");
    assert_eq!(
        declared[2]["description"],
        "Edits\n\nThe value of `input` must match this lark grammar:\nstart: /x/"
    );
    assert_eq!(sent["tools"][1], json!({"googleSearch": {}}));
    assert_eq!(
        sent["toolConfig"],
        json!({"includeServerSideToolInvocations": true})
    );
    for (choice, expected) in [
        (json!("required"), json!({"mode": "ANY"})),
        (
            json!({"type": "function", "name": "f"}),
            json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ),
        (
            json!({"type": "custom", "name": "apply"}),
            json!({"mode": "ANY", "allowedFunctionNames": ["apply"]}),
        ),
    ] {
        let (sent, _) = on(FLASH, json!({"tools": tools, "tool_choice": choice}));
        assert_eq!(sent["toolConfig"]["functionCallingConfig"], expected);
    }
    // Nothing may be called, and nothing searched.
    let (sent, _) = on(FLASH, json!({"tools": tools, "tool_choice": "none"}));
    assert_eq!(sent["tools"].as_array().unwrap().len(), 1);
    assert_eq!(
        sent["toolConfig"],
        json!({"functionCallingConfig": {"mode": "NONE"}})
    );
    let (_, report) = on(FLASH, json!({"tools": tools, "parallel_tool_calls": false}));
    assert!(dropped(&report, "parallel_tool_calls"));
    // Older models have either.
    let (sent, report) = on(OLDER, json!({"tools": tools}));
    assert_eq!(sent["tools"].as_array().unwrap().len(), 1);
    assert_eq!(sent.get("toolConfig"), None);
    assert!(dropped(&report, "tools[]"));
    let forced = request(json!({"tools": tools, "tool_choice": {"type": "web_search"}}));
    let refusal = try_run(OLDER, &forced).unwrap_err();
    assert_eq!(refusal.param, "tool_choice.type");
}

#[test]
fn structured_output() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let format = json!({"type": "json_schema", "name": "n", "strict": true, "schema": schema});
    let (sent, _) = on(FLASH, json!({"text": {"format": format}}));
    let config = &sent["generationConfig"];
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(config["responseJsonSchema"], schema);
    let (sent, _) = on(FLASH, json!({"text": {"format": {"type": "json_object"}}}));
    assert_eq!(
        sent["generationConfig"]["responseMimeType"],
        "application/json"
    );
}

#[test]
fn parts() {
    let content = json!([
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
        {"type": "input_image", "file_id": "files/x"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "JVBERi0="},
        {"type": "input_file", "file_url": "https://a.example/b.pdf"},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    ]);
    let input = json!([{"role": "user", "content": content}]);
    let (sent, _) = on(FLASH, json!({"input": input}));
    let expected = json!([
        {"text": "see"},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
        {"fileData": {"fileUri": "files/x"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "https://a.example/b.pdf"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}},
    ]);
    assert_eq!(sent["contents"][0]["parts"], expected);
}

/// A loop over two turns: signatures return on the calls that they came with, byte for byte.
#[test]
fn a_loop_with_signatures() {
    let carrier = gemini_envelope::write(&[Signature::Call {
        id: "fc1".into(),
        value: r"c2ln\/LUE=".into(),
    }]);
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{\"a\":\"x\"}"});
    let input = json!([
        {"role": "developer", "content": "Sys."},
        {"role": "user", "content": "go"},
        {"type": "reasoning", "summary": [], "encrypted_content": carrier},
        call("fc1"),
        call("fc2"),
        {"type": "function_call_output", "call_id": "fc2", "output": "two"},
        {"type": "function_call_output", "call_id": "fc1", "output": [{"type": "input_text", "text": "{\"t\":1}"}, {"type": "input_image", "image_url": PNG}]},
        call("fc3"),
        {"type": "function_call_output", "call_id": "fc3", "output": ""},
    ]);
    let tools = json!([function("f"), {"type": "web_search"}]);
    let (sent, _) = on(FLASH, json!({"input": input, "tools": tools}));
    let called = |id: &str, signature: Option<&str>| {
        let mut part = json!({"functionCall": {"id": id, "name": "f", "args": {"a": "x"}}});
        if let Some(signature) = signature {
            part["thoughtSignature"] = json!(signature);
        }
        part
    };
    let png = json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}});
    let expected = json!([
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": [called("fc1", Some("c2ln/LUE=")), called("fc2", None)]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "fc1", "name": "f", "response": {"t": 1}, "parts": [png]}},
            {"functionResponse": {"id": "fc2", "name": "f", "response": {"output": "two"}}}]},
        {"role": "model", "parts": [called("fc3", Some("skip_thought_signature_validator"))]},
        {"role": "user", "parts": [{"functionResponse": {"id": "fc3", "name": "f", "response": {"output": ""}}}]},
    ]);
    assert_eq!(sent["contents"], expected);
    assert_eq!(
        sent["systemInstruction"]["parts"],
        json!([{"text": "Sys."}])
    );
    // Older models know no ids, and see images behind the results.
    let body = request(json!({"input": input, "tools": [function("f"), {"type": "web_search"}]}));
    let (sent, report) = try_run(OLDER, &body).unwrap();
    assert_eq!(
        sent["contents"][1]["parts"][0]["functionCall"].get("id"),
        None
    );
    assert_eq!(
        sent["contents"][3]["parts"],
        json!([{"text": "[image returned by f]"}, png])
    );
    assert!(approximated(&report, "input[].output[]"));
}

#[test]
fn parts_of_googles_own_tools_return_unchanged() {
    let parts = r#"{"toolCall":{"id":"t1"},"thoughtSignature":"s+/="},{"toolResponse":{"id":"t1"}},{"text":"It is"},{"functionCall":{"id":"fc1","name":"f","args":{}},"thoughtSignature":"u"}"#;
    let carrier = gemini_envelope::write_parts(parts.as_bytes());
    let message = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It is", "annotations": []}]});
    let search = json!({"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}});
    let call = json!({"type": "function_call", "call_id": "fc1", "name": "f", "arguments": "{}"});
    let reasoning = json!({"type": "reasoning", "summary": [], "encrypted_content": carrier});
    let output = json!({"type": "function_call_output", "call_id": "fc1", "output": "x"});
    let user = json!({"role": "user", "content": "go"});
    let tools = json!([function("f"), {"type": "web_search"}]);
    let input = json!([user, message, search, call, reasoning, output]);
    let (sent, _) = on(FLASH, json!({"input": input, "tools": tools}));
    let expected: Value = serde_json::from_str(&format!("[{parts}]")).unwrap();
    assert_eq!(sent["contents"][1]["parts"], expected);
    // A client that took the call away means it.
    let input = json!([user, message, search, reasoning, user]);
    let (sent, _) = on(FLASH, json!({"input": input, "tools": tools}));
    assert_eq!(sent["contents"][1]["parts"], json!([{"text": "It is"}]));
}

#[test]
fn signatures_of_texts_and_foreign_carriers() {
    let carrier = gemini_envelope::write(&[Signature::Message {
        value: "s+/=".into(),
    }]);
    let input = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"type": "reasoning", "summary": [], "encrypted_content": carrier},
        {"role": "user", "content": "c"},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"},
        {"role": "assistant", "content": "d"},
        {"role": "user", "content": "e"},
    ]);
    let (sent, report) = on(FLASH, json!({"input": input}));
    assert_eq!(
        sent["contents"][1]["parts"],
        json!([{"text": "b", "thoughtSignature": "s+/="}])
    );
    assert_eq!(sent["contents"][3]["parts"], json!([{"text": "d"}]));
    assert!(dropped(&report, "input[].encrypted_content"));
}

#[test]
fn instructions_alone_are_the_users() {
    let body = json!({"instructions": "Say x.", "tools": [{"type": "web_search"}]});
    let (sent, report) = try_run(FLASH, &body).unwrap();
    assert_eq!(
        sent["contents"],
        json!([{"role": "user", "parts": [{"text": "Say x."}]}])
    );
    assert_eq!(sent.get("systemInstruction"), None);
    assert!(approximated(&report, "instructions"));
}

fn word() -> impl Strategy<Value = Value> {
    let parts = gemini_envelope::write_parts(b"{\"text\":\"a\"}");
    prop_oneof![
        4 => prop::sample::select(vec!["a".to_owned(), String::new(), "é\"\\\n".into(), PNG.into(), "{}".into(), parts, "YSxi".into()])
            .prop_map(|s| json!(s)),
        1 => prop::sample::select(vec![json!(null), json!(1), json!([]), json!({}), json!({"type": "text"})]),
    ]
}

fn item() -> impl Strategy<Value = Value> {
    let part = (
        prop::sample::select(vec!["input_text", "output_text", "input_image", "input_file", "input_audio", "refusal", "odd"]),
        word(),
    )
        .prop_map(|(kind, word)| {
            json!({"type": kind, "text": word, "refusal": word, "image_url": word, "file_data": word, "filename": "a.txt",
                "detail": word, "input_audio": {"data": word, "format": "wav"}})
        });
    let content =
        prop_oneof![2 => word(), 1 => prop::collection::vec(part, 0..3).prop_map(Value::from)];
    let role = prop::sample::select(vec!["user", "user", "assistant", "developer", "odd"]);
    let id = prop::sample::select(vec!["a", "b", ""]);
    prop_oneof![
        4 => (role, content.clone()).prop_map(|(role, content)| json!({"role": role, "content": content})),
        1 => word().prop_map(|word| json!({"type": "reasoning", "summary": [], "encrypted_content": word})),
        1 => prop::sample::select(vec!["web_search_call", "compaction", "additional_tools", "configuration_update"]).prop_map(|kind| json!({"type": kind})),
        3 => (id.clone(), word()).prop_map(|(id, word)| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": word})),
        1 => id.clone().prop_map(|id| json!({"type": "custom_tool_call", "call_id": id, "name": "p", "input": "i"})),
        3 => (id, content).prop_map(|(id, content)| json!({"type": "function_call_output", "call_id": id, "output": content})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_request_is_refused_or_valid(
        items in prop::collection::vec(item(), 0..8),
        odd in word(),
        older in any::<bool>(),
        functions in any::<bool>(),
        choice in prop::sample::select(vec![json!("auto"), json!("none"), json!("required"), json!({"type": "web_search"}), json!({"type": "function", "name": "f"}), json!(7)]),
    ) {
        let mut input = vec![json!({"role": "user", "content": "x"})];
        input.extend(items);
        let mut tools = vec![json!({"type": "web_search", "filters": odd}), json!({"type": "code_interpreter", "container": odd})];
        if functions {
            tools.push(function("f"));
        }
        let body = request(json!({"input": input, "tools": tools, "tool_choice": choice, "instructions": odd, "temperature": odd}));
        let _ = try_run(if older { OLDER } else { FLASH }, &body);
        let plain = request(json!({"input": input, "tools": tools, "tool_choice": choice}));
        let _ = try_run(if older { OLDER } else { FLASH }, &plain);
    }
}
