//! The parts of user messages and tool results.

use serde_json::value::RawValue;

use super::history::History;
use crate::codec::write::Object;
use crate::convert::chat_request::content::{report_unknown_part, report_unused};
use crate::convert::chat_request::path::{At, message};
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{
    Contents, Media, Section, input_audio, is_of_google, write_camel,
};
use crate::convert::path;
use crate::convert::report::Refusal;
use crate::format::chat::request::{File, Message, Part};
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::GeminiGeneration;

/// A part of a message, read.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    Text(RawStr<'a>),
    Media(Shown<'a>),
}

/// A file and how it is to be looked at.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    media: Media<'a>,
    /// The level of `mediaResolution`.
    resolution: Option<&'static str>,
    /// `videoMetadata`, as JSON text.
    video: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn plain(media: Media<'a>) -> Self {
        Self {
            media,
            resolution: None,
            video: None,
        }
    }

    /// Writes the members of a part.
    pub(super) fn write(&self, part: &mut Object<'_>) {
        self.media.write(part);
        if let Some(level) = self.resolution {
            let mut resolution = part.object("mediaResolution");
            resolution.string("level", level);
            resolution.end();
        }
        if let Some(video) = self.video {
            write_camel(part.key("videoMetadata"), video);
        }
    }
}

impl History<'_, '_> {
    /// Writes a user message.
    pub(super) fn user(
        &self,
        index: usize,
        contents: &mut Contents<'_>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let Some(said) = self.messages.get(index) else {
            return Ok(());
        };
        report_unused(said, cx.report);
        report_message_marks(said, cx);
        let content = said.content.map(RawValue::get).unwrap_or_default();
        for piece in pieces(content, index, cx)? {
            match piece {
                Piece::Text(text) => contents.text(Section::User, text, None),
                Piece::Media(media) => {
                    let mut part = contents.part(Section::User);
                    media.write(&mut part);
                    part.end();
                }
            }
        }
        Ok(())
    }
}

/// The pieces of a message's content; texts are not empty.
pub(super) fn pieces<'a>(
    content: &'a str,
    index: usize,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<Piece<'a>>, Refusal> {
    let mut pieces = Vec::new();
    if let Some(text) = RawStr::from_json(content) {
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        return Ok(pieces);
    }
    if !content.is_empty() && !walk::is_array(content) {
        return Err(path::wrong_type(message(index, "content")));
    }
    for (number, element) in walk::elements(content).enumerate() {
        let at = At {
            message: index,
            list: "content",
            index: number,
        };
        pieces.extend(piece(element, at, cx)?);
    }
    Ok(pieces)
}

fn piece<'a>(
    element: &'a str,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<Option<Piece<'a>>, Refusal> {
    let part: Part<'a> = path::parse(element, || at.path())?;
    let Some(kind) = part.kind else {
        return Err(path::missing(at.member("type")));
    };
    let kind = kind.decode();
    let known: &[&str] = match &*kind {
        "input_audio" => &["input_audio"],
        "video_url" => &["video_url", "video_metadata", "videoMetadata"],
        _ => &[],
    };
    let piece = match &*kind {
        "text" | "refusal" => {
            let text = if kind == "text" {
                part.text
            } else {
                part.refusal
            };
            let text = text.ok_or_else(|| path::missing(at.member(&kind)))?;
            (!text.is_empty()).then_some(Piece::Text(text))
        }
        "image_url" => {
            let image = part.image_url.map(RawValue::get);
            Some(Piece::Media(image_url(image, "image_url", at, cx)?))
        }
        "video_url" => {
            let mut shown = image_url(walk::member(element, "video_url"), "video_url", at, cx)?;
            shown.video = ["videoMetadata", "video_metadata"]
                .into_iter()
                .find_map(|name| walk::member(element, name))
                .filter(|metadata| walk::is_object(metadata));
            Some(Piece::Media(shown))
        }
        "input_audio" => {
            let audio = walk::member(element, "input_audio").unwrap_or_default();
            Some(Piece::Media(Shown::plain(input_audio(audio, |member| {
                at.member(member)
            })?)))
        }
        "file" => {
            let Some(file) = &part.file else {
                return Err(path::missing(at.member("file")));
            };
            Some(Piece::Media(Shown::plain(self::file(file, at, cx)?)))
        }
        _ => {
            return Err(Refusal::unsupported(
                at.path(),
                "there is no such content part, or Gemini has no word for it",
            ));
        }
    };
    report_marks(&part, cx);
    if known.is_empty() {
        report_unknown_part(&part, cx.report);
    } else {
        for name in part
            .unknown
            .iter()
            .filter(|name| !known.contains(&&***name))
        {
            cx.report.drop_field(format!("messages[].content[].{name}"));
        }
    }
    Ok(piece)
}

/// Reports a part's cache marks: Google caches by itself.
pub(super) fn report_marks(part: &Part<'_>, cx: &mut RequestContext<'_>) {
    let marks = [part.cache_control, part.prompt_cache_breakpoint];
    drop_marks("messages[].content[]", marks, cx);
}

/// Reports a message's cache marks.
pub(super) fn report_message_marks(said: &Message<'_>, cx: &mut RequestContext<'_>) {
    let marks = [said.cache_control, said.prompt_cache_breakpoint];
    drop_marks("messages[]", marks, cx);
}

/// Reports `cache_control` and `prompt_cache_breakpoint` of what stands at `path`.
pub(super) fn drop_marks(path: &str, marks: [Option<&RawValue>; 2], cx: &mut RequestContext<'_>) {
    let names = ["cache_control", "prompt_cache_breakpoint"];
    for (name, _) in names.iter().zip(marks).filter(|(_, mark)| mark.is_some()) {
        cx.report.drop_field(format!("{path}.{name}"));
    }
}

fn image_url<'a>(
    value: Option<&'a str>,
    member: &'static str,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<Shown<'a>, Refusal> {
    let Some(value) = value else {
        return Err(path::missing(at.member(member)));
    };
    // Some clients send the bare URL.
    if let Some(url) = RawStr::from_json(value) {
        return media_of(url, member, at).map(Shown::plain);
    }
    if !walk::is_object(value) {
        return Err(path::wrong_type(at.member(member)));
    }
    let in_member = |name: &str| at.member(&format!("{member}.{name}"));
    let mut url = None;
    let mut resolution = None;
    for (key, value) in walk::members(value).filter(|(_, value)| *value != "null") {
        let name = key.decode();
        let dropped = || format!("messages[].content[].{member}.{name}");
        match &*name {
            "url" => {
                let text = RawStr::from_json(value);
                url = Some(text.ok_or_else(|| path::wrong_type(in_member("url")))?);
            }
            "detail" => {
                let word = RawStr::from_json(value).map(RawStr::decode);
                resolution = match word.as_deref() {
                    Some("auto") => None,
                    Some("low") => Some("MEDIA_RESOLUTION_LOW"),
                    Some("medium") => Some("MEDIA_RESOLUTION_MEDIUM"),
                    Some("high") => Some("MEDIA_RESOLUTION_HIGH"),
                    Some("original") => {
                        cx.report.approximate(dropped());
                        Some("MEDIA_RESOLUTION_HIGH")
                    }
                    _ => {
                        cx.report.drop_field(dropped());
                        None
                    }
                };
                if cx.capabilities.gemini != GeminiGeneration::V3 && resolution.take().is_some() {
                    cx.report.drop_field(dropped());
                }
            }
            _ => cx.report.drop_field(dropped()),
        }
    }
    let Some(url) = url else {
        return Err(path::missing(in_member("url")));
    };
    Ok(Shown {
        media: media_of(url, member, at)?,
        resolution,
        video: None,
    })
}

fn media_of<'a>(url: RawStr<'a>, member: &str, at: At) -> Result<Media<'a>, Refusal> {
    Media::of_url(url)
        .map_err(|reason| Refusal::invalid(at.member(&format!("{member}.url")), reason))
}

fn file<'a>(file: &File<'a>, at: At, cx: &mut RequestContext<'_>) -> Result<Media<'a>, Refusal> {
    for name in &file.unknown {
        cx.report
            .drop_field(format!("messages[].content[].file.{name}"));
    }
    let name = file.filename.map(RawStr::decode).unwrap_or_default();
    if let Some(data) = file.file_data {
        for (member, lost) in [
            ("file_id", file.file_id.is_some()),
            // It told what kind of file this is, no more.
            ("filename", file.filename.is_some()),
        ] {
            if lost {
                cx.report
                    .drop_field(format!("messages[].content[].file.{member}"));
            }
        }
        return Media::of_file(data, &name)
            .map_err(|reason| Refusal::unsupported(at.member("file.file_data"), reason));
    }
    let Some(id) = file.file_id else {
        return Err(path::missing(at.member("file.file_data")));
    };
    match Media::of_url(id) {
        Ok(
            media @ Media::File {
                media_type: None, ..
            },
        ) if is_of_google(&id.decode()) => Ok(media),
        _ => Err(Refusal::unsupported(
            at.member("file.file_id"),
            "a file that was not uploaded to Google is not known there",
        )),
    }
}
