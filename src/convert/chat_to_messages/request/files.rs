//! Files and images that travel in base64.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::BufMut;

use super::messages::Writer;
use super::parts::Slot;
use super::path::{self, At};
use crate::codec::write;
use crate::convert::data_url::{self, DataUrl, FileKind};
use crate::convert::report::Refusal;
use crate::format::chat::request::File;
use crate::format::raw::RawStr;
use crate::provider::Provider;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A block's base64 source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base64<'s> {
    /// The block's type.
    pub(super) kind: &'s str,
    pub(super) media_type: &'s str,
    pub(super) data: &'s str,
    /// The data stood in the client's JSON without escapes, and needs none.
    pub(super) is_plain: bool,
}

impl<'a> Writer<'_, 'a, '_> {
    /// Writes a `file` part.
    pub(super) fn file(&mut self, file: &File<'a>, at: At, slot: &mut Slot) -> Result<(), Refusal> {
        for name in &file.unknown {
            self.cx
                .report
                .drop_field(format!("messages[].content[].file.{name}"));
        }
        let Some(data) = file.file_data else {
            return self.file_by_id(file, at, slot);
        };
        if file.file_id.is_some() {
            self.cx
                .report
                .drop_field("messages[].content[].file.file_id");
        }
        let text = data.decode();
        let is_plain = matches!(text, Cow::Borrowed(_));
        let name = file.filename.map(RawStr::decode).unwrap_or_default();
        let (media_type, data) = match DataUrl::parse(&text) {
            Some(url) => (url.media_type, url.data),
            None if data_url::is_data_url(&text) => {
                return Err(Refusal::invalid(
                    at.member("file.file_data"),
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
        match kind {
            Some(FileKind::Image(media_type)) => {
                if file.filename.is_some() {
                    self.cx
                        .report
                        .drop_field("messages[].content[].file.filename");
                }
                let source = Base64 {
                    kind: "image",
                    media_type,
                    data,
                    is_plain,
                };
                self.base64_source(source, at, slot)?;
                self.out.end_block();
                Ok(())
            }
            Some(FileKind::Pdf) => {
                let source = Base64 {
                    kind: "document",
                    media_type: "application/pdf",
                    data,
                    is_plain,
                };
                self.base64_source(source, at, slot)?;
                self.title(file);
                self.out.end_block();
                Ok(())
            }
            Some(FileKind::Text) => {
                let decoded = BASE64.decode(data.trim_end()).ok();
                let Some(decoded) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else {
                    return Err(Refusal::invalid(
                        at.member("file.file_data"),
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
                self.title(file);
                self.out.end_block();
                Ok(())
            }
            None => Err(Refusal::unsupported(
                at.member("file.file_data"),
                "Anthropic takes PDF, text and image files only",
            )),
        }
    }

    fn file_by_id(&mut self, file: &File<'a>, at: At, slot: &mut Slot) -> Result<(), Refusal> {
        let Some(id) = file.file_id else {
            return Err(path::missing(at.member("file.file_data")));
        };
        if !id.decode().starts_with("file_") {
            return Err(Refusal::unsupported(
                at.member("file.file_id"),
                "a file that was uploaded to OpenAI is not known to Anthropic",
            ));
        }
        if self.cx.provider == Provider::AwsBedrockInvoke {
            return Err(Refusal::unsupported(
                at.member("file.file_id"),
                "Bedrock knows no uploaded files",
            ));
        }
        self.begin_in(slot)?;
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"type\":\"document\",\"source\":{\"type\":\"file\",\"file_id\":");
        buf.extend_from_slice(id.json().as_bytes());
        buf.put_u8(b'}');
        self.title(file);
        self.out.end_block();
        Ok(())
    }

    fn title(&mut self, file: &File<'a>) {
        if let Some(name) = file.filename.filter(|name| !name.is_blank()) {
            self.out.buf.extend_from_slice(b",\"title\":");
            self.out.buf.extend_from_slice(name.json().as_bytes());
        }
    }

    /// Begins a block and writes its base64 source.
    pub(super) fn base64_source(
        &mut self,
        source: Base64<'_>,
        at: At,
        slot: &mut Slot,
    ) -> Result<(), Refusal> {
        if source.data.is_empty() {
            return Err(Refusal::invalid(at.path(), "the file is empty"));
        }
        self.begin_in(slot)?;
        let buf = &mut self.out.buf;
        buf.extend_from_slice(b"{\"type\":\"");
        buf.extend_from_slice(source.kind.as_bytes());
        buf.extend_from_slice(b"\",\"source\":{\"type\":\"base64\",\"media_type\":\"");
        buf.extend_from_slice(source.media_type.as_bytes());
        buf.extend_from_slice(b"\",\"data\":\"");
        if source.is_plain {
            buf.extend_from_slice(source.data.as_bytes());
        } else {
            write::string_content(buf, source.data);
        }
        buf.extend_from_slice(b"\"}");
        Ok(())
    }
}
