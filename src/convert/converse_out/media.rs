//! Images and sound as blocks of Converse, and what they have in common with documents.
//!
//! Source: the `ImageBlock` and `AudioBlock` shapes of the `bedrock-runtime` service model.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::base64_text;
use crate::codec::write::Object;
use crate::convert::data_url::{self, DataUrl};
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;

/// Why something cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum MediaError {
    /// It stands behind an address of the web.
    Web,
    /// It is a `data:` URL without base64.
    DataUrl,
    /// It is not base64.
    Base64,
    /// Its format is not among those that Converse has.
    ImageFormat,
    DocumentFormat,
    AudioFormat,
    /// Its `s3:` address is none.
    S3,
}

impl MediaError {
    fn message(self) -> &'static str {
        match self {
            Self::Web => "URLs are not supported by Bedrock; send base64",
            Self::DataUrl => "a data URL must carry base64",
            Self::Base64 => "the data is not valid base64",
            Self::ImageFormat => "Bedrock takes images as PNG, JPEG, GIF or WebP",
            Self::DocumentFormat => {
                "Bedrock takes documents as PDF, CSV, DOC, DOCX, XLS, XLSX, HTML, TXT or Markdown"
            }
            Self::AudioFormat => "Bedrock has no such audio format",
            Self::S3 => "the address is not `s3://BUCKET/KEY`",
        }
    }

    /// The refusal of the client's field at `path`.
    pub(in crate::convert) fn refusal(self, path: impl Into<String>) -> Refusal {
        let path = path.into();
        let message = format!("{path}: {}", self.message());
        match self {
            Self::DataUrl | Self::Base64 | Self::S3 => Refusal::invalid(path, message),
            Self::Web | Self::ImageFormat | Self::DocumentFormat | Self::AudioFormat => {
                Refusal::unsupported(path, message)
            }
        }
    }
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source<'a> {
    /// Standard base64 with its padding, which needs no escaping.
    Bytes(Cow<'a, str>),
    /// The address of an object in S3, decoded.
    S3(Cow<'a, str>),
    Text(RawStr<'a>),
    Texts(Vec<RawStr<'a>>),
}

impl Source<'_> {
    pub(super) fn write(&self, out: &mut BytesMut) {
        let mut source = Object::begin(out);
        match self {
            Self::Bytes(data) => {
                let out = source.key("bytes");
                out.put_u8(b'"');
                out.extend_from_slice(data.as_bytes());
                out.put_u8(b'"');
            }
            Self::S3(uri) => {
                let mut location = source.object("s3Location");
                location.string("uri", uri);
                location.end();
            }
            Self::Text(text) => {
                source.raw("text", text.json());
            }
            Self::Texts(texts) => {
                let mut content = source.array("content");
                for text in texts {
                    let mut block = content.object();
                    block.raw("text", text.json());
                    block.end();
                }
                content.end();
            }
        }
        source.end();
    }
}

/// A file as a client sends it: its type, where that was said, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File<'a> {
    /// Empty where nothing was said.
    pub(super) media_type: Cow<'a, str>,
    pub(super) source: Source<'a>,
}

impl<'a> File<'a> {
    /// The file that a URL carries or names.
    pub(super) fn from_url(url: RawStr<'a>) -> Result<Self, MediaError> {
        let url = url.decode();
        if is_s3(&url) {
            return if is_s3_object(&url) {
                Ok(Self {
                    media_type: Cow::Borrowed(""),
                    source: Source::S3(url),
                })
            } else {
                Err(MediaError::S3)
            };
        }
        if !data_url::is_data_url(&url) {
            return Err(MediaError::Web);
        }
        let (media_type, data) = match url {
            Cow::Borrowed(url) => {
                let DataUrl { media_type, data } =
                    DataUrl::parse(url).ok_or(MediaError::DataUrl)?;
                (Cow::Borrowed(media_type), Cow::Borrowed(data))
            }
            Cow::Owned(url) => {
                let DataUrl { media_type, data } =
                    DataUrl::parse(&url).ok_or(MediaError::DataUrl)?;
                (
                    Cow::Owned(media_type.to_owned()),
                    Cow::Owned(data.to_owned()),
                )
            }
        };
        Ok(Self {
            media_type,
            source: Source::Bytes(base64_text::standard(data).ok_or(MediaError::Base64)?),
        })
    }

    /// The file whose bytes are `data`.
    pub(super) fn from_base64(
        media_type: Option<RawStr<'a>>,
        data: RawStr<'a>,
    ) -> Result<Self, MediaError> {
        let data = base64_text::standard(data.decode()).ok_or(MediaError::Base64)?;
        Ok(Self {
            media_type: media_type.map(RawStr::decode).unwrap_or_default(),
            source: Source::Bytes(data),
        })
    }
}

fn is_s3(url: &str) -> bool {
    url.get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("s3://"))
}

/// Whether `uri` matches `s3://[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9](/.*)?`.
fn is_s3_object(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("s3://") else {
        return false;
    };
    let bucket = rest.split('/').next().unwrap_or(rest).as_bytes();
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&bucket.len())
        && bucket.first().is_some_and(plain)
        && bucket.last().is_some_and(plain)
        && bucket.iter().all(|b| plain(b) || matches!(b, b'.' | b'-'))
        && uri.len() <= 1024
        && !uri.contains(['\n', '\r'])
}

/// Begins the block `{"KIND":{…}}`, lets `members` write its members, and ends it.
pub(super) fn block(out: &mut BytesMut, kind: &str, members: impl FnOnce(&mut Object<'_>)) {
    let mut block = Object::begin(out);
    let mut inner = block.object(kind);
    members(&mut inner);
    inner.end();
    block.end();
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::convert) struct Image<'a> {
    format: &'static str,
    source: Source<'a>,
}

impl<'a> Image<'a> {
    /// The image that a `data:` or `s3:` URL stands for.
    ///
    /// # Errors
    /// The URL is of the web, or what it carries is no image that Converse takes.
    pub(in crate::convert) fn from_url(url: RawStr<'a>) -> Result<Self, MediaError> {
        let mut file = File::from_url(url)?;
        if let Source::S3(uri) = &file.source {
            let (_, extension) = uri.rsplit_once('.').ok_or(MediaError::ImageFormat)?;
            file.media_type = Cow::Owned(format!("image/{extension}"));
        }
        Self::new(file)
    }

    /// The image whose bytes are `data`.
    ///
    /// # Errors
    /// The data is no base64, or no image that Converse takes.
    pub(in crate::convert) fn from_base64(
        media_type: Option<RawStr<'a>>,
        data: RawStr<'a>,
    ) -> Result<Self, MediaError> {
        Self::new(File::from_base64(media_type, data)?)
    }

    fn new(file: File<'a>) -> Result<Self, MediaError> {
        const FORMATS: [(&str, &str); 5] = [
            ("png", "png"),
            ("jpeg", "jpeg"),
            ("jpg", "jpeg"),
            ("gif", "gif"),
            ("webp", "webp"),
        ];
        let said = file.media_type.trim();
        let said = match (said, &file.source) {
            ("" | "application/octet-stream", Source::Bytes(data)) => {
                match data_url::FileKind::from_base64(data) {
                    Some(data_url::FileKind::Image(media_type)) => media_type,
                    _ => return Err(MediaError::ImageFormat),
                }
            }
            _ => said,
        };
        let name = said
            .get(..6)
            .filter(|top| top.eq_ignore_ascii_case("image/"))
            .and_then(|_| said.get(6..));
        let format = FORMATS
            .iter()
            .find(|(known, _)| name.is_some_and(|name| name.eq_ignore_ascii_case(known)))
            .map(|(_, format)| *format)
            .ok_or(MediaError::ImageFormat)?;
        Ok(Self {
            format,
            source: file.source,
        })
    }

    /// Writes the block.
    pub(in crate::convert) fn write(&self, out: &mut BytesMut) {
        block(out, "image", |image| {
            image.string("format", self.format);
            self.source.write(image.key("source"));
        });
    }
}

/// Sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::convert) struct Audio<'a> {
    format: &'static str,
    source: Source<'a>,
}

impl<'a> Audio<'a> {
    /// The sound whose bytes are `data`, in a format that the client calls by its name (`mp3`, `wav` …).
    ///
    /// # Errors
    /// The data is no base64, or Converse has no such format.
    pub(in crate::convert) fn from_base64(
        format: RawStr<'a>,
        data: RawStr<'a>,
    ) -> Result<Self, MediaError> {
        const FORMATS: [&str; 15] = [
            "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a",
            "mpeg", "mpga", "pcm", "webm",
        ];
        let said = format.decode();
        let format = FORMATS
            .into_iter()
            .find(|known| said.eq_ignore_ascii_case(known))
            .ok_or(MediaError::AudioFormat)?;
        let file = File::from_base64(None, data)?;
        Ok(Self {
            format,
            source: file.source,
        })
    }

    /// Writes the block.
    pub(in crate::convert) fn write(&self, out: &mut BytesMut) {
        block(out, "audio", |audio| {
            audio.string("format", self.format);
            self.source.write(audio.key("source"));
        });
    }
}

#[cfg(test)]
#[path = "media_tests.rs"]
mod tests;
