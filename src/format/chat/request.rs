//! Views of a Chat Completions request (OpenAI's `CreateChatCompletionRequest`), with the extensions that clients in the
//! field send: cache marks, reasoning to replay, Anthropic's and OpenRouter's thinking controls.
//!
//! What is only looked at, and what may be anything because it is only a hint, is kept as raw JSON.

use serde_json::value::RawValue;

use crate::format::raw::RawStr;
use crate::format::view::{List, view};

/// More messages than any provider takes.
pub(crate) const MAX_MESSAGES: usize = 100_000;
/// More tools than any provider takes.
pub(crate) const MAX_TOOLS: usize = 10_000;

view! {
    /// The whole request.
    Request {
        model: &'a RawValue = "model",
        messages: List<Message<'a>, MAX_MESSAGES> = "messages",
        max_completion_tokens: &'a RawValue = "max_completion_tokens",
        max_tokens: &'a RawValue = "max_tokens",
        temperature: &'a RawValue = "temperature",
        top_p: &'a RawValue = "top_p",
        top_k: &'a RawValue = "top_k",
        stop: &'a RawValue = "stop",
        stream: bool = "stream",
        stream_options: StreamOptions<'a> = "stream_options",
        n: &'a RawValue = "n",
        tools: List<Tool<'a>, MAX_TOOLS> = "tools",
        functions: List<Function<'a>, MAX_TOOLS> = "functions",
        tool_choice: &'a RawValue = "tool_choice",
        function_call: &'a RawValue = "function_call",
        parallel_tool_calls: bool = "parallel_tool_calls",
        response_format: ResponseFormat<'a> = "response_format",
        reasoning_effort: RawStr<'a> = "reasoning_effort",
        verbosity: &'a RawValue = "verbosity",
        service_tier: &'a RawValue = "service_tier",
        user: &'a RawValue = "user",
        safety_identifier: &'a RawValue = "safety_identifier",
        metadata: &'a RawValue = "metadata",
        prompt_cache_key: &'a RawValue = "prompt_cache_key",
        prompt_cache_retention: &'a RawValue = "prompt_cache_retention",
        prompt_cache_options: &'a RawValue = "prompt_cache_options",
        web_search_options: WebSearchOptions<'a> = "web_search_options",
        seed: &'a RawValue = "seed",
        frequency_penalty: &'a RawValue = "frequency_penalty",
        presence_penalty: &'a RawValue = "presence_penalty",
        logit_bias: &'a RawValue = "logit_bias",
        logprobs: &'a RawValue = "logprobs",
        top_logprobs: &'a RawValue = "top_logprobs",
        prediction: &'a RawValue = "prediction",
        modalities: &'a RawValue = "modalities",
        audio: &'a RawValue = "audio",
        store: &'a RawValue = "store",
        moderation: &'a RawValue = "moderation",
        thinking: &'a RawValue = "thinking",
        reasoning: Reasoning<'a> = "reasoning",
    }
}

view! {
    /// `stream_options`.
    StreamOptions {
        include_usage: bool = "include_usage",
        include_obfuscation: &'a RawValue = "include_obfuscation",
    }
}

view! {
    /// `response_format`.
    ResponseFormat {
        kind: RawStr<'a> = "type",
        json_schema: JsonSchema<'a> = "json_schema",
    }
}

view! {
    /// `response_format.json_schema`.
    JsonSchema {
        name: &'a RawValue = "name",
        description: &'a RawValue = "description",
        schema: &'a RawValue = "schema",
        strict: bool = "strict",
    }
}

view! {
    /// `web_search_options`.
    WebSearchOptions {
        search_context_size: &'a RawValue = "search_context_size",
        user_location: UserLocation<'a> = "user_location",
    }
}

view! {
    /// `web_search_options.user_location`.
    UserLocation {
        kind: &'a RawValue = "type",
        approximate: Place<'a> = "approximate",
    }
}

view! {
    /// `web_search_options.user_location.approximate`.
    Place {
        city: RawStr<'a> = "city",
        country: RawStr<'a> = "country",
        region: RawStr<'a> = "region",
        timezone: RawStr<'a> = "timezone",
    }
}

view! {
    /// `reasoning`, as OpenRouter's clients send it.
    Reasoning {
        effort: RawStr<'a> = "effort",
        max_tokens: &'a RawValue = "max_tokens",
        enabled: bool = "enabled",
        exclude: bool = "exclude",
    }
}

view! {
    /// A message of any role.
    Message {
        role: RawStr<'a> = "role",
        content: &'a RawValue = "content",
        name: &'a RawValue = "name",
        tool_calls: &'a RawValue = "tool_calls",
        function_call: FunctionCall<'a> = "function_call",
        tool_call_id: RawStr<'a> = "tool_call_id",
        refusal: RawStr<'a> = "refusal",
        audio: &'a RawValue = "audio",
        annotations: &'a RawValue = "annotations",
        reasoning_content: &'a RawValue = "reasoning_content",
        reasoning: &'a RawValue = "reasoning",
        thinking_blocks: &'a RawValue = "thinking_blocks",
        reasoning_details: &'a RawValue = "reasoning_details",
        content_blocks: &'a RawValue = "content_blocks",
        cache_control: &'a RawValue = "cache_control",
        prompt_cache_breakpoint: &'a RawValue = "prompt_cache_breakpoint",
    }
}

view! {
    /// A part of a message's content.
    Part {
        kind: RawStr<'a> = "type",
        text: RawStr<'a> = "text",
        refusal: RawStr<'a> = "refusal",
        image_url: &'a RawValue = "image_url",
        file: File<'a> = "file",
        cache_control: &'a RawValue = "cache_control",
        prompt_cache_breakpoint: &'a RawValue = "prompt_cache_breakpoint",
    }
}

view! {
    /// The file of a `file` part.
    File {
        file_data: RawStr<'a> = "file_data",
        file_id: RawStr<'a> = "file_id",
        filename: RawStr<'a> = "filename",
    }
}

view! {
    /// A call in an assistant message.
    ToolCall {
        id: RawStr<'a> = "id",
        kind: RawStr<'a> = "type",
        index: &'a RawValue = "index",
        function: FunctionCall<'a> = "function",
        custom: CustomCall<'a> = "custom",
        cache_control: &'a RawValue = "cache_control",
    }
}

view! {
    /// The function of a call.
    FunctionCall {
        name: RawStr<'a> = "name",
        arguments: RawStr<'a> = "arguments",
    }
}

view! {
    /// The freeform tool of a call.
    CustomCall {
        name: RawStr<'a> = "name",
        input: RawStr<'a> = "input",
    }
}

view! {
    /// A tool of any type.
    Tool {
        kind: RawStr<'a> = "type",
        name: RawStr<'a> = "name",
        function: Function<'a> = "function",
        custom: Custom<'a> = "custom",
        cache_control: &'a RawValue = "cache_control",
        prompt_cache_breakpoint: &'a RawValue = "prompt_cache_breakpoint",
    }
}

view! {
    /// A function, as a tool or in the deprecated `functions`.
    Function {
        name: RawStr<'a> = "name",
        description: RawStr<'a> = "description",
        parameters: &'a RawValue = "parameters",
        strict: bool = "strict",
        cache_control: &'a RawValue = "cache_control",
    }
}

view! {
    /// A freeform tool.
    Custom {
        name: RawStr<'a> = "name",
        description: RawStr<'a> = "description",
        format: CustomFormat<'a> = "format",
    }
}

view! {
    /// The format of a freeform tool's input.
    CustomFormat {
        kind: RawStr<'a> = "type",
        grammar: Grammar<'a> = "grammar",
    }
}

view! {
    /// A grammar for a freeform tool's input.
    Grammar {
        syntax: RawStr<'a> = "syntax",
        definition: RawStr<'a> = "definition",
    }
}

view! {
    /// A thinking block in one of the shapes that clients replay: Anthropic's, or OpenRouter's `reasoning_details`.
    ThinkingBlock {
        kind: RawStr<'a> = "type",
        thinking: RawStr<'a> = "thinking",
        text: RawStr<'a> = "text",
        signature: RawStr<'a> = "signature",
        data: RawStr<'a> = "data",
        format: RawStr<'a> = "format",
    }
}
