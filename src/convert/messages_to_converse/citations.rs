//! Citations in Anthropic's words.

use bytes::{BufMut, BytesMut};

use crate::codec::write::Object;
use crate::format::converse::{Citation, Location};
use crate::format::raw::RawStr;

/// Writes a citation; false, and nothing, where it says no place that Messages has a word for.
pub(super) fn write(citation: &Citation<'_>, out: &mut BytesMut) -> bool {
    let title = citation.title.get().map_or("null", RawStr::json);
    let (kind, members) = match citation.location() {
        Some(Location::DocumentChar(span)) => {
            let members = [
                ("document_index", span.index),
                ("start_char_index", span.start),
                ("end_char_index", span.end),
            ];
            ("char_location", members)
        }
        Some(Location::DocumentPage(span)) => {
            let members = [
                ("document_index", span.index),
                ("start_page_number", span.start),
                ("end_page_number", span.end),
            ];
            ("page_location", members)
        }
        Some(Location::DocumentChunk(span)) => {
            let members = [
                ("document_index", span.index),
                ("start_block_index", span.start),
                ("end_block_index", span.end),
            ];
            ("content_block_location", members)
        }
        Some(Location::SearchResult(span)) => {
            let members = [
                ("search_result_index", span.index),
                ("start_block_index", span.start),
                ("end_block_index", span.end),
            ];
            ("search_result_location", members)
        }
        Some(Location::Web { .. }) | None => {
            let Some(url) = citation.url() else {
                return false;
            };
            let mut page = begin(citation, "web_search_result_location", out);
            page.string("encrypted_index", "")
                .raw("title", title)
                .raw("url", url.json());
            page.end();
            return true;
        }
    };
    let mut place = begin(citation, kind, out);
    if kind == "search_result_location" {
        let source = citation.source.get().map_or("\"\"", RawStr::json);
        place.raw("source", source).raw("title", title);
    } else {
        place.raw("document_title", title);
    }
    for (name, value) in members {
        place.uint(name, value);
    }
    place.end();
    true
}

/// Begins a citation with its type and the cited words.
fn begin<'o>(citation: &Citation<'_>, kind: &str, out: &'o mut BytesMut) -> Object<'o> {
    let mut object = Object::begin(out);
    object.string("type", kind);
    let out = object.key("cited_text");
    out.put_u8(b'"');
    for text in citation.cited_texts() {
        out.extend_from_slice(text.content().as_bytes());
    }
    out.put_u8(b'"');
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn written(json: &str) -> Option<String> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let mut out = BytesMut::new();
        let is_written = write(&Citation::read(raw).unwrap(), &mut out);
        assert_eq!(is_written, !out.is_empty());
        is_written.then(|| String::from_utf8(out.to_vec()).unwrap())
    }

    #[test]
    fn every_location() {
        let words =
            r#""title":"T\"","source":"https://s","sourceContent":[{"text":"a"},{"text":"b\n"}]"#;
        for (location, expected) in [
            (
                r#"{"documentChar":{"documentIndex":1,"start":2,"end":3}}"#,
                r#"{"type":"char_location","cited_text":"ab\n","document_title":"T\"","document_index":1,"start_char_index":2,"end_char_index":3}"#,
            ),
            (
                r#"{"documentPage":{"documentIndex":1,"start":2,"end":3}}"#,
                r#"{"type":"page_location","cited_text":"ab\n","document_title":"T\"","document_index":1,"start_page_number":2,"end_page_number":3}"#,
            ),
            (
                r#"{"documentChunk":{"documentIndex":1,"start":2,"end":3}}"#,
                r#"{"type":"content_block_location","cited_text":"ab\n","document_title":"T\"","document_index":1,"start_block_index":2,"end_block_index":3}"#,
            ),
            (
                r#"{"searchResultLocation":{"searchResultIndex":1,"start":2,"end":3}}"#,
                r#"{"type":"search_result_location","cited_text":"ab\n","source":"https://s","title":"T\"","search_result_index":1,"start_block_index":2,"end_block_index":3}"#,
            ),
            (
                r#"{"web":{"url":"https://w","domain":"w"}}"#,
                r#"{"type":"web_search_result_location","cited_text":"ab\n","encrypted_index":"","title":"T\"","url":"https://w"}"#,
            ),
            (
                "null",
                r#"{"type":"web_search_result_location","cited_text":"ab\n","encrypted_index":"","title":"T\"","url":"https://s"}"#,
            ),
        ] {
            let json = format!(r#"{{{words},"location":{location}}}"#);
            assert_eq!(written(&json).as_deref(), Some(expected));
        }
        assert_eq!(
            written(r#"{"location":{"documentChar":{}}}"#).as_deref(),
            Some(
                r#"{"type":"char_location","cited_text":"","document_title":null,"document_index":0,"start_char_index":0,"end_char_index":0}"#
            )
        );
        assert_eq!(written(r#"{"title":"x","source":"s3://b/k"}"#), None);
    }
}
