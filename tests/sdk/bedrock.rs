//! The six cells of AWS Bedrock: Converse and InvokeModel, each for the three clients.
//!
//! The demo's Bedrock checks signatures and whatever AWS and the models would refuse, wants signed thoughts back as they were, and throws
//! every exception that there is; the scripted one breaks connections and shows what it got.

use super::cells::{
    CONVERTED_FAULTS, MESSAGES_EVERYWHERE, MESSAGES_MORE_TOOLS, RESPONSES_EVERYWHERE,
    RESPONSES_MORE_TOOLS, RESPONSES_REASONING, RESPONSES_SIGNED, UNKNOWN_MODEL, scripted,
};
use super::{
    CHAT, CHAT_BASIC, CHAT_FULL, CHAT_THINKING, CHAT_TOOLS, FAULTS, GATEWAY, MESSAGES,
    MESSAGES_BASIC, MESSAGES_TOOLS, RESPONSES, RESPONSES_BASIC, RESPONSES_TOOLS, demo, leaves,
    retries,
};

/// Thinks within a budget.
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// Decides by itself how much to think.
const OPUS: &str = "us.anthropic.claude-opus-4-6-v1";
/// Thinks without signatures, and searches the web.
const NOVA: &str = "amazon.nova-2-lite-v1:0";
const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";
/// Gives its thoughts away only encrypted.
const SEALED: &str = "openai.gpt-5.5";

/// The same model behind InvokeModel.
fn invoke(model: &str) -> String {
    format!("aws-bedrock-invoke/{model}")
}

/// What only Bedrock does, and every client of it sees.
const BEDROCK: &[&str] = &["exceptions", "broken_frames", "throttled_once"];

const CHAT_FAULTS: &[&str] = &[
    "refusal_finish",
    "bad_model",
    "bad_request",
    "overloaded",
    "ratelimit",
    "cut",
    "cut_helper",
    "error_event",
];

/// The sets without what this target has not got.
pub(crate) fn without<'a>(sets: &[&[&'a str]], names: &[&str]) -> Vec<&'a str> {
    let all = sets.concat();
    assert!(names.iter().all(|name| all.contains(name)), "{names:?}");
    all.into_iter()
        .filter(|name| !names.contains(name))
        .collect()
}

/// What Chat clients do with Claude on either wire. The format has no refusal there, only a filtered answer.
fn chat_claude() -> Vec<&'static str> {
    let own = ["usage_cached", "media_seen", "image_url_refused"];
    let sets = [
        CHAT_BASIC,
        CHAT_TOOLS,
        CHAT_FULL,
        CHAT_THINKING,
        GATEWAY,
        CHAT_FAULTS,
        BEDROCK,
        &own,
    ];
    without(&sets, &["refusal"])
}

#[test]
fn demo_chat_on_converse() {
    demo(CHAT, SONNET, &[&chat_claude()]);
    demo(CHAT, OPUS, &[CHAT_BASIC, CHAT_TOOLS, CHAT_THINKING]);
}

#[test]
fn demo_chat_on_converse_other_families() {
    let sets = [CHAT_BASIC, CHAT_TOOLS];
    for model in [
        "amazon.nova-pro-v1:0",
        "meta.llama3-3-70b-instruct-v1:0",
        "mistral.mistral-large-3",
    ] {
        demo(CHAT, model, &sets);
    }
    let own = [
        "thinking_unsigned",
        "web_search_grounded",
        "media_seen",
        "max_tokens",
    ];
    demo(CHAT, NOVA, &[CHAT_BASIC, CHAT_TOOLS, &own]);
    demo(
        CHAT,
        GPT_OSS,
        &[CHAT_BASIC, CHAT_TOOLS, &["thinking_unsigned", "structured"]],
    );
    demo(
        CHAT,
        SEALED,
        &[CHAT_BASIC, CHAT_TOOLS, &["thinking_sealed", "structured"]],
    );
    demo(CHAT, "deepseek.r1-v1:0", &[CHAT_BASIC]);
}

#[test]
fn demo_chat_on_invoke() {
    let own = ["refusal"];
    demo(CHAT, &invoke(SONNET), &[&chat_claude(), &own]);
    let sets = [CHAT_BASIC, CHAT_TOOLS, CHAT_THINKING];
    demo(CHAT, &invoke(OPUS), &sets);
}

/// What Responses clients do with Claude on either wire. Images by an address are refused, and Converse does not say which item the limit
/// cut.
fn responses_claude() -> Vec<&'static str> {
    let own = [
        "reasoning_redacted",
        "reasoning_reported",
        "image_inline",
        "pdf",
        "refusal_filtered",
        "usage_cached",
        "usage_written",
        "max_tokens_ends",
    ];
    let sets = [
        RESPONSES_BASIC,
        RESPONSES_TOOLS,
        RESPONSES_EVERYWHERE,
        RESPONSES_MORE_TOOLS,
        RESPONSES_REASONING,
        RESPONSES_SIGNED,
        BEDROCK,
        &own,
    ];
    without(&sets, &["image", "max_tokens"])
}

#[test]
fn demo_responses_on_converse() {
    demo(RESPONSES, SONNET, &[&responses_claude()]);
    let own = ["agent_loop"];
    let sets = [RESPONSES_REASONING, RESPONSES_SIGNED, RESPONSES_TOOLS, &own];
    demo(RESPONSES, OPUS, &sets);
}

#[test]
fn demo_responses_on_converse_other_families() {
    let basic = without(&[RESPONSES_BASIC], &["max_tokens"]);
    // These cannot be kept from calling two tools at once, and do not count what they think.
    let tools = without(&[RESPONSES_TOOLS, RESPONSES_MORE_TOOLS], &["tools_serial"]);
    let loops = ["reasoning_loop", "custom_tool_thinking"];
    let own = ["web_search_grounded", "pdf", "image_inline"];
    demo(RESPONSES, NOVA, &[&basic, &tools, &loops, &own]);
    // Nor does this one look at images, or obey when it is told to call.
    let fewer = without(&[&tools], &["tool_result_parts", "tool_choice"]);
    demo(
        RESPONSES,
        GPT_OSS,
        &[&basic, &fewer, &loops, &["structured"]],
    );
    demo(
        RESPONSES,
        SEALED,
        &[&basic, &tools, &["reasoning_sealed", "structured"]],
    );
}

#[test]
fn demo_responses_on_invoke() {
    let own = ["max_tokens", "refusal"];
    demo(RESPONSES, &invoke(SONNET), &[&responses_claude(), &own]);
    let own = ["agent_loop"];
    let sets = [RESPONSES_REASONING, RESPONSES_SIGNED, RESPONSES_TOOLS, &own];
    demo(RESPONSES, &invoke(OPUS), &sets);
}

/// What Messages clients do with Claude on either wire. Foreign thoughts look like Claude's own there, and are Claude's to refuse; this
/// Claude does not adapt.
fn messages_claude() -> Vec<&'static str> {
    let own = [
        "thinking",
        "thinking_loop",
        "thinking_altered",
        "usage_cached",
        "usage_written",
        "image_inline",
        "pdf",
        "refusal",
        "stop_sequence",
    ];
    let sets = [
        MESSAGES_BASIC,
        MESSAGES_TOOLS,
        MESSAGES_EVERYWHERE,
        MESSAGES_MORE_TOOLS,
        BEDROCK,
        &own,
    ];
    without(
        &sets,
        &[
            "image",
            "agent_loop",
            "thinking_foreign",
            "count_tokens_missing",
        ],
    )
}

/// With a model that decides by itself how much to think.
const MESSAGES_ADAPTIVE: &[&str] = &[
    "agent_loop",
    "thinking_adaptive",
    "adaptive_loop",
    "omitted_loop",
];

#[test]
fn demo_messages_on_converse() {
    let own = ["document_cited", "count_tokens"];
    demo(MESSAGES, SONNET, &[&messages_claude(), &own]);
    demo(
        MESSAGES,
        OPUS,
        &[MESSAGES_BASIC, MESSAGES_TOOLS, MESSAGES_ADAPTIVE],
    );
}

#[test]
fn demo_messages_on_converse_other_families() {
    // These cannot be kept from calling two tools at once.
    let tools = without(&[MESSAGES_TOOLS, MESSAGES_MORE_TOOLS], &["tools_serial"]);
    let own = [
        "thinking_unsigned",
        "web_search_grounded",
        "image_inline",
        "pdf",
        "refusal",
        "usage_cached",
    ];
    demo(MESSAGES, NOVA, &[MESSAGES_BASIC, &tools, &own]);
    // Nor does this one look at images, or obey when it is told to call.
    let fewer = without(&[&tools], &["tool_result_parts", "tool_choice"]);
    let own = ["thinking_unsigned", "structured"];
    demo(MESSAGES, GPT_OSS, &[MESSAGES_BASIC, &fewer, &own]);
    // What looks like Claude's is sent on, and refused.
    let fewer = without(&[&tools], &["thinking_foreign"]);
    let own = ["thinking_sealed", "structured"];
    demo(MESSAGES, SEALED, &[MESSAGES_BASIC, &fewer, &own]);
}

#[test]
fn demo_messages_on_invoke() {
    let own = ["stream_input_tokens", "count_tokens"];
    demo(MESSAGES, &invoke(SONNET), &[&messages_claude(), &own]);
    let sets = [MESSAGES_BASIC, MESSAGES_TOOLS, MESSAGES_ADAPTIVE];
    demo(MESSAGES, &invoke(OPUS), &sets);
}

const SCRIPTED_SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const CONVERSE_PATH: &str = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse";
const SCRIPTED_INVOKE: &str = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const INVOKE_PATH: &str = "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke";

/// What happens to a connection, and to a message on it.
const FRAMED_FAULTS: &[&str] = &["broken_frames"];

/// The sets against the scripted Converse and InvokeModel; each request must be for the one path of the model.
fn both_wires(script: &str, sets: &[&[&str]]) {
    for (provider, model, path) in [
        ("aws-bedrock", SCRIPTED_SONNET, CONVERSE_PATH),
        ("aws-bedrock-invoke", SCRIPTED_INVOKE, INVOKE_PATH),
    ] {
        for request in scripted(script, provider, model, sets) {
            let stream = match provider {
                "aws-bedrock" => "-stream",
                _ => "-with-response-stream",
            };
            let rest = request.target.strip_prefix(path);
            assert!(
                rest.is_some_and(|rest| ["", stream].contains(&rest)),
                "{}",
                request.target
            );
            let body = request.json();
            for name in ["model", "stream"] {
                assert!(body.get(name).is_none(), "{body}");
            }
        }
        scripted(script, provider, model, &[UNKNOWN_MODEL]);
    }
}

#[test]
fn scripted_chat_on_bedrock() {
    let sets = [CHAT_BASIC, CHAT_TOOLS, CHAT_FULL, CHAT_THINKING];
    let sets = without(&sets, &["refusal"]);
    let own = ["cut_helper", "wrong_key"];
    both_wires(CHAT, &[&sets, &own, FRAMED_FAULTS, FAULTS]);
}

#[test]
fn scripted_responses_on_bedrock() {
    let basic = without(&[RESPONSES_BASIC], &["max_tokens"]);
    let own = ["pdf", "structured", "refusal_filtered", "max_tokens_ends"];
    let sets: [&[&str]; 8] = [
        &basic,
        RESPONSES_TOOLS,
        RESPONSES_REASONING,
        RESPONSES_SIGNED,
        CONVERTED_FAULTS,
        FRAMED_FAULTS,
        FAULTS,
        &own,
    ];
    both_wires(RESPONSES, &sets);
}

#[test]
fn scripted_messages_on_bedrock() {
    let own = [
        "thinking",
        "thinking_loop",
        "thinking_altered",
        "pdf",
        "structured",
        "refusal",
    ];
    let sets = [
        MESSAGES_BASIC,
        MESSAGES_TOOLS,
        CONVERTED_FAULTS,
        FRAMED_FAULTS,
        FAULTS,
        &own,
    ];
    both_wires(MESSAGES, &sets);
}

/// A client that leaves takes its call at AWS with it.
#[test]
fn scripted_bedrock_client_leaves() {
    leaves(CHAT, SCRIPTED_SONNET);
    leaves(RESPONSES, SCRIPTED_SONNET);
    leaves(MESSAGES, SCRIPTED_SONNET);
    leaves(MESSAGES, SCRIPTED_INVOKE);
}

#[test]
fn scripted_bedrock_retries() {
    retries(CHAT, SCRIPTED_SONNET);
    retries(RESPONSES, SCRIPTED_INVOKE);
    retries(MESSAGES, SCRIPTED_SONNET);
}
