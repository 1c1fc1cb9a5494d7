//! Gemini's native API, where requests go that want a tool which only it knows.

use super::bedrock::without;
use super::cells::scripted_with;
use super::{
    CHAT, CHAT_BASIC, CHAT_FULL, CHAT_TOOLS, FAULTS, GATEWAY, demo_with, leaves_with, retries_with,
};

/// Signs its calls, and mixes its own tools with the client's.
const NEW: &str = "gemini-3.8-flash";
/// Does neither.
const OLD: &str = "gemini-2.5-flash";

/// Every request may search the web.
const SEARCH: &str = r#"{"web_search_options": {}}"#;

const CHAT_FAULTS: &[&str] = &[
    "refusal_finish",
    "bad_model",
    "overloaded",
    "ratelimit",
    "throttled_once",
    "cut",
    "cut_helper",
    "error_event",
];

#[test]
fn demo_chat_on_native_gemini() {
    let own = [
        "web_search_grounded",
        "signature_loop",
        "prompt_blocked",
        "no_answer",
        "media_seen",
    ];
    let sets = [
        CHAT_BASIC,
        CHAT_TOOLS,
        CHAT_FULL,
        GATEWAY,
        CHAT_FAULTS,
        &own,
    ];
    // A filtered answer says nothing.
    let sets = without(&sets, &["refusal"]);
    demo_with(CHAT, NEW, SEARCH, &[&sets]);
}

#[test]
fn demo_chat_on_native_gemini_older() {
    let own = [
        "web_search_grounded",
        "image",
        "pdf",
        "max_tokens",
        "media_seen",
    ];
    demo_with(CHAT, OLD, SEARCH, &[CHAT_BASIC, &own]);
}

#[test]
fn demo_chat_with_geminis_own_tools() {
    let own = ["own_steps", "code_shown", "page_read"];
    demo_with(CHAT, NEW, super::PLAIN, &[&own]);
    demo_with(CHAT, OLD, super::PLAIN, &[&["code_shown", "page_read"]]);
}

#[test]
fn scripted_chat_on_native_gemini() {
    let sets = [CHAT_BASIC, CHAT_TOOLS, CHAT_FULL];
    let sets = without(&sets, &["refusal"]);
    let own = [
        "web_search_grounded",
        "signature_loop",
        "cut_helper",
        "wrong_key",
        "unknown_at_provider",
    ];
    let path = "/v1beta/models/gemini-3.8-flash";
    for request in scripted_with(CHAT, "gemini", NEW, SEARCH, &[&sets, &own, FAULTS]) {
        let target = request.target.replace("-no-such-model", "");
        let method = target.strip_prefix(path);
        let methods = [":generateContent", ":streamGenerateContent?alt=sse"];
        assert!(
            method.is_some_and(|method| methods.contains(&method)),
            "{target}"
        );
        let tools = request.json()["tools"].to_string();
        assert!(tools.contains("googleSearch"), "{tools}");
    }
}

#[test]
fn scripted_native_gemini_client_leaves() {
    leaves_with(CHAT, NEW, SEARCH);
}

#[test]
fn scripted_native_gemini_retries() {
    retries_with(CHAT, NEW, SEARCH);
}
