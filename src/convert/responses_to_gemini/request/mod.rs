//! Responses requests as requests to Google's `generateContent`.
//!
//! Sources: OpenAI's `CreateResponse`, Gemini API reference (`GenerateContentRequest`), and the pages "Thinking", "Thought
//! signatures", "Grounding with Google Search" and "Code execution" of the Gemini API.
//!
//! The output is written into one buffer in a fixed order, since prompt caches depend on the bytes.

mod history;
mod params;
mod parts;
mod tools;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use self::history::History;
use super::state::State;
use crate::codec::write::{self, Object};
use crate::convert::context::{ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::convert::responses_out::Echo;
use crate::convert::responses_request::checks::{self, Target};
use crate::convert::responses_request::heads::{Accepted, Hosted};
use crate::convert::responses_request::input::{self, Settings};
use crate::convert::responses_request::{choice, path};
use crate::format::responses::request::Request;
use crate::target::UnsupportedTools;

/// What the provider is called in refusals.
const TARGET: &str = "Gemini";

/// Converts a request's body, which the caller found to be valid JSON with at most 128 levels.
///
/// # Errors
/// The request holds something that the target cannot express and that may not be left out, or that no target takes.
pub(crate) fn convert(
    body: &[u8],
    cx: &mut RequestContext<'_>,
) -> Result<ConvertedRequest<State>, Refusal> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(Refusal::invalid("", "the body is not UTF-8"));
    };
    let request: Request<'_> = path::parse(text, String::new)?;
    let mut settings = Settings::read(&request)?;
    let target = Target {
        name: TARGET,
        lenient: true,
        sources: true,
    };
    let include = checks::refuse_or_drop(&request, &settings, target, cx)?;
    params::refuse_or_drop(&request, cx)?;
    let (input, items) = input::read(&request, accepted(cx))?;
    settings.update(&items, cx)?;
    let mut known = tools::read(&request, &items, cx)?;
    let chosen = choice::resolve(&request, &mut known, cx)?;
    let plan = tools::Plan::new(&known, chosen, cx)?;
    let system = history::system(&request, &items, cx)?;

    let mut out = BytesMut::with_capacity(text.len() + text.len() / 8 + 1024);
    let mut object = Object::begin(&mut out);
    let history = History::plan(input, items, &known);
    let said = history.write(object.key("contents"), &system, cx)?;
    if said && !system.is_empty() {
        let mut instruction = object.object("systemInstruction");
        let list = instruction.key("parts");
        for (at, text) in system.iter().enumerate() {
            list.put_u8(if at > 0 { b',' } else { b'[' });
            list.put_slice(b"{\"text\":");
            list.put_slice(text.json().as_bytes());
            list.put_u8(b'}');
        }
        list.put_u8(b']');
        instruction.end();
    }
    plan.write(&mut object, cx)?;
    params::write_generation(&mut object, &request, &settings, cx)?;
    params::write_service_tier(&mut object, &request, cx);
    object.end();

    let mut model = BytesMut::new();
    write::string(&mut model, cx.model);
    Ok(ConvertedRequest {
        body: out.freeze(),
        headers: Vec::new(),
        state: State {
            echo: Echo::without_sampling_defaults(&request),
            model: String::from_utf8_lossy(&model).into_owned(),
            sources: include.sources,
            tools: Arc::new(known.sent()),
        },
    })
}

/// What a search found is in the texts; other tools' calls are left out only where the owner says so, and what another
/// provider compacted cannot be read at all.
fn accepted(cx: &RequestContext<'_>) -> Accepted {
    let left = cx.options.unsupported_tools == Some(UnsupportedTools::Drop);
    Accepted {
        target: TARGET,
        mcp: false,
        hosted: if left {
            Hosted::Left
        } else {
            Hosted::SearchesLeft
        },
        compaction: false,
    }
}
