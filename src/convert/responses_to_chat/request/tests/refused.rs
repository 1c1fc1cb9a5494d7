//! What is answered with 400, and the field that it names.

use super::*;

#[test]
fn what_is_refused() {
    use Fault::{Invalid, Unsupported};
    for (target, members, fault, param) in [
        (
            GROQ,
            json!({"previous_response_id": "resp_1"}),
            Unsupported,
            "previous_response_id",
        ),
        (
            GROQ,
            json!({"conversation": "conv_1"}),
            Unsupported,
            "conversation",
        ),
        (GROQ, json!({"prompt": {"id": "p"}}), Unsupported, "prompt"),
        (GROQ, json!({"background": true}), Unsupported, "background"),
        (GROQ, json!({"generate": false}), Unsupported, "generate"),
        (
            GROQ,
            json!({"access_programs": {"bio": "x"}}),
            Unsupported,
            "access_programs",
        ),
        (
            GROQ,
            json!({"moderation": {"policy": {"mode": "block"}}}),
            Unsupported,
            "moderation",
        ),
        (
            GROQ,
            json!({"prompt_cache_options": {"prewarm": true}}),
            Unsupported,
            "prompt_cache_options.prewarm",
        ),
        (
            GROQ,
            json!({"top_logprobs": 2}),
            Unsupported,
            "top_logprobs",
        ),
        (
            GEMINI,
            json!({"top_logprobs": 2}),
            Unsupported,
            "top_logprobs",
        ),
        (
            SONAR,
            json!({"text": {"format": {"type": "json_object"}}}),
            Unsupported,
            "text.format",
        ),
        (
            GROQ,
            json!({"text": {"format": {"type": "xml"}}}),
            Unsupported,
            "text.format.type",
        ),
        (
            GROQ,
            json!({"text": {"format": {"type": "json_schema"}}}),
            Invalid,
            "text.format.schema",
        ),
        (
            GROQ,
            json!({"reasoning": {"effort": "huge"}}),
            Invalid,
            "reasoning.effort",
        ),
        (
            GROQ,
            json!({"max_output_tokens": "5"}),
            Invalid,
            "max_output_tokens",
        ),
        (GROQ, json!({"input": null}), Invalid, "input"),
        (GROQ, json!({"input": []}), Invalid, "input"),
        (
            GROQ,
            json!({"input": [], "instructions": "x"}),
            Invalid,
            "input",
        ),
        (GROQ, json!({"input": 5}), Invalid, "input"),
        (
            GROQ,
            json!({"instructions": ["x"]}),
            Invalid,
            "instructions",
        ),
        (
            SONAR,
            json!({"tools": [{"type": "function", "name": "f"}]}),
            Unsupported,
            "tools",
        ),
        (
            SONAR,
            json!({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "f"}]}]}),
            Unsupported,
            "tools",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "function"}]}),
            Invalid,
            "tools[0].name",
        ),
        (
            GROQ,
            json!({"tools": [{"name": "f"}]}),
            Invalid,
            "tools[0].type",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "f"}]}),
            Invalid,
            "tools[1].name",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "function", "name": "f", "allowed_callers": ["programmatic"]}]}),
            Unsupported,
            "tools[0].allowed_callers",
        ),
        (
            GROQ,
            json!({"tool_choice": "sometimes"}),
            Invalid,
            "tool_choice",
        ),
        (
            GROQ,
            json!({"tool_choice": {"type": "function", "name": "f"}}),
            Invalid,
            "tool_choice",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "mcp"}], "tool_choice": {"type": "mcp"}}),
            Unsupported,
            "tool_choice",
        ),
        (
            GROQ,
            json!({"tools": [{"type": "mcp"}], "tool_choice": "required"}),
            Unsupported,
            "tool_choice",
        ),
        (
            GEMINI,
            json!({"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}}),
            Unsupported,
            "tool_choice",
        ),
        (
            GPT_OSS,
            json!({"tools": [{"type": "web_search"}, {"type": "function", "name": "f"}], "tool_choice": {"type": "web_search"}}),
            Unsupported,
            "tool_choice",
        ),
        (
            GROQ,
            json!({"input": [{"type": "item_reference", "id": "x"}]}),
            Unsupported,
            "input[0]",
        ),
        (
            GROQ,
            json!({"input": [{"type": "compaction"}]}),
            Unsupported,
            "input[0].type",
        ),
        (
            GROQ,
            json!({"input": [{"type": "computer_call"}]}),
            Unsupported,
            "input[0].type",
        ),
        (
            GROQ,
            json!({"input": [{"type": "mcp_call"}]}),
            Unsupported,
            "input[0].type",
        ),
        (
            GROQ,
            json!({"input": [{"type": "brand_new"}]}),
            Unsupported,
            "input[0].type",
        ),
        (GROQ, json!({"input": [{}]}), Invalid, "input[0].type"),
        (
            GROQ,
            json!({"input": [{"role": "user"}]}),
            Invalid,
            "input[0].content",
        ),
        (
            GROQ,
            json!({"input": [{"role": "robot", "content": "x"}]}),
            Invalid,
            "input[0].role",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": 5}]}),
            Invalid,
            "input[0].content",
        ),
        (GROQ, json!({"input": ["x"]}), Invalid, "input[0]"),
        (
            GROQ,
            json!({"input": [{"type": "function_call_output", "output": "x"}]}),
            Invalid,
            "input[0].call_id",
        ),
        (
            GROQ,
            json!({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}),
            Invalid,
            "input[0]",
        ),
        (
            GROQ,
            json!({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": 5}]}),
            Invalid,
            "input[0].arguments",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "x"}]}]}),
            Unsupported,
            "input[0].content[0].file_id",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "ftp://x"}]}]}),
            Invalid,
            "input[0].content[0].image_url",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "JVBERi0="}]}]}),
            Unsupported,
            "input[0].content[0].file_data",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}]}),
            Unsupported,
            "input[0].content[0].file_url",
        ),
        (
            SONAR,
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}]}),
            Unsupported,
            "input[0].content[0].file_id",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]}]}),
            Unsupported,
            "input[0].content[0]",
        ),
        (
            GROQ,
            json!({"input": [{"role": "user", "content": [{"type": "hologram"}]}]}),
            Unsupported,
            "input[0].content[0]",
        ),
        (
            GROQ,
            json!({"input": [{"role": "assistant", "content": [{"type": "input_image", "image_url": "https://x"}]}]}),
            Unsupported,
            "input[0].content[0]",
        ),
        (
            GEMINI,
            json!({"input": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}),
            Unsupported,
            "input[1]",
        ),
        (
            SONAR,
            json!({"max_tool_calls": 0, "tools": [{"type": "web_search"}]}),
            Unsupported,
            "max_tool_calls",
        ),
    ] {
        assert_eq!(
            refused(target, &members),
            (fault, param.to_owned()),
            "{members}"
        );
    }
}
