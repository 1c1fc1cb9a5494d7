//! What a message says and shows: text, code that was run, files, calls.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::super::state::State;
use crate::codec::write::Object;
use crate::convert::chat_answer::annotations::Annotations;
use crate::convert::chat_answer::call::write_custom_input;
use crate::convert::compact::{compact, compact_as_string};
use crate::convert::gemini_in::{Call, Citation};
use crate::convert::scalars::scalars;
use crate::format::gemini::{Blob, Code, CodeResult};
use crate::format::messages::Text;
use crate::format::raw::RawStr;

/// How long audio may be referred to, in seconds: OpenAI's answers say so, Google keeps none.
const AUDIO_LIFETIME: u64 = 86_400;

/// What a blocked prompt gets instead of an answer.
pub(in crate::convert) fn blocked(reason: &str) -> String {
    format!("Prompt blocked by Gemini: {reason}")
}

/// Code that was run, as text.
pub(in crate::convert) fn code_text(code: &Code<'_>) -> String {
    let language = code.language.get().map(RawStr::decode).unwrap_or_default();
    let language = match &*language {
        "LANGUAGE_UNSPECIFIED" => String::new(),
        language => language.to_ascii_lowercase(),
    };
    block(&language, "", &decoded(code.code))
}

/// What the code gave, as text.
pub(in crate::convert) fn result_text(result: &CodeResult<'_>) -> String {
    let outcome = result
        .outcome
        .get()
        .map(RawStr::decode)
        .filter(|outcome| *outcome != "OUTCOME_OK");
    let first = outcome.map_or_else(String::new, |outcome| format!("# {outcome}\n"));
    block("text", &first, &decoded(result.output))
}

fn block(language: &str, first: &str, text: &str) -> String {
    let text = text.strip_suffix('\n').unwrap_or(text);
    format!("\n```{language}\n{first}{text}\n```\n")
}

fn decoded(text: Text<'_>) -> Cow<'_, str> {
    text.get().map(RawStr::decode).unwrap_or_default()
}

/// Where the answer's text stands in `content`, which holds code between it. All in characters.
#[derive(Debug, Default)]
pub(in crate::convert) struct Offsets {
    text: u64,
    /// Where in the text something was put, and how much.
    inserted: Vec<(u64, u64)>,
}

impl Offsets {
    pub(in crate::convert) fn text(&mut self, text: RawStr<'_>) {
        self.text = self.text.saturating_add(scalars(text));
    }

    pub(in crate::convert) fn insert(&mut self, inserted: &str) {
        let length = u64::try_from(inserted.chars().count()).unwrap_or(u64::MAX);
        self.inserted.push((self.text, length));
    }

    fn before(&self, is_before: impl Fn(u64) -> bool) -> u64 {
        let before = self.inserted.iter().take_while(|(at, _)| is_before(*at));
        before.map(|(_, length)| length).sum()
    }

    /// From where to where in `content` a citation is.
    pub(in crate::convert) fn place(&self, citation: &Citation) -> (u64, u64) {
        // What was put exactly at an edge is outside.
        let start = citation.start + self.before(|at| at <= citation.start);
        let end = citation.end + self.before(|at| at < citation.end);
        (start, end)
    }

    /// The citations of `content`.
    pub(in super::super) fn annotations(&self, citations: &[Citation]) -> Annotations {
        let mut annotations = Annotations::default();
        for citation in citations {
            let (start, end) = self.place(citation);
            annotations.push_page(&citation.url, &citation.title, start, end);
        }
        annotations
    }
}

/// A file that the model made, as far as Chat has a place for it.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Media<'a> {
    Image {
        media_type: RawStr<'a>,
        data: RawStr<'a>,
    },
    Audio {
        data: RawStr<'a>,
    },
}

impl<'a> Media<'a> {
    /// What a blob is; `None` for what Chat has no place for.
    pub(in super::super) fn of(blob: &Blob<'a>) -> Option<Self> {
        let (media_type, data) = (blob.mime_type.non_empty()?, blob.data.non_empty()?);
        let decoded = media_type.decode();
        if decoded.starts_with("image/") {
            Some(Self::Image { media_type, data })
        } else if decoded.starts_with("audio/") {
            Some(Self::Audio { data })
        } else {
            None
        }
    }
}

/// Writes the members of an element of `images`.
pub(in super::super) fn write_image(
    element: &mut Object<'_>,
    media_type: RawStr<'_>,
    data: RawStr<'_>,
) {
    element.string("type", "image_url");
    let mut image = element.object("image_url");
    let out = image.key("url");
    for piece in [
        "\"data:",
        media_type.content(),
        ";base64,",
        data.content(),
        "\"",
    ] {
        out.put_slice(piece.as_bytes());
    }
    image.end();
}

/// Writes `audio`.
pub(in super::super) fn write_audio(out: &mut BytesMut, base: &str, now: u64, data: RawStr<'_>) {
    let mut audio = Object::begin(out);
    audio
        .string("id", &format!("audio_{base}"))
        .raw("data", data.json())
        .uint("expires_at", now.saturating_add(AUDIO_LIFETIME))
        .string("transcript", "");
    audio.end();
}

/// Writes the members of an element of `tool_calls`.
pub(in super::super) fn write_call(element: &mut Object<'_>, call: &Call<'_>, state: &State) {
    element.string("id", &call.id);
    let name = state.tools.original(&call.name);
    if state.tools.is_custom(&call.name) {
        element.string("type", "custom");
        let mut custom = element.object("custom");
        custom.string("name", name);
        let mut args = BytesMut::with_capacity(call.args.len());
        compact(&mut args, call.args);
        let args = std::str::from_utf8(&args).unwrap_or(call.args);
        write_custom_input(custom.key("input"), args);
        custom.end();
    } else {
        element.string("type", "function");
        let mut function = element.object("function");
        function.string("name", name);
        compact_as_string(function.key("arguments"), call.args);
        function.end();
    }
    if let Some(signature) = call.signature {
        let mut extra = element.object("extra_content");
        let mut google = extra.object("google");
        google.raw("thought_signature", signature.json());
        google.end();
        extra.end();
    }
}
