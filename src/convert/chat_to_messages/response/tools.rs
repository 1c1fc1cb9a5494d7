//! Tool calls in OpenAI's words.

use std::borrow::Cow;

use bytes::BytesMut;
use serde::Deserialize;

use super::super::state::State;
use crate::codec::write::{self, Object};
use crate::format::messages::{Block, Text};

/// A call of one of the client's tools.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// A JSON string.
    pub(crate) id: String,
    /// The client's name of the tool.
    pub(crate) name: String,
    /// A freeform tool, which went to the provider as a function with one `input` string.
    pub(crate) custom: bool,
}

impl Call {
    /// The call in a `tool_use` block, the `ord`th of its message.
    pub(crate) fn new(block: &Block<'_>, ord: u64, state: &State) -> Self {
        let id = match block.id.non_empty() {
            Some(id) => id.json().to_owned(),
            None => format!("\"call_{ord}\""),
        };
        let name = block
            .name
            .get()
            .map_or(Cow::Borrowed(""), |name| name.decode());
        Self {
            id,
            name: state.tools.original(&name).to_owned(),
            custom: state.tools.is_custom(&name),
        }
    }

    /// Writes the members of an element of `tool_calls`, with the whole input (JSON text).
    pub(crate) fn write(&self, element: &mut Object<'_>, input: &str) {
        element.raw("id", &self.id);
        if self.custom {
            element.string("type", "custom");
            let mut custom = element.object("custom");
            custom.string("name", &self.name);
            write_custom_input(custom.key("input"), input);
            custom.end();
        } else {
            element.string("type", "function");
            self.write_function(element.key("function"), input);
        }
    }

    /// Writes a `function` or `function_call` object.
    pub(crate) fn write_function(&self, out: &mut BytesMut, input: &str) {
        let mut function = Object::begin(out);
        function
            .string("name", &self.name)
            .string("arguments", input);
        function.end();
    }
}

/// Takes a freeform tool's input out of the object that it was wrapped in; what is no such object (cut by the output limit,
/// say) goes to the client as the JSON text that the model wrote.
fn write_custom_input(out: &mut BytesMut, json: &str) {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Wrapper<'a> {
        #[serde(borrow)]
        input: Text<'a>,
    }
    let wrapper: Wrapper<'_> = serde_json::from_str(json).unwrap_or_default();
    match wrapper.input.get() {
        Some(input) => out.extend_from_slice(input.json().as_bytes()),
        None => write::string(out, json),
    }
}
