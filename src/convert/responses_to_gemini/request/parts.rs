//! The parts of user messages and of calls' outputs.

use serde_json::value::RawValue;

use crate::codec::write::Object;
use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{Media, input_audio, is_of_google};
use crate::convert::report::Refusal;
use crate::convert::responses_request::content::report_part;
use crate::convert::responses_request::path::{self, At};
use crate::format::raw::RawStr;
use crate::format::responses::request::Part;
use crate::format::walk;
use crate::models::GeminiGeneration;

/// A part, read.
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
}

impl Shown<'_> {
    /// Writes the members of a part.
    pub(super) fn write(&self, part: &mut Object<'_>) {
        self.media.write(part);
        if let Some(level) = self.resolution {
            let mut resolution = part.object("mediaResolution");
            resolution.string("level", level);
            resolution.end();
        }
    }
}

/// Reads the `list` (`content`, `output`) of an item: a text, or a list of parts. Texts are not empty.
pub(super) fn read<'a>(
    content: Option<&'a str>,
    item: usize,
    list: &'static str,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<Piece<'a>>, Refusal> {
    let content = content.unwrap_or_default();
    if let Some(text) = RawStr::from_json(content) {
        let text = Some(text).filter(|text| !text.is_empty());
        return Ok(text.map(Piece::Text).into_iter().collect());
    }
    // A result that says nothing is one; a message without content is none.
    let says_nothing = content.is_empty() && list == "output";
    if !says_nothing && !walk::is_array(content) {
        return Err(path::wrong_type(path::item(item, list)));
    }
    let mut pieces = Vec::new();
    for (index, element) in walk::elements(content).enumerate() {
        pieces.extend(piece(element, At { item, list, index }, cx)?);
    }
    Ok(pieces)
}

fn piece<'a>(
    element: &'a str,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<Option<Piece<'a>>, Refusal> {
    let part: Part<'a> = path::parse(element, || at.path())?;
    let kind = part.kind.ok_or_else(|| path::missing(at.member("type")))?;
    let mut resolution = None;
    let media = match &*kind.decode() {
        "input_text" | "text" | "output_text" => {
            let text = part.text.ok_or_else(|| path::missing(at.member("text")))?;
            report(&part, at, cx);
            return Ok((!text.is_empty()).then_some(Piece::Text(text)));
        }
        "input_image" => {
            resolution = detail(&part, at, cx);
            of_urls(&part, &[("image_url", part.image_url)], at, cx)?
        }
        "input_file" => {
            if part.detail.is_some() {
                cx.report.drop_field(at.any("detail"));
            }
            file(&part, at, cx)?
        }
        "input_audio" => {
            let audio = part.input_audio.map(RawValue::get).unwrap_or_default();
            input_audio(audio, |member| at.member(member))?
        }
        _ => {
            return Err(Refusal::unsupported(
                at.path(),
                "there is no such content part, or Gemini has no word for it",
            ));
        }
    };
    report(&part, at, cx);
    Ok(Some(Piece::Media(Shown { media, resolution })))
}

/// Reports what a part holds that is lost; Google caches by itself.
fn report(part: &Part<'_>, at: At, cx: &mut RequestContext<'_>) {
    report_part(part, at, cx);
    for (name, mark) in [
        ("cache_control", part.cache_control),
        ("prompt_cache_breakpoint", part.prompt_cache_breakpoint),
    ] {
        if mark.is_some() {
            cx.report.drop_field(at.any(name));
        }
    }
}

/// How an image is to be looked at, which only the newest models are told.
fn detail(part: &Part<'_>, at: At, cx: &mut RequestContext<'_>) -> Option<&'static str> {
    let word = part.detail?.decode();
    let level = match &*word {
        "auto" => return None,
        "low" => "MEDIA_RESOLUTION_LOW",
        "high" => "MEDIA_RESOLUTION_HIGH",
        "original" => {
            cx.report.approximate(at.any("detail"));
            "MEDIA_RESOLUTION_HIGH"
        }
        _ => "",
    };
    if level.is_empty() || cx.capabilities.gemini != GeminiGeneration::V3 {
        cx.report.drop_field(at.any("detail"));
        return None;
    }
    Some(level)
}

/// The file that the first of these members names, else `file_id`.
fn of_urls<'a>(
    part: &Part<'a>,
    members: &[(&'static str, Option<RawStr<'a>>)],
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<Media<'a>, Refusal> {
    let named = members
        .iter()
        .find_map(|(name, url)| url.map(|url| (*name, url)));
    if let Some((name, url)) = named {
        if part.file_id.is_some() {
            cx.report.drop_field(at.any("file_id"));
        }
        return Media::of_url(url).map_err(|reason| Refusal::invalid(at.member(name), reason));
    }
    let Some(id) = part.file_id else {
        let first = members.first().map_or("file_id", |(name, _)| name);
        return Err(path::missing(at.member(first)));
    };
    match Media::of_url(id) {
        Ok(media) if is_of_google(&id.decode()) => Ok(media),
        _ => Err(Refusal::unsupported(
            at.member("file_id"),
            "a file that was not uploaded to Google is not known there",
        )),
    }
}

fn file<'a>(part: &Part<'a>, at: At, cx: &mut RequestContext<'_>) -> Result<Media<'a>, Refusal> {
    if part.filename.is_some() {
        // It tells what kind of file this is, no more.
        cx.report.drop_field(at.any("filename"));
    }
    let Some(data) = part.file_data else {
        return of_urls(part, &[("file_url", part.file_url)], at, cx);
    };
    for (name, present) in [
        ("file_id", part.file_id.is_some()),
        ("file_url", part.file_url.is_some()),
    ] {
        if present {
            cx.report.drop_field(at.any(name));
        }
    }
    let name = part.filename.map(RawStr::decode).unwrap_or_default();
    Media::of_file(data, &name)
        .map_err(|reason| Refusal::unsupported(at.member("file_data"), reason))
}
