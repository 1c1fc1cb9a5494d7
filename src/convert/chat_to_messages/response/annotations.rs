//! Citations of web pages as OpenAI's `url_citation` annotations.

use bytes::{BufMut, BytesMut};

use crate::codec::write::Object;
use crate::format::messages::Citation;
use crate::format::raw::RawStr;

/// The annotations of one message, as JSON text.
#[derive(Debug, Default)]
pub(crate) struct Annotations {
    /// The elements of the array, with commas between them.
    elements: BytesMut,
}

impl Annotations {
    /// Adds a citation of the text from `start` to `end`, in Unicode scalar values; what cites no web page has no form in
    /// Chat and is left out.
    pub(crate) fn push(&mut self, citation: Citation<'_>, start: u64, end: u64) {
        if let Some((url, title)) = citation.page() {
            self.push_page(url.json(), title.map_or("\"\"", RawStr::json), start, end);
        }
    }

    /// The same, of the JSON strings for URL and title.
    pub(crate) fn push_page(&mut self, url: &str, title: &str, start: u64, end: u64) {
        if !self.elements.is_empty() {
            self.elements.put_u8(b',');
        }
        let mut annotation = Object::begin(&mut self.elements);
        annotation.string("type", "url_citation");
        let mut page = annotation.object("url_citation");
        page.raw("url", url)
            .raw("title", title)
            .uint("start_index", start)
            .uint("end_index", end);
        page.end();
        annotation.end();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// How much memory they take.
    pub(crate) fn size(&self) -> usize {
        self.elements.len()
    }

    /// Forgets those that were added after they had this size.
    pub(crate) fn truncate(&mut self, size: usize) {
        self.elements.truncate(size);
    }

    /// Writes them as a JSON array.
    pub(crate) fn write(&self, out: &mut BytesMut) {
        out.put_u8(b'[');
        out.extend_from_slice(&self.elements);
        out.put_u8(b']');
    }
}

/// The number of Unicode scalar values that a JSON string stands for; a lone surrogate counts as one.
pub(crate) fn scalars(text: RawStr<'_>) -> u64 {
    let mut rest = text.content().as_bytes();
    let mut count = 0;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        count += characters(plain) + 1;
        let length = match escape.get(1) {
            Some(b'u') if is_pair(escape) => 12,
            Some(b'u') => 6,
            _ => 2,
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    count + characters(rest)
}

fn characters(utf8: &[u8]) -> u64 {
    let starts = utf8.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    u64::try_from(starts).unwrap_or(u64::MAX)
}

/// Whether `escape` begins with a high surrogate and a low one.
fn is_pair(escape: &[u8]) -> bool {
    let surrogate = |at: usize, third: &[u8]| {
        escape.get(at..at + 4).is_some_and(
            |text| matches!(text, [b'\\', b'u', b'd' | b'D', digit] if third.contains(digit)),
        )
    };
    surrogate(0, b"89abAB") && surrogate(6, b"cdefCDEF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_what_decoding_gives() {
        for json in [
            r#""""#,
            r#""plain""#,
            r#""Es heißt ""#,
            r#""\n\\n\"é😀""#,
            r#""\u00e9\ud83d\ude00x\uD83D\uDE00""#,
            r#""\ud83d""#,
            r#""\ud83dx\ude00\ude00\ud83d\u0041""#,
        ] {
            let text: RawStr<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(
                scalars(text),
                text.decode().chars().count() as u64,
                "{json}"
            );
        }
    }
}
