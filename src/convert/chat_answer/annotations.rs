//! Citations of web pages as OpenAI's `url_citation` annotations.

use bytes::{BufMut, BytesMut};

use crate::codec::write::Object;
use crate::format::messages::Citation;
use crate::format::raw::RawStr;

/// The annotations of one message, as JSON text.
#[derive(Debug, Default)]
pub(in crate::convert) struct Annotations {
    /// The elements of the array, with commas between them.
    elements: BytesMut,
}

impl Annotations {
    /// Adds a citation of the text from `start` to `end`, in Unicode scalar values; what cites no web page has no form in
    /// Chat and is left out.
    pub(in crate::convert) fn push(&mut self, citation: Citation<'_>, start: u64, end: u64) {
        if let Some((url, title)) = citation.page() {
            self.push_page(url.json(), title.map_or("\"\"", RawStr::json), start, end);
        }
    }

    /// The same, of the JSON strings for URL and title.
    pub(in crate::convert) fn push_page(&mut self, url: &str, title: &str, start: u64, end: u64) {
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

    pub(in crate::convert) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// How much memory they take.
    pub(in crate::convert) fn size(&self) -> usize {
        self.elements.len()
    }

    /// Forgets those that were added after they had this size.
    pub(in crate::convert) fn truncate(&mut self, size: usize) {
        self.elements.truncate(size);
    }

    /// Writes them as a JSON array.
    pub(in crate::convert) fn write(&self, out: &mut BytesMut) {
        out.put_u8(b'[');
        out.extend_from_slice(&self.elements);
        out.put_u8(b']');
    }
}
