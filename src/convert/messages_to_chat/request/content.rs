//! What users and tools say beside plain text: images, documents, search results.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::convert::chat_out::{Escaped, Media, Url};
use crate::convert::context::RequestContext;
use crate::convert::messages_in::{At, cites, missing, report_extras, source_of, unsupported};
use crate::convert::path::{parse, wrong_type};
use crate::convert::report::Refusal;
use crate::format::messages::request::{Block, MAX_BLOCKS, Source};
use crate::format::raw::RawStr;
use crate::format::view::List;
use crate::format::walk;
use crate::provider::chat_profile::{ChatProfile, Pdf};

/// A line break inside a JSON string.
const BREAK: &str = r"\n";

/// What a block becomes.
#[derive(Debug)]
pub(in crate::convert) enum Piece<'a> {
    Text(Escaped<'a>),
    Media(Media<'a>),
}

/// Reads the blocks that carry content.
#[derive(Debug)]
pub(in crate::convert) struct Pieces<'r, 'c> {
    pub(in crate::convert) profile: &'static ChatProfile,
    pub(in crate::convert) cx: &'r mut RequestContext<'c>,
}

impl Pieces<'_, '_> {
    /// Whether the model takes back what it thought.
    pub(in crate::convert) fn replays_reasoning(&self) -> bool {
        let reasoning = self.profile.reasoning(self.cx.model);
        reasoning.is_some_and(|reasoning| reasoning.replay)
    }

    /// Reports the members of a block that no Chat provider has a place for.
    pub(in crate::convert) fn report_lost(&mut self, block: &Block<'_>, path: &str) {
        let report = &mut self.cx.report;
        for (is_lost, member) in [
            (block.cache_control.is_some(), "cache_control"),
            (block.citations.is_some_and(cites), "citations"),
        ] {
            if is_lost {
                report.drop_field(format!("{path}.{member}"));
            }
        }
        report_extras(block, path, report);
    }

    /// Reports a block of a tool that Anthropic ran itself.
    pub(in crate::convert) fn drop_server_block(&mut self) {
        self.cx.report.drop_field("messages[].content[]");
    }

    /// What a block of type `kind` becomes.
    pub(in crate::convert) fn read<'a>(
        &mut self,
        kind: &str,
        block: &Block<'a>,
        at: At,
    ) -> Result<Vec<Piece<'a>>, Refusal> {
        Ok(match kind {
            "text" => match block.text {
                Some(text) => vec![Piece::Text(Cow::Borrowed(text.content()))],
                None => return Err(missing(at.member("text"))),
            },
            "image" => vec![Piece::Media(self.image(block, at)?)],
            "document" => self.document(block, at)?,
            "search_result" => vec![Piece::Text(self.search_result(block, at)?)],
            "tool_reference" => {
                let Some(name) = block.tool_name else {
                    return Err(missing(at.member("tool_name")));
                };
                self.cx.report.approximate("messages[].content[].content[]");
                let text = format!("[tool: {}]", name.content());
                vec![Piece::Text(Cow::Owned(text))]
            }
            // What a server's compaction left of the conversation before it.
            "compaction" => {
                self.cx.report.approximate("messages[].content[]");
                let text = block.content.and_then(RawStr::new);
                text.map(|text| Piece::Text(Cow::Borrowed(text.content())))
                    .into_iter()
                    .collect()
            }
            _ => {
                let what = format!("a block of type `{kind}`");
                return Err(unsupported(at.path(), self.cx.provider, &what));
            }
        })
    }

    fn image<'a>(&self, block: &Block<'a>, at: At) -> Result<Media<'a>, Refusal> {
        let (source, kind) = source_of(block, at)?;
        let url = match &*kind {
            "base64" => base64_url(&source, at)?,
            "url" => match source.url {
                Some(url) => Url::whole(url.content()),
                None => return Err(missing(at.member("source.url"))),
            },
            _ => return Err(self.unsupported_source(&kind, at)),
        };
        Ok(Media::Image { url, detail: None })
    }

    fn document<'a>(&mut self, block: &Block<'a>, at: At) -> Result<Vec<Piece<'a>>, Refusal> {
        let (source, kind) = source_of(block, at)?;
        let title = block.title.filter(|title| !title.is_empty());
        match &*kind {
            "base64" => {
                let is_pdf = source.media_type.is_none_or(|media_type| {
                    media_type.decode().eq_ignore_ascii_case("application/pdf")
                });
                if !is_pdf {
                    return Err(self.unsupported_source("base64", at));
                }
                Ok(vec![Piece::Media(self.pdf(block, &source, title, at)?)])
            }
            "url" if self.profile.media.file_url => {
                let Some(url) = source.url else {
                    return Err(missing(at.member("source.url")));
                };
                self.report_context(block);
                Ok(vec![Piece::Media(Media::FileUrl {
                    url: Cow::Borrowed(url.content()),
                    name: title.map(|title| Cow::Borrowed(title.content())),
                })])
            }
            "text" => {
                let Some(data) = source.data else {
                    return Err(missing(at.member("source.data")));
                };
                self.cx.report.approximate("messages[].content[].source");
                Ok(vec![labelled(block, title, &[data])])
            }
            "content" => {
                self.cx.report.approximate("messages[].content[].source");
                let Some(content) = source.content else {
                    return Err(missing(at.member("source.content")));
                };
                self.document_content(block, title, content, at)
            }
            _ => Err(self.unsupported_source(&kind, at)),
        }
    }

    /// A document made of blocks: its texts, then its images.
    fn document_content<'a>(
        &mut self,
        block: &Block<'a>,
        title: Option<RawStr<'a>>,
        content: &'a RawValue,
        at: At,
    ) -> Result<Vec<Piece<'a>>, Refusal> {
        let path = || at.member("source.content");
        if let Some(text) = RawStr::new(content) {
            return Ok(vec![labelled(block, title, &[text])]);
        }
        if !walk::is_array(content.get()) {
            return Err(wrong_type(path()));
        }
        let List(inner) = parse::<List<Block<'a>, MAX_BLOCKS>>(content.get(), path)?;
        let mut texts = Vec::new();
        let mut images = Vec::new();
        for (index, inner) in inner.iter().enumerate() {
            let at = at.inner(index);
            self.report_lost(inner, "messages[].content[].source.content[]");
            match inner.kind.map(RawStr::decode).as_deref() {
                Some("text") => texts.extend(inner.text),
                Some("image") => images.push(Piece::Media(self.image(inner, at)?)),
                _ => {
                    return Err(unsupported(
                        at.path(),
                        self.cx.provider,
                        "a document that holds anything but texts and images",
                    ));
                }
            }
        }
        let mut pieces = vec![labelled(block, title, &texts)];
        pieces.append(&mut images);
        Ok(pieces)
    }

    fn pdf<'a>(
        &mut self,
        block: &Block<'a>,
        source: &Source<'a>,
        title: Option<RawStr<'a>>,
        at: At,
    ) -> Result<Media<'a>, Refusal> {
        let Some(data) = source.data else {
            return Err(missing(at.member("source.data")));
        };
        const PDF: &str = "application/pdf";
        self.report_context(block);
        let name = title.map(|title| Cow::Borrowed(title.content()));
        Ok(match self.profile.media.pdf {
            Pdf::None => return Err(unsupported(at.path(), self.cx.provider, "a PDF")),
            Pdf::ImageUrl => {
                if title.is_some() {
                    self.cx.report.drop_field("messages[].content[].title");
                }
                Media::ImageFile(Url::data(PDF, data.content()))
            }
            Pdf::FileUrl => Media::FileUrl {
                url: Cow::Borrowed(data.content()),
                name,
            },
            Pdf::File => Media::File {
                data: Url::data(PDF, data.content()),
                name: name.or(Some(Cow::Borrowed("document.pdf"))),
            },
        })
    }

    fn report_context(&mut self, block: &Block<'_>) {
        if block.context.is_some() {
            self.cx.report.drop_field("messages[].content[].context");
        }
    }

    fn search_result<'a>(&mut self, block: &Block<'a>, at: At) -> Result<Escaped<'a>, Refusal> {
        let source = block.source.and_then(RawStr::new);
        let Some(source) = source else {
            return Err(missing(at.member("source")));
        };
        self.cx.report.approximate("messages[].content[]");
        let mut text = format!(
            "[search result: {} — {}]",
            block.title.map_or("", RawStr::content),
            source.content()
        );
        if let Some(content) = block.content {
            let path = || at.member("content");
            let List(inner) = parse::<List<Block<'a>, MAX_BLOCKS>>(content.get(), path)?;
            for inner in inner.iter().filter_map(|inner| inner.text) {
                text.push_str(BREAK);
                text.push_str(inner.content());
            }
        }
        Ok(Cow::Owned(text))
    }

    fn unsupported_source(&self, kind: &str, at: At) -> Refusal {
        let what = format!("a source of type `{kind}`");
        unsupported(at.member("source"), self.cx.provider, &what)
    }
}

fn base64_url<'a>(source: &Source<'a>, at: At) -> Result<Url<'a>, Refusal> {
    let Some(media_type) = source.media_type else {
        return Err(missing(at.member("source.media_type")));
    };
    let Some(data) = source.data else {
        return Err(missing(at.member("source.data")));
    };
    Ok(Url::data(&media_type.decode(), data.content()))
}

/// The texts of a document, under its title and what is said about it.
pub(in crate::convert) fn labelled<'a>(
    block: &Block<'a>,
    title: Option<RawStr<'a>>,
    texts: &[RawStr<'a>],
) -> Piece<'a> {
    let mut text = match title {
        Some(title) => format!("[document: {}]", title.content()),
        None => "[document]".to_owned(),
    };
    let context = block.context.filter(|context| !context.is_empty());
    for line in context.into_iter().chain(texts.iter().copied()) {
        text.push_str(BREAK);
        text.push_str(line.content());
    }
    Piece::Text(Cow::Owned(text))
}
