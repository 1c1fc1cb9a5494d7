//! The parts of user messages and of calls' outputs.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::TARGET;
use super::items::{Writer, refusal};
use crate::convert::anthropic_out::cache::Ttl;
use crate::convert::converse_out::documents::Document;
use crate::convert::converse_out::media::{Audio, Image, MediaError};
use crate::convert::converse_out::turns::{Kind, Role};
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::{mark, report_part};
use crate::convert::responses_request::path::{self, At};
use crate::format::messages::Text;
use crate::format::raw::RawStr;
use crate::format::responses::request::Part;
use crate::format::walk;

/// What a part becomes.
enum Piece<'a> {
    Text(RawStr<'a>),
    Image(Image<'a>),
    Document(Document<'a>),
    Audio(Audio<'a>),
}

impl Piece<'_> {
    fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Document(_) => Kind::Document,
            Self::Image(_) | Self::Audio(_) => Kind::Other,
        }
    }

    fn write(&self, out: &mut bytes::BytesMut) {
        match self {
            // Texts have a way of their own.
            Self::Text(_) => {}
            Self::Image(image) => image.write(out),
            Self::Document(document) => document.write(out),
            Self::Audio(audio) => audio.write(out),
        }
    }
}

impl<'a: 't, 't> Writer<'_, '_, 't, 'a, '_> {
    /// Writes what the user says.
    pub(super) fn user_parts(&mut self, content: &'a str, item: usize) -> Result<(), Refusal> {
        for (index, element) in walk::elements(content).enumerate() {
            let at = At {
                item,
                list: "content",
                index,
            };
            let (piece, ttl) = self.part(element, at)?;
            if let Piece::Text(text) = piece {
                self.turns.text(Role::User, text).map_err(refusal)?;
            } else {
                self.turns.begin(Role::User).map_err(refusal)?;
                piece.write(self.turns.buf());
                self.turns.end(piece.kind());
            }
            if let Some(ttl) = ttl {
                self.turns.mark(ttl, self.cx.report);
            }
        }
        Ok(())
    }

    /// Writes what a tool says; returns the mark that its result gets.
    pub(super) fn result_parts(
        &mut self,
        output: &'a str,
        item: usize,
    ) -> Result<Option<Ttl>, Refusal> {
        let mut last = None;
        for (index, element) in walk::elements(output).enumerate() {
            let at = At {
                item,
                list: "output",
                index,
            };
            let (piece, ttl) = self.part(element, at)?;
            last = ttl.or(last);
            match piece {
                Piece::Text(text) => self.turns.result_text(text),
                Piece::Audio(_) => {
                    return Err(Refusal::unsupported(
                        at.path(),
                        format!("{TARGET} takes no sound in the results of tools"),
                    ));
                }
                Piece::Image(_) | Piece::Document(_) => {
                    piece.write(self.turns.result_block(piece.kind()));
                }
            }
        }
        Ok(last)
    }

    fn part(&mut self, element: &'a str, at: At) -> Result<(Piece<'a>, Option<Ttl>), Refusal> {
        let part: Part<'a> = path::parse(element, || at.path())?;
        let kind = part.kind.ok_or_else(|| path::missing(at.member("type")))?;
        let piece = match &*kind.decode() {
            "input_text" | "text" | "output_text" => {
                let text = part.text.ok_or_else(|| path::missing(at.member("text")))?;
                Piece::Text(text)
            }
            "input_image" => self.image(&part, at)?,
            "input_file" => self.file(&part, at)?,
            "input_audio" => audio(&part, at)?,
            _ => {
                return Err(Refusal::unsupported(
                    at.path(),
                    format!("there is no such content part, or {TARGET} has no word for it"),
                ));
            }
        };
        report_part(&part, at, self.cx);
        Ok((piece, mark(&part, at, self.cx)))
    }

    fn image(&mut self, part: &Part<'a>, at: At) -> Result<Piece<'a>, Refusal> {
        if part.detail.is_some_and(|detail| !detail.is("auto")) {
            self.cx.report.drop_field(at.any("detail"));
        }
        let Some(url) = part.image_url else {
            return Err(stored(part, at, "image_url"));
        };
        self.report_unused(at, [("file_id", part.file_id.is_some())]);
        let image = Image::from_url(url);
        image
            .map(Piece::Image)
            .map_err(|error| error.refusal(at.member("image_url")))
    }

    fn file(&mut self, part: &Part<'a>, at: At) -> Result<Piece<'a>, Refusal> {
        if part.detail.is_some() {
            self.cx.report.drop_field(at.any("detail"));
        }
        let Some(data) = part.file_data else {
            let Some(url) = part.file_url else {
                return Err(stored(part, at, "file_data"));
            };
            self.report_unused(at, [("file_id", part.file_id.is_some())]);
            let document = Document::from_url(url, part.filename, &mut self.names);
            return document
                .map(Piece::Document)
                .map_err(|error| error.refusal(at.member("file_url")));
        };
        self.report_unused(
            at,
            [
                ("file_id", part.file_id.is_some()),
                ("file_url", part.file_url.is_some()),
            ],
        );
        let is_url = data.decode().contains(':');
        let document = if is_url {
            Document::from_url(data, part.filename, &mut self.names)
        } else {
            Document::from_base64(None, data, part.filename, &mut self.names)
        };
        let found = match document {
            // Some clients send images as files.
            Err(MediaError::DocumentFormat) => {
                let image = if is_url {
                    Image::from_url(data)
                } else {
                    Image::from_base64(None, data)
                };
                let image = image.map_err(|_| MediaError::DocumentFormat);
                if image.is_ok() {
                    self.report_unused(at, [("filename", part.filename.is_some())]);
                }
                image.map(Piece::Image)
            }
            document => document.map(Piece::Document),
        };
        found.map_err(|error| error.refusal(at.member("file_data")))
    }

    fn report_unused<const N: usize>(&mut self, at: At, members: [(&str, bool); N]) {
        for (member, present) in members {
            if present {
                self.cx.report.drop_field(at.any(member));
            }
        }
    }
}

/// The refusal of a part that is stored at OpenAI, or nowhere: `wanted` is the member that would carry it.
fn stored(part: &Part<'_>, at: At, wanted: &str) -> Refusal {
    if part.file_id.is_none() {
        return path::missing(at.member(wanted));
    }
    Refusal::unsupported(
        at.member("file_id"),
        format!("a file that was uploaded to OpenAI is not known to {TARGET}"),
    )
}

fn audio<'a>(part: &Part<'a>, at: At) -> Result<Piece<'a>, Refusal> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Sound<'a> {
        #[serde(borrow)]
        data: Text<'a>,
        #[serde(borrow)]
        format: Text<'a>,
    }
    let sound: Sound<'a> = match part.input_audio.map(RawValue::get) {
        Some(text) if walk::is_object(text) => path::parse(text, || at.member("input_audio"))?,
        _ => return Err(path::missing(at.member("input_audio"))),
    };
    let required = |text: Text<'a>, name: &str| {
        text.get()
            .ok_or_else(|| path::missing(at.member(&format!("input_audio.{name}"))))
    };
    let format = required(sound.format, "format")?;
    let data = required(sound.data, "data")?;
    Audio::from_base64(format, data)
        .map(Piece::Audio)
        .map_err(|error| error.refusal(at.member("input_audio")))
}
