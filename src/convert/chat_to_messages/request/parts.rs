//! The parts of user messages and tool results.

use std::borrow::Cow;

use bytes::BufMut;
use serde_json::value::RawValue;

use super::files::Base64;
use super::messages::{Speaker, Writer};
use super::path::{self, At};
use super::system;
use crate::convert::anthropic_out::cache::{Section, Ttl};
use crate::convert::data_url::{self, DataUrl, FileKind};
use crate::convert::report::Refusal;
use crate::format::chat::request::Part;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::provider::Provider;

/// Where blocks go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    /// Into the user's message.
    User,
    /// Into a tool result, whose content they open; it carries their marks.
    Result { any: bool, mark: Option<Ttl> },
}

impl<'a> Writer<'_, 'a, '_> {
    /// Writes the parts of a content list.
    pub(super) fn parts(
        &mut self,
        content: &'a str,
        message: usize,
        slot: &mut Slot,
    ) -> Result<(), Refusal> {
        for (index, element) in walk::elements(content).enumerate() {
            let at = At {
                message,
                list: "content",
                index,
            };
            self.part(element, at, slot)?;
        }
        Ok(())
    }

    fn part(&mut self, element: &'a str, at: At, slot: &mut Slot) -> Result<(), Refusal> {
        let part: Part<'a> = path::parse(element, || at.path())?;
        let Some(kind) = part.kind else {
            return Err(path::missing(at.member("type")));
        };
        match &*kind.decode() {
            "text" => {
                let Some(text) = part.text else {
                    return Err(path::missing(at.member("text")));
                };
                if !text.is_blank() {
                    if matches!(slot, Slot::User) {
                        self.text(Speaker::User, text)?;
                    } else {
                        self.begin_in(slot)?;
                        let buf = &mut self.out.buf;
                        buf.extend_from_slice(b"{\"type\":\"text\",\"text\":");
                        buf.extend_from_slice(text.json().as_bytes());
                        self.out.end_block();
                    }
                }
                system::report_unknown_part(&part, self.cx.report);
            }
            "image_url" => {
                self.image_part(&part, at, slot)?;
                system::report_unknown_part(&part, self.cx.report);
            }
            "file" => {
                let Some(file) = &part.file else {
                    return Err(path::missing(at.member("file")));
                };
                self.file(file, at, slot)?;
                system::report_unknown_part(&part, self.cx.report);
            }
            "input_audio" => {
                return Err(Refusal::unsupported(
                    at.path(),
                    "Anthropic takes no audio input",
                ));
            }
            // Anthropic's own blocks, an extension.
            "document" | "search_result" => {
                if self.cx.provider == Provider::AwsBedrockInvoke && is_elsewhere(element) {
                    return Err(Refusal::unsupported(
                        at.member("source"),
                        "Bedrock takes nothing by URL, and knows no uploaded files",
                    ));
                }
                self.begin_in(slot)?;
                copy_without_mark(element, &mut self.out.buf);
                self.out.end_block();
            }
            _ => {
                return Err(Refusal::unsupported(
                    at.path(),
                    "there is no such content part, or Anthropic has no word for it",
                ));
            }
        }
        match (system::part_mark(&part, self.cx.report), slot) {
            (None, _) => {}
            (Some(ttl), Slot::Result { mark, .. }) => *mark = Some(ttl),
            (Some(ttl), Slot::User) => {
                system::mark(self.out, Section::Messages, ttl, self.cx.report);
            }
        }
        Ok(())
    }

    /// Begins a block.
    pub(super) fn begin_in(&mut self, slot: &mut Slot) -> Result<(), Refusal> {
        match slot {
            Slot::User => self.begin(Speaker::User)?,
            Slot::Result { any: true, .. } => self.out.buf.put_u8(b','),
            Slot::Result { any, .. } => {
                *any = true;
                self.out.buf.extend_from_slice(b",\"content\":[");
            }
        }
        Ok(())
    }

    fn image_part(&mut self, part: &Part<'a>, at: At, slot: &mut Slot) -> Result<(), Refusal> {
        let Some(image) = part.image_url.map(RawValue::get) else {
            return Err(path::missing(at.member("image_url")));
        };
        // Some clients send the bare URL.
        let url = if let Some(url) = RawStr::from_json(image) {
            url
        } else {
            // Walked over instead of read as a view: large images are looked at once less.
            if !walk::is_object(image) {
                return Err(path::wrong_type(at.member("image_url")));
            }
            let mut url = None;
            for (key, value) in walk::members(image).filter(|(_, value)| *value != "null") {
                match &*key.decode() {
                    "url" => url = Some(value),
                    "detail" if value == "\"auto\"" => {}
                    name => self
                        .cx
                        .report
                        .drop_field(format!("messages[].content[].image_url.{name}")),
                }
            }
            let Some(url) = url else {
                return Err(path::missing(at.member("image_url.url")));
            };
            RawStr::from_json(url).ok_or_else(|| path::wrong_type(at.member("image_url.url")))?
        };
        let text = url.decode();
        if let Some(data) = DataUrl::parse(&text) {
            let Some(FileKind::Image(media_type)) = FileKind::from_media_type(data.media_type)
            else {
                return Err(Refusal::unsupported(
                    at.member("image_url.url"),
                    "Anthropic takes JPEG, PNG, GIF and WebP images only",
                ));
            };
            let source = Base64 {
                kind: "image",
                media_type,
                data: data.data,
                is_plain: matches!(text, Cow::Borrowed(_)),
            };
            self.base64_source(source, at, slot)?;
            self.out.end_block();
            return Ok(());
        }
        let is_web = ["https://", "http://"].iter().any(|scheme| {
            text.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
        if !is_web {
            return Err(Refusal::invalid(
                at.member("image_url.url"),
                if data_url::is_data_url(&text) {
                    "a data URL must be in base64"
                } else {
                    "an image's URL must be a data, http or https URL"
                },
            ));
        }
        if self.cx.provider == Provider::AwsBedrockInvoke {
            return Err(Refusal::unsupported(
                at.member("image_url.url"),
                "Bedrock takes no image by URL",
            ));
        }
        self.begin_in(slot)?;
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":");
        buf.extend_from_slice(url.json().as_bytes());
        buf.put_u8(b'}');
        self.out.end_block();
        Ok(())
    }
}

/// Whether the source of one of Anthropic's own blocks is a URL or an uploaded file.
fn is_elsewhere(block: &str) -> bool {
    let source = walk::member(block, "source");
    let kind = source.and_then(|source| walk::member(source, "type"));
    let kind = kind.and_then(RawStr::from_json).map(RawStr::decode);
    matches!(kind.as_deref(), Some("url" | "file"))
}

/// Copies an object without its closing bracket and without the cache mark, which is written anew.
pub(super) fn copy_without_mark(object: &str, out: &mut bytes::BytesMut) {
    out.put_u8(b'{');
    let mut first = true;
    for (key, value) in walk::members(object) {
        if key.is("cache_control") || key.is("prompt_cache_breakpoint") {
            continue;
        }
        if !first {
            out.put_u8(b',');
        }
        first = false;
        out.extend_from_slice(key.json().as_bytes());
        out.put_u8(b':');
        out.extend_from_slice(value.as_bytes());
    }
}
