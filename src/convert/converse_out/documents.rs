//! Documents and what searches found, as blocks of Converse.
//!
//! Source: the `DocumentBlock` and `SearchResultBlock` shapes of the `bedrock-runtime` service model.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};

use super::media::{File, MediaError, Source, block};
use crate::convert::data_url;
use crate::format::raw::RawStr;

/// A document. It gets a name of its own when it is made: see [`Names`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::convert) struct Document<'a> {
    format: Option<&'static str>,
    name: String,
    source: Source<'a>,
    context: Option<RawStr<'a>>,
    citations: bool,
}

/// Media types and extensions, and what Converse calls them.
const DOCUMENTS: [(&str, &[&str], &str); 9] = [
    ("pdf", &["application/pdf", "application/x-pdf"], "pdf"),
    ("csv", &["text/csv", "application/csv"], "csv"),
    ("doc", &["application/msword"], "doc"),
    (
        "docx",
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
        "docx",
    ),
    ("xls", &["application/vnd.ms-excel"], "xls"),
    (
        "xlsx",
        &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
        "xlsx",
    ),
    ("html", &["text/html"], "html"),
    ("txt", &["text/plain"], "txt"),
    ("md", &["text/markdown", "application/markdown"], "md"),
];

/// Other extensions of the same formats.
const EXTENSIONS: [(&str, &str); 3] = [("htm", "html"), ("text", "txt"), ("markdown", "md")];

fn format_of_type(media_type: &str) -> Option<&'static str> {
    let plain = media_type.split(';').next().unwrap_or_default().trim();
    DOCUMENTS
        .iter()
        .find(|(_, types, _)| types.iter().any(|known| plain.eq_ignore_ascii_case(known)))
        .map(|(_, _, format)| *format)
}

fn format_of_name(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    let is = |known: &str| extension.eq_ignore_ascii_case(known);
    let other = EXTENSIONS.iter().find(|(known, _)| is(known));
    other.map(|(_, format)| *format).or_else(|| {
        DOCUMENTS
            .iter()
            .find(|(known, _, _)| is(known))
            .map(|(_, _, format)| *format)
    })
}

impl<'a> Document<'a> {
    /// The document that a `data:` or `s3:` URL stands for; `file_name` is what the client calls it.
    ///
    /// # Errors
    /// The URL is of the web, or what it carries is no document that Converse takes.
    pub(in crate::convert) fn from_url(
        url: RawStr<'a>,
        file_name: Option<RawStr<'a>>,
        names: &mut Names,
    ) -> Result<Self, MediaError> {
        Self::new(File::from_url(url)?, file_name, names)
    }

    /// The document whose bytes are `data`; `file_name` is what the client calls it.
    ///
    /// # Errors
    /// The data is no base64, or no document that Converse takes.
    pub(in crate::convert) fn from_base64(
        media_type: Option<RawStr<'a>>,
        data: RawStr<'a>,
        file_name: Option<RawStr<'a>>,
        names: &mut Names,
    ) -> Result<Self, MediaError> {
        Self::new(File::from_base64(media_type, data)?, file_name, names)
    }

    fn new(
        file: File<'a>,
        file_name: Option<RawStr<'a>>,
        names: &mut Names,
    ) -> Result<Self, MediaError> {
        let file_name = file_name.map(RawStr::decode).unwrap_or_default();
        let sniffed = || match &file.source {
            Source::Bytes(data) => {
                let kind = data_url::FileKind::from_base64(data);
                (kind == Some(data_url::FileKind::Pdf)).then_some("pdf")
            }
            Source::S3(uri) => format_of_name(uri),
            Source::Text(_) | Source::Texts(_) => None,
        };
        let format = format_of_type(&file.media_type)
            .or_else(|| format_of_name(&file_name))
            .or_else(sniffed)
            .ok_or(MediaError::DocumentFormat)?;
        // The extension says the format, which has a member of its own.
        let stem = match format_of_name(&file_name) {
            Some(_) => file_name.rsplit_once('.').map_or("", |(stem, _)| stem),
            None => &file_name,
        };
        Ok(Self {
            format: Some(format),
            name: names.unique(stem),
            source: file.source,
            context: None,
            citations: false,
        })
    }

    /// A document that is a plain text with a title. Models that take Anthropic's members (`as_text`) read the text itself, others
    /// a file.
    pub(in crate::convert) fn text(
        text: RawStr<'a>,
        title: Option<RawStr<'a>>,
        as_text: bool,
        names: &mut Names,
    ) -> Self {
        let source = if as_text {
            Source::Text(text)
        } else {
            Source::Bytes(Cow::Owned(STANDARD.encode(text.decode().as_bytes())))
        };
        Self {
            format: Some("txt"),
            name: names.unique(&title.map(RawStr::decode).unwrap_or_default()),
            source,
            context: None,
            citations: false,
        }
    }

    /// A document made of texts, which can be cited one by one.
    pub(in crate::convert) fn texts(
        texts: Vec<RawStr<'a>>,
        title: Option<RawStr<'a>>,
        names: &mut Names,
    ) -> Self {
        Self {
            format: None,
            name: names.unique(&title.map(RawStr::decode).unwrap_or_default()),
            source: Source::Texts(texts),
            context: None,
            citations: false,
        }
    }

    /// With what the client says about it.
    #[must_use]
    pub(in crate::convert) fn with_context(mut self, context: Option<RawStr<'a>>) -> Self {
        self.context = context.filter(|context| !context.is_empty());
        self
    }

    /// With citations, or without.
    #[must_use]
    pub(in crate::convert) fn with_citations(mut self, citations: bool) -> Self {
        self.citations = citations;
        self
    }

    /// Writes the block.
    pub(in crate::convert) fn write(&self, out: &mut BytesMut) {
        block(out, "document", |document| {
            if let Some(format) = self.format {
                document.string("format", format);
            }
            document.string("name", &self.name);
            self.source.write(document.key("source"));
            if let Some(context) = self.context {
                document.raw("context", context.json());
            }
            if self.citations {
                let mut citations = document.object("citations");
                citations.bool("enabled", true);
                citations.end();
            }
        });
    }
}

/// The names of a request's documents: Converse refuses two of the same name.
///
/// Models read the names. They hold letters, digits, spaces, hyphens and brackets only.
#[derive(Debug, Default)]
pub(in crate::convert) struct Names(HashMap<String, u32>);

/// Where a name is cut: a number may still follow.
const LONGEST_NAME: usize = 180;

impl Names {
    /// A name near `wanted` that no document of the request has yet.
    fn unique(&mut self, wanted: &str) -> String {
        let base = neutral(wanted);
        let Some(mut number) = self.0.get(&base).copied() else {
            self.0.insert(base.clone(), 2);
            return base;
        };
        loop {
            let candidate = format!("{base} ({number})");
            number += 1;
            if !self.0.contains_key(&candidate) {
                self.0.insert(base, number);
                self.0.insert(candidate.clone(), 2);
                return candidate;
            }
        }
    }
}

/// `name` with nothing in it but what Converse takes.
fn neutral(name: &str) -> String {
    let mut neutral = String::with_capacity(name.len().min(LONGEST_NAME));
    for c in name.chars() {
        let c = match c {
            ' ' if neutral.ends_with(' ') || neutral.is_empty() => continue,
            ' ' | '-' | '(' | ')' | '[' | ']' => c,
            c if c.is_ascii_alphanumeric() => c,
            _ => '-',
        };
        neutral.push(c);
        if neutral.len() == LONGEST_NAME {
            break;
        }
    }
    neutral.truncate(neutral.trim_end().len());
    if neutral.is_empty() {
        neutral.push_str("document");
    }
    neutral
}

/// Writes what a search found: as a block of its own where the model takes those (`native`), else as a text.
pub(in crate::convert) fn write_search_result(
    result: &SearchResult<'_>,
    native: bool,
    out: &mut BytesMut,
) {
    if native {
        block(out, "searchResult", |block| {
            block
                .raw("source", result.source.json())
                .raw("title", result.title.map_or("\"\"", RawStr::json));
            let mut content = block.array("content");
            for text in &result.texts {
                let mut text_block = content.object();
                text_block.raw("text", text.json());
                text_block.end();
            }
            content.end();
            if result.citations {
                let mut citations = block.object("citations");
                citations.bool("enabled", true);
                citations.end();
            }
        });
        return;
    }
    out.extend_from_slice(b"{\"text\":\"[");
    let title = result.title.map_or("", RawStr::content);
    out.extend_from_slice(title.as_bytes());
    out.extend_from_slice(b"](");
    out.extend_from_slice(result.source.content().as_bytes());
    out.put_u8(b')');
    for text in &result.texts {
        out.extend_from_slice(b"\\n");
        out.extend_from_slice(text.content().as_bytes());
    }
    out.extend_from_slice(b"\"}");
}

/// What a search found.
#[derive(Debug)]
pub(in crate::convert) struct SearchResult<'a> {
    pub(in crate::convert) source: RawStr<'a>,
    pub(in crate::convert) title: Option<RawStr<'a>>,
    pub(in crate::convert) texts: Vec<RawStr<'a>>,
    pub(in crate::convert) citations: bool,
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
