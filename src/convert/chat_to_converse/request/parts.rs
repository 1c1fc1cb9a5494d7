//! The parts of user messages and tool results.

use serde_json::value::RawValue;

use super::TARGET;
use super::conversation::Writer;
use crate::convert::anthropic_out::cache::Ttl;
use crate::convert::chat_request::content;
use crate::convert::chat_request::path::{self, At};
use crate::convert::converse_out::documents::Document;
use crate::convert::converse_out::media::{Audio, Image, MediaError};
use crate::convert::converse_out::turns::{Kind, Role};
use crate::convert::data_url::{self, DataUrl, FileKind};
use crate::convert::report::Refusal;
use crate::format::chat::request::{File, Part};
use crate::format::raw::RawStr;
use crate::format::walk;

/// Where blocks go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    User,
    /// Into a tool result, which carries the cache marks of what it holds.
    Result {
        mark: Option<Ttl>,
    },
}

/// What a block is made of.
#[derive(Debug)]
enum Media<'a> {
    Image(Image<'a>),
    Document(Document<'a>),
    Audio(Audio<'a>),
}

impl<'a> Writer<'_, 'a, '_> {
    /// Writes the parts of a content list.
    pub(super) fn parts(
        &mut self,
        content: &'a str,
        message: usize,
        place: &mut Place,
    ) -> Result<(), Refusal> {
        for (index, element) in walk::elements(content).enumerate() {
            let at = At {
                message,
                list: "content",
                index,
            };
            self.part(element, at, place)?;
        }
        Ok(())
    }

    fn part(&mut self, element: &'a str, at: At, place: &mut Place) -> Result<(), Refusal> {
        let mut part: Part<'a> = path::parse(element, || at.path())?;
        let Some(kind) = part.kind else {
            return Err(path::missing(at.member("type")));
        };
        match &*kind.decode() {
            "text" => {
                let Some(text) = part.text else {
                    return Err(path::missing(at.member("text")));
                };
                self.text(text, at.message, *place)?;
            }
            "image_url" => {
                let image = self.image(&part, at)?;
                self.media(&Media::Image(image), at, *place)?;
            }
            "file" => {
                let Some(file) = &part.file else {
                    return Err(path::missing(at.member("file")));
                };
                let media = self.file(file, at)?;
                self.media(&media, at, *place)?;
            }
            "input_audio" if matches!(place, Place::User) => {
                part.unknown.retain(|name| name != "input_audio");
                let audio = audio(element, at)?;
                self.media(&Media::Audio(audio), at, *place)?;
            }
            _ => {
                return Err(TARGET.unsupported(at.path(), "has no word for a part of this type"));
            }
        }
        content::report_unknown_part(&part, self.cx.report);
        match (content::part_mark(&part, self.cx.report), place) {
            (None, _) => {}
            (Some(ttl), Place::Result { mark }) => *mark = Some(ttl),
            (Some(ttl), Place::User) => self.turns.mark(ttl, self.cx.report),
        }
        Ok(())
    }

    /// Writes a text, unless it is blank.
    pub(super) fn text(
        &mut self,
        text: RawStr<'a>,
        index: usize,
        place: Place,
    ) -> Result<(), Refusal> {
        match place {
            Place::User => {
                self.turns
                    .text(Role::User, text)
                    .map_err(|unpaired| self.refusal(index, unpaired))?;
            }
            Place::Result { .. } => self.turns.result_text(text),
        }
        Ok(())
    }

    fn media(&mut self, media: &Media<'a>, at: At, place: Place) -> Result<(), Refusal> {
        let kind = match media {
            Media::Document(_) => Kind::Document,
            Media::Image(_) | Media::Audio(_) => Kind::Other,
        };
        let out = match place {
            Place::User => {
                self.turns
                    .begin(Role::User)
                    .map_err(|unpaired| self.refusal(at.message, unpaired))?;
                self.turns.buf()
            }
            Place::Result { .. } => self.turns.result_block(kind),
        };
        match media {
            Media::Image(image) => image.write(out),
            Media::Document(document) => document.write(out),
            Media::Audio(audio) => audio.write(out),
        }
        if matches!(place, Place::User) {
            self.turns.end(kind);
        }
        Ok(())
    }

    fn image(&mut self, part: &Part<'a>, at: At) -> Result<Image<'a>, Refusal> {
        let Some(image) = part.image_url.map(RawValue::get) else {
            return Err(path::missing(at.member("image_url")));
        };
        // Some clients send the bare URL.
        let url = match RawStr::from_json(image) {
            Some(url) => url,
            None => self.image_object(image, at)?,
        };
        Image::from_url(url).map_err(|error| error.refusal(at.member("image_url.url")))
    }

    /// The URL in an `image_url` object. Walked over instead of read as a view: large images are looked at once less.
    fn image_object(&mut self, image: &'a str, at: At) -> Result<RawStr<'a>, Refusal> {
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
        RawStr::from_json(url).ok_or_else(|| path::wrong_type(at.member("image_url.url")))
    }

    fn file(&mut self, file: &File<'a>, at: At) -> Result<Media<'a>, Refusal> {
        for name in &file.unknown {
            self.cx
                .report
                .drop_field(format!("messages[].content[].file.{name}"));
        }
        let Some(data) = file.file_data else {
            if file.file_id.is_some() {
                return Err(TARGET.unsupported(
                    at.member("file.file_id"),
                    "does not know files that were uploaded to OpenAI",
                ));
            }
            return Err(path::missing(at.member("file.file_data")));
        };
        if file.file_id.is_some() {
            self.cx
                .report
                .drop_field("messages[].content[].file.file_id");
        }
        let media = self.file_data(data, file.filename);
        if matches!(media, Ok(Media::Image(_))) && file.filename.is_some() {
            self.cx
                .report
                .drop_field("messages[].content[].file.filename");
        }
        media.map_err(|error| error.refusal(at.member("file.file_data")))
    }

    fn file_data(
        &mut self,
        data: RawStr<'a>,
        name: Option<RawStr<'a>>,
    ) -> Result<Media<'a>, MediaError> {
        let text = data.decode();
        let names = &mut self.names;
        if let Some(url) = DataUrl::parse(&text) {
            let is_image = match url.media_type {
                "" | "application/octet-stream" => is_image(url.data),
                said => matches!(FileKind::from_media_type(said), Some(FileKind::Image(_))),
            };
            return if is_image {
                Image::from_url(data).map(Media::Image)
            } else {
                Document::from_url(data, name, names).map(Media::Document)
            };
        }
        if data_url::is_data_url(&text) || text.contains("://") {
            return Document::from_url(data, name, names).map(Media::Document);
        }
        if is_image(&text) {
            return Image::from_base64(None, data).map(Media::Image);
        }
        Document::from_base64(None, data, name, names).map(Media::Document)
    }
}

fn is_image(base64: &str) -> bool {
    matches!(FileKind::from_base64(base64), Some(FileKind::Image(_)))
}

fn audio(part: &str, at: At) -> Result<Audio<'_>, Refusal> {
    let audio = walk::member(part, "input_audio");
    let Some(audio) = audio else {
        return Err(path::missing(at.member("input_audio")));
    };
    let member = |name: &str| {
        let path = || at.member(&format!("input_audio.{name}"));
        let value = walk::member(audio, name).ok_or_else(|| path::missing(path()))?;
        RawStr::from_json(value).ok_or_else(|| path::wrong_type(path()))
    };
    let (format, data) = (member("format")?, member("data")?);
    Audio::from_base64(format, data).map_err(|error| {
        error.refusal(match error {
            MediaError::AudioFormat => at.member("input_audio.format"),
            _ => at.member("input_audio.data"),
        })
    })
}
