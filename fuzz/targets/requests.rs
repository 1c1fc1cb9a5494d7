//! Any body on any endpoint: refused in the client's format with nothing sent, or sent once and well.
#![no_main]

#[path = "../../src/convert/validate/converse.rs"]
mod converse;
mod support;

use bytes::Bytes;
use http::Method;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use support::{AUTHORITY, BASE, CLIENT_KEY, Call, assert_error, run};
use tower_llm_gateway::settings::Lossy;
use tower_llm_gateway::{Endpoint, Provider};

/// Where a cell's calls go below the base URL.
enum Path {
    /// Always there.
    Is(&'static str),
    /// To a model, which is one segment, with one of these operations.
    Model(&'static str, &'static [&'static str]),
    /// There, or to Google's own API.
    OrGoogle(&'static str),
}

const CONVERSE: Path = Path::Model("/model/", &["/converse", "/converse-stream"]);
const INVOKE: Path = Path::Model("/model/", &["/invoke", "/invoke-with-response-stream"]);
const COUNT: Path = Path::Model("/model/", &["/count-tokens"]);
const GOOGLE: &[&str] = &[":generateContent", ":streamGenerateContent?alt=sse"];

/// Every cell, where its calls go, and whether requests are converted.
const CELLS: &[(Endpoint, Provider, Path, bool)] = {
    use Endpoint::{Chat, CountTokens, Messages, Responses};
    use Provider::{
        Anthropic, AwsBedrock, AwsBedrockInvoke, Gemini, Groq, OpenAi, OpenAiCompatible, Perplexity,
    };
    const COMPLETIONS: &str = "/chat/completions";
    const GEMINI: &str = "/openai/chat/completions";
    &[
        (Chat, Anthropic, Path::Is("/v1/messages"), true),
        (Responses, Anthropic, Path::Is("/v1/messages"), true),
        (Messages, Anthropic, Path::Is("/v1/messages"), false),
        (
            CountTokens,
            Anthropic,
            Path::Is("/v1/messages/count_tokens"),
            false,
        ),
        (Chat, OpenAi, Path::Is(COMPLETIONS), false),
        (Responses, OpenAi, Path::Is("/responses"), false),
        (Messages, OpenAi, Path::Is("/responses"), true),
        (Chat, Groq, Path::Is(COMPLETIONS), false),
        (Responses, Groq, Path::Is(COMPLETIONS), true),
        (Messages, Groq, Path::Is(COMPLETIONS), true),
        (Chat, Perplexity, Path::Is(COMPLETIONS), false),
        (Responses, Perplexity, Path::Is(COMPLETIONS), true),
        (Messages, Perplexity, Path::Is(COMPLETIONS), true),
        (Chat, OpenAiCompatible, Path::Is(COMPLETIONS), false),
        (Responses, OpenAiCompatible, Path::Is(COMPLETIONS), true),
        (Messages, OpenAiCompatible, Path::Is(COMPLETIONS), true),
        (Chat, Gemini, Path::OrGoogle(GEMINI), false),
        (Responses, Gemini, Path::OrGoogle(GEMINI), true),
        (Messages, Gemini, Path::OrGoogle(GEMINI), true),
        (Chat, AwsBedrock, CONVERSE, true),
        (Responses, AwsBedrock, CONVERSE, true),
        (Messages, AwsBedrock, CONVERSE, true),
        (CountTokens, AwsBedrock, COUNT, true),
        (Chat, AwsBedrockInvoke, INVOKE, true),
        (Responses, AwsBedrockInvoke, INVOKE, true),
        (Messages, AwsBedrockInvoke, INVOKE, true),
        (CountTokens, AwsBedrockInvoke, COUNT, true),
    ]
};

/// Whether `path` is `start`, one segment, and one of the ends.
fn is_of_model(path: &str, (start, ends): (&str, &[&str])) -> bool {
    path.strip_prefix(start).is_some_and(|rest| {
        ends.iter().any(|end| {
            rest.strip_suffix(end).is_some_and(|model| {
                let sound = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' | b'%');
                !matches!(model, "" | "." | "..") && model.bytes().all(sound)
            })
        })
    })
}

// The first byte chooses the cell, the second the settings; the rest is the request's body.
fuzz_target!(|input: &[u8]| {
    let [cell, flags, body @ ..] = input else {
        return;
    };
    let (endpoint, provider, path, converts) = &CELLS[usize::from(*cell) % CELLS.len()];
    let (endpoint, provider) = (*endpoint, *provider);
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
        event_limit: None,
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
    let target = uri.path_and_query().unwrap().as_str();
    let target = target.strip_prefix(BASE).expect("below the base URL");
    let google = matches!(path, Path::OrGoogle(_))
        && (is_of_model(target, ("/models/", GOOGLE))
            || is_of_model(target, ("/tunedModels/", GOOGLE)));
    let converts = *converts || google;
    let kept = if converts { "" } else { query };
    match path {
        Path::Is(path) => assert_eq!(target, format!("{path}{kept}")),
        Path::Model(start, ends) => assert!(is_of_model(target, (*start, *ends)), "{target}"),
        Path::OrGoogle(path) => assert!(google || target == format!("{path}{kept}"), "{target}"),
    }
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
        if provider == Provider::AwsBedrock && endpoint != Endpoint::CountTokens {
            let request = serde_json::from_slice(out).unwrap();
            assert_eq!(converse::validate(&request), Ok(()), "{request}");
        }
    } else {
        assert!(out.len() <= body.len() + 64);
        #[derive(serde::Deserialize)]
        struct Model<'a> {
            #[serde(borrow)]
            model: std::borrow::Cow<'a, str>,
        }
        let asked = serde_json::from_slice::<Model<'_>>(body)
            .expect("it has a model")
            .model;
        let same =
            model.is_none() && outcome.headers["x-gateway-model"].as_bytes() == asked.as_bytes();
        if same && !body.windows(5).any(|window| window == b"tlg1.") {
            assert_eq!(*out, body, "passthrough must keep every byte");
        }
    }
});
