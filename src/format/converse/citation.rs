//! What a text cites.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::chat::answer::{object, objects};
use crate::format::messages::{Count, Text};
use crate::format::raw::RawStr;

/// A citation: its place in what was cited, and words of it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Citation<'a> {
    #[serde(borrow)]
    pub(crate) title: Text<'a>,
    /// Where a search result came from.
    #[serde(borrow)]
    pub(crate) source: Text<'a>,
    #[serde(borrow)]
    source_content: Option<&'a RawValue>,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
}

/// Where the cited words stand.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Location<'a> {
    /// On a page of the web.
    Web { url: RawStr<'a> },
    /// In characters of a document.
    DocumentChar(Span),
    /// In pages of a document.
    DocumentPage(Span),
    /// In blocks of a document that is made of blocks.
    DocumentChunk(Span),
    /// In blocks of a search result.
    SearchResult(Span),
}

/// A part of a document or search result; all numbers count from 0, `end` is exclusive. What is not said is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The place of the document or search result among those of the request.
    pub(crate) index: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// The location's union: exactly one member.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Union<'a> {
    #[serde(borrow)]
    web: Option<&'a RawValue>,
    #[serde(borrow)]
    document_char: Option<&'a RawValue>,
    #[serde(borrow)]
    document_page: Option<&'a RawValue>,
    #[serde(borrow)]
    document_chunk: Option<&'a RawValue>,
    #[serde(borrow)]
    search_result_location: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Web<'a> {
    #[serde(borrow)]
    url: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Numbers {
    document_index: Count,
    search_result_index: Count,
    start: Count,
    end: Count,
}

impl Span {
    fn read(raw: Option<&RawValue>) -> Option<Self> {
        let numbers: Numbers = object(raw)?;
        let index = numbers
            .document_index
            .get()
            .or(numbers.search_result_index.get());
        Some(Self {
            index: index.unwrap_or(0),
            start: numbers.start.get().unwrap_or(0),
            end: numbers.end.get().unwrap_or(0),
        })
    }
}

impl<'a> Citation<'a> {
    /// Reads a citation; `None` where it is no object.
    pub(crate) fn read(raw: &'a RawValue) -> Option<Self> {
        object(Some(raw))
    }

    /// Where the cited words stand; `None` where it does not say, or in words that are not known here.
    pub(crate) fn location(&self) -> Option<Location<'a>> {
        let union: Union<'a> = object(self.location)?;
        if let Some(url) = object::<Web<'a>>(union.web).and_then(|web| web.url.non_empty()) {
            return Some(Location::Web { url });
        }
        let span = Span::read;
        span(union.document_char)
            .map(Location::DocumentChar)
            .or_else(|| span(union.document_page).map(Location::DocumentPage))
            .or_else(|| span(union.document_chunk).map(Location::DocumentChunk))
            .or_else(|| span(union.search_result_location).map(Location::SearchResult))
    }

    /// The page of the web that is cited: where the location names one, or the source is one's address.
    pub(crate) fn url(&self) -> Option<RawStr<'a>> {
        if let Some(Location::Web { url }) = self.location() {
            return Some(url);
        }
        let source = self.source.non_empty()?;
        let is_page = {
            let text = source.decode();
            text.starts_with("https://") || text.starts_with("http://")
        };
        is_page.then_some(source)
    }

    /// The cited words: JSON strings.
    pub(crate) fn cited_texts(&self) -> impl Iterator<Item = RawStr<'a>> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Part<'a> {
            #[serde(borrow)]
            text: Text<'a>,
        }
        objects::<Part<'a>>(self.source_content).filter_map(|part| part.text.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let span = r#"{"documentIndex":1,"start":2,"end":3}"#;
        for (location, expected) in [
            (
                r#"{"web":{"url":"https://a","domain":"a"}}"#.to_owned(),
                "web https://a",
            ),
            (format!(r#"{{"documentChar":{span}}}"#), "char 1 2 3"),
            (format!(r#"{{"documentPage":{span}}}"#), "page 1 2 3"),
            (format!(r#"{{"documentChunk":{span}}}"#), "chunk 1 2 3"),
            (
                r#"{"searchResultLocation":{"searchResultIndex":4,"end":6}}"#.to_owned(),
                "result 4 0 6",
            ),
            (r#"{"web":{}}"#.to_owned(), ""),
            (r#"{"new":{}}"#.to_owned(), ""),
            ("5".to_owned(), ""),
        ] {
            let json = format!(r#"{{"location":{location}}}"#);
            let raw: &RawValue = serde_json::from_str(&json).unwrap();
            let three = |s: Span| format!("{} {} {}", s.index, s.start, s.end);
            let shown = match Citation::read(raw).unwrap().location() {
                Some(Location::Web { url }) => format!("web {}", url.content()),
                Some(Location::DocumentChar(s)) => format!("char {}", three(s)),
                Some(Location::DocumentPage(s)) => format!("page {}", three(s)),
                Some(Location::DocumentChunk(s)) => format!("chunk {}", three(s)),
                Some(Location::SearchResult(s)) => format!("result {}", three(s)),
                None => String::new(),
            };
            assert_eq!(shown, expected, "{json}");
        }
    }

    #[test]
    fn pages_of_the_web() {
        for (json, url) in [
            (
                r#"{"source":"http://s","location":{"web":{"url":"https://w"}}}"#,
                Some("https://w"),
            ),
            (
                r#"{"source":"https://s","location":{"documentChar":{}}}"#,
                Some("https://s"),
            ),
            (r#"{"source":"s3://b/k"}"#, None),
            ("{}", None),
        ] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            let found = Citation::read(raw).unwrap().url();
            assert_eq!(found.map(RawStr::content), url, "{json}");
        }
        let raw: &RawValue =
            serde_json::from_str(r#"{"sourceContent":[{"text":"a"},{},{"text":"b"}]}"#).unwrap();
        let texts: Vec<&str> = Citation::read(raw)
            .unwrap()
            .cited_texts()
            .map(RawStr::content)
            .collect();
        assert_eq!(texts, ["a", "b"]);
    }
}
