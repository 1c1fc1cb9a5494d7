//! Error bodies of providers, whatever their shape.

use std::borrow::Cow;

use http::StatusCode;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::value::RawValue;

use crate::call::FailureClass;
use crate::format::raw::RawStr;

/// What an error body says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UpstreamError<'a> {
    pub(crate) message: Option<Cow<'a, str>>,
    /// `error.type`.
    pub(crate) kind: Option<Cow<'a, str>>,
    /// `error.code`, where it is a string with other characters than digits.
    pub(crate) code: Option<Cow<'a, str>>,
    /// An HTTP status that the error names: `status_code`, or a numeric `code`.
    pub(crate) status_code: Option<u16>,
    /// Google's `error.status` (`RESOURCE_EXHAUSTED` …).
    pub(crate) status: Option<Cow<'a, str>>,
    pub(crate) param: Option<Cow<'a, str>>,
    /// Groq: what the model wrote instead of a tool call.
    pub(crate) failed_generation: Option<Cow<'a, str>>,
    /// Google's `error.details[].reason`.
    pub(crate) reason: Option<Cow<'a, str>>,
    /// Google's `RetryInfo.retryDelay`, in whole seconds, rounded up.
    pub(crate) retry_after: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Members<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    status_code: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    param: Option<&'a RawValue>,
    #[serde(borrow)]
    failed_generation: Option<&'a RawValue>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
    #[serde(borrow, rename = "retryDelay")]
    retry_delay: Option<&'a RawValue>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
    #[serde(borrow)]
    loc: Option<&'a RawValue>,
}

impl<'a> UpstreamError<'a> {
    /// Reads a body: an object with `error` (an object or a string), `detail` (FastAPI) or `message`, or an array that holds
    /// such an object first (Google). `None` when it is none of these.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let object = match body.trim_ascii_start().first()? {
            b'{' => body,
            b'[' => serde_json::from_slice::<First<'_>>(body)
                .ok()?
                .0?
                .get()
                .as_bytes(),
            _ => return None,
        };
        let body: Body<'_> = serde_json::from_slice(object).ok()?;
        if let Some(error) = body.error {
            if let Some(message) = text(Some(error)) {
                return Some(Self {
                    message: Some(message),
                    ..Self::default()
                });
            }
            if let Ok(members) = serde_json::from_str(error.get()) {
                return Some(Self::members(&members));
            }
        }
        let message = body
            .detail
            .and_then(validation_messages)
            .or_else(|| text(body.message))?;
        Some(Self {
            message: Some(message),
            ..Self::default()
        })
    }

    /// [`FailureClass::Exhausted`] where the money or the quota of a connection is used up: only another one can help.
    pub(crate) fn out_of_funds(&self) -> Option<FailureClass> {
        [&self.code, &self.kind]
            .into_iter()
            .flatten()
            .any(|word| word == "insufficient_quota")
            .then_some(FailureClass::Exhausted)
    }

    /// Reads the error object itself.
    pub(crate) fn read_object(error: &'a RawValue) -> Option<Self> {
        if let Some(message) = text(Some(error)) {
            return Some(Self {
                message: Some(message),
                ..Self::default()
            });
        }
        let members = serde_json::from_str(error.get()).ok()?;
        Some(Self::members(&members))
    }

    fn members(members: &Members<'a>) -> Self {
        let numeric = |raw: Option<&'a RawValue>| -> Option<u16> {
            raw?.get()
                .trim_matches('"')
                .parse()
                .ok()
                .filter(|status| (400..600).contains(status))
        };
        let mut error = Self {
            message: text(members.message),
            kind: text(members.kind),
            code: text(members.code).filter(|code| code.bytes().any(|byte| !byte.is_ascii_digit())),
            status_code: numeric(members.status_code).or_else(|| numeric(members.code)),
            status: text(members.status),
            param: text(members.param),
            failed_generation: text(members.failed_generation),
            ..Self::default()
        };
        let details: Vec<Detail<'a>> = members
            .details
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        for detail in details {
            error.reason = error.reason.or_else(|| text(detail.reason));
            error.retry_after = error
                .retry_after
                .or_else(|| text(detail.retry_delay).and_then(|delay| seconds(&delay)));
        }
        error
    }
}

/// A string with at least one character.
fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let text = RawStr::new(raw?)?;
    (!text.is_empty()).then(|| text.decode())
}

/// `34.07s`, rounded up.
fn seconds(delay: &str) -> Option<u64> {
    let delay = delay.strip_suffix('s')?;
    let (whole, fraction) = delay.split_once('.').unwrap_or((delay, ""));
    let more = fraction.bytes().any(|digit| digit != b'0');
    whole.parse::<u64>().ok()?.checked_add(u64::from(more))
}

/// FastAPI's `detail`: a string, or a list of `{loc, msg}`.
fn validation_messages(detail: &RawValue) -> Option<Cow<'_, str>> {
    if let Some(message) = text(Some(detail)) {
        return Some(message);
    }
    let details: Vec<Detail<'_>> = serde_json::from_str(detail.get()).ok()?;
    let mut message = String::new();
    for detail in &details {
        if !message.is_empty() {
            message.push_str("; ");
        }
        let steps: Vec<&RawValue> = detail
            .loc
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        for (at, step) in steps.iter().enumerate() {
            message.push_str(if at == 0 { "" } else { " -> " });
            match RawStr::new(step) {
                Some(step) => message.push_str(&step.decode()),
                None => message.push_str(step.get()),
            }
        }
        if !steps.is_empty() {
            message.push_str(": ");
        }
        message.push_str(&text(detail.msg).unwrap_or_default());
    }
    (!message.is_empty()).then_some(Cow::Owned(message))
}

/// The first element of an array.
struct First<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for First<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Option<&'de RawValue>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut array: A,
            ) -> Result<Self::Value, A::Error> {
                let first = array.next_element()?;
                while array.next_element::<IgnoredAny>()?.is_some() {}
                Ok(first)
            }
        }
        deserializer.deserialize_seq(Visitor).map(Self)
    }
}

/// The HTTP status of a code of Google's RPC.
pub(super) fn google_status(status: &str) -> Option<StatusCode> {
    Some(match status {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => StatusCode::BAD_REQUEST,
        "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
        "PERMISSION_DENIED" => StatusCode::FORBIDDEN,
        "NOT_FOUND" => StatusCode::NOT_FOUND,
        "ABORTED" => StatusCode::CONFLICT,
        "RESOURCE_EXHAUSTED" => StatusCode::TOO_MANY_REQUESTS,
        "UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
        "DEADLINE_EXCEEDED" => StatusCode::GATEWAY_TIMEOUT,
        "INTERNAL" | "UNKNOWN" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => return None,
    })
}

/// The HTTP status of an `error.code` or `error.type` of OpenAI's, Groq's or Anthropic's.
pub(super) fn word_status(word: &str) -> Option<StatusCode> {
    let status = match word {
        "invalid_request_error"
        | "invalid_prompt"
        | "context_length_exceeded"
        | "tool_use_failed"
        | "json_validate_failed" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" | "model_not_found" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        // OpenAI answers 429 to an account without quota, too.
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "insufficient_quota"
        | "tokens"
        | "requests" => 429,
        "server_error" | "api_error" | "internal_error" => 500,
        "overloaded" | "server_is_overloaded" | "slow_down" | "capacity_exceeded" => 503,
        "timeout_error" | "timeout" => 504,
        "overloaded_error" => 529,
        _ => return None,
    };
    StatusCode::from_u16(status).ok()
}

/// The readable text of a body that is no JSON: tags, scripts and control characters removed, white space joined, at most
/// `limit` bytes.
pub(crate) fn plain_text(body: &[u8], limit: usize) -> String {
    // Enough to find `limit` bytes of text behind the head of a usual error page.
    let body = body.get(..body.len().min(64 * 1024)).unwrap_or_default();
    let source = String::from_utf8_lossy(body);
    let lower = source.to_ascii_lowercase();
    let mut text = String::new();
    let mut rest = &*source;
    let mut gap = false;
    while let Some(next) = rest.chars().next() {
        let step = match next {
            '<' => {
                gap = true;
                tag_length(lower.get(source.len() - rest.len()..).unwrap_or_default())
            }
            _ if next.is_whitespace() || next.is_control() => {
                gap = true;
                next.len_utf8()
            }
            _ => {
                let space = gap && !text.is_empty();
                if text.len() + usize::from(space) + next.len_utf8() > limit {
                    break;
                }
                if space {
                    text.push(' ');
                }
                gap = false;
                text.push(next);
                next.len_utf8()
            }
        };
        rest = rest.get(step..).unwrap_or_default();
    }
    text
}

/// The length of the tag at the start of `text` (in lower case); that of the whole element for those whose content is no text.
fn tag_length(text: &str) -> usize {
    /// A longer tag is no tag: keeps the search for its end short.
    const LONGEST_TAG: usize = 4096;
    for close in ["</script", "</style"] {
        let name = close.trim_start_matches("</");
        if text
            .strip_prefix('<')
            .is_some_and(|tag| tag.starts_with(name))
        {
            let Some(at) = text.find(close) else {
                return text.len();
            };
            let end = text.get(at..).and_then(|tail| tail.find('>'));
            return end.map_or(text.len(), |end| at + end + 1);
        }
    }
    // A lone `<` is text of a kind, but nobody misses it.
    text.bytes()
        .take(LONGEST_TAG)
        .position(|byte| byte == b'>')
        .map_or(1, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Option<String> {
        UpstreamError::read(body.as_bytes())?
            .message
            .map(Cow::into_owned)
    }

    #[test]
    fn every_known_shape() {
        for (body, expected) in [
            (r#"{"error":{"message":"a\n"}}"#, Some("a\n")),
            (r#" [{"error":{"message":"b"}}, 3]"#, Some("b")),
            (r#"{"error":"c"}"#, Some("c")),
            (r#"{"detail":"d"}"#, Some("d")),
            (
                r#"{"detail":[{"loc":["body","messages",0],"msg":"Field required"},{"msg":"x"}]}"#,
                Some("body -> messages -> 0: Field required; x"),
            ),
            (r#"{"message":"e"}"#, Some("e")),
            (r#"{"error":7,"message":"f"}"#, Some("f")),
            (r#"{"error":{}}"#, None),
            ("{}", None),
            ("[]", None),
            ("<html>", None),
            ("", None),
            (r#"{"error":"#, None),
        ] {
            assert_eq!(message(body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn google_details() {
        let error = UpstreamError::read(
            br#"[{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","details":[{"reason":"R"},{"retryDelay":"34.07s"}]}}]"#,
        )
        .unwrap();
        assert_eq!(error.status.as_deref(), Some("RESOURCE_EXHAUSTED"));
        assert_eq!(error.status_code, Some(429));
        assert_eq!(error.code, None);
        assert_eq!(error.reason.as_deref(), Some("R"));
        assert_eq!(error.retry_after, Some(35));
    }

    #[test]
    fn plain_text_of_pages() {
        let page = b"<html><head><style>a{}</style><SCRIPT>if (a<b) x()</SCRIPT></head><body>\n<h1>Authorization&nbsp;Required</h1> <p>caf\xc3\xa9\x07</p>";
        assert_eq!(plain_text(page, 200), "Authorization&nbsp;Required café");
        assert_eq!(plain_text("ééé".as_bytes(), 5), "éé");
        assert_eq!(plain_text(b"a < b", 200), "a b");
        assert_eq!(plain_text(b"<script>x", 200), "");
    }
}
