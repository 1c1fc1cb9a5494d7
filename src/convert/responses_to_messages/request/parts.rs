//! The parts of user messages and of calls' outputs.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::BufMut;

use super::turns::{Speaker, Writer};
use crate::codec::write;
use crate::convert::anthropic_out::cache::Ttl;
use crate::convert::data_url::{self, DataUrl, FileKind};
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::{mark, report_part};
use crate::convert::responses_request::path::{self, At};
use crate::format::raw::RawStr;
use crate::format::responses::request::Part;
use crate::format::walk;
use crate::provider::Provider;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where blocks go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    /// Into the user's message.
    User,
    /// Into a tool result, whose content they open; it carries their marks.
    Result { any: bool, mark: Option<Ttl> },
}

/// A file in base64.
#[derive(Debug, Clone, Copy)]
struct Base64<'s> {
    data: &'s str,
    /// The data stood in the client's JSON without escapes, and needs none.
    is_plain: bool,
}

impl<'a> Writer<'_, 'a, '_> {
    /// Writes the parts of a list.
    pub(super) fn parts(
        &mut self,
        content: &'a str,
        item: usize,
        list: &'static str,
        slot: &mut Slot,
    ) -> Result<(), Refusal> {
        for (index, element) in walk::elements(content).enumerate() {
            let at = At { item, list, index };
            let part: Part<'a> = path::parse(element, || at.path())?;
            let kind = part.kind.ok_or_else(|| path::missing(at.member("type")))?;
            match &*kind.decode() {
                "input_text" | "text" | "output_text" => self.text_part(&part, at, slot)?,
                "input_image" => self.image(&part, at, slot)?,
                "input_file" => self.file(&part, at, slot)?,
                "input_audio" => {
                    return Err(Refusal::unsupported(
                        at.path(),
                        "Anthropic takes no audio input",
                    ));
                }
                _ => {
                    return Err(Refusal::unsupported(
                        at.path(),
                        "there is no such content part, or Anthropic has no word for it",
                    ));
                }
            }
            report_part(&part, at, self.cx);
            match (mark(&part, at, self.cx), &mut *slot) {
                (None, _) => {}
                (Some(ttl), Slot::Result { mark, .. }) => *mark = Some(ttl),
                (Some(ttl), Slot::User) => self.mark(ttl),
            }
        }
        Ok(())
    }

    fn text_part(&mut self, part: &Part<'a>, at: At, slot: &mut Slot) -> Result<(), Refusal> {
        let text = part.text.ok_or_else(|| path::missing(at.member("text")))?;
        if text.is_blank() {
            return Ok(());
        }
        if matches!(slot, Slot::User) {
            return self.text(Speaker::User, text);
        }
        self.begin_in(slot)?;
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"type\":\"text\",\"text\":");
        buf.extend_from_slice(text.json().as_bytes());
        self.out.end_block();
        Ok(())
    }

    /// Begins a block.
    fn begin_in(&mut self, slot: &mut Slot) -> Result<(), Refusal> {
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

    fn image(&mut self, part: &Part<'a>, at: At, slot: &mut Slot) -> Result<(), Refusal> {
        if part.detail.is_some_and(|detail| !detail.is("auto")) {
            self.cx.report.drop_field(at.any("detail"));
        }
        let Some(url) = part.image_url else {
            return self.by_id("image", part, at, slot);
        };
        if part.file_id.is_some() {
            self.cx.report.drop_field(at.any("file_id"));
        }
        let text = url.decode();
        if let Some(data) = DataUrl::parse(&text) {
            let Some(FileKind::Image(media_type)) = FileKind::from_media_type(data.media_type)
            else {
                return Err(Refusal::unsupported(
                    at.member("image_url"),
                    "Anthropic takes JPEG, PNG, GIF and WebP images only",
                ));
            };
            let source = Base64 {
                data: data.data,
                is_plain: matches!(text, Cow::Borrowed(_)),
            };
            self.base64("image", media_type, source, at, slot)?;
            self.out.end_block();
            return Ok(());
        }
        self.check_url(&text, at, "image_url")?;
        self.source("image", "url", "url", url, slot)?;
        self.out.end_block();
        Ok(())
    }

    /// A URL that Anthropic will fetch itself.
    fn check_url(&self, url: &str, at: At, member: &str) -> Result<(), Refusal> {
        let is_web = ["https://", "http://"].iter().any(|scheme| {
            url.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
        if !is_web {
            return Err(Refusal::invalid(
                at.member(member),
                if data_url::is_data_url(url) {
                    "a data URL must be in base64"
                } else {
                    "it must be a data, http or https URL"
                },
            ));
        }
        if self.cx.provider == Provider::AwsBedrockInvoke {
            return Err(Refusal::unsupported(
                at.member(member),
                "Bedrock takes nothing by URL",
            ));
        }
        Ok(())
    }

    /// Writes a block with a source that is named by one string, without its closing bracket.
    fn source(
        &mut self,
        block: &str,
        kind: &str,
        member: &str,
        value: RawStr<'_>,
        slot: &mut Slot,
    ) -> Result<(), Refusal> {
        self.begin_in(slot)?;
        let buf = &mut self.out.buf;
        for piece in [
            "{\"type\":\"",
            block,
            "\",\"source\":{\"type\":\"",
            kind,
            "\",\"",
            member,
            "\":",
            value.json(),
            "}",
        ] {
            buf.extend_from_slice(piece.as_bytes());
        }
        Ok(())
    }

    fn by_id(
        &mut self,
        block: &str,
        part: &Part<'a>,
        at: At,
        slot: &mut Slot,
    ) -> Result<(), Refusal> {
        let Some(id) = part.file_id else {
            let member = if block == "image" {
                "image_url"
            } else {
                "file_data"
            };
            return Err(path::missing(at.member(member)));
        };
        if !id.decode().starts_with("file_") {
            return Err(Refusal::unsupported(
                at.member("file_id"),
                "a file that was uploaded to OpenAI is not known to Anthropic",
            ));
        }
        if self.cx.provider == Provider::AwsBedrockInvoke {
            return Err(Refusal::unsupported(
                at.member("file_id"),
                "Bedrock knows no uploaded files",
            ));
        }
        self.source(block, "file", "file_id", id, slot)?;
        if block == "document" {
            self.title(part);
        }
        self.out.end_block();
        Ok(())
    }

    fn file(&mut self, part: &Part<'a>, at: At, slot: &mut Slot) -> Result<(), Refusal> {
        if part.detail.is_some() {
            self.cx.report.drop_field(at.any("detail"));
        }
        let Some(data) = part.file_data else {
            let Some(url) = part.file_url else {
                return self.by_id("document", part, at, slot);
            };
            self.check_url(&url.decode(), at, "file_url")?;
            self.source("document", "url", "url", url, slot)?;
            self.title(part);
            self.out.end_block();
            return Ok(());
        };
        for (member, present) in [
            ("file_id", part.file_id.is_some()),
            ("file_url", part.file_url.is_some()),
        ] {
            if present {
                self.cx.report.drop_field(at.any(member));
            }
        }
        let text = data.decode();
        let is_plain = matches!(text, Cow::Borrowed(_));
        let name = part.filename.map(RawStr::decode).unwrap_or_default();
        let (media_type, data) = match DataUrl::parse(&text) {
            Some(url) => (url.media_type, url.data),
            None if data_url::is_data_url(&text) => {
                return Err(Refusal::invalid(
                    at.member("file_data"),
                    "a data URL must be in base64",
                ));
            }
            None => ("", &*text),
        };
        let said = FileKind::from_media_type(media_type);
        let generic = matches!(media_type, "" | "application/octet-stream");
        let kind = match said {
            None if generic => FileKind::from_base64(data).or_else(|| FileKind::from_name(&name)),
            said => said,
        };
        let source = Base64 { data, is_plain };
        match kind {
            Some(FileKind::Image(media_type)) => {
                if part.filename.is_some() {
                    self.cx.report.drop_field(at.any("filename"));
                }
                self.base64("image", media_type, source, at, slot)?;
            }
            Some(FileKind::Pdf) => {
                self.base64("document", "application/pdf", source, at, slot)?;
                self.title(part);
            }
            Some(FileKind::Text) => {
                let decoded = BASE64.decode(data.trim_end()).ok();
                let Some(decoded) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else {
                    return Err(Refusal::invalid(
                        at.member("file_data"),
                        "a text file must be UTF-8 in base64",
                    ));
                };
                self.begin_in(slot)?;
                let buf = &mut self.out.buf;
                buf.extend_from_slice(
                    b"{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":",
                );
                write::string(buf, &decoded);
                buf.put_u8(b'}');
                self.title(part);
            }
            None => {
                return Err(Refusal::unsupported(
                    at.member("file_data"),
                    "Anthropic takes PDF, text and image files only",
                ));
            }
        }
        self.out.end_block();
        Ok(())
    }

    fn title(&mut self, part: &Part<'a>) {
        if let Some(name) = part.filename.filter(|name| !name.is_blank()) {
            self.out.buf.extend_from_slice(b",\"title\":");
            self.out.buf.extend_from_slice(name.json().as_bytes());
        }
    }

    /// Begins a block and writes its base64 source.
    fn base64(
        &mut self,
        block: &str,
        media_type: &str,
        source: Base64<'_>,
        at: At,
        slot: &mut Slot,
    ) -> Result<(), Refusal> {
        if source.data.is_empty() {
            return Err(Refusal::invalid(at.path(), "the file is empty"));
        }
        self.begin_in(slot)?;
        let buf = &mut self.out.buf;
        for piece in [
            "{\"type\":\"",
            block,
            "\",\"source\":{\"type\":\"base64\",\"media_type\":\"",
            media_type,
            "\",\"data\":\"",
        ] {
            buf.extend_from_slice(piece.as_bytes());
        }
        if source.is_plain {
            buf.extend_from_slice(source.data.as_bytes());
        } else {
            write::string_content(buf, source.data);
        }
        buf.extend_from_slice(b"\"}");
        Ok(())
    }
}
