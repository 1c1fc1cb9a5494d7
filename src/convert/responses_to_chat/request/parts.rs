//! Content parts.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::path::{self, missing, wrong_type};
use super::tools::kept;
use crate::convert::chat_out::{Escaped, Media, Part, Url};
use crate::convert::context::RequestContext;
use crate::convert::data_url::{DataUrl, FileKind, is_data_url};
use crate::convert::report::Refusal;
use crate::format::messages::Text;
use crate::format::raw::RawStr;
use crate::format::responses::request::Part as View;
use crate::format::walk;
use crate::provider::chat_profile::{ChatProfile, Pdf};

/// Parts in their order.
#[derive(Debug)]
pub(super) struct Parts<'a>(Vec<Part<'a>>);

/// The same, texts and others apart.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) texts: Vec<Escaped<'a>>,
    pub(super) media: Vec<Media<'a>>,
}

impl<'a> Parts<'a> {
    pub(super) fn into_parts(self) -> Vec<Part<'a>> {
        self.0
    }

    pub(super) fn split(self) -> Content<'a> {
        let (mut texts, mut media) = (Vec::new(), Vec::new());
        for part in self.0 {
            match part {
                Part::Text(text) => texts.push(text),
                Part::Media(item) => media.push(item),
            }
        }
        Content { texts, media }
    }
}

/// Reads the content at the path `at`: a string, or parts of any type.
pub(super) fn read<'a>(
    content: &'a str,
    at: impl Fn() -> String,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<Parts<'a>, Refusal> {
    if let Some(text) = RawStr::from_json(content) {
        return Ok(Parts(vec![Part::Text(Cow::Borrowed(text.content()))]));
    }
    if !walk::is_array(content) {
        return Err(wrong_type(at()));
    }
    let mut parts = Vec::new();
    for (index, element) in walk::elements(content).enumerate() {
        let at = || format!("{}[{index}]", at());
        parts.push(part(element, &at, profile, cx)?);
    }
    Ok(Parts(parts))
}

/// Reads a content that may hold texts only. Where there is a text, refusals beside it are left out.
pub(super) fn texts<'a>(
    content: &'a str,
    at: impl Fn() -> String,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<Escaped<'a>>, Refusal> {
    if let Some(text) = RawStr::from_json(content) {
        return Ok(vec![Cow::Borrowed(text.content())]);
    }
    if !walk::is_array(content) {
        return Err(wrong_type(at()));
    }
    let (mut texts, mut refusals) = (Vec::new(), Vec::new());
    for (index, element) in walk::elements(content).enumerate() {
        let at = || format!("{}[{index}]", at());
        let part: View<'a> = path::parse(element, at)?;
        report_hints(&part, cx);
        let kind = path::required(part.kind, || format!("{}.type", at()))?;
        match &*kind.decode() {
            "input_text" | "output_text" | "text" => {
                let text = path::required(part.text, || format!("{}.text", at()))?;
                texts.push(Cow::Borrowed(text.content()));
            }
            "refusal" => {
                let text = path::required(part.refusal, || format!("{}.refusal", at()))?;
                refusals.push(Cow::Borrowed(text.content()));
            }
            _ => return Err(unsupported(at(), "a message of this role holds texts only")),
        }
    }
    if texts.is_empty() {
        return Ok(refusals);
    }
    if !refusals.is_empty() {
        cx.report.drop_field("input[].content[].refusal");
    }
    Ok(texts)
}

fn unsupported(at: String, message: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::unsupported(at, message)
}

fn report_hints(part: &View<'_>, cx: &mut RequestContext<'_>) {
    for (name, value) in [
        ("prompt_cache_breakpoint", part.prompt_cache_breakpoint),
        ("cache_control", part.cache_control),
    ] {
        if value.is_some() {
            cx.report.drop_field(format!("input[].content[].{name}"));
        }
    }
    for (name, value) in [
        ("annotations", part.annotations),
        ("logprobs", part.logprobs),
    ] {
        // Clients send answers back as they got them, mostly with empty lists.
        if value.is_some_and(|list| walk::elements(list.get()).next().is_some()) {
            cx.report.drop_field(format!("input[].content[].{name}"));
        }
    }
    for name in &part.unknown {
        cx.report.drop_field(format!("input[].content[].{name}"));
    }
}

fn part<'a>(
    element: &'a str,
    at: &dyn Fn() -> String,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<Part<'a>, Refusal> {
    let part: View<'a> = path::parse(element, at)?;
    report_hints(&part, cx);
    let kind = path::required(part.kind, || format!("{}.type", at()))?;
    match &*kind.decode() {
        "input_text" | "output_text" | "text" => {
            let text = path::required(part.text, || format!("{}.text", at()))?;
            Ok(Part::Text(Cow::Borrowed(text.content())))
        }
        "refusal" => {
            let text = path::required(part.refusal, || format!("{}.refusal", at()))?;
            Ok(Part::Text(Cow::Borrowed(text.content())))
        }
        "input_image" => image(&part, at, profile, cx).map(Part::Media),
        "input_file" => file(&part, at, profile, cx),
        "input_audio" => audio(&part, at, profile).map(Part::Media),
        _ => Err(unsupported(
            at(),
            "there is no such content part, or this provider has no word for it",
        )),
    }
}

fn image<'a>(
    part: &View<'a>,
    at: &dyn Fn() -> String,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<Media<'a>, Refusal> {
    let Some(url) = part.image_url else {
        return Err(match part.file_id {
            Some(_) => unsupported(
                format!("{}.file_id", at()),
                "this provider cannot read files stored at OpenAI",
            ),
            None => missing(format!("{}.image_url", at())),
        });
    };
    let text = url.decode();
    let is_web = ["https://", "http://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if !is_web && !is_data_url(&text) {
        return Err(Refusal::invalid(
            format!("{}.image_url", at()),
            "an image's URL must be a data, http or https URL",
        ));
    }
    let detail = part.detail.map(RawStr::decode);
    let detail = match detail.as_deref() {
        None | Some("auto") => None,
        Some(_) if !profile.media.image_detail => {
            cx.report.drop_field("input[].content[].detail");
            None
        }
        Some("low") => Some("low"),
        Some("high") => Some("high"),
        Some("original") => {
            cx.report.approximate("input[].content[].detail");
            Some("high")
        }
        Some(_) => {
            cx.report.drop_field("input[].content[].detail");
            None
        }
    };
    Ok(Media::Image {
        url: Url::whole(url.content()),
        detail,
    })
}

fn file<'a>(
    part: &View<'a>,
    at: &dyn Fn() -> String,
    profile: &ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<Part<'a>, Refusal> {
    let name = part.filename;
    let kept_name = name.map(|name| Cow::Borrowed(name.content()));
    if let Some(data) = part.file_data {
        let file = file_data(data, name, at, profile)?;
        let nameless = matches!(file, Part::Media(Media::Image { .. } | Media::ImageFile(_)));
        if nameless && name.is_some() {
            cx.report.drop_field("input[].content[].filename");
        }
        return Ok(file);
    }
    if let Some(url) = part.file_url {
        if !profile.media.file_url {
            return Err(unsupported(
                format!("{}.file_url", at()),
                "this provider takes no file by URL",
            ));
        }
        return Ok(Part::Media(Media::FileUrl {
            url: Cow::Borrowed(url.content()),
            name: kept_name,
        }));
    }
    Err(match part.file_id {
        Some(_) => unsupported(
            format!("{}.file_id", at()),
            "this provider cannot read files stored at OpenAI",
        ),
        None => missing(format!("{}.file_data", at())),
    })
}

fn file_data<'a>(
    data: RawStr<'a>,
    name: Option<RawStr<'a>>,
    at: &dyn Fn() -> String,
    profile: &ChatProfile,
) -> Result<Part<'a>, Refusal> {
    let at_data = || format!("{}.file_data", at());
    let content = data.content();
    // Base64 has no characters that JSON escapes, except that some writers escape slashes.
    let decoded;
    let text = if content.contains('\\') {
        decoded = data.decode();
        &*decoded
    } else {
        content
    };
    let url = DataUrl::parse(text);
    let base64 = url.map_or(text, |url| url.data);
    let kind = url
        .and_then(|url| FileKind::from_media_type(url.media_type))
        .or_else(|| FileKind::from_name(&name?.decode()))
        .or_else(|| FileKind::from_base64(base64));
    // Borrowed from the request wherever it can be.
    let borrowed = || -> Escaped<'a> {
        let start = content.len().checked_sub(base64.len());
        match start.and_then(|start| content.get(start..)) {
            Some(tail) if tail == base64 => Cow::Borrowed(tail),
            _ => kept(base64),
        }
    };
    let kept_name = name.map(|name| Cow::Borrowed(name.content()));
    if !profile.media.text_files && profile.media.pdf == Pdf::FileUrl {
        return Ok(Part::Media(Media::FileUrl {
            url: borrowed(),
            name: kept_name,
        }));
    }
    match (kind, profile.media.pdf) {
        (Some(FileKind::Image(media_type)), _) => Ok(Part::Media(Media::Image {
            url: Url::data(media_type, borrowed()),
            detail: None,
        })),
        (Some(FileKind::Text), _) if profile.media.text_files => {
            let bytes = STANDARD
                .decode(base64)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| Refusal::invalid(at_data(), "this is no text in base64"))?;
            let title = name.map_or("file", |name| name.content());
            Ok(Part::Text(Cow::Owned(format!(
                r"[file: {title}]\n{}",
                kept(&bytes)
            ))))
        }
        (Some(FileKind::Pdf), Pdf::ImageUrl) => Ok(Part::Media(Media::ImageFile(Url::data(
            "application/pdf",
            borrowed(),
        )))),
        (Some(FileKind::Pdf), Pdf::File) => Ok(Part::Media(Media::File {
            data: Url::data("application/pdf", borrowed()),
            name: kept_name,
        })),
        _ => Err(unsupported(at_data(), "this provider takes no such files")),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Audio<'a> {
    #[serde(borrow)]
    data: Text<'a>,
    #[serde(borrow)]
    format: Text<'a>,
}

fn audio<'a>(
    part: &View<'a>,
    at: &dyn Fn() -> String,
    profile: &ChatProfile,
) -> Result<Media<'a>, Refusal> {
    if !profile.media.audio {
        return Err(unsupported(at(), "this provider takes no audio"));
    }
    let at = || format!("{}.input_audio", at());
    let audio: Audio<'a> = match part.input_audio.map(RawValue::get) {
        Some(text) if walk::is_object(text) => path::parse(text, at)?,
        _ => return Err(missing(at())),
    };
    match (audio.data.get(), audio.format.get()) {
        (Some(data), Some(format)) => Ok(Media::Audio {
            data: Cow::Borrowed(data.content()),
            format: Cow::Borrowed(format.content()),
        }),
        _ => Err(missing(at())),
    }
}
