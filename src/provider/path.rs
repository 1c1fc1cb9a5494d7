//! Where an operation lives below a provider's base URL.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::models::bedrock;

/// The bytes that are not in RFC 3986's unreserved set.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The longest model id, in bytes: the longest that the Bedrock runtime takes.
const LONGEST_ID: usize = 2048;

/// A path, and maybe a query, below a provider's base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// The same for every model.
    Fixed(&'static str),
    /// The model's id stands in it, and streams have a path of their own.
    Model {
        ids: ModelIds,
        before: &'static str,
        /// Behind the id, for whole answers.
        plain: &'static str,
        /// Behind the id, for streams.
        stream: &'static str,
    },
}

/// How a provider's model ids become part of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModelIds {
    /// One segment whatever the id: every byte outside the unreserved set is encoded, `:` and the `/` of ARNs too, as the AWS
    /// SDKs do. An id that is encoded already is decoded first.
    Aws,
    /// The same, for operations that take the ids of models only: what an inference profile puts before one is left out.
    AwsFoundation,
    /// A resource name: `models/ID` may be written in full, `tunedModels/ID` is another collection.
    Gemini,
}

/// A model id that cannot stand in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnusableId;

impl Path {
    /// The path of a call to `model`.
    pub(crate) fn of(&self, model: &str, streams: bool) -> Result<Cow<'static, str>, UnusableId> {
        match *self {
            Self::Fixed(path) => Ok(Cow::Borrowed(path)),
            Self::Model {
                ids,
                before,
                plain,
                stream,
            } => {
                let after = if streams { stream } else { plain };
                let mut path = String::with_capacity(
                    before.len() + model.len() + model.len() / 2 + after.len(),
                );
                match ids {
                    ModelIds::Aws | ModelIds::AwsFoundation => {
                        path.push_str(before);
                        let id = percent_decode_str(model)
                            .decode_utf8()
                            .map_err(|_| UnusableId)?;
                        let id = match ids {
                            ModelIds::AwsFoundation => bedrock::without_region(&id),
                            _ => &id,
                        };
                        push_segment(&mut path, id)?;
                    }
                    ModelIds::Gemini => match model.split_once('/') {
                        Some(("tunedModels", id)) => {
                            path.push_str("/tunedModels/");
                            push_segment(&mut path, id)?;
                        }
                        Some(("models", id)) => {
                            path.push_str(before);
                            push_segment(&mut path, id)?;
                        }
                        _ => {
                            path.push_str(before);
                            push_segment(&mut path, model)?;
                        }
                    },
                }
                path.push_str(after);
                Ok(Cow::Owned(path))
            }
        }
    }
}

fn push_segment(path: &mut String, id: &str) -> Result<(), UnusableId> {
    let usable = !id.is_empty()
        && id.len() <= LONGEST_ID
        && id != "."
        && id != ".."
        && !id.chars().any(char::is_control);
    if !usable {
        return Err(UnusableId);
    }
    path.extend(utf8_percent_encode(id, RESERVED));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONVERSE: Path = Path::Model {
        ids: ModelIds::Aws,
        before: "/model/",
        plain: "/converse",
        stream: "/converse-stream",
    };
    const GEMINI: Path = Path::Model {
        ids: ModelIds::Gemini,
        before: "/models/",
        plain: ":generateContent",
        stream: ":streamGenerateContent?alt=sse",
    };

    #[test]
    fn aws_ids_are_one_segment() {
        for (id, expected) in [
            (
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
            ),
            (
                "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0",
                "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456",
                "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123def456/converse-stream",
            ),
            ("a~b c", "/model/a~b%20c/converse-stream"),
        ] {
            assert_eq!(CONVERSE.of(id, true).unwrap(), expected);
        }
        assert_eq!(CONVERSE.of("m", false).unwrap(), "/model/m/converse");
    }

    #[test]
    fn models_themselves_have_no_region() {
        let count = Path::Model {
            ids: ModelIds::AwsFoundation,
            before: "/model/",
            plain: "/count-tokens",
            stream: "/count-tokens",
        };
        for (id, expected) in [
            (
                "us.anthropic.claude-x-v1:0",
                "/model/anthropic.claude-x-v1%3A0/count-tokens",
            ),
            (
                "global.anthropic.claude-x",
                "/model/anthropic.claude-x/count-tokens",
            ),
            (
                "anthropic.claude-x",
                "/model/anthropic.claude-x/count-tokens",
            ),
        ] {
            assert_eq!(count.of(id, true).unwrap(), expected);
        }
    }

    #[test]
    fn gemini_names_are_resources() {
        for (id, expected) in [
            ("gemini-3-pro", "/models/gemini-3-pro:generateContent"),
            (
                "models/gemini-3-pro",
                "/models/gemini-3-pro:generateContent",
            ),
            ("tunedModels/x", "/tunedModels/x:generateContent"),
            ("a/../b", "/models/a%2F..%2Fb:generateContent"),
        ] {
            assert_eq!(GEMINI.of(id, false).unwrap(), expected);
        }
        assert_eq!(
            GEMINI.of("g", true).unwrap(),
            "/models/g:streamGenerateContent?alt=sse"
        );
    }

    #[test]
    fn ids_that_are_no_segment_are_refused() {
        for id in ["", ".", "..", "%2E%2E", "a\nb", "%00", "%ff"] {
            assert_eq!(CONVERSE.of(id, true), Err(UnusableId), "{id:?}");
        }
        assert_eq!(CONVERSE.of(&"a".repeat(2049), true), Err(UnusableId));
    }
}
