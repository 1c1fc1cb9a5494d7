//! What users and tools say beside plain text: images, documents, search results.

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::messages::Writer;
use crate::convert::context::RequestContext;
use crate::convert::converse_out::documents::{Document, SearchResult, write_search_result};
use crate::convert::converse_out::media::Image;
use crate::convert::converse_out::turns::Kind;
use crate::convert::messages_in::{At, Content, cites, missing, source_of, unsupported};
use crate::convert::report::Refusal;
use crate::format::messages::request::{Block, Source};
use crate::format::raw::RawStr;

/// What a block becomes.
pub(super) enum Piece<'a> {
    Image(Image<'a>),
    Document(Document<'a>),
    SearchResult {
        result: SearchResult<'a>,
        native: bool,
    },
}

impl Piece<'_> {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Document(_) => Kind::Document,
            Self::SearchResult { native: false, .. } => Kind::Text,
            Self::Image(_) | Self::SearchResult { native: true, .. } => Kind::Other,
        }
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Image(image) => image.write(out),
            Self::Document(document) => document.write(out),
            Self::SearchResult { result, native } => write_search_result(result, *native, out),
        }
    }
}

/// Reads a block of type `kind`.
pub(super) fn read<'a>(
    kind: &str,
    block: &Block<'a>,
    at: At,
    writer: &mut Writer<'_, 'a, '_, '_>,
) -> Result<Piece<'a>, Refusal> {
    match kind {
        "image" => image(block, at, writer.cx).map(Piece::Image),
        "document" => document(block, at, writer).map(Piece::Document),
        "search_result" => {
            let native = writer.anthropic;
            if !native {
                writer.cx.report.approximate("messages[].content[]");
            }
            let result = search_result(block, at, writer)?;
            Ok(Piece::SearchResult { result, native })
        }
        _ => Err(unknown(kind, at, writer.cx)),
    }
}

/// The refusal of a block that Converse has nothing for.
pub(super) fn unknown(kind: &str, at: At, cx: &RequestContext<'_>) -> Refusal {
    let what = format!("a block of type `{kind}`");
    unsupported(at.path(), cx.provider, &what)
}

fn image<'a>(block: &Block<'a>, at: At, cx: &RequestContext<'_>) -> Result<Image<'a>, Refusal> {
    let (source, kind) = source_of(block, at)?;
    let image = match &*kind {
        "base64" => Image::from_base64(source.media_type, data_of(&source, at)?),
        "url" => Image::from_url(url_of(&source, at)?),
        _ => return Err(unsupported_source(&kind, at, cx)),
    };
    image.map_err(|error| error.refusal(at.member("source")))
}

fn document<'a>(
    block: &Block<'a>,
    at: At,
    writer: &mut Writer<'_, 'a, '_, '_>,
) -> Result<Document<'a>, Refusal> {
    let (source, kind) = source_of(block, at)?;
    let title = block.title.filter(|title| !title.is_empty());
    let names = &mut writer.names;
    let document = match &*kind {
        "base64" => {
            let data = data_of(&source, at)?;
            Document::from_base64(source.media_type, data, title, names)
        }
        "url" => Document::from_url(url_of(&source, at)?, title, names),
        "text" => {
            let text = data_of(&source, at)?;
            if text.is_empty() {
                return Err(missing(at.member("source.data")));
            }
            Ok(Document::text(text, title, writer.anthropic, names))
        }
        "content" => Ok(Document::texts(
            texts_of(&source, at, writer)?,
            title,
            &mut writer.names,
        )),
        _ => return Err(unsupported_source(&kind, at, writer.cx)),
    };
    let document = document.map_err(|error| error.refusal(at.member("source")))?;
    Ok(document
        .with_context(block.context)
        .with_citations(block.citations.is_some_and(cites)))
}

/// The texts of a document that is made of blocks.
fn texts_of<'a>(
    source: &Source<'a>,
    at: At,
    writer: &mut Writer<'_, 'a, '_, '_>,
) -> Result<Vec<RawStr<'a>>, Refusal> {
    let Some(content) = source.content else {
        return Err(missing(at.member("source.content")));
    };
    let what = "a document that holds anything but texts";
    texts(content, "source.content", what, at, writer)
}

fn search_result<'a>(
    block: &Block<'a>,
    at: At,
    writer: &mut Writer<'_, 'a, '_, '_>,
) -> Result<SearchResult<'a>, Refusal> {
    let Some(source) = block.source.and_then(RawStr::new) else {
        return Err(missing(at.member("source")));
    };
    let texts = match block.content {
        Some(content) => {
            let what = "a search result that holds anything but texts";
            texts(content, "content", what, at, writer)?
        }
        None => Vec::new(),
    };
    Ok(SearchResult {
        source,
        title: block.title,
        texts,
        citations: block.citations.is_some_and(cites),
    })
}

/// The texts of what may hold nothing else.
fn texts<'a>(
    content: &'a RawValue,
    member: &str,
    what: &str,
    at: At,
    writer: &mut Writer<'_, 'a, '_, '_>,
) -> Result<Vec<RawStr<'a>>, Refusal> {
    let blocks = match Content::read(content.get(), || at.member(member))? {
        Content::Text(text) => return Ok(vec![text]),
        Content::Blocks(blocks) => blocks,
    };
    let mut texts = Vec::with_capacity(blocks.len());
    for (index, block) in blocks.iter().enumerate() {
        writer.report_lost(block, "messages[].content[].source.content[]");
        if block.cache_control.is_some() {
            let path = "messages[].content[].source.content[].cache_control";
            writer.cx.report.drop_field(path);
        }
        if block.kind.is_none_or(|kind| !kind.is("text")) {
            let path = format!("{}[{index}]", at.member(member));
            return Err(unsupported(path, writer.cx.provider, what));
        }
        let Some(text) = block.text else {
            return Err(missing(format!("{}[{index}].text", at.member(member))));
        };
        if !text.is_blank() {
            texts.push(text);
        }
    }
    Ok(texts)
}

fn data_of<'a>(source: &Source<'a>, at: At) -> Result<RawStr<'a>, Refusal> {
    source.data.ok_or_else(|| missing(at.member("source.data")))
}

fn url_of<'a>(source: &Source<'a>, at: At) -> Result<RawStr<'a>, Refusal> {
    source.url.ok_or_else(|| missing(at.member("source.url")))
}

fn unsupported_source(kind: &str, at: At, cx: &RequestContext<'_>) -> Refusal {
    let what = format!("a source of type `{kind}`");
    unsupported(at.member("source"), cx.provider, &what)
}
