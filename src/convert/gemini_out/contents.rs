//! `contents`: the conversation.

use bytes::{BufMut, BytesMut};

use crate::codec::write::{self, Object};
use crate::format::raw::RawStr;

/// What a content holds: parts of different kinds never share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// What the user says.
    User,
    /// What the model said.
    Model,
    /// The results of the model's calls, in the role of the user: Gemini 3 refuses them beside anything else.
    Results,
}

impl Section {
    fn role(self) -> &'static str {
        match self {
            Self::User | Self::Results => "user",
            Self::Model => "model",
        }
    }
}

/// A call of a function in the history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// Sent to models that know ids of calls.
    pub(crate) id: Option<&'a str>,
    pub(crate) name: &'a str,
    /// The inside of a JSON string.
    pub(crate) signature: Option<&'a str>,
}

/// Writes the list of contents. Parts are written as they come: neighbours of one section merge, and a content is opened by
/// its first part, so that none is empty.
#[derive(Debug)]
pub(crate) struct Contents<'o> {
    out: &'o mut BytesMut,
    open: Option<Section>,
    first: Option<Section>,
}

impl<'o> Contents<'o> {
    /// Begins the list.
    pub(crate) fn begin(out: &'o mut BytesMut) -> Self {
        out.put_u8(b'[');
        Self {
            out,
            open: None,
            first: None,
        }
    }

    /// Begins a part, and hands out the buffer for it.
    pub(crate) fn element(&mut self, section: Section) -> &mut BytesMut {
        if self.open == Some(section) {
            self.out.put_u8(b',');
            return self.out;
        }
        if self.open.is_some() {
            self.out.extend_from_slice(b"]},");
        }
        self.out.extend_from_slice(b"{\"role\":\"");
        self.out.extend_from_slice(section.role().as_bytes());
        self.out.extend_from_slice(b"\",\"parts\":[");
        self.open = Some(section);
        self.first.get_or_insert(section);
        self.out
    }

    /// Begins a part that is an object.
    pub(crate) fn part(&mut self, section: Section) -> Object<'_> {
        Object::begin(self.element(section))
    }

    /// A text with its signature (the inside of a JSON string), where it has one. An empty text without a signature is left
    /// out: Google refuses it.
    pub(crate) fn text(&mut self, section: Section, text: RawStr<'_>, signature: Option<&str>) {
        if text.is_empty() && signature.is_none() {
            return;
        }
        let mut part = self.part(section);
        part.raw("text", text.json());
        write_signature(&mut part, signature);
        part.end();
    }

    /// A call of the model's; `args` writes the object of arguments.
    pub(crate) fn call(&mut self, call: Call<'_>, args: impl FnOnce(&mut BytesMut)) {
        let mut part = self.part(Section::Model);
        let mut function = part.object("functionCall");
        if let Some(id) = call.id {
            function.string("id", id);
        }
        function.string("name", call.name);
        args(function.key("args"));
        function.end();
        write_signature(&mut part, call.signature);
        part.end();
    }

    /// A call's result; `response` writes the members `response` and, for media, `parts`.
    pub(crate) fn result(
        &mut self,
        id: Option<&str>,
        name: &str,
        response: impl FnOnce(&mut Object<'_>),
    ) {
        let mut part = self.part(Section::Results);
        let mut function = part.object("functionResponse");
        if let Some(id) = id {
            function.string("id", id);
        }
        function.string("name", name);
        response(&mut function);
        function.end();
        part.end();
    }

    /// Parts of the model's as they came from it, the elements of a JSON array.
    pub(crate) fn replay<'p>(&mut self, parts: impl Iterator<Item = &'p str>) {
        for part in parts {
            self.element(Section::Model)
                .extend_from_slice(part.as_bytes());
        }
    }

    /// Ends the list; returns what its first content holds, or nothing where there is none.
    pub(crate) fn end(self) -> Option<Section> {
        if self.open.is_some() {
            self.out.extend_from_slice(b"]}");
        }
        self.out.put_u8(b']');
        self.first
    }
}

fn write_signature(part: &mut Object<'_>, signature: Option<&str>) {
    if let Some(signature) = signature {
        let out = part.key("thoughtSignature");
        out.put_u8(b'"');
        out.extend_from_slice(signature.as_bytes());
        out.put_u8(b'"');
    }
}

/// Writes a text that is no JSON string yet as a part.
impl Contents<'_> {
    pub(crate) fn plain_text(&mut self, section: Section, text: &str) {
        let mut part = self.part(section);
        write::string(part.key("text"), text);
        part.end();
    }
}
