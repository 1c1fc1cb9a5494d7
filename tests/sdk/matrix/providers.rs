//! What stands behind the gateway of the matrix: the scripted provider where something is to go wrong, else the demo providers.

use http_body_util::BodyExt as _;
use tower::Service as _;
use tower_llm_gateway::Payload;

use super::super::demo::Demo;
use super::super::support::fake;
use super::super::support::upstream::{Recorded, Reply};

/// What compatible servers are reached under, beside the path that the demo knows.
const COMPATIBLE: &str = "/compatible";
/// How long the pieces are into which an answer is cut on demand: shorter than a character with its escape, or than a frame's head.
const PIECE: usize = 5;

/// The provider that a request is for.
pub(super) fn of(request: &Recorded) -> &'static str {
    let path = request.path();
    let by_start = [
        (COMPATIBLE, "openai-compatible"),
        ("/v1/messages", "anthropic"),
        ("/v1/", "openai"),
        ("/v1beta/", "gemini"),
        ("/openai/v1/", "groq"),
        ("/chat/completions", "perplexity"),
    ];
    let found = by_start.iter().find(|(start, _)| path.starts_with(start));
    match found {
        Some((_, provider)) => provider,
        None if path.contains("/converse") => "aws-bedrock",
        None if path.contains("/invoke") => "aws-bedrock-invoke",
        None => panic!("no provider has {path}"),
    }
}

/// Answers a request; `in-pieces` in it makes the writes end inside of lines, frames and characters.
pub(super) fn answer(request: &Recorded) -> Reply {
    if request.contains("scripted:") {
        return fake::answer(request);
    }
    let target = request.target.strip_prefix(COMPATIBLE);
    let mut asked = http::Request::builder()
        .method(request.method.as_str())
        .uri(target.unwrap_or(&request.target));
    for (name, value) in &request.headers {
        asked = asked.header(name, value);
    }
    let asked = asked
        .body(Payload::new(request.body.clone()))
        .expect("a request");
    let (head, events) = ask(asked);
    let header = |name: &str| {
        head.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    };
    let media = header("content-type").expect("a type");
    let streams = !media.starts_with("application/json") && head.status.is_success();
    let reply = if request.contains("in-pieces") {
        Reply::stream(media, events.concat().chunks(PIECE).map(<[u8]>::to_vec))
    } else if streams {
        Reply::stream(media, events)
    } else {
        Reply::bytes(200, media, events.concat())
    };
    head.headers
        .iter()
        .filter(|(name, _)| *name != "content-type")
        .fold(
            reply.status(head.status.as_u16()),
            |reply, (name, value)| reply.header(name.as_str(), value.to_str().expect("text")),
        )
}

/// The demo's answer, all of it: its time stands, so that its pauses take none.
fn ask(request: http::Request<Payload>) -> (http::response::Parts, Vec<Vec<u8>>) {
    // The caller is in a runtime already.
    let asked = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let Ok(response) = Demo.call(request).await;
            let (head, mut body) = response.into_parts();
            let mut events = Vec::new();
            while let Some(Ok(frame)) = body.frame().await {
                events.extend(frame.into_data().map(|data| data.to_vec()));
            }
            (head, events)
        })
    });
    asked.join().expect("the demo answers")
}
