//! What agents send is never refused for its habitual extras.

use serde_json::{Value, json};

use super::{ALL, SONNET, to};

const BETAS: &str = "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,effort-2025-11-24,mid-conversation-tool-changes-2026-07-01";

/// A turn of Claude Code's, with what it sends to newer models and to names that it does not know.
fn claude_code() -> Value {
    let cache = json!({"type": "ephemeral", "ttl": "1h"});
    json!({
        "model": "claude-x", "max_tokens": 32_000, "stream": true,
        "thinking": {"type": "adaptive", "display": "omitted"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "metadata": {"user_id": "{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"s\"}"},
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=sdk-cli;"},
            {"type": "text", "text": "You are an agent.", "cache_control": cache},
            {"type": "text", "text": "Rules.", "cache_control": cache},
        ],
        "tools": [
            {"name": "Read", "description": "Reads.", "input_schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"path": {"type": "string", "maxLength": 9}}, "additionalProperties": false}},
            {"name": "DeferredToolPlaceholder", "description": "d", "input_schema": {"type": "object"}, "defer_loading": true},
            {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look"}]},
            {"role": "system", "content": "# Environment", "output_config": {"effort": "high"}},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "", "signature": "EqQB"},
                {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "a.png"}},
                {"type": "tool_use", "id": "toolu_2", "name": "ToolSearch", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
                    {"type": "text", "text": "ok"},
                ]},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": [{"type": "tool_reference", "tool_name": "WebFetch"}], "is_error": false},
                {"type": "text", "text": "Tool loaded.", "cache_control": cache},
            ]},
            {"role": "system", "content": [{"type": "text", "text": "total_tokens left: 9"}]},
        ],
    })
}

#[test]
fn claude_code_is_served_by_every_family() {
    for model in ALL {
        let done = to(model).beta(BETAS).with(claude_code());
        assert!(!done.text.contains("billing"), "{model}");
        assert!(!done.text.contains("cache_control") && !done.text.contains("tool_search_tool"));
        for path in [
            "system[]",
            "tools[]",
            "tools[].defer_loading",
            "context_management",
            "messages[].output_config",
            "anthropic-beta.claude-code-20250219",
        ] {
            assert!(
                done.dropped.iter().any(|dropped| dropped == path),
                "{model}: {path}"
            );
        }
        for path in ["messages[].role", "messages[].content[].content[]"] {
            assert!(
                done.approximated.iter().any(|p| p == path),
                "{model}: {path}"
            );
        }
        assert_eq!(done.body["messages"].as_array().unwrap().len(), 3);
    }
    let done = to(SONNET).beta(BETAS).with(claude_code());
    assert_eq!(done.text.matches("cachePoint").count(), 3);
}

#[test]
fn a_search_of_claude_codes_is_refused_since_it_is_forced() {
    to(SONNET).unsupported(
        "tool_choice.name",
        json!({
            "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}],
            "tool_choice": {"type": "tool", "name": "web_search"},
            "thinking": {"type": "disabled"}, "temperature": 1,
        }),
    );
}
