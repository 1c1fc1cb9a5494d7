//! Annotations of web pages as citations.

use bytes::BytesMut;

use crate::codec::write;
use crate::convert::messages_out::blocks::Citations;
use crate::format::raw::RawStr;
use crate::format::responses::{Annotation, Part};

/// The citations of a whole text.
pub(crate) fn of_part(part: &Part<'_>, text: RawStr<'_>) -> Citations {
    let mut citations = Citations::default();
    let annotations = Annotation::list(part.annotations);
    if annotations.is_empty() {
        return citations;
    }
    let text = Excerpts::new(text.decode().into_owned());
    for annotation in &annotations {
        if let Some((url, title)) = page(annotation) {
            citations.page(url.json(), title, &text.cited(annotation));
        }
    }
    citations
}

/// URL and title (a JSON string) of the page, where the annotation names one.
pub(crate) fn page<'a>(annotation: &Annotation<'a>) -> Option<(RawStr<'a>, &'a str)> {
    let kind = annotation.kind.get()?;
    let url = annotation.url.non_empty()?;
    let title = annotation.title.get().map_or("\"\"", RawStr::json);
    kind.is("url_citation").then_some((url, title))
}

/// A text that is cited from by character.
#[derive(Debug)]
pub(crate) struct Excerpts {
    text: String,
    /// Where each character begins, unless each is one byte.
    starts: Option<Vec<usize>>,
}

impl Excerpts {
    pub(crate) fn new(text: String) -> Self {
        let starts =
            (!text.is_ascii()).then(|| text.char_indices().map(|(start, _)| start).collect());
        Self { text, starts }
    }

    /// The characters that the annotation is about, as raw JSON text without quotes.
    pub(crate) fn cited(&self, annotation: &Annotation<'_>) -> String {
        let range = annotation.start_index.get().zip(annotation.end_index.get());
        range.map_or_else(String::new, |(start, end)| self.between(start, end))
    }

    /// The characters from `start` to `end`, as raw JSON text without quotes.
    pub(crate) fn between(&self, start: u64, end: u64) -> String {
        let cited = self.text.get(self.offset(start)..self.offset(end));
        let mut content = BytesMut::new();
        write::string_content(&mut content, cited.unwrap_or_default());
        String::from_utf8_lossy(&content).into_owned()
    }

    /// Where the character begins; the end for what lies behind it.
    fn offset(&self, character: u64) -> usize {
        let length = self.text.len();
        let at = usize::try_from(character).unwrap_or(usize::MAX);
        match &self.starts {
            Some(starts) => starts.get(at).copied().unwrap_or(length),
            None => at.min(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_count_characters() {
        for (text, start, end, cited) in [
            ("It is 1.99.", 6, 10, "1.99"),
            ("é😀a\"b", 1, 4, "😀a\\\""),
            ("é😀", 1, 99, "😀"),
            ("ab", 0, 99, "ab"),
            ("ab", 2, 1, ""),
            ("ab", 7, 9, ""),
        ] {
            let json = format!("{{\"start_index\":{start},\"end_index\":{end}}}");
            let annotation: Annotation<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!(Excerpts::new(text.to_owned()).cited(&annotation), cited);
        }
        let without = Annotation::default();
        assert_eq!(Excerpts::new("ab".to_owned()).cited(&without), "");
    }
}
