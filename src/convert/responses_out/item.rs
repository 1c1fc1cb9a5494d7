//! Output items, as they grow.
//!
//! Strings that only travel are raw JSON text: `…_json` with its quotes, the others without.

use bytes::{BufMut, BytesMut};

use crate::codec::write::Object;

/// How an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemStatus {
    Completed,
    /// Cut off.
    Incomplete,
    /// Of hosted calls: the tool reported an error.
    Failed,
}

impl ItemStatus {
    fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
        }
    }
}

/// A call of one of the client's tools.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub(crate) call_id_json: String,
    pub(crate) name_json: String,
    /// The namespace that the tool belongs to.
    pub(crate) namespace_json: Option<String>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Message { parts: Vec<Part> },
    Reasoning(Reasoning),
    Function { call: Call, arguments: String },
    Custom { call: Call, input: String },
    WebSearch { action_json: String },
}

#[derive(Debug, Default)]
pub(super) struct Reasoning {
    pub(super) summary: Option<String>,
    /// The model's own words, where the provider shows these instead of a summary.
    pub(super) content: Option<String>,
    pub(super) encrypted_content: Option<String>,
}

/// A content part of a message.
#[derive(Debug)]
pub(super) enum Part {
    Text {
        text: String,
        /// The elements of the array, with commas between them.
        annotations: BytesMut,
        count: u64,
    },
    Refusal {
        text: String,
    },
}

/// An item with its place in `output`.
#[derive(Debug)]
pub(super) struct Item {
    /// The whole id.
    pub(super) id: String,
    pub(super) kind: Kind,
    /// `None` while it grows.
    pub(super) status: Option<ItemStatus>,
    /// Whether the last part, or the text of a reasoning item, is still open.
    pub(super) part_open: bool,
}

impl Kind {
    /// What the ids of such items begin with.
    pub(super) fn prefix(&self) -> &'static str {
        match self {
            Self::Message { .. } => "msg_",
            Self::Reasoning(_) => "rs_",
            Self::Function { .. } => "fc_",
            Self::Custom { .. } => "ctc_",
            Self::WebSearch { .. } => "ws_",
        }
    }
}

impl Item {
    /// Writes the item; one that still grows as `growing` says.
    ///
    /// `custom_status`: whether freeform calls carry a status that says nothing (OpenAI's type has none).
    pub(super) fn write(&self, growing: Growing, custom_status: bool, out: &mut BytesMut) {
        let status = match (self.status, growing) {
            (Some(status), _) => status.word(),
            (None, Growing::InProgress) => "in_progress",
            (None, Growing::Cut) => ItemStatus::Incomplete.word(),
        };
        let mut object = Object::begin(out);
        content(&mut object, "id", &self.id);
        match &self.kind {
            Kind::Message { parts } => {
                object
                    .string("type", "message")
                    .string("role", "assistant")
                    .string("status", status);
                let mut array = object.array("content");
                for part in parts {
                    part.write(array.element());
                }
                array.end();
            }
            Kind::Reasoning(reasoning) => {
                object.string("type", "reasoning");
                let mut array = object.array("summary");
                if let Some(text) = &reasoning.summary {
                    write_typed(array.element(), "summary_text", text);
                }
                array.end();
                if let Some(text) = &reasoning.content {
                    let mut array = object.array("content");
                    write_typed(array.element(), "reasoning_text", text);
                    array.end();
                }
                if let Some(encrypted) = &reasoning.encrypted_content {
                    content(&mut object, "encrypted_content", encrypted);
                }
                object.string("status", status);
            }
            Kind::Function { call, arguments } => {
                object.string("type", "function_call");
                call.write(&mut object);
                content(&mut object, "arguments", arguments);
                object.string("status", status);
            }
            Kind::Custom { call, input } => {
                object.string("type", "custom_tool_call");
                call.write(&mut object);
                content(&mut object, "input", input);
                if custom_status || status == "incomplete" {
                    object.string("status", status);
                }
            }
            Kind::WebSearch { action_json } => {
                object
                    .string("type", "web_search_call")
                    .string("status", status)
                    .raw("action", action_json);
            }
        }
        object.end();
    }

    /// The bytes that the item holds.
    pub(super) fn size(&self) -> usize {
        self.id.len()
            + match &self.kind {
                Kind::Message { parts } => parts.iter().map(Part::size).sum(),
                Kind::Reasoning(reasoning) => [
                    &reasoning.summary,
                    &reasoning.content,
                    &reasoning.encrypted_content,
                ]
                .into_iter()
                .flatten()
                .map(String::len)
                .sum(),
                Kind::Function {
                    call,
                    arguments: text,
                }
                | Kind::Custom { call, input: text } => call.size() + text.len(),
                Kind::WebSearch { action_json } => action_json.len(),
            }
    }
}

/// What an item without a status is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Growing {
    InProgress,
    /// The stream failed while it grew.
    Cut,
}

impl Call {
    fn write(&self, object: &mut Object<'_>) {
        object
            .raw("call_id", &self.call_id_json)
            .raw("name", &self.name_json);
        if let Some(namespace) = &self.namespace_json {
            object.raw("namespace", namespace);
        }
    }

    fn size(&self) -> usize {
        self.call_id_json.len()
            + self.name_json.len()
            + self.namespace_json.as_ref().map_or(0, String::len)
    }
}

impl Part {
    pub(super) fn text() -> Self {
        Self::Text {
            text: String::new(),
            annotations: BytesMut::new(),
            count: 0,
        }
    }

    pub(super) fn refusal() -> Self {
        Self::Refusal {
            text: String::new(),
        }
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Text {
                text, annotations, ..
            } => {
                let mut object = Object::begin(out);
                object.string("type", "output_text");
                content(&mut object, "text", text);
                let list = object.key("annotations");
                list.put_u8(b'[');
                list.extend_from_slice(annotations);
                list.put_u8(b']');
                object.raw("logprobs", "[]");
                object.end();
            }
            Self::Refusal { text } => {
                let mut object = Object::begin(out);
                object.string("type", "refusal");
                content(&mut object, "refusal", text);
                object.end();
            }
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Text {
                text, annotations, ..
            } => text.len() + annotations.len(),
            Self::Refusal { text } => text.len(),
        }
    }
}

/// Writes a part that has nothing but a type and a text.
pub(super) fn write_typed(out: &mut BytesMut, kind: &str, text: &str) {
    let mut object = Object::begin(out);
    object.string("type", kind);
    content(&mut object, "text", text);
    object.end();
}

/// A member whose value is a string, given as raw JSON text without quotes.
pub(super) fn content(object: &mut Object<'_>, key: &str, content: &str) {
    let out = object.key(key);
    out.put_u8(b'"');
    out.extend_from_slice(content.as_bytes());
    out.put_u8(b'"');
}
