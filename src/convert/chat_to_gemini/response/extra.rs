//! `extra_content.google`: what Chat has no place for, under the names that Google's OpenAI-compatible endpoint would use.

use bytes::BufMut;

use crate::codec::write::Object;
use crate::convert::compact::compact;
use crate::convert::gemini_in::Progress;

/// Writes the member, where there is anything to say.
pub(in super::super) fn write(message: &mut Object<'_>, progress: &Progress) {
    if !has(progress) {
        return;
    }
    let mut extra = message.object("extra_content");
    let mut google = extra.object("google");
    if let Some(signature) = progress.signature() {
        let out = google.key("thought_signature");
        out.put_u8(b'"');
        out.put_slice(signature.as_bytes());
        out.put_u8(b'"');
    }
    for (name, json) in [
        // It holds what Google's terms want shown beside the answer.
        ("grounding_metadata", progress.grounding()),
        ("url_context_metadata", progress.url_context()),
        ("citation_metadata", progress.citation_metadata()),
        ("safety_ratings", progress.safety()),
    ] {
        if let Some(json) = json {
            compact(google.key(name), json);
        }
    }
    if let Some(reason) = progress.reason() {
        google.string("finish_reason", reason);
    }
    if let Some(parts) = progress.replay() {
        let out = google.key("parts");
        out.put_u8(b'[');
        out.put_slice(parts);
        out.put_u8(b']');
    }
    google.end();
    extra.end();
}

/// Whether there is anything to say.
pub(in super::super) fn has(progress: &Progress) -> bool {
    let texts = [
        progress.signature(),
        progress.grounding(),
        progress.url_context(),
        progress.citation_metadata(),
        progress.safety(),
        progress.reason(),
    ];
    texts.iter().any(Option::is_some) || progress.replay().is_some()
}
