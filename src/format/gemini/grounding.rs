//! What an answer was made from: pages, and which piece of the text each of them supports.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::objects;
use crate::format::messages::{Count, Text};
use crate::format::raw::RawStr;
use crate::format::view::object_in;
use crate::format::walk;

/// `GroundingMetadata`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct GroundingMetadata<'a> {
    #[serde(borrow)]
    web_search_queries: Option<&'a RawValue>,
    #[serde(borrow)]
    grounding_chunks: Option<&'a RawValue>,
    #[serde(borrow)]
    grounding_supports: Option<&'a RawValue>,
}

impl<'a> GroundingMetadata<'a> {
    /// The metadata in `json`.
    pub(crate) fn read(json: &'a str) -> Self {
        object_in(json).unwrap_or_default()
    }

    /// The searches that were run.
    pub(crate) fn queries(&self) -> impl Iterator<Item = RawStr<'a>> + use<'a> {
        let list = self.web_search_queries.map(RawValue::get);
        walk::elements(list.unwrap_or_default()).filter_map(RawStr::from_json)
    }

    /// The sources, in the order that [`Support::sources`] counts; some have no address.
    pub(crate) fn pages(&self) -> impl Iterator<Item = Page<'a>> + use<'a> {
        let list = self.grounding_chunks.map(RawValue::get);
        walk::elements(list.unwrap_or_default()).map(|chunk| Page::read(chunk).unwrap_or_default())
    }

    /// Which piece of the text is supported by which sources.
    pub(crate) fn supports(&self) -> impl Iterator<Item = Support<'a>> + use<'a> {
        objects(self.grounding_supports)
    }
}

/// A source.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Page<'a> {
    #[serde(borrow)]
    pub(crate) uri: Text<'a>,
    #[serde(borrow)]
    pub(crate) title: Text<'a>,
}

impl<'a> Page<'a> {
    fn read(chunk: &'a str) -> Option<Self> {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Chunk<'a> {
            #[serde(borrow)]
            web: Option<&'a RawValue>,
            #[serde(borrow)]
            maps: Option<&'a RawValue>,
            #[serde(borrow)]
            retrieved_context: Option<&'a RawValue>,
        }
        let chunk: Chunk<'a> = object_in(chunk)?;
        let source = chunk.web.or(chunk.maps).or(chunk.retrieved_context)?;
        object_in(source.get())
    }
}

/// A piece of the text and its sources.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Support<'a> {
    #[serde(borrow)]
    segment: Option<&'a RawValue>,
    #[serde(borrow)]
    grounding_chunk_indices: Option<&'a RawValue>,
}

impl<'a> Support<'a> {
    pub(crate) fn segment(&self) -> Segment<'a> {
        self.segment
            .and_then(|segment| object_in(segment.get()))
            .unwrap_or_default()
    }

    /// Places in the list of sources.
    pub(crate) fn sources(&self) -> impl Iterator<Item = usize> + use<'a> {
        let list = self.grounding_chunk_indices.map(RawValue::get);
        walk::elements(list.unwrap_or_default()).filter_map(|index| index.parse().ok())
    }
}

/// A piece of the text, from byte to byte of its part in UTF-8; what is 0 is left out.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Segment<'a> {
    pub(crate) part_index: Count,
    pub(crate) start_index: Count,
    pub(crate) end_index: Count,
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
}

/// `CitationMetadata`: texts that the model recited.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CitationMetadata<'a> {
    /// The name in Google's SDKs.
    #[serde(borrow)]
    citations: Option<&'a RawValue>,
    /// The name on the wire.
    #[serde(borrow)]
    citation_sources: Option<&'a RawValue>,
}

impl<'a> CitationMetadata<'a> {
    /// The citations in `json`.
    pub(crate) fn read(json: &'a str) -> impl Iterator<Item = Citation<'a>> + use<'a> {
        let metadata: Self = object_in(json).unwrap_or_default();
        objects(metadata.citations.or(metadata.citation_sources))
    }
}

/// A recited piece, from byte to byte of the whole text in UTF-8.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Citation<'a> {
    pub(crate) start_index: Count,
    pub(crate) end_index: Count,
    #[serde(borrow)]
    pub(crate) uri: Text<'a>,
    #[serde(borrow)]
    pub(crate) title: Text<'a>,
}
