//! Web pages that an answer was made from.

use serde_json::value::RawValue;

use crate::format::chat::answer::{
    self, Completion, ExecutedTool, Message, SearchResult, UrlCitation, list, object, objects,
};
use crate::format::raw::RawStr;
use crate::format::walk;

/// What is known of the searches behind an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// The last `search_results` that held anything, as JSON text.
    results: String,
    /// The last `citations` that held anything, as JSON text.
    citations: String,
    /// Groq's own searches.
    executed: Vec<Search>,
    /// Annotations of the open text.
    pub(super) annotations: Vec<Annotation>,
}

/// A search that the provider ran.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    index: u64,
    /// The query, as the inside of a JSON string; empty where it is not known.
    pub(crate) query: String,
    /// A list of [`SearchResult`]s, as JSON text.
    results: String,
}

/// A web page. Members are JSON strings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    pub(crate) url: RawStr<'a>,
    pub(crate) title: Option<RawStr<'a>>,
    pub(crate) snippet: Option<RawStr<'a>>,
    pub(crate) date: Option<RawStr<'a>>,
}

/// A citation that the provider placed itself, in characters. Texts are JSON strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Annotation {
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Sources {
    /// Takes what the completion or chunk says.
    pub(super) fn update(&mut self, completion: &Completion<'_>, message: Option<&Message<'_>>) {
        replace(&mut self.results, completion.search_results);
        replace(&mut self.citations, completion.citations);
        let Some(message) = message else { return };
        self.update_executed(message.executed_tools);
        if message.annotations.is_some() {
            for annotation in objects::<answer::Annotation<'_>>(message.annotations) {
                self.annotation(&annotation);
            }
        }
    }

    /// Takes the list of tools that Groq ran.
    pub(in crate::convert) fn update_executed(&mut self, tools: Option<&RawValue>) {
        if tools.is_some() {
            for tool in objects::<ExecutedTool<'_>>(tools) {
                self.executed_tool(&tool);
            }
        }
    }

    fn executed_tool(&mut self, tool: &ExecutedTool<'_>) {
        if !tool
            .kind
            .get()
            .is_some_and(|kind| kind.decode().contains("search"))
        {
            return;
        }
        let next = u64::try_from(self.executed.len()).unwrap_or(u64::MAX);
        let index = tool.index.get().unwrap_or(next);
        let known = self.executed.iter().position(|s| s.index == index);
        if known.is_none() {
            // Enough for any answer; what is held is bounded thereby.
            if self.executed.len() >= 64 {
                return;
            }
            self.executed.push(Search {
                index,
                ..Search::default()
            });
        }
        let place = known.unwrap_or(self.executed.len().saturating_sub(1));
        let Some(search) = self.executed.get_mut(place) else {
            return;
        };
        if let Some(arguments) = tool.arguments.non_empty() {
            let arguments = arguments.decode();
            if let Some(query) = walk::member(&arguments, "query").and_then(RawStr::from_json) {
                query.content().clone_into(&mut search.query);
            }
        }
        let results = tool
            .search_results
            .and_then(|results| walk::member(results.get(), "results"));
        if let Some(results) = results {
            results.clone_into(&mut search.results);
        }
    }

    fn annotation(&mut self, annotation: &answer::Annotation<'_>) {
        let cites = annotation
            .kind
            .get()
            .is_some_and(|kind| kind.is("url_citation"));
        let citation: UrlCitation<'_> = object(annotation.url_citation)
            .filter(|_| cites)
            .unwrap_or_default();
        if let Some(url) = citation.url.non_empty()
            && self.annotations.len() < 4096
        {
            self.annotations.push(Annotation {
                url: url.json().to_owned(),
                title: citation.title.get().map_or("\"\"", RawStr::json).to_owned(),
                start: citation.start_index.get().unwrap_or(0),
                end: citation.end_index.get().unwrap_or(0),
            });
        }
    }

    /// Whether the web was searched, as far as is known.
    pub(crate) fn is_known(&self) -> bool {
        !(self.results.is_empty() && self.citations.is_empty() && self.executed.is_empty())
    }

    /// How many searches the provider told one by one; `None` where it told none.
    pub(in crate::convert) fn searched(&self) -> Option<u64> {
        u64::try_from(self.executed.len())
            .ok()
            .filter(|count| *count > 0)
    }

    /// The searches that the provider told one by one.
    pub(crate) fn searches(&self) -> &[Search] {
        &self.executed
    }

    /// The pages that markers `[n]` point to, or that were found, in order.
    pub(crate) fn pages(&self) -> Vec<Page<'_>> {
        let pages = pages(&self.results);
        if !pages.is_empty() {
            return pages;
        }
        walk::elements(&self.citations)
            .filter_map(Page::of_url)
            .collect()
    }

    /// Citations of the text that was just closed, or is open.
    pub(crate) fn annotations(&self) -> &[Annotation] {
        &self.annotations
    }

    /// How much memory they take.
    pub(super) fn size(&self) -> usize {
        let executed = |search: &Search| search.query.len() + search.results.len();
        let annotation = |a: &Annotation| a.url.len() + a.title.len();
        self.results.len()
            + self.citations.len()
            + self.executed.iter().map(executed).sum::<usize>()
            + self.annotations.iter().map(annotation).sum::<usize>()
    }
}

impl<'a> Page<'a> {
    /// A page of which only the URL (a JSON string) is known.
    fn of_url(url: &'a str) -> Option<Self> {
        Some(Self {
            url: RawStr::from_json(url)?,
            title: None,
            snippet: None,
            date: None,
        })
    }
}

impl Search {
    /// The pages it found.
    pub(crate) fn pages(&self) -> Vec<Page<'_>> {
        pages(&self.results)
    }
}

/// Replaces what `held` says by a list that holds anything; most chunks repeat the same one.
fn replace(held: &mut String, new: Option<&RawValue>) {
    if let Some(new) = new.map(RawValue::get)
        && new != held
        && walk::elements(new).next().is_some()
    {
        new.clone_into(held);
    }
}

fn pages(results: &str) -> Vec<Page<'_>> {
    if results.is_empty() {
        return Vec::new();
    }
    let raw = serde_json::from_str::<&RawValue>(results).ok();
    list(raw)
        .into_iter()
        .filter_map(|element| {
            let result: SearchResult<'_> = object(Some(element)).unwrap_or_default();
            Some(Page {
                // A result without a URL still has its number.
                url: result.url.get().or_else(|| RawStr::from_json("\"\""))?,
                title: result.title.get(),
                snippet: result.snippet.get(),
                date: result.date.get(),
            })
        })
        .collect()
}

/// A marker `[n]` in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    /// From 0: the place in the list of pages.
    pub(crate) page: usize,
    /// Where it begins and ends, in Unicode scalar values.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// The markers in a text (the inside of a JSON string) that point to one of `pages` pages.
pub(crate) fn markers(text: &str, pages: usize) -> Vec<Marker> {
    let mut found = Vec::new();
    if pages == 0 || !text.contains('[') {
        return found;
    }
    // Brackets and digits could be written as escapes; then they are found in what these stand for.
    let json = format!("\"{text}\"");
    let decoded = RawStr::from_json(&json)
        .map(RawStr::decode)
        .unwrap_or_default();
    let mut open: Option<(u64, usize, bool)> = None;
    for (at, character) in (0_u64..).zip(decoded.chars()) {
        open = match (character, open) {
            ('[', _) => Some((at, 0, false)),
            (digit @ '0'..='9', Some((start, number, _))) => {
                let digit = usize::try_from(u32::from(digit) - u32::from('0')).unwrap_or(0);
                let number = number.saturating_mul(10).saturating_add(digit);
                Some((start, number, true))
            }
            (']', Some((start, number, true))) => {
                if (1..=pages).contains(&number) {
                    found.push(Marker {
                        page: number - 1,
                        start,
                        end: at + 1,
                    });
                }
                None
            }
            _ => None,
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_count_characters() {
        let at = |page, start, end| Marker { page, start, end };
        for (text, pages, expected) in [
            (
                "Café one [1] and two [2].",
                2,
                vec![at(0, 9, 12), at(1, 21, 24)],
            ),
            (
                r"a\n\u00e9\ud83d\ude00[12][3]",
                12,
                vec![at(11, 4, 8), at(2, 8, 11)],
            ),
            ("[0] [3] [x] [] [1 ] [[2]", 2, vec![at(1, 21, 24)]),
            ("[1]", 0, vec![]),
            ("[99999999999999999999999]", 5, vec![]),
        ] {
            assert_eq!(markers(text, pages), expected, "{text}");
        }
    }

    #[test]
    fn pages_of_results_before_citations() {
        let mut sources = Sources::default();
        assert!(!sources.is_known());
        let read = |json: &'static str| serde_json::from_str::<Completion<'_>>(json).unwrap();
        sources.update(
            &read(r#"{"citations":["https://c"],"search_results":[]}"#),
            None,
        );
        assert_eq!(sources.pages().len(), 1);
        assert!(sources.pages()[0].url.is("https://c") && sources.pages()[0].title.is_none());
        sources.update(
            &read(r#"{"search_results":[{"url":"https://r","title":"R","snippet":null},{}],"citations":null}"#),
            None,
        );
        let pages = sources.pages();
        assert_eq!(pages.len(), 2);
        assert!(pages[0].url.is("https://r") && pages[0].title.unwrap().is("R"));
        assert!(pages[1].url.is_empty());
        assert!(sources.is_known() && sources.size() > 0);
    }

    #[test]
    fn executed_tools_and_annotations() {
        let message: Message<'_> = serde_json::from_str(
            r#"{"executed_tools":[{"index":0,"type":"browser_search","arguments":"{\"query\":\"q\\n1\"}"},
            {"index":1,"type":"python","arguments":"{}"},
            {"index":0,"type":"browser_search","search_results":{"results":[{"url":"https://a"}]}}],
            "annotations":[{"type":"url_citation","url_citation":{"url":"u","start_index":1,"end_index":2}},
            {"type":"document_citation"}]}"#,
        )
        .unwrap();
        let mut sources = Sources::default();
        sources.update(&Completion::default(), Some(&message));
        assert_eq!(sources.searches().len(), 1);
        assert_eq!(sources.searches()[0].query, r"q\n1");
        assert_eq!(sources.searches()[0].pages().len(), 1);
        assert_eq!(sources.annotations().len(), 1);
        assert_eq!(sources.annotations()[0].title, "\"\"");
    }
}
