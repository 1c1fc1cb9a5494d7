//! What the conditions of rules ask about a request, read off its bytes.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use memchr::memchr2;

use crate::codec::scan::{elements, members};
use crate::endpoint::Format;
use crate::format::raw::RawStr;

/// Bytes of JSON that are taken for one token.
const BYTES_PER_TOKEN: u64 = 4;
/// Tokens that an image is taken for: about what Anthropic counts for one of a megapixel.
///
/// Source: <https://docs.anthropic.com/en/docs/build-with-claude/vision#calculate-image-costs>.
const IMAGE_TOKENS: u64 = 1500;
/// The members whose strings are binary data, signatures or ciphertext.
const DATA: [&[u8]; 4] = [b"data", b"file_data", b"signature", b"encrypted_content"];

/// The content of a request, looked at when somebody asks. The body should have been scanned; of any other bytes something is
/// said, but nothing that means anything.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    body: &'a [u8],
    format: Format,
    parts: OnceCell<Parts>,
    images: OnceCell<u64>,
}

/// Where the parts of a prompt stand.
#[derive(Debug, Default)]
struct Parts {
    /// `messages` or `input`.
    conversation: Option<Range<usize>>,
    /// `system` or `instructions`.
    instructions: Option<Range<usize>>,
    /// `tools`, and what Chat had before it.
    tools: [Option<Range<usize>>; 2],
}

impl<'a> Content<'a> {
    pub(crate) fn new(body: &'a [u8], format: Format) -> Self {
        Self {
            body,
            format,
            parts: OnceCell::new(),
            images: OnceCell::new(),
        }
    }

    fn parts(&self) -> &Parts {
        self.parts.get_or_init(|| {
            let mut parts = Parts::default();
            let [tools, functions] = &mut parts.tools;
            for member in members(self.body, 0..self.body.len()) {
                let place = match (&*member.key, self.format) {
                    ("messages", Format::Chat | Format::Messages)
                    | ("input", Format::Responses) => &mut parts.conversation,
                    ("system", Format::Messages) | ("instructions", Format::Responses) => {
                        &mut parts.instructions
                    }
                    ("tools", _) => &mut *tools,
                    ("functions", Format::Chat) => &mut *functions,
                    _ => continue,
                };
                *place = Some(member.value);
            }
            parts
        })
    }

    /// Whether the request offers tools.
    pub(crate) fn has_tools(&self) -> bool {
        let mut lists = self.parts().tools.iter().flatten();
        lists.any(|list| elements(self.body, list.clone()).next().is_some())
    }

    /// How many images the conversation holds.
    pub(crate) fn images(&self) -> u64 {
        *self.images.get_or_init(|| {
            let turns = self.turns();
            turns.map(|turn| self.images_in(&turn, 0)).sum()
        })
    }

    /// The estimated tokens of the prompt: a quarter of the bytes of its JSON, without binary data, and a sum for each image.
    pub(crate) fn tokens(&self) -> u64 {
        let parts = self.parts();
        let spans = [&parts.conversation, &parts.instructions]
            .into_iter()
            .chain(&parts.tools);
        let bytes: usize = spans
            .flatten()
            .filter_map(|span| self.body.get(span.clone()))
            .map(weight)
            .sum();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        bytes
            .div_ceil(BYTES_PER_TOKEN)
            .saturating_add(self.images().saturating_mul(IMAGE_TOKENS))
    }

    /// The text of the last message from the user that has some.
    pub(crate) fn last_words(&self) -> Cow<'a, str> {
        if let Some(span) = &self.parts().conversation
            && let Some(text) = self.string(span)
        {
            return text;
        }
        let mut last = None;
        for turn in self.turns() {
            if self.is(&turn, "role", "user") && self.has_text(&turn) {
                last = Some(turn);
            }
        }
        last.map_or(Cow::Borrowed(""), |turn| self.text(&turn))
    }

    /// The messages, or the items.
    fn turns(&self) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let body = self.body;
        let conversation = self.parts().conversation.clone();
        conversation
            .into_iter()
            .flat_map(move |span| elements(body, span))
    }

    fn member(&self, object: &Range<usize>, key: &str) -> Option<Range<usize>> {
        let mut all = members(self.body, object.clone());
        Some(all.find(|member| member.key == key)?.value)
    }

    /// The string that stands there.
    fn string(&self, span: &Range<usize>) -> Option<Cow<'a, str>> {
        let json = std::str::from_utf8(self.body.get(span.clone())?).ok()?;
        RawStr::from_json(json).map(RawStr::decode)
    }

    fn is(&self, object: &Range<usize>, key: &str, expected: &str) -> bool {
        self.member(object, key)
            .and_then(|span| self.string(&span))
            .is_some_and(|value| value == expected)
    }

    /// The texts of a message: its content, or the text parts of it.
    fn texts(&self, turn: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let content = self.member(turn, "content");
        let whole = content
            .clone()
            .filter(|span| self.body.get(span.start) == Some(&b'"'));
        let parts = content
            .into_iter()
            .flat_map(|span| elements(self.body, span))
            .filter(|part| self.is(part, "type", "text") || self.is(part, "type", "input_text"))
            .filter_map(|part| self.member(&part, "text"));
        whole.into_iter().chain(parts)
    }

    fn has_text(&self, turn: &Range<usize>) -> bool {
        self.texts(turn).any(|span| {
            self.string(&span)
                .is_some_and(|text| !text.trim().is_empty())
        })
    }

    /// The texts of a message, one in a line.
    fn text(&self, turn: &Range<usize>) -> Cow<'a, str> {
        let mut all = Cow::Borrowed("");
        for text in self.texts(turn).filter_map(|span| self.string(&span)) {
            if all.is_empty() {
                all = text;
            } else {
                let all = all.to_mut();
                all.push('\n');
                all.push_str(&text);
            }
        }
        all
    }

    /// The images in a message, or in a tool's result within one.
    fn images_in(&self, holder: &Range<usize>, depth: u8) -> u64 {
        let mut count = 0;
        for member in members(self.body, holder.clone()) {
            match &*member.key {
                "type" => {
                    let kind = self.string(&member.value);
                    count += u64::from(matches!(
                        kind.as_deref(),
                        Some("image_url" | "input_image" | "image" | "computer_screenshot")
                    ));
                }
                // Messages hold parts, these may be a tool's result, and that has parts.
                "content" | "output" if depth < 3 => {
                    if self.body.get(member.value.start) == Some(&b'{') {
                        count += self.images_in(&member.value, depth + 1);
                    }
                    for part in elements(self.body, member.value) {
                        count += self.images_in(&part, depth + 1);
                    }
                }
                _ => {}
            }
        }
        count
    }
}

/// The bytes of this JSON text, but for strings of binary data.
fn weight(json: &[u8]) -> usize {
    let mut weight = json.len();
    let mut key: &[u8] = b"";
    let mut at = 0;
    while let Some(start) = rest(json, at).iter().position(|byte| *byte == b'"') {
        let start = at + start + 1;
        let end = end_of_string(json, start);
        let string = json.get(start..end).unwrap_or_default();
        at = end + 1;
        let next = rest(json, at)
            .iter()
            .find(|byte| !byte.is_ascii_whitespace());
        if next == Some(&b':') {
            key = string;
        } else if DATA.contains(&key) || string.starts_with(b"data:") {
            weight = weight.saturating_sub(string.len());
        }
    }
    weight
}

fn rest(json: &[u8], at: usize) -> &[u8] {
    json.get(at..).unwrap_or_default()
}

/// Where the string ends that begins at `at`: at its quote, or at the end of everything.
fn end_of_string(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr2(b'"', b'\\', rest(json, at)) {
        at += found;
        if json.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORMATS: [Format; 3] = [Format::Chat, Format::Responses, Format::Messages];

    fn content(body: &str, format: Format) -> Content<'_> {
        Content::new(body.as_bytes(), format)
    }

    #[test]
    fn tools() {
        for (body, format, expected) in [
            (r#"{"tools":[{"type":"function"}]}"#, Format::Chat, true),
            (r#"{"functions":[{}]}"#, Format::Chat, true),
            (r#"{"functions":[{}]}"#, Format::Messages, false),
            (r#"{"tools":[{}]}"#, Format::Messages, true),
            (r#"{"t\u006fols":[{}]}"#, Format::Responses, true),
            (r#"{"tools":[]}"#, Format::Chat, false),
            (r#"{"tools":null}"#, Format::Responses, false),
            (r#"{"x":{"tools":[1]}}"#, Format::Chat, false),
        ] {
            assert_eq!(content(body, format).has_tools(), expected, "{body}");
        }
    }

    #[test]
    fn images_wherever_they_may_stand() {
        for (body, format, expected) in [
            (
                r#"{"messages":[{"role":"user","content":[{"type":"text","text":"image"},{"type":"image_url","image_url":{"url":"u"}}]}]}"#,
                Format::Chat,
                1,
            ),
            (
                r#"{"messages":[{"role":"user","content":"image_url"}]}"#,
                Format::Chat,
                0,
            ),
            (
                r#"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"u"},{"type":"input_image","file_id":"f"}]}]}"#,
                Format::Responses,
                2,
            ),
            (
                r#"{"input":[{"type":"function_call_output","output":[{"type":"input_image"}]}]}"#,
                Format::Responses,
                1,
            ),
            (
                r#"{"input":[{"type":"computer_call_output","output":{"type":"computer_screenshot"}}]}"#,
                Format::Responses,
                1,
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"image","source":{}}]}]}]}"#,
                Format::Messages,
                1,
            ),
            (
                r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":{"type":"image"}}]}],"tools":[{"type":"image"}]}"#,
                Format::Messages,
                0,
            ),
            (r#"{"input":"image"}"#, Format::Responses, 0),
        ] {
            assert_eq!(content(body, format).images(), expected, "{body}");
        }
    }

    #[test]
    fn last_words_of_the_user() {
        for (body, format, expected) in [
            (
                r#"{"messages":[{"role":"user","content":"one"},{"role":"assistant","content":"two"}]}"#,
                Format::Chat,
                "one",
            ),
            (
                r#"{"messages":[{"role":"user","content":"one"},{"role":"tool","content":"two"}]}"#,
                Format::Chat,
                "one",
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":"\u0062"}]}]}"#,
                Format::Chat,
                "a\nb",
            ),
            (
                r#"{"messages":[{"role":"user","content":"hello"},{"role":"user","content":[{"type":"tool_result","content":"found"}]}]}"#,
                Format::Messages,
                "hello",
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":"found"},{"type":"text","text":"go on"}]}]}"#,
                Format::Messages,
                "go on",
            ),
            (r#"{"input":"say \"it\""}"#, Format::Responses, "say \"it\""),
            (
                r#"{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]},{"type":"function_call_output","output":"y"}]}"#,
                Format::Responses,
                "x",
            ),
            (
                r#"{"input":[{"role":"user","content":"easy"}]}"#,
                Format::Responses,
                "easy",
            ),
            (r#"{"messages":[]}"#, Format::Chat, ""),
            (
                r#"{"messages":[{"role":"user","content":" "}]}"#,
                Format::Chat,
                "",
            ),
        ] {
            assert_eq!(content(body, format).last_words(), expected, "{body}");
        }
    }

    #[test]
    fn tokens_are_a_quarter_of_the_bytes_without_data() {
        let text = "x".repeat(4000);
        for (body, format) in [
            (format!(r#"{{"messages":"{text}"}}"#), Format::Chat),
            (format!(r#"{{"input":"{text}"}}"#), Format::Responses),
            (format!(r#"{{"instructions":"{text}"}}"#), Format::Responses),
            (format!(r#"{{"system":"{text}"}}"#), Format::Messages),
            (format!(r#"{{"tools":"{text}"}}"#), Format::Messages),
        ] {
            assert_eq!(content(&body, format).tokens(), 1001, "{format:?}");
        }
        assert_eq!(
            content(&format!(r#"{{"x":"{text}"}}"#), Format::Chat).tokens(),
            0
        );
        // Data does not count, an image does, whatever its size.
        let image = |data: &str| {
            let part = format!(
                r#"{{"type":"image","source":{{"type":"base64","data" : "{data}","media_type":"image/png"}}}}"#
            );
            let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
            content(&body, Format::Messages).tokens()
        };
        assert_eq!(image(""), image(&text));
        assert!((IMAGE_TOKENS..IMAGE_TOKENS + 50).contains(&image("")));
        let url =
            format!(r#"{{"messages":["data:image/png;base64,{text}", "\"data:", "{text}"]}}"#);
        assert!((1000..1020).contains(&content(&url, Format::Chat).tokens()));
    }

    fn ask(body: &[u8]) -> u64 {
        FORMATS
            .map(|format| {
                let content = Content::new(body, format);
                let _ = (content.has_tools(), content.last_words().len());
                content.tokens()
            })
            .into_iter()
            .sum()
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            ask(&body);
        }

        #[test]
        fn anything_like_a_request_is_read(
            words in proptest::collection::vec(
                proptest::sample::select(vec![
                    "{", "}", "[", "]", ",", ":", "\"", "\\", "\"messages\":", "\"input\":", "\"tools\":[",
                    "\"content\":[", "\"type\":\"image\"", "\"data\":", "\"role\":\"user\"", "{\"messages\":[{", " ", "é",
                ]),
                0..40,
            ),
        ) {
            ask(words.concat().as_bytes());
        }

        #[test]
        fn no_more_is_estimated_than_there_is(text in "[ -~é\"\\\\]{0,200}") {
            let body = serde_json::json!({"messages":[{"role":"user","content":text}]}).to_string();
            let tokens = Content::new(body.as_bytes(), Format::Chat).tokens();
            prop_assert!(tokens <= body.len() as u64 / 4 + 1);
            let content = Content::new(body.as_bytes(), Format::Chat);
            if !text.trim().is_empty() {
                prop_assert_eq!(content.last_words(), text);
            }
        }
    }
}
