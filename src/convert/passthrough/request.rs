//! The closed list of edits to a request that passes through.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::ask_usage;
use crate::call::Call;
use crate::codec::contains;
use crate::codec::scan::{ScanLimits, elements, members, scan};
use crate::codec::splice::{Edit, cuts, splice};
use crate::codec::write;
use crate::convert::cache_marks;
use crate::convert::report::{LossReport, Refusal};
use crate::defaults::Insertion;
use crate::endpoint::Endpoint;
use crate::format::raw::RawStr;
use crate::provider::Provider;
use crate::target::Target;

/// What the envelopes begin with in which the gateway carries another provider's signed reasoning.
///
/// Every provider answers 400 to reasoning that it did not sign itself.
pub(crate) const ENVELOPE: &str = "tlg1.";

/// A request that passes through.
#[derive(Debug)]
pub(crate) struct Edited {
    pub(crate) body: Bytes,
    /// The stream was asked for its usage, which the client did not ask for.
    pub(crate) asks_usage: bool,
}

/// The client's bytes, but for the model's name, for reasoning that another provider signed, and for what the route adds.
pub(crate) fn edit(
    call: &Call,
    target: &Target,
    model: &str,
    report: &mut LossReport,
) -> Result<Edited, Refusal> {
    let body = call.body.bytes();
    let provider = target.connection().provider();
    let mut name = BytesMut::new();
    let mut edits = Vec::new();
    let defaults = target.own_defaults();
    let mut added = defaults.insertions(body, call.endpoint, provider, report);
    let asked = ask_usage::insertion(call, target, report);
    let asks_usage = asked.is_some();
    added.extend(asked);
    edits.extend(added.iter().map(Insertion::edit));
    if model != call.model {
        write::string(&mut name, model);
        edits.push(Edit {
            span: call.model_span.clone(),
            with: &name,
        });
    }
    // Nearly no request has one: one search decides.
    let may_have = call.endpoint != Endpoint::Chat;
    let envelopes = if may_have && contains(body, ENVELOPE.as_bytes()) {
        envelopes(call.endpoint, body)
    } else {
        Vec::new()
    };
    for (span, path) in envelopes {
        report.drop_field(path);
        edits.push(Edit { span, with: b"" });
    }
    edits.sort_by_key(|edit| edit.span.start);
    let mut body = splice(body, &edits)
        .map_err(|_| Refusal::invalid("model", "the request cannot be edited"))?;
    if let Some(marks) = defaults.cache_marks
        && (call.endpoint, provider) == (Endpoint::Messages, Provider::Anthropic)
    {
        let style = cache_marks::Style::Messages { ttl: true };
        body = cache_marks::add(marks, style, call.body.bytes(), body, report);
    }
    Ok(Edited { body, asks_usage })
}

/// The spans of our own envelopes, each with the comma that goes with it, and the client's name for them.
fn envelopes(endpoint: Endpoint, body: &[u8]) -> Vec<(Range<usize>, &'static str)> {
    let limits = ScanLimits {
        depth: 128,
        members: usize::MAX,
    };
    let Ok(scan) = scan(body, limits) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    match endpoint {
        Endpoint::Responses => {
            if let Some(input) = scan.get("input") {
                cut(
                    body,
                    input,
                    "input[].encrypted_content",
                    &mut found,
                    |item| {
                        has(body, item, "type", |kind| kind == "reasoning")
                            && has(body, item, "encrypted_content", |value| {
                                value.starts_with(ENVELOPE)
                            })
                    },
                );
            }
        }
        Endpoint::Messages | Endpoint::CountTokens => {
            for message in scan
                .get("messages")
                .into_iter()
                .flat_map(|span| elements(body, span))
            {
                let Some(content) = member(body, &message, "content") else {
                    continue;
                };
                cut(
                    body,
                    content,
                    "messages[].content[].signature",
                    &mut found,
                    |block| is_foreign_thinking(body, block),
                );
            }
        }
        Endpoint::Chat => {}
    }
    found
}

/// Whether a block is thinking that another provider signed.
pub(crate) fn is_foreign_thinking(body: &[u8], block: &Range<usize>) -> bool {
    has(body, block, "type", |kind| {
        matches!(kind, "thinking" | "redacted_thinking")
    }) && ["signature", "data"]
        .into_iter()
        .any(|key| has(body, block, key, |value| value.starts_with(ENVELOPE)))
}

/// Notes the elements of an array that `is` names, with a comma each, so that what is left is still an array.
fn cut(
    body: &[u8],
    array: Range<usize>,
    path: &'static str,
    found: &mut Vec<(Range<usize>, &'static str)>,
    is: impl Fn(&Range<usize>) -> bool,
) {
    let all: Vec<_> = elements(body, array).collect();
    let goes: Vec<bool> = all.iter().map(is).collect();
    let spans = cuts(&all, |at| goes.get(at) == Some(&true));
    found.extend(spans.into_iter().map(|span| (span, path)));
}

pub(crate) fn member(body: &[u8], object: &Range<usize>, key: &str) -> Option<Range<usize>> {
    members(body, object.clone())
        .find(|member| member.key == key)
        .map(|member| member.value)
}

pub(crate) fn has(
    body: &[u8],
    object: &Range<usize>,
    key: &str,
    is: impl Fn(&str) -> bool,
) -> bool {
    member(body, object, key)
        .and_then(|span| std::str::from_utf8(body.get(span)?).ok())
        .and_then(RawStr::from_json)
        .is_some_and(|value| is(&value.decode()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(endpoint: Endpoint, body: &str) -> String {
        let edits: Vec<_> = envelopes(endpoint, body.as_bytes());
        let edits: Vec<_> = edits
            .into_iter()
            .map(|(span, _)| Edit { span, with: b"" })
            .collect();
        let bytes = splice(&Bytes::copy_from_slice(body.as_bytes()), &edits).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    const OURS: &str = r#"{"type":"thinking","thinking":"t","signature":"tlg1.openai.x"}"#;
    const OURS_2: &str = r#"{"type":"redacted_thinking", "data":"tlg1.gemini.y"}"#;
    const THEIRS: &str = r#"{"type":"thinking","thinking":"tlg1.","signature":"Eq"}"#;
    const TEXT: &str = r#"{"type":"text","text":"tlg1."}"#;

    #[test]
    fn our_envelopes_are_cut_wherever_they_stand() {
        for (blocks, left) in [
            (vec![OURS, TEXT], vec![TEXT]),
            (vec![TEXT, OURS], vec![TEXT]),
            (vec![OURS, OURS_2, TEXT], vec![TEXT]),
            (vec![TEXT, OURS, OURS_2], vec![TEXT]),
            (vec![THEIRS, OURS, TEXT, OURS_2], vec![THEIRS, TEXT]),
            (
                vec![OURS, TEXT, OURS_2, THEIRS, OURS, OURS],
                vec![TEXT, THEIRS],
            ),
            (vec![OURS], vec![]),
            (vec![OURS, OURS_2], vec![]),
            (vec![THEIRS, TEXT], vec![THEIRS, TEXT]),
        ] {
            for separator in [",", " ,\n "] {
                let body = |blocks: &[&str]| {
                    format!(
                        r#"{{"messages":[{{"role":"assistant","content":[{}]}}]}}"#,
                        blocks.join(separator)
                    )
                };
                let stripped = strip(Endpoint::Messages, &body(&blocks));
                let value: serde_json::Value =
                    serde_json::from_str(&stripped).unwrap_or_else(|_| panic!("{stripped}"));
                let expected: serde_json::Value = serde_json::from_str(&body(&left)).unwrap();
                assert_eq!(value, expected, "{blocks:?}");
            }
        }
    }

    #[test]
    fn responses_items() {
        let body = r#"{"input":[{"type":"reasoning","encrypted_content":"tlg1.anthropic.e","summary":[]},{"type":"message"}]}"#;
        assert_eq!(
            strip(Endpoint::Responses, body),
            r#"{"input":[{"type":"message"}]}"#
        );
        let other = r#"{"input":"tlg1. is no envelope here","messages":3}"#;
        assert_eq!(strip(Endpoint::Responses, other), other);
        assert_eq!(strip(Endpoint::Messages, other), other);
    }
}
