//! What users and tools say: texts, images, documents, search results.

use std::borrow::Cow;

use crate::convert::context::RequestContext;
use crate::convert::gemini_out::{Contents, Media, Section};
use crate::convert::messages_in::{At, Content, missing, source_of, unsupported};
use crate::convert::messages_to_chat::request::content::{Piece, Pieces, labelled};
use crate::convert::report::Refusal;
use crate::format::messages::request::{Block, Source};
use crate::format::raw::RawStr;
use crate::provider::chat_profile::ChatProfile;

/// A text: a JSON string with its quotes.
#[derive(Debug, Clone)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) fn of(text: RawStr<'a>) -> Self {
        Self(Cow::Borrowed(text.json()))
    }

    /// The text whose JSON string has this inside.
    pub(super) fn inside(content: &str) -> Self {
        Self(Cow::Owned(format!("\"{content}\"")))
    }

    pub(super) fn raw(&self) -> Option<RawStr<'_>> {
        RawStr::from_json(&self.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.raw().is_none_or(RawStr::is_empty)
    }

    /// Goes on with another text.
    pub(super) fn push(&mut self, more: RawStr<'_>) {
        let text = self.0.to_mut();
        text.pop();
        text.push_str(more.content());
        text.push('"');
    }
}

/// What a block says or shows.
#[derive(Debug)]
pub(super) enum Said<'a> {
    Text(Text<'a>),
    Media(Media<'a>),
}

impl Said<'_> {
    /// Writes it as a part of the user's.
    pub(super) fn write(&self, contents: &mut Contents<'_>) {
        match self {
            Self::Text(text) => {
                if let Some(text) = text.raw() {
                    contents.text(Section::User, text, None);
                }
            }
            Self::Media(media) => {
                let mut part = contents.part(Section::User);
                media.write(&mut part);
                part.end();
            }
        }
    }
}

/// What a block of type `kind` says. `profile` is that of the provider's Chat endpoint, whose reading of the blocks that become texts is
/// the same.
pub(super) fn read<'a>(
    kind: &str,
    block: &Block<'a>,
    at: At,
    profile: &'static ChatProfile,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<Said<'a>>, Refusal> {
    match kind {
        "text" => match block.text {
            Some(text) => return Ok(vec![Said::Text(Text::of(text))]),
            None => return Err(missing(at.member("text"))),
        },
        "image" => return Ok(vec![image(block, at, cx)?]),
        "document" => {
            let (source, kind) = source_of(block, at)?;
            match &*kind {
                "base64" | "url" => {
                    for (is_lost, member) in [
                        (block.title.is_some(), "title"),
                        (block.context.is_some(), "context"),
                    ] {
                        if is_lost {
                            cx.report
                                .drop_field(format!("messages[].content[].{member}"));
                        }
                    }
                    let media = media(&source, &kind, "application/pdf", at, cx)?;
                    return Ok(vec![media]);
                }
                "content" => return document(block, &source, at, cx),
                _ => {}
            }
        }
        _ => {}
    }
    let mut pieces = Pieces { profile, cx };
    let read = pieces.read(kind, block, at)?;
    let text = |piece| match piece {
        Piece::Text(text) => Some(Said::Text(Text::inside(&text))),
        Piece::Media(_) => None,
    };
    Ok(read.into_iter().filter_map(text).collect())
}

fn image<'a>(block: &Block<'a>, at: At, cx: &RequestContext<'_>) -> Result<Said<'a>, Refusal> {
    let (source, kind) = source_of(block, at)?;
    media(&source, &kind, "", at, cx)
}

/// The file that a source names; `usual` is its type where it names none.
fn media<'a>(
    source: &Source<'a>,
    kind: &str,
    usual: &'static str,
    at: At,
    cx: &RequestContext<'_>,
) -> Result<Said<'a>, Refusal> {
    let refused = |reason: &str| {
        let path = at.member("source");
        let message = format!("{path}: {reason}");
        Refusal::unsupported(path, message)
    };
    let media = match kind {
        "base64" => {
            let Some(data) = source.data else {
                return Err(missing(at.member("source.data")));
            };
            let given = source.media_type.map(RawStr::decode);
            let media_type = match given {
                Some(given) if !given.is_empty() => given,
                _ if !usual.is_empty() => Cow::Borrowed(usual),
                _ => return Err(missing(at.member("source.media_type"))),
            };
            Media::of_base64(&media_type, data.decode())
        }
        "url" => match source.url {
            Some(url) => Media::of_url(url),
            None => return Err(missing(at.member("source.url"))),
        },
        _ => {
            let what = format!("a source of type `{kind}`");
            return Err(unsupported(at.member("source"), cx.provider, &what));
        }
    };
    media.map(Said::Media).map_err(refused)
}

/// A document made of blocks: its texts, then its images.
fn document<'a>(
    block: &Block<'a>,
    source: &Source<'a>,
    at: At,
    cx: &mut RequestContext<'_>,
) -> Result<Vec<Said<'a>>, Refusal> {
    let Some(content) = source.content else {
        return Err(missing(at.member("source.content")));
    };
    cx.report.approximate("messages[].content[].source");
    let mut texts = Vec::new();
    let mut images = Vec::new();
    match Content::read(content.get(), || at.member("source.content"))? {
        Content::Text(text) => texts.push(text),
        Content::Blocks(blocks) => {
            for (index, inner) in blocks.iter().enumerate() {
                let at = at.inner(index);
                match inner.kind.map(RawStr::decode).as_deref() {
                    Some("text") => texts.extend(inner.text),
                    Some("image") => images.push(image(inner, at, cx)?),
                    _ => {
                        let what = "a document that holds anything but texts and images";
                        return Err(unsupported(at.path(), cx.provider, what));
                    }
                }
            }
        }
    }
    let title = block.title.filter(|title| !title.is_empty());
    let mut said = Vec::with_capacity(images.len() + 1);
    if let Piece::Text(text) = labelled(block, title, &texts) {
        said.push(Said::Text(Text::inside(&text)));
    }
    said.append(&mut images);
    Ok(said)
}
