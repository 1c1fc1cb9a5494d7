//! Requests in the shape in which Codex sends them, abbreviated.

use super::*;

/// An agent's turn with an unknown model's tools, on every family of models.
#[test]
fn an_ordinary_turn() {
    let members = json!({
        "stream": true, "tool_choice": "auto", "parallel_tool_calls": true, "store": false,
        "include": ["reasoning.encrypted_content"], "prompt_cache_key": "t", "text": {"verbosity": "low"},
        "reasoning": {"effort": "medium", "summary": "auto"}, "client_metadata": {"x": "y"},
        "tools": [
            {"type": "function", "name": "exec_command", "description": "Run", "strict": false, "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}}},
            {"type": "custom", "name": "apply_patch", "description": "Patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}},
            {"type": "namespace", "name": "multi_agent_v1", "description": "Agents", "tools": [function("spawn_agent")]},
            {"type": "tool_search", "execution": "client"},
            {"type": "web_search", "external_web_access": true}],
        "input": [
            {"type": "message", "id": "msg_1", "role": "developer", "content": [{"type": "input_text", "text": "You are Codex."}]},
            {"type": "message", "id": "msg_2", "role": "developer", "content": [{"type": "input_text", "text": "Sandbox"}, {"type": "input_text", "text": "Skills"}]},
            {"type": "message", "id": "msg_3", "role": "user", "content": [{"type": "input_text", "text": "env"}]},
            {"type": "message", "id": "msg_4", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "content": null, "encrypted_content": "gAAAA"},
            {"type": "function_call", "id": "fc_1", "name": "exec_command", "arguments": "{\"cmd\":\"ls\"}", "call_id": "c1", "status": "completed"},
            {"type": "function_call", "id": "fc_2", "name": "spawn_agent", "namespace": "multi_agent_v1", "arguments": "{}", "call_id": "c2", "status": "completed"},
            {"type": "function_call_output", "id": "o1", "call_id": "c1", "output": "a"},
            {"type": "function_call_output", "id": "o2", "call_id": "c2", "output": [{"type": "input_image", "image_url": PNG, "detail": "original"}]}]
    });
    for model in [
        SONNET, SONNET_4, OPUS_4_6, OPUS_4_7, NOVA, NOVA_2, GPT_OSS, GPT, LLAMA,
    ] {
        let done = Case::model(model).with(members.clone());
        assert_eq!(done.body["system"].as_array().unwrap().len(), 3, "{model}");
        assert_eq!(
            done.body["messages"].as_array().unwrap().len(),
            3,
            "{model}"
        );
        let search = usize::from(done.text.contains("nova_grounding"));
        let tools = done.body.pointer("/toolConfig/tools").unwrap();
        assert_eq!(tools.as_array().unwrap().len(), 3 + search, "{model}");
        done.has(
            "/messages/1/content/1/toolUse/name",
            json!("multi_agent_v1__spawn_agent"),
        )
        .has("/toolConfig/toolChoice", json!({"auto": {}}));
    }
}

/// The tools of its lighter models stand in the input only.
#[test]
fn code_mode() {
    let done = Case::default().with(json!({
        "parallel_tool_calls": false, "tool_choice": "auto", "reasoning": {"effort": "low", "context": "all_turns"},
        "input": [
            {"type": "additional_tools", "role": "developer", "tools": [{"type": "namespace", "name": "functions", "description": "", "tools": [
                {"type": "custom", "name": "exec", "description": "Run code", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}},
                {"type": "function", "name": "wait"}]}]},
            {"role": "developer", "content": "You are Codex."},
            user("go"),
            {"type": "custom_tool_call", "name": "exec", "namespace": "functions", "input": "ls()", "call_id": "c1"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "a"}]}]
    }));
    done.has("/system", json!([{"text": "You are Codex."}]))
        .has(
            "/toolConfig/tools/0/toolSpec/name",
            json!("functions__exec"),
        )
        .has(
            "/messages/1/content",
            json!([used("c1", "functions__exec", json!({"input": "ls()"}))]),
        )
        .has(
            "/additionalModelRequestFields/tool_choice",
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        );
}
