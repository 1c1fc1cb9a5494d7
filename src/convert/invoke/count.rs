//! Counting tokens: the request that would be sent, in an envelope.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::{Author, Edited, edit};
use crate::codec::write::{self, Object};
use crate::convert::context::{ConvertedAnswer, RequestContext};
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

/// The request for InvokeModel, whose body AWS wants in base64.
///
/// # Errors
/// The request holds something that Bedrock has no place for and that may not be left out.
pub(crate) fn on_invoke(body: &[u8], cx: &mut RequestContext<'_>) -> Result<Bytes, Refusal> {
    let Edited { body, .. } = edit(&with_limit(body)?, Author::Client, &[], cx)?;
    let mut out = BytesMut::with_capacity(body.len() / 3 * 4 + 64);
    let mut envelope = Object::begin(&mut out);
    let mut input = envelope.object("input");
    let mut invoke = input.object("invokeModel");
    invoke.string("body", &STANDARD.encode(&body));
    invoke.end();
    input.end();
    envelope.end();
    Ok(out.freeze())
}

/// The request with a limit, which InvokeModel demands but requests to count have no use for; it must be above the budget
/// of thinking.
fn with_limit(body: &[u8]) -> Result<Cow<'_, [u8]>, Refusal> {
    let request: Request<'_> = serde_json::from_slice(body)
        .map_err(|_| Refusal::invalid("", "the body is no JSON object"))?;
    if request.max_tokens.is_some() {
        return Ok(Cow::Borrowed(body));
    }
    let thinking = request
        .thinking
        .and_then(|raw| serde_json::from_str::<Thinking>(raw.get()).ok());
    let budget = thinking.and_then(|thinking| thinking.budget_tokens.get());
    let mut head = BytesMut::with_capacity(body.len() + 32);
    head.extend_from_slice(b"{\"max_tokens\":");
    write::uint(&mut head, budget.unwrap_or(0).saturating_add(1));
    // There is a member at least: the model's name.
    head.extend_from_slice(b",");
    let members = body.trim_ascii_start().get(1..).unwrap_or_default();
    head.extend_from_slice(members);
    Ok(Cow::Owned(head.to_vec()))
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::convert::report::LossReport;
    use crate::models::ModelTable;
    use crate::options::Options;
    use crate::provider::Provider;

    fn context<T>(provider: Provider, run: impl FnOnce(&mut RequestContext<'_>) -> T) -> T {
        let model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        let mut cx = RequestContext {
            model,
            provider,
            options: &Options::default(),
            headers: &http::HeaderMap::new(),
            capabilities: &ModelTable::default().lookup(model),
            lossy: false,
            report: &mut LossReport::default(),
        };
        run(&mut cx)
    }

    const BODY: &str = r#"{"model":"m","system":"s","messages":[{"role":"user","content":"hi"}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"thinking":{"type":"enabled","budget_tokens":2000}}"#;

    #[test]
    fn of_invoke_model() {
        let body = context(Provider::AwsBedrockInvoke, |cx| {
            on_invoke(BODY.as_bytes(), cx).unwrap()
        });
        let body: Value = serde_json::from_slice(&body).unwrap();
        let inner = body["input"]["invokeModel"]["body"].as_str().unwrap();
        let inner: Value = serde_json::from_slice(&STANDARD.decode(inner).unwrap()).unwrap();
        assert_eq!(inner["max_tokens"], 2001);
        assert_eq!(inner["anthropic_version"], "bedrock-2023-05-31");
        assert_eq!(
            inner["messages"],
            json!([{"role": "user", "content": "hi"}])
        );
        assert_eq!(inner.get("model"), None);
    }

    #[test]
    fn a_limit_that_is_there_stays() {
        let body = br#"{"model":"m","max_tokens":7}"#;
        assert!(matches!(with_limit(body), Ok(Cow::Borrowed(_))));
        let limited = with_limit(br#" { "model":"m"}"#).unwrap();
        assert_eq!(*limited, br#"{"max_tokens":1, "model":"m"}"#[..]);
    }

    #[test]
    fn answers() {
        assert_eq!(
            answer(br#"{"inputTokens":12}"#).unwrap().body,
            r#"{"input_tokens":12}"#
        );
        for body in ["{}", r#"{"inputTokens":"x"}"#, "junk"] {
            assert_eq!(answer(body.as_bytes()).unwrap_err().status, 502);
        }
    }
}
