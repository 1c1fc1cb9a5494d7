//! What an owner puts into requests: where they say nothing themselves, or in place of what they say.

use std::ops::Range;

use bytes::Bytes;

use crate::cache_marks::CacheMarks;
use crate::codec::scan::members;
use crate::codec::splice::{Edit, splice};
use crate::convert::report::LossReport;
use crate::endpoint::{Endpoint, Format};
use crate::models::Effort;
use crate::provider::Provider;

/// What a target's requests get where the client gave nothing, or, with [`replace`](Self::replace), in place of what it gave.
///
/// It is put into the client's own request, before that is converted; what a target cannot take is treated as if the client had
/// asked for it. Every field so added or replaced is reported as approximated. Requests to count tokens stay as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Defaults {
    /// The most output tokens.
    pub max_tokens: Option<u32>,
    /// How hard the model shall think.
    pub reasoning_effort: Option<Effort>,
    /// Marks for the provider's prompt cache. They are put into the provider's request, and reported as `cache_control`.
    pub cache_marks: Option<CacheMarks>,
    /// Whether `max_tokens` and `reasoning_effort` go in place of what the client gave. Default: no. A client's cache marks always stay.
    pub replace: Option<bool>,
}

/// A piece of JSON and where it goes; an empty span inserts.
#[derive(Debug)]
pub(crate) struct Insertion {
    pub(crate) span: Range<usize>,
    pub(crate) text: String,
}

impl Defaults {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for at most so many output tokens.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Asks for this much thinking.
    #[must_use]
    pub fn reasoning_effort(mut self, effort: Effort) -> Self {
        self.reasoning_effort = Some(effort);
        self
    }

    /// Marks the request for the provider's prompt cache.
    #[must_use]
    pub fn cache_marks(mut self, marks: CacheMarks) -> Self {
        self.cache_marks = Some(marks);
        self
    }

    /// Puts the output tokens and the effort in place of what the client gave.
    #[must_use]
    pub fn replace(mut self) -> Self {
        self.replace = Some(true);
        self
    }

    /// These defaults where they are set, and `base`'s where they are not.
    #[must_use]
    pub fn or(&self, base: &Self) -> Self {
        Self {
            max_tokens: self.max_tokens.or(base.max_tokens),
            reasoning_effort: self.reasoning_effort.or(base.reasoning_effort),
            cache_marks: self.cache_marks.or(base.cache_marks),
            replace: self.replace.or(base.replace),
        }
    }

    /// What goes into a request, in the order of its places. The body must have been scanned.
    pub(crate) fn insertions(
        self,
        body: &[u8],
        endpoint: Endpoint,
        provider: Provider,
        report: &mut LossReport,
    ) -> Vec<Insertion> {
        if self == Self::default() || endpoint == Endpoint::CountTokens {
            return Vec::new();
        }
        let mut all = Vec::new();
        let whole = 0..body.len();
        let replace = self.replace == Some(true);
        if let Some(tokens) = self.max_tokens {
            let (keys, key): (&[_], _) = match (endpoint.format(), provider) {
                // Not every server that speaks Chat knows the newer name, and OpenAI wants no other.
                (Format::Chat, Provider::OpenAi) => (
                    &["max_completion_tokens", "max_tokens"],
                    "max_completion_tokens",
                ),
                (Format::Chat, _) => (&["max_completion_tokens", "max_tokens"], "max_tokens"),
                (Format::Responses, _) => (&["max_output_tokens"], "max_output_tokens"),
                (Format::Messages, _) => (&["max_tokens"], "max_tokens"),
            };
            let mut given = keys.iter().filter(|key| find(body, &whole, key).is_some());
            let tokens = tokens.to_string();
            match given.next() {
                None => {
                    report.approximate(key);
                    all.extend(put(body, &whole, key, &tokens));
                }
                Some(first) if replace => {
                    for &key in std::iter::once(first).chain(given) {
                        report.approximate(key);
                        all.extend(put(body, &whole, key, &tokens));
                    }
                }
                Some(_) => {}
            }
        }
        if let Some(effort) = self.reasoning_effort {
            let word = format!("\"{}\"", effort.word());
            let (holder, field) = match endpoint.format() {
                // Two spellings of one thing.
                Format::Chat
                    if find(body, &whole, "reasoning_effort").is_none()
                        && find(body, &whole, "reasoning").is_some() =>
                {
                    if replace {
                        ("reasoning", "reasoning.effort")
                    } else {
                        ("", "")
                    }
                }
                Format::Chat => {
                    if replace || find(body, &whole, "reasoning_effort").is_none() {
                        report.approximate("reasoning_effort");
                        all.extend(put(body, &whole, "reasoning_effort", &word));
                    }
                    ("", "")
                }
                Format::Responses => ("reasoning", "reasoning.effort"),
                // Who says how to think has said it all.
                Format::Messages if !replace && find(body, &whole, "thinking").is_some() => {
                    ("", "")
                }
                Format::Messages => ("output_config", "output_config.effort"),
            };
            if !holder.is_empty() {
                match find(body, &whole, holder) {
                    None => {
                        report.approximate(field);
                        let value = format!("{{\"effort\":{word}}}");
                        all.extend(put(body, &whole, holder, &value));
                    }
                    Some(object) if replace || find(body, &object, "effort").is_none() => {
                        if let Some(insertion) = put(body, &object, "effort", &word) {
                            report.approximate(field);
                            all.push(insertion);
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        all.sort_by_key(|insertion| insertion.span.start);
        all
    }

    /// The request with what it gets.
    pub(crate) fn apply(
        self,
        body: &Bytes,
        endpoint: Endpoint,
        provider: Provider,
        report: &mut LossReport,
    ) -> Bytes {
        let all = self.insertions(body, endpoint, provider, report);
        let edits: Vec<_> = all.iter().map(Insertion::edit).collect();
        splice(body, &edits).unwrap_or_else(|_| body.clone())
    }
}

impl Insertion {
    pub(crate) fn edit(&self) -> Edit<'_> {
        Edit {
            span: self.span.clone(),
            with: self.text.as_bytes(),
        }
    }
}

/// The value of a member that is not `null`.
pub(crate) fn find(body: &[u8], object: &Range<usize>, key: &str) -> Option<Range<usize>> {
    let member = members(body, object.clone()).find(|member| member.key == key)?;
    (body.get(member.value.clone()) != Some(b"null")).then_some(member.value)
}

/// Puts a member first into the object that stands there, or its value in the place of a `null`; `None` where no object
/// stands.
pub(crate) fn put(body: &[u8], object: &Range<usize>, key: &str, value: &str) -> Option<Insertion> {
    let mut all = members(body, object.clone());
    if let Some(member) = all.find(|member| member.key == key) {
        return Some(Insertion {
            span: member.value,
            text: value.to_owned(),
        });
    }
    let text = body.get(object.clone())?;
    let open = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if text.get(open) != Some(&b'{') {
        return None;
    }
    let at = object.start + open + 1;
    let comma = match members(body, object.clone()).next() {
        Some(_) => ",",
        None => "",
    };
    Some(Insertion {
        span: at..at,
        text: format!("\"{key}\":{value}{comma}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replaces_goes_in_place_of_what_the_client_gave() {
        let defaults = Defaults::new()
            .max_tokens(7)
            .reasoning_effort(Effort::Low)
            .replace();
        let (chat, responses, messages) = (Endpoint::Chat, Endpoint::Responses, Endpoint::Messages);
        for (endpoint, body, expected, report) in [
            (
                chat,
                r#"{"max_tokens": 900 ,"x":[1.0],"reasoning_effort":"high"}"#,
                r#"{"max_tokens": 7 ,"x":[1.0],"reasoning_effort":"low"}"#,
                "max_tokens reasoning_effort",
            ),
            (
                chat,
                r#"{"max_completion_tokens":1,"max_tokens":2,"reasoning":{"effort":"high","exclude":true}}"#,
                r#"{"max_completion_tokens":7,"max_tokens":7,"reasoning":{"effort":"low","exclude":true}}"#,
                "max_completion_tokens max_tokens reasoning.effort",
            ),
            (
                chat,
                r#"{"a":1}"#,
                r#"{"max_completion_tokens":7,"reasoning_effort":"low","a":1}"#,
                "max_completion_tokens reasoning_effort",
            ),
            (
                responses,
                r#"{"max_output_tokens":9,"reasoning":{"effort":"high","summary":"auto"}}"#,
                r#"{"max_output_tokens":7,"reasoning":{"effort":"low","summary":"auto"}}"#,
                "max_output_tokens reasoning.effort",
            ),
            (
                messages,
                r#"{"max_tokens":9,"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}}"#,
                r#"{"max_tokens":7,"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}}"#,
                "max_tokens output_config.effort",
            ),
        ] {
            let mut losses = LossReport::default();
            let body = Bytes::from_static(body.as_bytes());
            let done = defaults.apply(&body, endpoint, Provider::OpenAi, &mut losses);
            assert_eq!(done, expected);
            assert_eq!(losses.approximated().join(" "), report, "{expected}");
        }
        // A target may say that its route's do not replace.
        let mut keep = Defaults::new();
        keep.replace = Some(false);
        assert_eq!(keep.or(&defaults).replace, Some(false));
    }

    #[test]
    fn what_the_client_left_out_is_put_in_and_nothing_else_changes() {
        let defaults = Defaults::new().max_tokens(7).reasoning_effort(Effort::Low);
        let (chat, responses, messages) = (Endpoint::Chat, Endpoint::Responses, Endpoint::Messages);
        for (endpoint, provider, body, expected, report) in [
            (
                chat,
                Provider::OpenAi,
                r#" { "a" : 1}"#,
                r#" {"max_completion_tokens":7,"reasoning_effort":"low", "a" : 1}"#,
                "max_completion_tokens reasoning_effort",
            ),
            (
                chat,
                Provider::Groq,
                r#"{"a":1,"reasoning_effort":"high"}"#,
                r#"{"max_tokens":7,"a":1,"reasoning_effort":"high"}"#,
                "max_tokens",
            ),
            (
                chat,
                Provider::OpenAi,
                r#"{"max_tokens":1,"reasoning":{"effort":"high"}}"#,
                r#"{"max_tokens":1,"reasoning":{"effort":"high"}}"#,
                "",
            ),
            (
                responses,
                Provider::OpenAi,
                r#"{"max_output_tokens":null,"reasoning":{"summary":"auto"}}"#,
                r#"{"max_output_tokens":7,"reasoning":{"effort":"low","summary":"auto"}}"#,
                "max_output_tokens reasoning.effort",
            ),
            (
                responses,
                Provider::Anthropic,
                r#"{"max_output_tokens":2,"reasoning":{"effort":"high"}}"#,
                r#"{"max_output_tokens":2,"reasoning":{"effort":"high"}}"#,
                "",
            ),
            (
                messages,
                Provider::Anthropic,
                r#"{"a":{"max_tokens":1},"output_config":{}}"#,
                r#"{"max_tokens":7,"a":{"max_tokens":1},"output_config":{"effort":"low"}}"#,
                "max_tokens output_config.effort",
            ),
            (
                messages,
                Provider::Anthropic,
                r#"{"max_tokens":1,"output_config":null}"#,
                r#"{"max_tokens":1,"output_config":{"effort":"low"}}"#,
                "output_config.effort",
            ),
            (
                messages,
                Provider::Anthropic,
                r#"{"max_tokens":1,"thinking":{"type":"disabled"}}"#,
                r#"{"max_tokens":1,"thinking":{"type":"disabled"}}"#,
                "",
            ),
            // What is no object is the provider's to refuse.
            (
                responses,
                Provider::OpenAi,
                r#"{"max_output_tokens":1,"reasoning":[]}"#,
                r#"{"max_output_tokens":1,"reasoning":[]}"#,
                "",
            ),
            (
                Endpoint::CountTokens,
                Provider::Anthropic,
                r#"{"a":1}"#,
                r#"{"a":1}"#,
                "",
            ),
        ] {
            let mut losses = LossReport::default();
            let body = Bytes::from_static(body.as_bytes());
            let done = defaults.apply(&body, endpoint, provider, &mut losses);
            assert_eq!(done, expected);
            assert_eq!(losses.approximated().join(" "), report, "{expected}");
            assert_eq!(
                Defaults::new().apply(&body, endpoint, provider, &mut losses),
                body
            );
        }
    }
}
