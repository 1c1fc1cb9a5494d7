//! Writing messages and tools.

use bytes::{BufMut, BytesMut};

use super::finish::Finished;
use super::{Arguments, Assistant, Call, Escaped, Media, Part, Turn, Url};
use crate::codec::write::{self, Array, Object};
use crate::convert::compact::compact_as_string;
use crate::format::raw::RawStr;
use crate::provider::chat_profile::ChatProfile;

/// Stands for a signature that a history made elsewhere does not have. Source: Gemini API, "Thought signatures".
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// The parameters of a freeform tool that became a function.
pub(crate) const WRAPPED_INPUT_SCHEMA: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

const EMPTY_SCHEMA: &str = r#"{"type":"object","properties":{}}"#;

/// Writes an element of `tools`. Texts are the inside of JSON strings; `parameters` is JSON text.
pub(crate) fn write_function_tool(
    tools: &mut Array<'_>,
    profile: &ChatProfile,
    name: &str,
    description: &[&str],
    parameters: Option<&str>,
    strict: Option<bool>,
) {
    let mut tool = tools.object();
    tool.string("type", "function");
    let mut function = tool.object("function");
    function.string("name", name);
    if description.iter().any(|piece| !piece.is_empty()) {
        let out = function.key("description");
        out.put_u8(b'"');
        for piece in description {
            out.extend_from_slice(piece.as_bytes());
        }
        out.put_u8(b'"');
    }
    function.raw("parameters", parameters.unwrap_or(EMPTY_SCHEMA));
    if let Some(strict) = strict.filter(|_| profile.strict_tools) {
        function.bool("strict", strict);
    }
    function.end();
    tool.end();
}

impl Finished<'_> {
    /// Writes the list.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        let mut list = Array::begin(out);
        if !self.system.is_empty() {
            system(&mut list, &self.system);
        }
        for (place, turn) in self.turns.iter().enumerate() {
            match turn {
                Turn::System { texts, .. } => system(&mut list, texts),
                Turn::User { parts, .. } => user(&mut list, parts),
                Turn::Assistant(turn) => self.assistant(&mut list, turn, place >= self.current),
                Turn::Result(result) => {
                    let mut message = list.object();
                    message
                        .string("role", "tool")
                        .string("tool_call_id", &result.id);
                    joined(message.key("content"), &result.texts, r"\n");
                    message.end();
                }
            }
        }
        list.end();
    }

    fn assistant(&self, list: &mut Array<'_>, turn: &Assistant<'_>, current: bool) {
        let mut message = list.object();
        message.string("role", "assistant");
        if turn.texts.is_empty() && self.profile.null_content {
            message.raw("content", "null");
        } else {
            joined(message.key("content"), &turn.texts, r"\n\n");
        }
        if current && self.replays_reasoning && !turn.reasoning.is_empty() {
            joined(message.key("reasoning"), &turn.reasoning, r"\n\n");
        }
        if !turn.calls.is_empty() {
            let mut calls = message.array("tool_calls");
            for (place, call) in turn.calls.iter().enumerate() {
                let signature = self.signature(call).or_else(|| {
                    (place == 0 && current && self.demands_signatures).then_some(NO_SIGNATURE)
                });
                write_call(&mut calls, call, signature);
            }
            calls.end();
        }
        if let Some(signature) = turn
            .signature
            .as_deref()
            .filter(|_| self.profile.thought_signatures)
        {
            extra_content(&mut message, signature);
        }
        message.end();
    }

    fn signature<'s>(&'s self, call: &'s Call<'_>) -> Option<&'s str> {
        if !self.profile.thought_signatures {
            return None;
        }
        self.signatures
            .get(&*call.id)
            .or(call.signature.as_ref())
            .map(String::as_str)
    }
}

fn system(list: &mut Array<'_>, texts: &[Escaped<'_>]) {
    let mut message = list.object();
    message.string("role", "system");
    joined(message.key("content"), texts, r"\n\n");
    message.end();
}

fn user(list: &mut Array<'_>, parts: &[Part<'_>]) {
    let mut message = list.object();
    message.string("role", "user");
    let plain = parts.iter().all(|part| matches!(part, Part::Text(_)));
    let out = message.key("content");
    if plain {
        out.put_u8(b'"');
        for (at, part) in parts.iter().enumerate() {
            if let Part::Text(text) = part {
                out.extend_from_slice(if at == 0 { b"" } else { br"\n" });
                out.extend_from_slice(text.as_bytes());
            }
        }
        out.put_u8(b'"');
    } else {
        let mut content = Array::begin(out);
        for part in parts {
            match part {
                Part::Text(text) => {
                    let mut part = content.object();
                    part.string("type", "text");
                    quoted(part.key("text"), &[text]);
                    part.end();
                }
                Part::Media(media) => media.write(&mut content),
            }
        }
        content.end();
    }
    message.end();
}

fn write_call(calls: &mut Array<'_>, call: &Call<'_>, signature: Option<&str>) {
    let mut element = calls.object();
    element.string("id", &call.id).string("type", "function");
    let mut function = element.object("function");
    function.string("name", &call.name);
    let out = function.key("arguments");
    match &call.arguments {
        Arguments::Text(text) if text.is_empty() => out.extend_from_slice(b"\"{}\""),
        Arguments::Text(text) => quoted(out, &[text]),
        Arguments::Json(json) => compact_as_string(out, json),
        Arguments::Input(input) => wrapped_as_string(out, *input),
    }
    function.end();
    if let Some(signature) = signature {
        extra_content(&mut element, signature);
    }
    element.end();
}

fn extra_content(object: &mut Object<'_>, signature: &str) {
    let mut extra = object.object("extra_content");
    let mut google = extra.object("google");
    quoted(google.key("thought_signature"), &[signature]);
    google.end();
    extra.end();
}

/// `{"input": …}` as a JSON string.
fn wrapped_as_string(out: &mut BytesMut, input: RawStr<'_>) {
    out.extend_from_slice(br#""{\"input\":"#);
    write::string_content(out, input.json());
    out.extend_from_slice(br#"}""#);
}

/// A JSON string made of pieces of its inside.
fn quoted(out: &mut BytesMut, pieces: &[&str]) {
    out.put_u8(b'"');
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
    out.put_u8(b'"');
}

fn joined(out: &mut BytesMut, texts: &[Escaped<'_>], separator: &str) {
    out.put_u8(b'"');
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(separator.as_bytes());
        }
        out.extend_from_slice(text.as_bytes());
    }
    out.put_u8(b'"');
}

impl Media<'_> {
    /// What a person would call it.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Image { .. } => "image",
            Self::ImageFile(_) | Self::FileUrl { .. } | Self::File { .. } => "file",
            Self::Audio { .. } => "audio",
        }
    }

    fn write(&self, content: &mut Array<'_>) {
        let mut part = content.object();
        match self {
            Self::Image { url, detail } => {
                part.string("type", "image_url");
                let mut image = part.object("image_url");
                url.write(image.key("url"));
                if let Some(detail) = detail {
                    image.string("detail", detail);
                }
                image.end();
            }
            Self::ImageFile(url) => {
                part.string("type", "image_url");
                let mut image = part.object("image_url");
                url.write(image.key("url"));
                image.end();
            }
            Self::FileUrl { url, name } => {
                part.string("type", "file_url");
                let mut file = part.object("file_url");
                quoted(file.key("url"), &[url]);
                file.end();
                if let Some(name) = name {
                    quoted(part.key("file_name"), &[name]);
                }
            }
            Self::File { data, name } => {
                part.string("type", "file");
                let mut file = part.object("file");
                if let Some(name) = name {
                    quoted(file.key("filename"), &[name]);
                }
                data.write(file.key("file_data"));
                file.end();
            }
            Self::Audio { data, format } => {
                part.string("type", "input_audio");
                let mut audio = part.object("input_audio");
                quoted(audio.key("data"), &[data]);
                quoted(audio.key("format"), &[format]);
                audio.end();
            }
        }
        part.end();
    }
}

impl Url<'_> {
    fn write(&self, out: &mut BytesMut) {
        quoted(out, &[&self.head, &self.tail]);
    }
}
