//! Any body on any endpoint: refused in the client's format with nothing sent, or sent once and well.
#![no_main]

mod support;

use bytes::Bytes;
use http::Method;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use support::{AUTHORITY, BASE, CLIENT_KEY, Call, assert_error, run};
use tower_llm_gateway::settings::{Limits, Lossy};
use tower_llm_gateway::{Endpoint, Provider};

/// The cells that are served, and where their calls go below the base URL.
const CELLS: &[(Endpoint, Provider, &str)] = &[
    (Endpoint::Chat, Provider::Anthropic, "/v1/messages"),
    (Endpoint::Chat, Provider::OpenAi, "/chat/completions"),
    (Endpoint::Chat, Provider::Groq, "/chat/completions"),
    (Endpoint::Chat, Provider::Perplexity, "/chat/completions"),
    (Endpoint::Chat, Provider::Gemini, "/openai/chat/completions"),
    (
        Endpoint::Chat,
        Provider::OpenAiCompatible,
        "/chat/completions",
    ),
    (Endpoint::Responses, Provider::OpenAi, "/responses"),
    (Endpoint::Messages, Provider::Anthropic, "/v1/messages"),
    (
        Endpoint::CountTokens,
        Provider::Anthropic,
        "/v1/messages/count_tokens",
    ),
];

// The first byte chooses the cell, the second the settings; the rest is the request's body.
fuzz_target!(|input: &[u8]| {
    let [cell, flags, body @ ..] = input else {
        return;
    };
    let (endpoint, provider, path) = CELLS[usize::from(*cell) % CELLS.len()];
    let converts = endpoint == Endpoint::Chat && provider == Provider::Anthropic;
    let query = if flags & 1 == 1 { "?beta=true" } else { "" };
    let model = (flags & 2 == 2).then_some("claude-sonnet-4-5");
    let lossy = if flags & 4 == 4 {
        Lossy::Drop
    } else {
        Lossy::Reject
    };
    let outcome = run(Call {
        provider,
        path_and_query: format!("{}{query}", endpoint.path()),
        body: Bytes::copy_from_slice(body),
        model,
        lossy,
        limits: Limits::default(),
        content_type: "application/json",
        answer: vec![Bytes::from_static(b"{}")],
        slow: false,
    });
    assert!(!outcome.broken);
    let Some(sent) = outcome.sent.first() else {
        assert!(outcome.status.is_client_error(), "{}", outcome.status);
        assert_error(endpoint.path(), &outcome);
        return;
    };
    assert_eq!(outcome.sent.len(), 1);
    assert_eq!(sent.method(), Method::POST);
    let uri = sent.uri();
    assert_eq!(uri.scheme_str(), Some("https"));
    assert_eq!(
        uri.authority().map(|authority| authority.as_str()),
        Some(AUTHORITY)
    );
    let kept = if converts { "" } else { query };
    assert_eq!(
        uri.path_and_query().unwrap().as_str(),
        format!("{BASE}{path}{kept}")
    );
    for value in sent.headers().values() {
        assert!(!String::from_utf8_lossy(value.as_bytes()).contains(CLIENT_KEY));
    }
    let out = sent.body().bytes();
    serde_json::from_slice::<IgnoredAny>(body).expect("what is no JSON must not be sent");
    let result = serde_json::from_slice::<IgnoredAny>(out);
    assert!(
        result.is_ok(),
        "{result:?}: {}",
        String::from_utf8_lossy(out)
    );
    if converts {
        // What is added is bounded by what is there: names and braces around each part.
        assert!(
            out.len() <= 16 * body.len() + 4096,
            "{} bytes of {}",
            out.len(),
            body.len()
        );
    } else {
        assert!(out.len() <= body.len() + 64);
        let renamed = outcome.headers["x-gateway-model"].as_bytes();
        let quoted = [b"\"", renamed, b"\""].concat();
        let same = model.is_none() && body.windows(quoted.len()).any(|window| window == quoted);
        if same && !body.windows(5).any(|window| window == b"tlg1.") {
            assert_eq!(*out, body, "passthrough must keep every byte");
        }
    }
});
