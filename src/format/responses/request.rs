//! Views of a Responses request (OpenAI's `CreateResponse`), of its input items, content parts and tools.
//!
//! Items, parts and tools come in many types; one view holds the members of all of them, so that each is read in one pass
//! and an unknown type is merely none of the known. What is only looked at, and what may be anything because it is only a
//! hint, is kept as raw JSON.

use serde_json::value::RawValue;

use crate::format::raw::RawStr;
use crate::format::view::{List, view};

/// More input items than any provider takes.
pub(crate) const MAX_ITEMS: usize = 200_000;
/// More tools than any provider takes.
pub(crate) const MAX_TOOLS: usize = 10_000;

view! {
    /// The whole request.
    Request {
        model: &'a RawValue = "model",
        // A string, or a list of items: see `Item`.
        input: &'a RawValue = "input",
        instructions: &'a RawValue = "instructions",
        max_output_tokens: &'a RawValue = "max_output_tokens",
        max_tool_calls: &'a RawValue = "max_tool_calls",
        temperature: &'a RawValue = "temperature",
        top_p: &'a RawValue = "top_p",
        top_logprobs: &'a RawValue = "top_logprobs",
        stream: bool = "stream",
        stream_options: StreamOptions<'a> = "stream_options",
        // See `Tool`.
        tools: List<&'a RawValue, MAX_TOOLS> = "tools",
        tool_choice: &'a RawValue = "tool_choice",
        parallel_tool_calls: bool = "parallel_tool_calls",
        // See `TextConfig`.
        text: &'a RawValue = "text",
        // See `Reasoning`.
        reasoning: &'a RawValue = "reasoning",
        include: &'a RawValue = "include",
        metadata: &'a RawValue = "metadata",
        user: &'a RawValue = "user",
        safety_identifier: &'a RawValue = "safety_identifier",
        service_tier: &'a RawValue = "service_tier",
        prompt_cache_key: &'a RawValue = "prompt_cache_key",
        prompt_cache_retention: &'a RawValue = "prompt_cache_retention",
        prompt_cache_options: &'a RawValue = "prompt_cache_options",
        store: &'a RawValue = "store",
        previous_response_id: &'a RawValue = "previous_response_id",
        conversation: &'a RawValue = "conversation",
        background: &'a RawValue = "background",
        background_options: &'a RawValue = "background_options",
        prompt: &'a RawValue = "prompt",
        truncation: &'a RawValue = "truncation",
        context_management: &'a RawValue = "context_management",
        moderation: &'a RawValue = "moderation",
        image: &'a RawValue = "image",
        access_programs: &'a RawValue = "access_programs",
        generate: &'a RawValue = "generate",
        steer: &'a RawValue = "steer",
        client_metadata: &'a RawValue = "client_metadata",
    }
}

view! {
    /// `stream_options`.
    StreamOptions {
        include_obfuscation: &'a RawValue = "include_obfuscation",
    }
}

view! {
    /// `text`.
    TextConfig {
        format: TextFormat<'a> = "format",
        verbosity: &'a RawValue = "verbosity",
    }
}

view! {
    /// `text.format`.
    TextFormat {
        kind: RawStr<'a> = "type",
        name: RawStr<'a> = "name",
        description: RawStr<'a> = "description",
        schema: &'a RawValue = "schema",
        strict: bool = "strict",
    }
}

view! {
    /// `reasoning`.
    Reasoning {
        effort: RawStr<'a> = "effort",
        summary: RawStr<'a> = "summary",
        generate_summary: RawStr<'a> = "generate_summary",
        context: &'a RawValue = "context",
        mode: &'a RawValue = "mode",
    }
}

view! {
    /// An input item of any type. One without a type but with a role is a message.
    Item {
        kind: RawStr<'a> = "type",
        id: &'a RawValue = "id",
        status: RawStr<'a> = "status",
        // Messages, and `additional_tools`.
        role: RawStr<'a> = "role",
        // Messages (a string or a list of parts), and `reasoning` (a list of `reasoning_text` parts).
        content: &'a RawValue = "content",
        phase: &'a RawValue = "phase",
        // Calls and their outputs.
        call_id: RawStr<'a> = "call_id",
        name: RawStr<'a> = "name",
        namespace: RawStr<'a> = "namespace",
        arguments: &'a RawValue = "arguments",
        input: RawStr<'a> = "input",
        // A string or a list of parts.
        output: &'a RawValue = "output",
        error: &'a RawValue = "error",
        caller: Caller<'a> = "caller",
        is_async: &'a RawValue = "async",
        execution: RawStr<'a> = "execution",
        // `reasoning` and `compaction`.
        summary: &'a RawValue = "summary",
        encrypted_content: RawStr<'a> = "encrypted_content",
        // Hosted calls.
        action: &'a RawValue = "action",
        server_label: RawStr<'a> = "server_label",
        // `additional_tools`, `tool_search_output`: see `Tool`.
        tools: List<&'a RawValue, MAX_TOOLS> = "tools",
        // `configuration_update`.
        reasoning: Reasoning<'a> = "reasoning",
        text: TextConfig<'a> = "text",
    }
}

view! {
    /// Who made a call: the model itself (`direct`), or a program that it wrote.
    Caller { kind: RawStr<'a> = "type" }
}

view! {
    /// A content part of a message or of a call's output, of any type.
    Part {
        kind: RawStr<'a> = "type",
        text: RawStr<'a> = "text",
        refusal: RawStr<'a> = "refusal",
        annotations: &'a RawValue = "annotations",
        logprobs: &'a RawValue = "logprobs",
        image_url: RawStr<'a> = "image_url",
        detail: RawStr<'a> = "detail",
        file_id: RawStr<'a> = "file_id",
        file_data: RawStr<'a> = "file_data",
        file_url: RawStr<'a> = "file_url",
        filename: RawStr<'a> = "filename",
        input_audio: &'a RawValue = "input_audio",
        prompt_cache_breakpoint: &'a RawValue = "prompt_cache_breakpoint",
        // Anthropic's, an extension.
        cache_control: &'a RawValue = "cache_control",
    }
}

view! {
    /// A tool of any type; those of a `namespace` are in its `tools`.
    Tool {
        kind: RawStr<'a> = "type",
        name: RawStr<'a> = "name",
        description: RawStr<'a> = "description",
        // `function`.
        parameters: &'a RawValue = "parameters",
        strict: bool = "strict",
        output_schema: &'a RawValue = "output_schema",
        defer_loading: &'a RawValue = "defer_loading",
        allowed_callers: &'a RawValue = "allowed_callers",
        is_async: &'a RawValue = "async",
        // `custom`.
        format: CustomFormat<'a> = "format",
        // `namespace`.
        tools: List<&'a RawValue, MAX_TOOLS> = "tools",
        // `web_search` and its older spellings.
        filters: Filters<'a> = "filters",
        user_location: UserLocation<'a> = "user_location",
        search_context_size: RawStr<'a> = "search_context_size",
        search_content_types: &'a RawValue = "search_content_types",
        external_web_access: &'a RawValue = "external_web_access",
        // `mcp`.
        server_label: RawStr<'a> = "server_label",
        server_url: RawStr<'a> = "server_url",
        server_description: &'a RawValue = "server_description",
        authorization: RawStr<'a> = "authorization",
        headers: &'a RawValue = "headers",
        require_approval: &'a RawValue = "require_approval",
        allowed_tools: &'a RawValue = "allowed_tools",
        connector_id: &'a RawValue = "connector_id",
        tunnel_id: &'a RawValue = "tunnel_id",
        // `tool_search`.
        execution: RawStr<'a> = "execution",
        // `code_interpreter`.
        container: &'a RawValue = "container",
        // `file_search`.
        vector_store_ids: &'a RawValue = "vector_store_ids",
        // Extensions: cache marks.
        prompt_cache_breakpoint: &'a RawValue = "prompt_cache_breakpoint",
        cache_control: &'a RawValue = "cache_control",
    }
}

view! {
    /// What a freeform tool's input must look like.
    CustomFormat {
        kind: RawStr<'a> = "type",
        syntax: RawStr<'a> = "syntax",
        definition: RawStr<'a> = "definition",
    }
}

view! {
    /// Which pages a web search may find.
    Filters {
        allowed_domains: &'a RawValue = "allowed_domains",
        blocked_domains: &'a RawValue = "blocked_domains",
    }
}

view! {
    /// Where the user of a web search is.
    UserLocation {
        kind: RawStr<'a> = "type",
        city: RawStr<'a> = "city",
        country: RawStr<'a> = "country",
        region: RawStr<'a> = "region",
        timezone: RawStr<'a> = "timezone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_every_kind_of_part_is_read_without_unknowns() {
        let text = r#"{"model":"m","input":[{"role":"user","content":"x"}],"instructions":null,"stream":true,
            "tools":[{"type":"namespace","name":"n","tools":[{"type":"custom","name":"c","format":{"type":"grammar","syntax":"lark","definition":"s"}}]}],
            "text":{"format":{"type":"text"},"verbosity":"low"},"reasoning":{"effort":"low","summary":"auto"},
            "client_metadata":{"a":"b"},"later":1}"#;
        let request: Request<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(request.unknown, ["later"]);
        assert!(request.instructions.is_none());
        let tools = request.tools.unwrap().0;
        let space: Tool<'_> = serde_json::from_str(tools.first().unwrap().get()).unwrap();
        let inner: Tool<'_> =
            serde_json::from_str(space.tools.unwrap().0.first().unwrap().get()).unwrap();
        assert!(inner.unknown.is_empty());
        assert!(inner.format.unwrap().syntax.unwrap().is("lark"));
    }

    #[test]
    fn items_of_all_types_share_one_view() {
        for text in [
            r#"{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[],"phase":"final"}"#,
            r#"{"type":"reasoning","id":"rs_1","summary":[],"content":null,"encrypted_content":"x"}"#,
            r#"{"type":"function_call","id":"fc","call_id":"c","name":"f","namespace":"n","arguments":"{}","status":"completed","caller":{"type":"direct"},"async":false}"#,
            r#"{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"x"}]}"#,
            r#"{"type":"custom_tool_call","call_id":"c","name":"f","input":"x"}"#,
            r#"{"type":"additional_tools","role":"developer","tools":[{"type":"namespace"}]}"#,
            r#"{"type":"web_search_call","id":"ws","status":"completed","action":{"type":"search"}}"#,
        ] {
            let item: Item<'_> = serde_json::from_str(text).unwrap();
            assert!(item.unknown.is_empty(), "{text}");
        }
    }
}
