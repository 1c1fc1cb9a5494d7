//! The converted cells of Responses and Messages clients: one test for each cell and setting, each with what can be done there.
//!
//! `demo_…` runs against the embedded demo providers, which refuse what the real ones would refuse, and which want reasoning back as
//! they gave it. `scripted_…` runs against the scripted upstream, which fails in every way and shows what a provider got.

use super::support::upstream::Recorded;
use super::{
    CLIENT_KEY, FAULTS, MESSAGES, MESSAGES_BASIC, MESSAGES_TOOLS, PLAIN, RESPONSES,
    RESPONSES_BASIC, RESPONSES_TOOLS, Scripted, demo, leaves, retries,
};

/// What every converted cell of Responses clients does.
pub(crate) const RESPONSES_EVERYWHERE: &[&str] = &[
    "structured",
    "image",
    "gateway_headers",
    "dropped",
    "stateful",
    "refusals_named",
    "bad_model",
    "bad_request",
    "bad_value",
    "overloaded",
    "ratelimit",
    "retries",
    "first_error",
    "cut",
    "error_event",
    "failed_whole",
];
/// What those do besides that have tools.
pub(crate) const RESPONSES_MORE_TOOLS: &[&str] = &[
    "tools_serial",
    "tool_choice",
    "orphans",
    "namespace_tool",
    "hosted_tool",
    "hosted_tool_forced",
    "additional_tools",
    "agent_loop",
    "reasoning_foreign",
];
/// Reasoning that is shown, and a loop with it.
pub(crate) const RESPONSES_REASONING: &[&str] =
    &["reasoning", "reasoning_loop", "custom_tool_thinking"];
/// Reasoning that the provider wants back unaltered.
pub(crate) const RESPONSES_SIGNED: &[&str] = &["reasoning_signed", "reasoning_altered"];

/// What every converted cell of Messages clients does.
pub(crate) const MESSAGES_EVERYWHERE: &[&str] = &[
    "mid_system",
    "structured",
    "image",
    "gateway_headers",
    "count_tokens_missing",
    "dropped",
    "stateful",
    "bad_model",
    "bad_request",
    "overloaded",
    "ratelimit",
    "retries",
    "first_error",
    "cut",
    "error_event",
    "failed_whole",
];
/// What those do besides that have tools.
pub(crate) const MESSAGES_MORE_TOOLS: &[&str] = &[
    "tools_serial",
    "tool_choice",
    "tool_long_name",
    "agent_loop",
    "thinking_foreign",
];
/// Thinking that is shown, and loops with it.
const MESSAGES_THINKING: &[&str] = &[
    "thinking",
    "thinking_adaptive",
    "thinking_loop",
    "adaptive_loop",
];

/// Faults of the scripted upstream and what belongs to them.
pub(crate) const CONVERTED_FAULTS: &[&str] = &["failed_whole", "unicode_split", "wrong_key"];
/// Where the route leads to a provider by the start of the model's name.
pub(crate) const UNKNOWN_MODEL: &[&str] = &["unknown_at_provider"];

/// All that a Responses client does where there are tools.
const RESPONSES_FULL: &[&[&str]] = &[
    RESPONSES_BASIC,
    RESPONSES_TOOLS,
    RESPONSES_EVERYWHERE,
    RESPONSES_MORE_TOOLS,
];
/// All that a Messages client does where there are tools.
const MESSAGES_FULL: &[&[&str]] = &[
    MESSAGES_BASIC,
    MESSAGES_TOOLS,
    MESSAGES_EVERYWHERE,
    MESSAGES_MORE_TOOLS,
];

/// The sets of a cell, its own last.
fn with<'a>(sets: &[&'a [&'a str]], own: &[&'a [&'a str]]) -> Vec<&'a [&'a str]> {
    [sets, own].concat()
}

#[test]
fn demo_responses_on_anthropic() {
    let own = [
        "reasoning_redacted",
        "reasoning_reported",
        "web_search",
        "web_search_altered",
        "pdf",
        "refusal_filtered",
        "refusal",
        "usage_cached",
        "usage_written",
    ];
    let sets = [RESPONSES_REASONING, RESPONSES_SIGNED, &own];
    demo(RESPONSES, "claude-sonnet-4-5", &with(RESPONSES_FULL, &sets));
}

/// Models that decide by themselves how much to think, and which of their thinking to show.
#[test]
fn demo_responses_on_anthropic_adaptive() {
    let own = ["agent_loop", "web_search"];
    let sets = [RESPONSES_REASONING, RESPONSES_SIGNED, RESPONSES_TOOLS, &own];
    for model in ["claude-opus-4-6", "claude-opus-4-8", "claude-opus-5-5"] {
        demo(RESPONSES, model, &sets);
    }
}

#[test]
fn demo_responses_on_gemini() {
    let own = [
        "reasoning_reported",
        "pdf",
        "refusal_filtered",
        "web_search_grounded",
    ];
    let sets = [RESPONSES_REASONING, RESPONSES_SIGNED, &own];
    demo(RESPONSES, "gemini-3.8-flash", &with(RESPONSES_FULL, &sets));
}

/// Models that sign nothing and count their budget in tokens.
#[test]
fn demo_responses_on_gemini_older() {
    let sets = [RESPONSES_BASIC, RESPONSES_TOOLS, RESPONSES_REASONING];
    demo(RESPONSES, "gemini-2.5-flash", &sets);
}

#[test]
fn demo_responses_on_groq() {
    let own = [
        "reasoning_reported",
        "pdf_refused",
        "refusal_text",
        "usage_cached",
    ];
    let sets = [RESPONSES_REASONING, &own];
    demo(
        RESPONSES,
        "groq/openai/gpt-oss-120b",
        &with(RESPONSES_FULL, &sets),
    );
}

#[test]
fn demo_responses_on_groq_other_models() {
    let sets = [RESPONSES_BASIC, RESPONSES_TOOLS, RESPONSES_REASONING];
    demo(RESPONSES, "groq/qwen/qwen3-32b", &sets);
    // Asked to reason, a model that cannot just answers.
    let own = ["custom_tool_thinking"];
    let sets = [RESPONSES_BASIC, RESPONSES_TOOLS, RESPONSES_MORE_TOOLS, &own];
    demo(RESPONSES, "groq/llama-3.3-70b-versatile", &sets);
}

#[test]
fn demo_responses_on_perplexity() {
    let own = ["tools_refused", "pdf", "refusal_text", "citations"];
    let sets = [RESPONSES_BASIC, RESPONSES_EVERYWHERE, &own];
    demo(RESPONSES, "sonar", &sets);
    let own = ["reasoning", "citations", "history"];
    demo(RESPONSES, "sonar-reasoning-pro", &[&own]);
}

#[test]
fn demo_messages_on_openai() {
    let own = [
        "omitted_loop",
        "thinking_altered",
        "refusals_named",
        "web_search",
        "pdf",
        "refusal",
        "stop_sequence",
        "usage_cached",
        "prefill_refused",
    ];
    let sets = [MESSAGES_THINKING, &own];
    demo(MESSAGES, "gpt-5.5", &with(MESSAGES_FULL, &sets));
}

#[test]
fn demo_messages_on_openai_other_models() {
    let own = ["thinking_loop", "adaptive_loop", "thinking_altered"];
    for model in ["o3", "gpt-5", "gpt-5.1", "gpt-5.6"] {
        demo(MESSAGES, model, &[MESSAGES_BASIC, MESSAGES_TOOLS, &own]);
    }
    // A model that does not reason.
    let sets = [MESSAGES_BASIC, MESSAGES_TOOLS, MESSAGES_MORE_TOOLS];
    let own = ["stop_sequence", "structured"];
    demo(MESSAGES, "gpt-4.1", &with(&sets, &[&own]));
}

#[test]
fn demo_messages_on_gemini() {
    let own = [
        "omitted_loop",
        "thinking_altered",
        "refusals_named",
        "pdf",
        "refusal",
        "stop_sequence_ended",
        "prefill_refused",
        "web_search_grounded",
    ];
    let sets = [MESSAGES_THINKING, &own];
    demo(MESSAGES, "gemini-3.8-flash", &with(MESSAGES_FULL, &sets));
}

#[test]
fn demo_messages_on_gemini_older() {
    let sets = [MESSAGES_BASIC, MESSAGES_TOOLS, MESSAGES_THINKING];
    demo(MESSAGES, "gemini-2.5-flash", &sets);
}

#[test]
fn demo_messages_on_groq() {
    let own = [
        "refusals_named",
        "pdf_refused",
        "refusal_text",
        "stop_sequence_ended",
        "usage_cached",
    ];
    let sets = [MESSAGES_THINKING, &own];
    demo(
        MESSAGES,
        "groq/openai/gpt-oss-120b",
        &with(MESSAGES_FULL, &sets),
    );
}

#[test]
fn demo_messages_on_groq_other_models() {
    let sets = [MESSAGES_BASIC, MESSAGES_TOOLS, MESSAGES_THINKING];
    demo(MESSAGES, "groq/qwen/qwen3-32b", &sets);
    let sets = [MESSAGES_BASIC, MESSAGES_TOOLS, MESSAGES_MORE_TOOLS];
    demo(MESSAGES, "groq/llama-3.3-70b-versatile", &sets);
}

#[test]
fn demo_messages_on_perplexity() {
    let own = [
        "refusals_named",
        "tools_refused",
        "pdf",
        "refusal_text",
        "citations",
        "stop_sequence_ended",
        "prefill_refused",
    ];
    let sets = [MESSAGES_BASIC, MESSAGES_EVERYWHERE, &own];
    demo(MESSAGES, "sonar", &sets);
    let own = ["thinking", "thinking_adaptive", "history"];
    demo(MESSAGES, "sonar-reasoning-pro", &[&own]);
}

/// Scenarios on a cell of the scripted upstream; gives what the provider got.
pub(crate) fn scripted(
    script: &str,
    provider: &str,
    model: &str,
    sets: &[&[&str]],
) -> Vec<Recorded> {
    scripted_with(script, provider, model, PLAIN, sets)
}

/// The same with more in every request.
pub(crate) fn scripted_with(
    script: &str,
    provider: &str,
    model: &str,
    extra: &'static str,
    sets: &[&[&str]],
) -> Vec<Recorded> {
    let Some(scripted) = Scripted::start() else {
        return Vec::new();
    };
    let scripted = scripted.with(extra);
    scripted.run(script, model, sets);
    scripted.check(provider)
}

#[test]
fn scripted_responses_on_anthropic() {
    let sets = [
        RESPONSES_BASIC,
        RESPONSES_TOOLS,
        RESPONSES_REASONING,
        RESPONSES_SIGNED,
        &["pdf", "structured", "refusal_filtered", "refusal"],
        CONVERTED_FAULTS,
        FAULTS,
    ];
    for request in scripted(RESPONSES, "anthropic", "alias-claude", &sets) {
        assert_eq!(request.target, "/v1/messages");
        assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
        assert_eq!(request.json()["model"], "claude-sonnet-4-5");
        assert!(request.json()["max_tokens"].is_u64());
    }
    scripted(
        RESPONSES,
        "anthropic",
        "claude-sonnet-4-5",
        &[UNKNOWN_MODEL],
    );
}

#[test]
fn scripted_messages_on_openai() {
    let sets = [
        MESSAGES_BASIC,
        MESSAGES_TOOLS,
        MESSAGES_THINKING,
        &["thinking_altered", "pdf", "structured", "refusal"],
        CONVERTED_FAULTS,
        FAULTS,
    ];
    for request in scripted(MESSAGES, "openai", "alias-gpt", &sets) {
        assert_eq!(request.target, "/v1/responses");
        assert_eq!(request.header("anthropic-version"), None);
        let body = request.json();
        assert_eq!(body["model"], "gpt-5.5-exact");
        assert_eq!(body["store"], false, "{body}");
    }
    scripted(MESSAGES, "openai", "gpt-5.5", &[UNKNOWN_MODEL]);
}

/// Any other server with a Chat endpoint: the least that can be relied on.
#[test]
fn scripted_responses_on_openai_compatible() {
    let sets = [
        RESPONSES_BASIC,
        RESPONSES_TOOLS,
        RESPONSES_REASONING,
        &[
            "namespace_tool",
            "image",
            "pdf",
            "structured",
            "refusal",
            "stateful",
        ],
        CONVERTED_FAULTS,
        FAULTS,
    ];
    for request in scripted(RESPONSES, "openai-compatible", "compatible-model", &sets) {
        assert_eq!(request.target, "/v1/chat/completions");
        assert_eq!(request.json()["model"], "compatible-model");
    }
    let sets = [UNKNOWN_MODEL];
    scripted(RESPONSES, "openai-compatible", "compatible-model", &sets);
}

#[test]
fn scripted_messages_on_openai_compatible() {
    let own = [
        "thinking",
        "thinking_loop",
        "tool_long_name",
        "image",
        "pdf",
        "structured",
        "refusal_text",
    ];
    let sets = [
        MESSAGES_BASIC,
        MESSAGES_TOOLS,
        &own,
        CONVERTED_FAULTS,
        FAULTS,
    ];
    for request in scripted(MESSAGES, "openai-compatible", "compatible-model", &sets) {
        assert_eq!(request.target, "/v1/chat/completions");
        assert_eq!(request.json()["model"], "compatible-model");
    }
    let sets = [UNKNOWN_MODEL];
    scripted(MESSAGES, "openai-compatible", "compatible-model", &sets);
}

/// The faults of a provider of Chat, and what its requests must look like.
fn scripted_chat(script: &str, provider: &str, model: &str, target: &str) {
    let sets = [CONVERTED_FAULTS, FAULTS, UNKNOWN_MODEL];
    for request in scripted(script, provider, model, &sets) {
        assert_eq!(request.target, target);
        assert!(!request.contains(CLIENT_KEY));
    }
}

const GEMINI_PATH: &str = "/v1beta/openai/chat/completions";
const GROQ_PATH: &str = "/openai/v1/chat/completions";
const PERPLEXITY_PATH: &str = "/chat/completions";

#[test]
fn scripted_responses_on_gemini() {
    scripted_chat(RESPONSES, "gemini", "gemini-3.8-flash", GEMINI_PATH);
}

#[test]
fn scripted_responses_on_groq() {
    scripted_chat(RESPONSES, "groq", "openai/gpt-oss-120b", GROQ_PATH);
}

#[test]
fn scripted_responses_on_perplexity() {
    scripted_chat(RESPONSES, "perplexity", "sonar", PERPLEXITY_PATH);
}

#[test]
fn scripted_messages_on_gemini() {
    scripted_chat(MESSAGES, "gemini", "gemini-3.8-flash", GEMINI_PATH);
}

#[test]
fn scripted_messages_on_groq() {
    scripted_chat(MESSAGES, "groq", "openai/gpt-oss-120b", GROQ_PATH);
}

#[test]
fn scripted_messages_on_perplexity() {
    scripted_chat(MESSAGES, "perplexity", "sonar", PERPLEXITY_PATH);
}

/// A client that leaves takes its call at the provider with it, in a converted cell as anywhere.
#[test]
fn scripted_client_leaves() {
    leaves(RESPONSES, "claude-sonnet-4-5");
    leaves(RESPONSES, "gemini-3.8-flash");
    leaves(MESSAGES, "gpt-5.5");
    leaves(MESSAGES, "openai/gpt-oss-120b");
}

#[test]
fn scripted_retries() {
    retries(RESPONSES, "claude-sonnet-4-5");
    retries(RESPONSES, "sonar");
    retries(MESSAGES, "gpt-5.5");
    retries(MESSAGES, "gemini-3.8-flash");
}

/// What the page for users of each client tells them to write.
#[test]
fn demo_page_examples() {
    demo("page_examples.py", "-", &[&["openai", "anthropic"]]);
}
