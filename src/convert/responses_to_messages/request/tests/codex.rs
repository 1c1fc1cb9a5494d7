//! Requests in the shape in which Codex sends them, abbreviated.

use super::*;

/// An agent's turn with an unknown model's tools.
#[test]
fn an_ordinary_turn() {
    let done = Case::model("claude-sonnet-5").with(json!({
        "stream": true, "tool_choice": "auto", "parallel_tool_calls": true, "store": false,
        "include": ["reasoning.encrypted_content"], "prompt_cache_key": "t", "text": {"verbosity": "low"},
        "reasoning": {"summary": "auto"}, "client_metadata": {"x": "y"},
        "tools": [
            {"type": "function", "name": "exec_command", "description": "Run", "strict": false, "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}}},
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
            {"type": "function_call_output", "id": "o2", "call_id": "c2", "output": [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "original"}]}]
    }));
    assert_eq!(done.body["system"].as_array().unwrap().len(), 3);
    assert_eq!(done.body["messages"].as_array().unwrap().len(), 3);
    assert_eq!(done.body["tools"].as_array().unwrap().len(), 3);
    assert_eq!(
        done.body["messages"][1]["content"][1]["name"],
        "multi_agent_v1__spawn_agent"
    );
    done.has(
        "thinking",
        json!({"type": "adaptive", "display": "summarized"}),
    )
    .has("stream", json!(true));
}

/// The tools of its lighter models stand in the input only.
#[test]
fn code_mode() {
    let done = Case::model("claude-sonnet-5").with(json!({
        "parallel_tool_calls": false, "reasoning": {"effort": "low", "context": "all_turns"},
        "input": [
            {"type": "additional_tools", "role": "developer", "tools": [{"type": "namespace", "name": "functions", "description": "", "tools": [
                {"type": "custom", "name": "exec", "description": "Run code", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}},
                {"type": "function", "name": "wait"}]}]},
            {"role": "developer", "content": "You are Codex."},
            user("go"),
            {"type": "custom_tool_call", "name": "exec", "namespace": "functions", "input": "ls()", "call_id": "c1"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "a"}]}]
    }));
    assert_eq!(
        done.body["system"],
        json!([{"type": "text", "text": "You are Codex."}])
    );
    assert_eq!(done.body["tools"][0]["name"], "functions__exec");
    assert_eq!(
        done.body["messages"][1]["content"][0],
        json!({"type": "tool_use", "id": "c1", "name": "functions__exec", "input": {"input": "ls()"}})
    );
    done.has(
        "tool_choice",
        json!({"type": "auto", "disable_parallel_tool_use": true}),
    );
}
