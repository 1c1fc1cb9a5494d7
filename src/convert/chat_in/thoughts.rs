//! Reasoning inside `content`.

use std::borrow::Cow;

use crate::convert::chat_out::escaped;
use crate::format::raw::RawStr;

/// What a piece of `content` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Reasoning,
}

/// A piece of `content`: the inside of a JSON string.
pub(super) type Piece<'a> = (Kind, Cow<'a, str>);

/// `content` as the inside of a JSON string in which angle brackets stand for themselves.
fn with_brackets(content: RawStr<'_>) -> Cow<'_, str> {
    let raw = content.content();
    if raw.contains(r"\u003") {
        Cow::Owned(escaped(&content.decode()).into_owned())
    } else {
        Cow::Borrowed(raw)
    }
}

const OPEN_THOUGHT: &str = "<thought>";

/// Takes Gemini's thoughts out of `content`: flagged, the first one begins with `<thought>`, and what follows the last one
/// with `</thought>`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flagged {
    inside: bool,
}

impl Flagged {
    pub(super) fn split<'a>(
        &mut self,
        content: RawStr<'a>,
        flagged: bool,
        mut each: impl FnMut(Piece<'a>),
    ) {
        const CLOSE: &str = "</thought>";
        if !flagged && !self.inside {
            return each((Kind::Text, Cow::Borrowed(content.content())));
        }
        let mut text = with_brackets(content);
        if flagged && !self.inside {
            self.inside = true;
            text = match text.strip_prefix(OPEN_THOUGHT) {
                Some(rest) => Cow::Owned(rest.to_owned()),
                None => text,
            };
        }
        match text.split_once(CLOSE) {
            Some((thought, rest)) => {
                self.inside = false;
                each((Kind::Reasoning, Cow::Owned(thought.to_owned())));
                each((Kind::Text, Cow::Owned(rest.to_owned())));
            }
            None if flagged => each((Kind::Reasoning, text)),
            None => {
                self.inside = false;
                each((Kind::Text, text));
            }
        }
    }
}

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Takes the reasoning out of a `content` that begins with it, between `<think>` tags.
#[derive(Debug, Clone, Default)]
pub(super) struct Tagged {
    place: Place,
    /// What may be the beginning of a tag.
    held: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Inside,
    After,
}

impl Tagged {
    pub(super) fn split<'a>(&mut self, content: RawStr<'a>, mut each: impl FnMut(Piece<'a>)) {
        if self.place == Place::After {
            return each((Kind::Text, Cow::Borrowed(content.content())));
        }
        self.held.push_str(&with_brackets(content));
        if self.place == Place::Start {
            if let Some(rest) = self.held.strip_prefix(OPEN) {
                self.held = rest.to_owned();
                self.place = Place::Inside;
            } else if OPEN.starts_with(&self.held) {
                return;
            } else {
                self.place = Place::After;
                return each((Kind::Text, Cow::Owned(std::mem::take(&mut self.held))));
            }
        }
        if let Some((reasoning, text)) = self.held.split_once(CLOSE) {
            each((Kind::Reasoning, Cow::Owned(reasoning.to_owned())));
            each((Kind::Text, Cow::Owned(text.to_owned())));
            self.held = String::new();
            self.place = Place::After;
            return;
        }
        // The longest end that may be the beginning of the tag stays; tags are ASCII, so ends are characters' ends.
        let kept = (1..CLOSE.len())
            .rev()
            .find(|length| {
                CLOSE
                    .get(..*length)
                    .is_some_and(|start| self.held.ends_with(start))
            })
            .unwrap_or(0);
        let tail = self.held.split_off(self.held.len() - kept);
        each((
            Kind::Reasoning,
            Cow::Owned(std::mem::replace(&mut self.held, tail)),
        ));
    }

    /// What is held at the end.
    pub(super) fn rest(&mut self) -> Piece<'static> {
        let kind = if self.place == Place::Inside {
            Kind::Reasoning
        } else {
            Kind::Text
        };
        (kind, Cow::Owned(std::mem::take(&mut self.held)))
    }

    /// How many bytes are held.
    pub(super) fn size(&self) -> usize {
        self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: &[(Kind, String)]) -> (String, String) {
        let of = |kind| {
            pieces
                .iter()
                .filter(|(k, _)| *k == kind)
                .map(|(_, text)| text.as_str())
                .collect()
        };
        (of(Kind::Reasoning), of(Kind::Text))
    }

    fn raw(content: &str) -> String {
        format!("\"{content}\"")
    }

    #[test]
    fn flagged_thoughts() {
        for (pieces, reasoning, text) in [
            (
                vec![
                    ("<thought>a", true),
                    ("b", true),
                    ("</thought>c", false),
                    ("</thought>", false),
                ],
                "ab",
                "c</thought>",
            ),
            (
                vec![
                    (r"\u003cthought\u003ea\n", true),
                    (r"\u003c/thought\u003ec", false),
                ],
                r"a\n",
                "c",
            ),
            (vec![("<thought>a</thought>b", true)], "a", "b"),
            (
                vec![("a", true), ("b", false), ("<thought>c", true)],
                "ac",
                "b",
            ),
            (vec![("<thought>", false)], "", "<thought>"),
        ] {
            let mut flagged = Flagged::default();
            let mut found = Vec::new();
            for (content, flag) in &pieces {
                let json = raw(content);
                flagged.split(RawStr::from_json(&json).unwrap(), *flag, |(kind, text)| {
                    found.push((kind, text.into_owned()));
                });
            }
            assert_eq!(
                joined(&found),
                (reasoning.into(), text.into()),
                "{pieces:?}"
            );
        }
    }

    #[test]
    fn tagged_reasoning_cut_anywhere() {
        for (content, reasoning, text) in [
            ("<think>a<b</think>c</think>", "a<b", "c</think>"),
            (r"<think>\u00e9é\n</think>\n\nx", r"\u00e9é\n", r"\n\nx"),
            ("<think>cut", "cut", ""),
            ("<think>cut</thi", "cut</thi", ""),
            ("<thinker", "", "<thinker"),
            ("<th", "", "<th"),
            ("no <think>x</think>", "", "no <think>x</think>"),
            ("", "", ""),
        ] {
            for cut in (0..=content.len()).filter(|cut| content.is_char_boundary(*cut)) {
                if content.get(..cut).is_some_and(|head| head.ends_with('\\')) {
                    continue;
                }
                let mut tagged = Tagged::default();
                let mut found = Vec::new();
                for part in [&content[..cut], &content[cut..]] {
                    let json = raw(part);
                    tagged.split(RawStr::from_json(&json).unwrap(), |(kind, text)| {
                        found.push((kind, text.into_owned()));
                    });
                }
                let (kind, rest) = tagged.rest();
                found.push((kind, rest.into_owned()));
                assert_eq!(
                    joined(&found),
                    (reasoning.into(), text.into()),
                    "{content} at {cut}"
                );
            }
        }
    }
}
