use serde_json::{Value, json};

use super::{NEW, OLD, function, refused, search, sent, try_convert};
use crate::convert::gemini_envelope::{self, Signature};
use crate::format::error::Fault;
use crate::target::Options;

#[track_caller]
fn reported(members: Value, dropped: &[&str], approximated: &[&str]) {
    let (_, report) = try_convert(NEW, &Options::default(), &members).unwrap();
    for field in dropped {
        assert!(
            report.dropped().iter().any(|f| f == field),
            "{field}: {report:?}"
        );
    }
    for field in approximated {
        assert!(
            report.approximated().iter().any(|f| f == field),
            "{field}: {report:?}"
        );
    }
}

#[test]
fn every_member_has_its_place() {
    let body = sent(json!({
        "system": [{"type": "text", "text": "x-anthropic-billing-header: 1"}, {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "temperature": 0.5, "top_p": 0.9, "top_k": 3, "stop_sequences": ["a", ""], "service_tier": "standard_only",
        "metadata": {"user_id": "u"}, "tools": [search(), {"type": "web_fetch_20250910", "name": "web_fetch"}, {"type": "code_execution_20250825", "name": "code_execution"}, {"type": "bash_20250124", "name": "bash"}],
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    }));
    assert_eq!(
        body,
        json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "tools": [{"googleSearch": {}}, {"urlContext": {}}, {"codeExecution": {}}],
            "generationConfig": {"maxOutputTokens": 100, "stopSequences": ["a"], "temperature": 0.5, "topP": 0.9, "topK": 3,
                "responseMimeType": "application/json", "responseJsonSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
                "thinkingConfig": {"thinkingLevel": "LOW"}},
            "serviceTier": "standard",
        })
    );
}

#[test]
fn what_is_lost_is_reported() {
    reported(
        json!({"metadata": {"user_id": "u"}, "service_tier": "odd", "cache_control": {}, "stop_sequences": [""],
            "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 1, "allowed_domains": ["a"], "blocked_domains": ["b"], "user_location": {}, "x": 1}, {"type": "bash_20250124", "name": "bash"}],
            "system": [{"type": "text", "text": "x-anthropic-billing-header: 1"}]}),
        &[
            "metadata.user_id",
            "service_tier",
            "cache_control",
            "stop_sequences[]",
            "tools[].max_uses",
            "tools[].allowed_domains",
            "tools[].blocked_domains",
            "tools[].user_location",
            "tools[].x",
            "tools[]",
            "system[]",
        ],
        &["tools[]"],
    );
    reported(
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "s"}, {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "t", "signature": "EqQB"}, {"type": "redacted_thinking", "data": "x"},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}, {"type": "text", "text": "b", "citations": [{"type": "x"}]}]}]}),
        &[
            "messages[].content[].thinking",
            "messages[].content[].data",
            "messages[].content[]",
            "messages[].content[].citations",
        ],
        &["messages[].role", "messages"],
    );
}

#[test]
fn what_cannot_be_sent_is_refused() {
    use Fault::{Invalid, Unsupported};
    refused(NEW, Invalid, "max_tokens", json!({"max_tokens": null}));
    refused(NEW, Invalid, "messages", json!({"messages": []}));
    refused(NEW, Unsupported, "container", json!({"container": "c"}));
    let stops = json!({"stop_sequences": ["1", "2", "3", "4", "5", "6"]});
    refused(NEW, Unsupported, "stop_sequences", stops);
    let first = json!({"messages": [{"role": "assistant", "content": "a"}]});
    refused(NEW, Unsupported, "messages[0]", first);
    let orphan = json!({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]});
    refused(NEW, Invalid, "messages[0].content[0].tool_use_id", orphan);
    let open = json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "f", "input": {}}]}, {"role": "user", "content": "b"}]});
    refused(NEW, Invalid, "messages[1]", open);
    let image = json!({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]});
    refused(NEW, Unsupported, "messages[0].content[0].source", image);
    let twice = json!({"tools": [search(), function("f"), function("f")]});
    refused(NEW, Invalid, "tools[2].name", twice);
    let mixed = json!({"tools": [search(), function("f")]});
    let (body, report) = try_convert(OLD, &Options::default(), &mixed).unwrap();
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert_eq!(report.dropped(), ["tools[]"]);
    let forced = json!({"tools": [search(), function("f")], "tool_choice": {"type": "tool", "name": "web_search"}});
    refused(OLD, Unsupported, "tool_choice", forced);
    let forced = json!({"tools": [search(), {"type": "bash_20250124", "name": "bash"}], "tool_choice": {"type": "tool", "name": "bash"}});
    refused(NEW, Unsupported, "tool_choice", forced);
    let unknown = json!({"tool_choice": {"type": "tool", "name": "g"}});
    refused(NEW, Invalid, "tool_choice.name", unknown);
}

#[test]
fn choices() {
    let calling = |tools: Value, choice: Value| {
        sent(json!({"tools": tools, "tool_choice": choice}))["toolConfig"].clone()
    };
    let both = || json!([function("f.g"), search()]);
    let with = |config: Value| json!({"functionCallingConfig": config, "includeServerSideToolInvocations": true});
    assert_eq!(
        calling(both(), json!({"type": "auto"})),
        json!({"includeServerSideToolInvocations": true})
    );
    assert_eq!(
        calling(both(), json!({"type": "any"})),
        with(json!({"mode": "ANY"}))
    );
    assert_eq!(
        calling(both(), json!({"type": "tool", "name": "f.g"})),
        with(json!({"mode": "ANY", "allowedFunctionNames": ["f.g"]}))
    );
    assert_eq!(
        calling(both(), json!({"type": "tool", "name": "web_search"})),
        with(json!({"mode": "NONE"}))
    );
    for choice in [
        json!({"type": "any"}),
        json!({"type": "tool", "name": "web_search"}),
    ] {
        assert_eq!(calling(json!([search()]), choice), Value::Null);
    }
    // Google's own tools have no such mode: they are left out.
    let none = sent(json!({"tools": both(), "tool_choice": {"type": "none"}}));
    assert_eq!(none["tools"].as_array().unwrap().len(), 1);
    assert_eq!(
        none["toolConfig"],
        json!({"functionCallingConfig": {"mode": "NONE"}})
    );
}

#[test]
fn thinking() {
    let config = |model: &str, members: Value| {
        let (body, _) = try_convert(model, &Options::default(), &members).unwrap();
        body["generationConfig"]["thinkingConfig"].clone()
    };
    let enabled = |tokens: u64| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    assert_eq!(config(NEW, json!({})), Value::Null);
    assert_eq!(
        config(NEW, enabled(20_000)),
        json!({"thinkingLevel": "HIGH", "includeThoughts": true})
    );
    assert_eq!(
        config(OLD, enabled(2000)),
        json!({"thinkingBudget": 2000, "includeThoughts": true})
    );
    assert_eq!(
        config(
            NEW,
            json!({"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}})
        ),
        json!({"thinkingLevel": "LOW"})
    );
    assert_eq!(
        config(OLD, json!({"thinking": {"type": "disabled"}})),
        json!({"thinkingBudget": 0})
    );
}

#[test]
fn media() {
    let body = sent(json!({"messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        {"type": "image", "source": {"type": "url", "url": "https://h/a.png"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
        {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
        {"type": "text", "text": ""}]}]}));
    assert_eq!(
        body["contents"],
        json!([{"role": "user", "parts": [
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
            {"fileData": {"mimeType": "image/png", "fileUri": "https://h/a.png"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}},
            {"text": "[document: T]\nwords"}, {"text": "[document]\nx"}]}])
    );
}

#[test]
fn loops_with_signatures() {
    let carrier = gemini_envelope::write(&[
        Signature::Call {
            id: "c1".into(),
            value: "c2ln+/=".into(),
        },
        Signature::Message {
            value: "bXNn".into(),
        },
    ]);
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}});
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": carrier}, {"type": "text", "text": "b"}, {"type": "text", "text": "c"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"z": 1, "a": [2.50]}}, {"type": "tool_use", "id": "c2", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c2", "is_error": true, "content": "bad"}, {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "{\"x\":1}"}, image]}, {"type": "text", "text": "go on"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c3", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c3"}]},
    ]);
    let body = sent(json!({"tools": [search(), function("f")], "messages": messages}));
    assert_eq!(
        body["contents"],
        json!([
            {"role": "user", "parts": [{"text": "a"}]},
            {"role": "model", "parts": [{"text": "bc", "thoughtSignature": "bXNn"},
                {"functionCall": {"id": "c1", "name": "f", "args": {"z": 1, "a": [2.50]}}, "thoughtSignature": "c2ln+/="},
                {"functionCall": {"id": "c2", "name": "f", "args": {}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "c1", "name": "f", "response": {"x": 1}, "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}},
                {"functionResponse": {"id": "c2", "name": "f", "response": {"error": "bad"}}}]},
            {"role": "user", "parts": [{"text": "go on"}]},
            {"role": "model", "parts": [{"functionCall": {"id": "c3", "name": "f", "args": {}}, "thoughtSignature": "skip_thought_signature_validator"}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "c3", "name": "f", "response": {"output": ""}}}]},
        ])
    );
}

#[test]
fn parts_go_back_with_their_own_ids() {
    let parts = r#"{"toolCall":{"id":"t"},"thoughtSignature":"c2ln"},{"functionCall":{"id":"odd id","name":"f"}}"#;
    let carrier = gemini_envelope::write_parts(parts.as_bytes());
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_r_0", "name": "f", "input": {}}, {"type": "thinking", "thinking": "", "signature": carrier}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_r_0", "content": "r"}]},
    ]);
    let body = sent(json!({"tools": [search(), function("f")], "messages": messages}));
    let expected: Value = serde_json::from_str(&format!("[{parts}]")).unwrap();
    assert_eq!(body["contents"][1]["parts"], expected);
    assert_eq!(
        body["contents"][2]["parts"][0]["functionResponse"]["id"],
        "odd id"
    );
}
