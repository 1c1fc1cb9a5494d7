//! What Google's own tools found, in the blocks of Anthropic's.

use bytes::BytesMut;

use super::state::State;
use crate::codec::write::Object;
use crate::convert::gemini_in::{Citation, Progress};
use crate::convert::messages_out::blocks;
use crate::convert::messages_to_responses::response::citations::Excerpts;
use crate::format::gemini::{Code, CodeResult, GroundingMetadata, Page};
use crate::format::raw::RawStr;
use crate::format::walk;

/// The empty JSON string.
const EMPTY: &str = "\"\"";
/// More pages than any answer has.
const MOST: usize = 4096;

/// A tool that Google ran: its block and the one with what it gave.
pub(super) struct Ran {
    pub(super) id: String,
    pub(super) name: &'static str,
    /// JSON text.
    pub(super) input: String,
    /// A whole block, JSON text.
    pub(super) result: BytesMut,
}

/// The search and the fetches behind an answer; the ids of their blocks are made of `base`. Google does not tell which of several
/// queries found a page: they are one search.
pub(super) fn ran(progress: &Progress, state: &State, base: &str) -> Vec<Ran> {
    let mut all = Vec::new();
    if let Some(search) = search(progress, state, format!("srvtoolu_{base}_search")) {
        all.push(search);
    }
    let fetched = walk::member(progress.url_context().unwrap_or_default(), "urlMetadata");
    for (number, fetched) in walk::elements(fetched.unwrap_or_default())
        .take(MOST)
        .enumerate()
    {
        let string = |name: &str| walk::member(fetched, name).and_then(RawStr::from_json);
        let Some(url) = string("retrievedUrl").filter(|url| !url.is_empty()) else {
            continue;
        };
        let id = format!("srvtoolu_{base}_fetch{number}");
        let mut result = BytesMut::new();
        let status = string("urlRetrievalStatus").map_or("", RawStr::content);
        match status {
            "" | "URL_RETRIEVAL_STATUS_UNSPECIFIED" | "URL_RETRIEVAL_STATUS_SUCCESS" => {
                blocks::web_fetch_result(&mut result, &id, url.json());
            }
            "URL_RETRIEVAL_STATUS_UNSAFE" => {
                blocks::web_fetch_error(&mut result, &id, "url_not_allowed");
            }
            _ => blocks::web_fetch_error(&mut result, &id, "url_not_accessible"),
        }
        all.push(Ran {
            id,
            name: "web_fetch",
            input: format!("{{\"url\":{}}}", url.json()),
            result,
        });
    }
    all
}

/// Whether one of them is a search.
pub(super) fn has_search(ran: &[Ran]) -> bool {
    ran.iter().any(|ran| ran.name == "web_search")
}

fn search(progress: &Progress, state: &State, id: String) -> Option<Ran> {
    if !state.wants_search {
        return None;
    }
    let metadata = GroundingMetadata::read(progress.grounding().unwrap_or_default());
    let queries: Vec<RawStr<'_>> = metadata.queries().take(MOST).collect();
    let pages: Vec<Page<'_>> = metadata.pages().take(MOST).collect();
    let found = pages.iter().filter_map(|page| {
        Some(blocks::Page {
            url: page.uri.non_empty()?.json(),
            title: page.title.get().map_or(EMPTY, RawStr::json),
            age: None,
        })
    });
    // Pages without a search were fetched.
    let fetched = progress.url_context().is_some();
    if queries.is_empty() && (fetched || found.clone().next().is_none()) {
        return None;
    }
    let mut input = BytesMut::new();
    let mut object = Object::begin(&mut input);
    if let Some(first) = queries.first() {
        object.raw("query", first.json());
    }
    if queries.len() > 1 {
        let mut list = object.array("queries");
        for query in &queries {
            list.raw(query.json());
        }
        list.end();
    }
    object.end();
    let mut result = BytesMut::new();
    blocks::web_search_result(&mut result, &id, found);
    Some(Ran {
        id,
        name: "web_search",
        input: String::from_utf8_lossy(&input).into_owned(),
        result,
    })
}

/// The input of the block for code that Google ran.
pub(super) fn code_input(code: &Code<'_>) -> String {
    let code = code.code.get().map_or(EMPTY, RawStr::json);
    format!("{{\"code\":{code}}}")
}

/// The block with what the code gave.
pub(super) fn write_code_result(out: &mut BytesMut, id: &str, result: &CodeResult<'_>) {
    let output = result.output.get().map_or(EMPTY, RawStr::json);
    let is_ok = |outcome: RawStr<'_>| outcome.is("OUTCOME_OK");
    if result.outcome.get().is_none_or(is_ok) {
        blocks::code_execution_result(out, id, output, EMPTY, 0);
    } else {
        blocks::code_execution_result(out, id, EMPTY, output, 1);
    }
}

/// The citations of an answer.
pub(super) struct Cited {
    citations: Vec<Citation>,
    text: Excerpts,
}

impl Cited {
    pub(super) fn of(progress: &Progress) -> Option<Self> {
        let citations = progress.citations();
        (!citations.is_empty()).then(|| Self {
            text: Excerpts::new(progress.text().to_owned()),
            citations,
        })
    }

    /// Tells the citations of what stands between two characters of the answer's text: address and title as JSON strings, and the
    /// words that they support as the inside of one.
    pub(super) fn between(&self, start: u64, end: u64, mut tell: impl FnMut(&str, &str, &str)) {
        for citation in &self.citations {
            let (from, to) = (citation.start.max(start), citation.end.min(end));
            if from < to {
                tell(&citation.url, &citation.title, &self.text.between(from, to));
            }
        }
    }
}
