//! The provider's own web searches in Anthropic's blocks, and what a text cites of them.

use bytes::BytesMut;

use crate::codec::write;
use crate::convert::chat_in::{Page, Sources, markers};
use crate::convert::messages_out::blocks;
use crate::format::raw::RawStr;
use crate::provider::chat_profile::ChatProfile;

/// How much of a page a citation quotes, in characters.
const QUOTED: usize = 150;

/// The empty JSON string.
const EMPTY: &str = "\"\"";

/// A search that the provider ran.
#[derive(Debug)]
pub(super) struct Searched<'a> {
    /// As the inside of a JSON string; empty where it is not known.
    pub(super) query: &'a str,
    pages: Vec<Page<'a>>,
}

/// The searches behind an answer.
pub(super) fn searches(sources: &Sources) -> Vec<Searched<'_>> {
    if !sources.is_known() {
        return Vec::new();
    }
    if sources.searches().is_empty() {
        // The provider tells what it found, not how often it looked.
        return vec![Searched {
            query: "",
            pages: sources.pages(),
        }];
    }
    let searches = sources.searches().iter();
    searches
        .map(|search| Searched {
            query: &search.query,
            pages: search.pages(),
        })
        .collect()
}

impl Searched<'_> {
    /// The `input` of the search, as JSON text.
    pub(super) fn write_input(&self, out: &mut BytesMut) {
        if self.query.is_empty() {
            out.extend_from_slice(b"{}");
        } else {
            blocks::query(out, self.query);
        }
    }

    /// The block with what was found.
    pub(super) fn write_result(&self, out: &mut BytesMut, tool_use_id: &str) {
        let found = self.pages.iter().filter(|page| !page.url.is_empty());
        let pages = found.map(|page| blocks::Page {
            url: page.url.json(),
            title: page.title.map_or(EMPTY, RawStr::json),
            age: page.date.map(RawStr::json),
        });
        blocks::web_search_result(out, tool_use_id, pages);
    }
}

/// A citation of a web page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cited {
    /// A JSON string.
    pub(super) url: String,
    /// A JSON string.
    pub(super) title: String,
    /// The inside of a JSON string.
    pub(super) quote: String,
}

/// What a text (the inside of a JSON string) cites: each page once, in the order in which it is named first.
pub(super) fn cited(text: &str, sources: &Sources, profile: &ChatProfile) -> Vec<Cited> {
    if !profile.citation_markers {
        let mut cited: Vec<Cited> = Vec::new();
        for annotation in sources.annotations() {
            if !cited.iter().any(|known| known.url == annotation.url) {
                cited.push(Cited {
                    url: annotation.url.clone(),
                    title: annotation.title.clone(),
                    quote: String::new(),
                });
            }
        }
        return cited;
    }
    let pages = sources.pages();
    let mut named = vec![false; pages.len()];
    let mut cited = Vec::new();
    for marker in markers(text, pages.len()) {
        let (Some(page), Some(named)) = (pages.get(marker.page), named.get_mut(marker.page)) else {
            continue;
        };
        if !std::mem::replace(named, true) && !page.url.is_empty() {
            cited.push(Cited {
                url: page.url.json().to_owned(),
                title: page.title.map_or(EMPTY, RawStr::json).to_owned(),
                quote: page.snippet.map(quote).unwrap_or_default(),
            });
        }
    }
    cited
}

/// The beginning of a snippet, as the inside of a JSON string.
fn quote(snippet: RawStr<'_>) -> String {
    let quoted: String = snippet.decode().chars().take(QUOTED).collect();
    let mut out = BytesMut::with_capacity(quoted.len() + 16);
    write::string_content(&mut out, &quoted);
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a text must be kept until its end, because markers in it point to pages.
pub(super) fn needs_text(profile: &ChatProfile) -> bool {
    profile.citation_markers
}
