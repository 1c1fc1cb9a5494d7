//! Messages, calls, results and parts.

use super::*;

#[test]
fn a_codex_turn() {
    let (body, report) = sent(
        GROQ,
        &json!({
            "input": [
                {"type": "additional_tools", "role": "developer", "tools": [
                    {"type": "namespace", "name": "functions", "tools": [
                        {"type": "custom", "name": "exec", "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}},
                        {"type": "function", "name": "wait", "parameters": {"type": "object"}}
                    ]}
                ]},
                {"type": "message", "id": "msg_1", "role": "developer", "content": [{"type": "input_text", "text": "sys"}]},
                {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "p"}, {"type": "input_text", "text": "q"}]},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "env"}]},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "do"}]},
                {"type": "reasoning", "id": "rs", "summary": [], "content": null, "encrypted_content": "gAAAA"},
                {"type": "custom_tool_call", "call_id": "c1", "name": "exec", "namespace": "functions", "input": "ls\n\"x\""},
                {"type": "function_call", "call_id": "c2", "name": "wait", "namespace": "functions", "arguments": ""},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Running.", "annotations": []}]},
                {"type": "function_call_output", "call_id": "c2", "output": ""},
                {"type": "custom_tool_call_output", "call_id": "c1", "output": [
                    {"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "original"}
                ]},
                {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search"}}
            ],
            "tools": [{"type": "web_search", "external_web_access": true}],
            "tool_choice": "auto",
            "client_metadata": {}
        }),
    );
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "sys\n\np\n\nq"},
            {"role": "user", "content": "env"},
            {"role": "user", "content": "do"},
            {"role": "assistant", "content": "Running.", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "functions__exec", "arguments": "{\"input\":\"ls\\n\\\"x\\\"\"}"}},
                {"id": "c2", "type": "function", "function": {"name": "functions__wait", "arguments": "{}"}}
            ]},
            {"role": "tool", "tool_call_id": "c2", "content": "(no text output)"},
            {"role": "tool", "tool_call_id": "c1", "content": "a\nb"},
            {"role": "user", "content": [
                {"type": "text", "text": "[image returned by tool call c1]"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "high"}}
            ]}
        ])
    );
    assert_eq!(body["tools"].as_array().unwrap().len(), 2);
    assert_eq!(
        body["tools"][0]["function"]["description"],
        "Put the complete tool input, as plain text, in the single string field `input`. It must match this lark grammar:\nstart: X"
    );
    for path in [
        "tools[]",
        "client_metadata",
        "input[].encrypted_content",
        "input[]",
    ] {
        assert!(dropped(&report).contains(&path), "{path}");
    }
}

#[test]
fn parts_by_provider() {
    let user = |part: Value| json!([{"role": "user", "content": [{"type": "input_text", "text": "see"}, part]}]);
    let pdf = json!({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="});
    let text = json!({"type": "input_file", "filename": "a.txt", "file_data": "aGkKeW91"});
    let image = json!({"type": "input_image", "image_url": "https://x/a.png", "detail": "high"});
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}});
    for (target, part, expected) in [
        (
            GEMINI,
            &pdf,
            json!({"type": "image_url", "image_url": {"url": "data:application/pdf;base64,JVBERi0="}}),
        ),
        (
            SONAR,
            &pdf,
            json!({"type": "file_url", "file_url": {"url": "JVBERi0="}, "file_name": "a.pdf"}),
        ),
        (
            ANY,
            &pdf,
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}),
        ),
        (
            SONAR,
            &text,
            json!({"type": "file_url", "file_url": {"url": "aGkKeW91"}, "file_name": "a.txt"}),
        ),
        (
            GROQ,
            &image,
            json!({"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "high"}}),
        ),
        (
            GEMINI,
            &image,
            json!({"type": "image_url", "image_url": {"url": "https://x/a.png"}}),
        ),
        (
            GEMINI,
            &audio,
            json!({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}),
        ),
        (
            SONAR,
            &json!({"type": "input_file", "file_url": "https://x/a.pdf"}),
            json!({"type": "file_url", "file_url": {"url": "https://x/a.pdf"}}),
        ),
        (
            GROQ,
            &json!({"type": "input_file", "file_data": "data:image/png;base64,iVBO"}),
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}),
        ),
    ] {
        let messages = messages(target, &user(part.clone()));
        assert_eq!(messages[0]["content"][1], expected, "{} {part}", target.1);
    }
    assert_eq!(
        messages(GROQ, &user(text))[0]["content"],
        "see\n[file: a.txt]\nhi\nyou"
    );
    let broken = json!({"type": "input_file", "filename": "a.txt", "file_data": "%%%"});
    assert_eq!(
        refused(GROQ, &json!({"input": user(broken)})).1,
        "input[0].content[1].file_data"
    );
}

#[test]
fn roles_and_refusals_of_the_history() {
    assert_eq!(
        messages(
            GROQ,
            &json!([
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "type": "message", "phase": "final"},
                {"role": "user", "content": "b"},
                {"role": "assistant", "content": [{"type": "output_text", "text": "x"}, {"type": "output_text", "text": "y"}, {"type": "refusal", "refusal": "no"}]},
                {"role": "developer", "content": "late"},
                {"role": "user", "content": "c"}
            ])
        ),
        json!([
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "no"},
            {"role": "user", "content": "b"},
            {"role": "assistant", "content": "xy"},
            {"role": "system", "content": "late"},
            {"role": "user", "content": "c"}
        ])
    );
}

#[test]
fn gemini_gets_all_system_texts_in_one() {
    let (body, report) = sent(
        GEMINI,
        &json!({
            "instructions": "i",
            "input": [
                {"role": "developer", "content": "a"},
                {"role": "user", "content": "u"},
                {"role": "system", "content": "b"},
                {"role": "user", "content": "v"}
            ]
        }),
    );
    assert_eq!(
        body["messages"][0],
        json!({"role": "system", "content": "i\n\na\n\nb"})
    );
    assert_eq!(body["messages"].as_array().unwrap().len(), 3);
    assert_eq!(report.approximated(), ["input[].role"]);
}

#[test]
fn reasoning_of_other_providers_is_never_replayed() {
    let input = json!([
        {"role": "user", "content": "u"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "gAAAA"},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "own"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "r"}
    ]);
    for target in [GEMINI, GROQ, ANY] {
        let text = messages(target, &input).to_string();
        assert!(
            !text.contains("gAAAA") && !text.contains("own") && !text.contains("\"s\""),
            "{text}"
        );
    }
    assert_eq!(messages(GPT_OSS, &input)[1]["reasoning"], "s\n\nown");
}
