//! Reasoning items as thinking blocks, with what OpenAI encrypted in the place of a signature.

use crate::convert::openai_envelope;
use crate::format::raw::RawStr;
use crate::format::responses::{Item, Part};

/// What stands between the parts of a summary, escaped for JSON.
pub(crate) const SEPARATOR: &str = r"\n\n";

/// A whole reasoning item.
#[derive(Debug)]
pub(crate) struct Reasoning<'a> {
    /// The texts of the summary.
    summary: Vec<RawStr<'a>>,
    /// The reasoning itself, which open models show.
    content: Vec<RawStr<'a>>,
    encrypted: Option<RawStr<'a>>,
}

impl<'a> Reasoning<'a> {
    pub(crate) fn of(item: &Item<'a>) -> Self {
        let texts = |raw| {
            let parts: Vec<Part<'a>> = Part::list(raw);
            parts
                .into_iter()
                .filter_map(|part| part.text.non_empty())
                .collect()
        };
        Self {
            summary: texts(item.summary),
            content: texts(item.content),
            encrypted: item.encrypted_content.non_empty(),
        }
    }

    /// What the client gets to read, as raw JSON text without quotes: the summary, or else the reasoning.
    pub(crate) fn text(&self) -> String {
        let parts = if self.summary.is_empty() {
            &self.content
        } else {
            &self.summary
        };
        let parts: Vec<&str> = parts.iter().map(|part| part.content()).collect();
        parts.join(SEPARATOR)
    }

    /// What the client sends back with it; `None` where there is neither a text that is shown nor anything to replay.
    pub(crate) fn envelope(&self, is_shown: bool) -> Option<String> {
        if !is_shown {
            self.encrypted?;
            return Some(openai_envelope::pack(
                self.encrypted,
                None::<[RawStr<'_>; 0]>,
            ));
        }
        // A text that is no summary must not become one: the empty list says so. A summary that was shown, but is not in
        // the item, is the text itself.
        let is_content = self.summary.is_empty() && !self.content.is_empty();
        let parts = (!self.summary.is_empty() || is_content).then(|| self.summary.iter().copied());
        Some(openai_envelope::pack(self.encrypted, parts))
    }
}
