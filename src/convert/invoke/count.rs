//! Counting tokens: the request that would be sent, in an envelope.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::{Author, Edited, edit};
use crate::codec::write::{self, Object};
use crate::convert::context::{ConvertedAnswer, ConvertedRequest, RequestContext};
use crate::convert::report::Refusal;
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::format::messages::Count;
use crate::usage::Usage;

/// What is read of a request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request<'a> {
    #[serde(borrow)]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Thinking {
    budget_tokens: Count,
}

/// What AWS answers.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    #[serde(rename = "inputTokens")]
    input_tokens: Count,
}

/// Wraps the request of a Messages client, edited as for InvokeModel, whose body AWS wants in base64.
///
/// # Errors
/// The request holds something that Bedrock has no place for and that may not be left out.
pub(crate) fn convert(
    body: &[u8],
    cx: &mut RequestContext<'_>,
) -> Result<ConvertedRequest<()>, Refusal> {
    let request: Request<'_> = serde_json::from_slice(body)
        .map_err(|_| Refusal::invalid("", "the body is no JSON object"))?;
    let Edited {
        body: mut inner, ..
    } = edit(body, Author::Client, &[], cx)?;
    if request.max_tokens.is_none() {
        // InvokeModel demands a limit, which requests to count have no use for; it must be above the budget of thinking.
        let thinking = request
            .thinking
            .and_then(|raw| serde_json::from_str::<Thinking>(raw.get()).ok());
        let budget = thinking.and_then(|thinking| thinking.budget_tokens.get());
        let mut limit = BytesMut::from(&b",\"max_tokens\":"[..]);
        write::uint(&mut limit, budget.unwrap_or(0).saturating_add(1));
        let end = inner.trim_ascii_end().len().saturating_sub(1);
        inner.truncate(end);
        inner.extend_from_slice(&limit);
        inner.push(b'}');
    }
    let mut out = BytesMut::with_capacity(inner.len() / 3 * 4 + 64);
    let mut envelope = Object::begin(&mut out);
    let mut input = envelope.object("input");
    let mut invoke = input.object("invokeModel");
    invoke.string("body", &STANDARD.encode(&inner));
    invoke.end();
    input.end();
    envelope.end();
    Ok(ConvertedRequest {
        body: out.freeze(),
        headers: Vec::new(),
        state: (),
    })
}

/// Anthropic's answer of AWS's.
///
/// # Errors
/// It holds no number.
pub(crate) fn answer(body: &[u8]) -> Result<ConvertedAnswer, ClientError> {
    let answer: Answer = serde_json::from_slice(body).unwrap_or_default();
    let Some(count) = answer.input_tokens.get() else {
        let message = "the provider's answer holds no number of tokens";
        return Err(ClientError::gateway(
            Format::Messages,
            Fault::BadGateway,
            message,
        ));
    };
    let mut out = BytesMut::new();
    let mut object = Object::begin(&mut out);
    object.uint("input_tokens", count);
    object.end();
    Ok(ConvertedAnswer {
        body: Bytes::from(out),
        // Nothing was spent.
        usage: Usage::default(),
    })
}
