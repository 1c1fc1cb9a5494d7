//! The events of a Responses stream.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::messages::{Count, Text};

/// An event of any type: the members that the types known here have.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    /// Of a life-cycle event: see [`super::Answer`].
    #[serde(borrow)]
    pub(crate) response: Option<&'a RawValue>,
    /// Of `response.output_item.*`: see [`super::Item`].
    #[serde(borrow)]
    pub(crate) item: Option<&'a RawValue>,
    /// Of `response.*_part.*`: see [`super::Part`].
    #[serde(borrow)]
    pub(crate) part: Option<&'a RawValue>,
    pub(crate) output_index: Count,
    pub(crate) content_index: Count,
    pub(crate) summary_index: Count,
    #[serde(borrow)]
    pub(crate) delta: Text<'a>,
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    pub(crate) refusal: Text<'a>,
    #[serde(borrow)]
    pub(crate) arguments: Text<'a>,
    #[serde(borrow)]
    pub(crate) input: Text<'a>,
    /// Of `response.output_text.annotation.added`: see [`super::Annotation`].
    #[serde(borrow)]
    pub(crate) annotation: Option<&'a RawValue>,
    /// Of an error as the Chat API spells it.
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

impl<'a> Event<'a> {
    /// Reads an event; `None` when the data is no JSON object.
    pub(crate) fn read(data: &'a [u8]) -> Option<Self> {
        if data.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        serde_json::from_slice(data).ok()
    }

    /// The event's type: what its data say, else its `name`. An error without any type is one all the same.
    pub(crate) fn kind<'b>(&self, name: &'b str) -> Cow<'b, str>
    where
        'a: 'b,
    {
        match self.kind.get() {
            Some(kind) => kind.decode(),
            None if self.error.is_some() => Cow::Borrowed("error"),
            None => Cow::Borrowed(name),
        }
    }
}
