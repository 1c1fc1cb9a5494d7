//! The events of a Messages stream.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Count, Text};

/// An event of any type: the members that the types known here have.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    /// The block that a `content_block_*` event is about.
    pub(crate) index: Count,
    #[serde(borrow)]
    pub(crate) delta: Option<Delta<'a>>,
    /// `content_block_start`: the block, see [`super::Block`].
    #[serde(borrow)]
    pub(crate) content_block: Option<&'a RawValue>,
    /// `message_start`: the message so far, see [`super::Answer`].
    #[serde(borrow)]
    pub(crate) message: Option<&'a RawValue>,
    /// `message_delta`: see [`super::Counts::update`].
    #[serde(borrow)]
    pub(crate) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// The `delta` of a `content_block_delta` or a `message_delta`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Delta<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    #[serde(borrow)]
    pub(crate) thinking: Text<'a>,
    #[serde(borrow)]
    pub(crate) signature: Text<'a>,
    #[serde(borrow)]
    pub(crate) partial_json: Text<'a>,
    #[serde(borrow)]
    pub(crate) citation: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) stop_reason: Text<'a>,
    #[serde(borrow)]
    pub(crate) stop_details: Option<&'a RawValue>,
}

/// Only the type, for events whose other members are not as the known types have them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
}

impl<'a> Event<'a> {
    /// Reads an event; `None` when the data is no JSON object, or is of a known type but not of its shape.
    pub(crate) fn read(data: &'a [u8]) -> Option<Self> {
        if data.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        // Text is read faster than bytes, each string of which would have to prove that it is text.
        let event = match std::str::from_utf8(data) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(data),
        };
        if let Ok(event) = event {
            return Some(event);
        }
        let Kind { kind } = serde_json::from_slice(data).ok()?;
        let unknown = match &*kind.get()?.decode() {
            "message_start"
            | "message_delta"
            | "message_stop"
            | "content_block_start"
            | "content_block_delta"
            | "content_block_stop"
            | "error" => return None,
            _ => kind,
        };
        Some(Self {
            kind: unknown,
            ..Self::default()
        })
    }

    /// The event's type: what its data say, else its `name`, which some compatible servers send alone. An error without any
    /// type is one all the same.
    pub(crate) fn kind<'b>(&self, name: &'b str) -> Cow<'b, str>
    where
        'a: 'b,
    {
        match self.kind.get() {
            Some(kind) => kind.decode(),
            None if name.is_empty() && self.error.is_some() => Cow::Borrowed("error"),
            None => Cow::Borrowed(name),
        }
    }
}
