//! Views of a Messages request (Anthropic's `MessageCreateParams`, its beta members included).
//!
//! What is only looked at, and what may be anything because it is only a hint, is kept as raw JSON.

use serde_json::value::RawValue;

use crate::format::raw::RawStr;
use crate::format::view::{List, view};

/// More messages than Anthropic takes.
pub(crate) const MAX_MESSAGES: usize = 100_000;
/// More tools than any provider takes.
pub(crate) const MAX_TOOLS: usize = 10_000;
/// More blocks than a message of any client has.
pub(crate) const MAX_BLOCKS: usize = 100_000;

view! {
    /// The whole request.
    Request {
        model: &'a RawValue = "model",
        messages: List<Message<'a>, MAX_MESSAGES> = "messages",
        system: &'a RawValue = "system",
        max_tokens: &'a RawValue = "max_tokens",
        temperature: &'a RawValue = "temperature",
        top_p: &'a RawValue = "top_p",
        top_k: &'a RawValue = "top_k",
        stop_sequences: List<RawStr<'a>, MAX_TOOLS> = "stop_sequences",
        stream: bool = "stream",
        tools: List<&'a RawValue, MAX_TOOLS> = "tools",
        tool_choice: ToolChoice<'a> = "tool_choice",
        // A [`Thinking`], which may go on as it is.
        thinking: &'a RawValue = "thinking",
        output_config: OutputConfig<'a> = "output_config",
        output_format: OutputFormat<'a> = "output_format",
        metadata: Metadata<'a> = "metadata",
        service_tier: &'a RawValue = "service_tier",
        speed: &'a RawValue = "speed",
        cache_control: &'a RawValue = "cache_control",
        inference_geo: &'a RawValue = "inference_geo",
        container: &'a RawValue = "container",
        context_management: &'a RawValue = "context_management",
        mcp_servers: List<McpServer<'a>, MAX_TOOLS> = "mcp_servers",
        diagnostics: &'a RawValue = "diagnostics",
        fallbacks: &'a RawValue = "fallbacks",
        fallback_credit_token: &'a RawValue = "fallback_credit_token",
        thread: &'a RawValue = "thread",
        compaction: &'a RawValue = "compaction",
        billing_policy: &'a RawValue = "billing_policy",
    }
}

view! {
    /// A message of any role: `user`, `assistant`, `system`.
    Message {
        role: RawStr<'a> = "role",
        // A string, or an array of [`Block`]s.
        content: &'a RawValue = "content",
        output_config: &'a RawValue = "output_config",
    }
}

view! {
    /// A content block of any type, in a message, in `system` or inside a tool's result: the members that the types known
    /// here have.
    Block {
        kind: RawStr<'a> = "type",
        text: RawStr<'a> = "text",
        // A [`Source`] of an image or a document; a string in a `search_result`.
        source: &'a RawValue = "source",
        title: RawStr<'a> = "title",
        context: RawStr<'a> = "context",
        citations: &'a RawValue = "citations",
        transformations: &'a RawValue = "transformations",
        // A string, or an array of blocks.
        content: &'a RawValue = "content",
        id: RawStr<'a> = "id",
        name: RawStr<'a> = "name",
        input: &'a RawValue = "input",
        toolset_name: &'a RawValue = "toolset_name",
        caller: &'a RawValue = "caller",
        tool_use_id: RawStr<'a> = "tool_use_id",
        is_error: bool = "is_error",
        tool_name: RawStr<'a> = "tool_name",
        thinking: RawStr<'a> = "thinking",
        signature: RawStr<'a> = "signature",
        data: RawStr<'a> = "data",
        cache_control: &'a RawValue = "cache_control",
    }
}

view! {
    /// Where the bytes of an image or a document are.
    Source {
        // `base64`, `url`, `file`, `text` or `content`.
        kind: RawStr<'a> = "type",
        media_type: RawStr<'a> = "media_type",
        data: RawStr<'a> = "data",
        url: RawStr<'a> = "url",
        file_id: RawStr<'a> = "file_id",
        // A string, or an array of blocks.
        content: &'a RawValue = "content",
    }
}

view! {
    /// `cache_control`.
    CacheControl {
        kind: RawStr<'a> = "type",
        ttl: RawStr<'a> = "ttl",
    }
}

view! {
    /// A tool of any type.
    Tool {
        kind: RawStr<'a> = "type",
        name: RawStr<'a> = "name",
        description: RawStr<'a> = "description",
        input_schema: &'a RawValue = "input_schema",
        strict: bool = "strict",
        input_examples: &'a RawValue = "input_examples",
        cache_control: &'a RawValue = "cache_control",
        eager_input_streaming: &'a RawValue = "eager_input_streaming",
        defer_loading: &'a RawValue = "defer_loading",
        allowed_callers: List<RawStr<'a>, MAX_TOOLS> = "allowed_callers",
        max_uses: &'a RawValue = "max_uses",
        max_content_tokens: &'a RawValue = "max_content_tokens",
        max_characters: &'a RawValue = "max_characters",
        allowed_domains: List<RawStr<'a>, MAX_TOOLS> = "allowed_domains",
        blocked_domains: List<RawStr<'a>, MAX_TOOLS> = "blocked_domains",
        user_location: &'a RawValue = "user_location",
        response_inclusion: &'a RawValue = "response_inclusion",
        citations: &'a RawValue = "citations",
        mcp_server_name: RawStr<'a> = "mcp_server_name",
        configs: &'a RawValue = "configs",
        default_config: &'a RawValue = "default_config",
    }
}

impl Tool<'_> {
    /// Whether others than the model itself may call it.
    pub(crate) fn has_other_callers(&self) -> bool {
        let callers = self.allowed_callers.as_ref();
        callers.is_some_and(|callers| callers.0.iter().any(|caller| !caller.is("direct")))
    }
}

view! {
    /// `user_location` of a web search tool.
    UserLocation {
        kind: RawStr<'a> = "type",
        city: RawStr<'a> = "city",
        country: RawStr<'a> = "country",
        region: RawStr<'a> = "region",
        timezone: RawStr<'a> = "timezone",
    }
}

view! {
    /// An element of `mcp_servers`.
    McpServer {
        kind: RawStr<'a> = "type",
        name: RawStr<'a> = "name",
        url: RawStr<'a> = "url",
        authorization_token: RawStr<'a> = "authorization_token",
        tool_configuration: &'a RawValue = "tool_configuration",
    }
}

view! {
    /// `tool_choice`.
    ToolChoice {
        kind: RawStr<'a> = "type",
        name: RawStr<'a> = "name",
        disable_parallel_tool_use: bool = "disable_parallel_tool_use",
    }
}

view! {
    /// `thinking`.
    Thinking {
        kind: RawStr<'a> = "type",
        budget_tokens: &'a RawValue = "budget_tokens",
        display: RawStr<'a> = "display",
        block_binding: &'a RawValue = "block_binding",
    }
}

view! {
    /// `output_config`.
    OutputConfig {
        effort: RawStr<'a> = "effort",
        format: OutputFormat<'a> = "format",
        task_budget: &'a RawValue = "task_budget",
    }
}

view! {
    /// `output_config.format`, and the older `output_format`.
    OutputFormat {
        kind: RawStr<'a> = "type",
        schema: &'a RawValue = "schema",
    }
}

view! {
    /// `metadata`.
    Metadata {
        user_id: RawStr<'a> = "user_id",
    }
}
