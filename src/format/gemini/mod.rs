//! Borrowed views of what Google's `generateContent` and `streamGenerateContent` answer: whole answers and the chunks of
//! streams have the same shape.
//!
//! The views are lenient: a member that is absent, `null` or of another type than the format's reads as absent, so that a newer
//! server never fails an answer. Source: the `GenerateContentResponse` type of Google's SDKs and API reference.

mod answer;
mod grounding;

pub(crate) use answer::{
    Answer, Blob, Candidate, Code, CodeResult, LogProb, LogProbs, ModalityCount, Part,
    UsageMetadata,
};
pub(crate) use grounding::{CitationMetadata, GroundingMetadata, Page, Segment};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::view::object_in;
use super::walk;

/// The elements of the list that `raw` holds that are such objects.
fn objects<'a, T: Deserialize<'a> + 'a>(
    raw: Option<&'a RawValue>,
) -> impl Iterator<Item = T> + use<'a, T> {
    walk::elements(raw.map(RawValue::get).unwrap_or_default()).filter_map(object_in)
}
