//! Tool calls in OpenAI's words.

use bytes::BytesMut;
use serde::Deserialize;

use crate::codec::write::{self, Object};
use crate::format::messages::Text;

/// A call of one of the client's tools.
#[derive(Debug, Clone)]
pub(in crate::convert) struct Call {
    /// A JSON string.
    pub(in crate::convert) id: String,
    /// The client's name of the tool.
    pub(in crate::convert) name: String,
    /// A freeform tool, which went to the provider as a function with one `input` string.
    pub(in crate::convert) custom: bool,
}

impl Call {
    /// Writes the members of an element of `tool_calls`, with the whole input (JSON text).
    pub(in crate::convert) fn write(&self, element: &mut Object<'_>, input: &str) {
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
    pub(in crate::convert) fn write_function(&self, out: &mut BytesMut, input: &str) {
        let mut function = Object::begin(out);
        function
            .string("name", &self.name)
            .string("arguments", input);
        function.end();
    }
}

/// Takes a freeform tool's input out of the object that it was wrapped in; what is no such object (cut by the output limit,
/// say) goes to the client as the JSON text that the model wrote.
pub(in crate::convert) fn write_custom_input(out: &mut BytesMut, json: &str) {
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
