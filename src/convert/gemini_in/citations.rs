//! Which piece of the text cites which page: Google counts in bytes of UTF-8, the clients' formats in characters.

use std::ops::Range;

use crate::format::gemini::{CitationMetadata, GroundingMetadata, Page, Segment};

/// More citations than any answer has.
const MOST: usize = 4096;
/// How many bytes of text are looked through for pieces that are not where they are said to be.
const MOST_SEARCHED: usize = 64 << 20;
/// A character count is kept for each so many bytes of text.
const STEP: usize = 1024;

/// A citation: members are JSON strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Citation {
    pub(crate) url: String,
    pub(crate) title: String,
    /// Where the piece begins and ends in the answer's text, in characters.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// The answer's text, which the offsets count in.
#[derive(Debug)]
pub(super) struct Cited<'t> {
    text: &'t str,
    /// Where in the text each part begins, by the part's number; `None` for parts that are no text. Empty for streams, whose
    /// offsets count from the beginning.
    parts: &'t [Option<usize>],
    /// The characters before each [`STEP`]th byte.
    counts: Vec<u64>,
    searched: usize,
}

impl<'t> Cited<'t> {
    pub(super) fn new(text: &'t str, parts: &'t [Option<usize>]) -> Self {
        let mut counts = Vec::with_capacity(text.len() / STEP + 1);
        let mut count = 0;
        for bytes in text.as_bytes().chunks(STEP) {
            counts.push(count);
            count += starts(bytes);
        }
        counts.push(count);
        Self {
            text,
            parts,
            counts,
            searched: 0,
        }
    }

    /// The citations of the pages that the answer was made from, in the order of the text's pieces.
    pub(super) fn grounding(&mut self, json: &str, found: &mut Vec<Citation>) {
        let metadata = GroundingMetadata::read(json);
        let pages: Vec<Page<'_>> = metadata.pages().take(MOST).collect();
        for support in metadata.supports() {
            let mut range = None;
            for page in support.sources().filter_map(|at| pages.get(at)) {
                if found.len() >= MOST {
                    return;
                }
                let Some(url) = page.uri.non_empty() else {
                    continue;
                };
                let range = range.get_or_insert_with(|| self.locate(support.segment()));
                let Some(range) = range else { break };
                found.push(Citation {
                    url: url.json().to_owned(),
                    title: title(page.title.get()),
                    start: self.characters(range.start),
                    end: self.characters(range.end),
                });
            }
        }
    }

    /// The citations of texts that the model recited.
    pub(super) fn recited(&self, json: &str, found: &mut Vec<Citation>) {
        for citation in CitationMetadata::read(json) {
            let start = index(citation.start_index.get()).unwrap_or(0);
            let (Some(url), Some(end)) =
                (citation.uri.non_empty(), index(citation.end_index.get()))
            else {
                continue;
            };
            if found.len() >= MOST {
                return;
            }
            if self.text.get(start..end).is_some() {
                found.push(Citation {
                    url: url.json().to_owned(),
                    title: title(citation.title.get()),
                    start: self.characters(start),
                    end: self.characters(end),
                });
            }
        }
    }

    /// Where a segment stands: where it says, as far as its text stands there, else where its text first does.
    fn locate(&mut self, segment: Segment<'_>) -> Option<Range<usize>> {
        let said = segment.text.non_empty().map(|text| text.decode());
        if let Some(end) = index(segment.end_index.get()) {
            let start = index(segment.start_index.get()).unwrap_or(0);
            let part = index(segment.part_index.get()).unwrap_or(0);
            let of_part = self.parts.get(part).copied().flatten();
            for base in of_part.into_iter().chain([0]) {
                let range = base.checked_add(start)?..base.checked_add(end)?;
                let here = self.text.get(range.clone());
                let fits = match &said {
                    Some(said) => here == Some(&**said),
                    None => here.is_some(),
                };
                if fits {
                    return Some(range);
                }
            }
        }
        let said = said?;
        if self.searched > MOST_SEARCHED {
            return None;
        }
        self.searched += self.text.len();
        let start = self.text.find(&*said)?;
        Some(start..start + said.len())
    }

    /// The characters before a byte.
    fn characters(&self, byte: usize) -> u64 {
        let step = byte / STEP;
        let before = self.counts.get(step).copied().unwrap_or(0);
        let rest = self.text.as_bytes().get(step * STEP..byte);
        before + starts(rest.unwrap_or_default())
    }
}

fn title(title: Option<crate::format::raw::RawStr<'_>>) -> String {
    title.map_or("\"\"", |title| title.json()).to_owned()
}

fn index(count: Option<u64>) -> Option<usize> {
    usize::try_from(count?).ok()
}

/// How many characters begin in these bytes.
fn starts(utf8: &[u8]) -> u64 {
    let starts = utf8.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    u64::try_from(starts).unwrap_or(u64::MAX)
}
