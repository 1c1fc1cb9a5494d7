//! What the answer's conversion needs to know of the request.

use std::collections::HashMap;

use crate::convert::chat_in::Origin;
use crate::convert::responses_out::Echo;

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) origin: Origin,
    /// What the response repeats of the request.
    pub(crate) echo: Echo,
    pub(crate) tools: Tools,
    /// The client wants to see the pages behind a search.
    pub(crate) include_sources: bool,
}

/// The tools whose name or kind differs between client and provider, by the name that the provider knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tools(HashMap<String, Tool>);

/// One of the client's tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    /// A freeform tool, which went to the provider as a function with one `input`.
    pub(crate) custom: bool,
}

impl Tools {
    /// Notes a tool; false if the name is taken.
    pub(crate) fn insert(&mut self, sent: String, tool: Tool) -> bool {
        self.0.insert(sent, tool).is_none()
    }

    /// The tool that the provider calls `sent`.
    pub(crate) fn get(&self, sent: &str) -> Option<&Tool> {
        self.0.get(sent)
    }

    /// The name that the provider knows for one of the client's tools, if there is such a tool.
    pub(crate) fn sent(&self, namespace: Option<&str>, name: &str) -> Option<&str> {
        let flat = flat_name(namespace, name);
        self.0.get_key_value(&*flat).map(|(sent, _)| sent.as_str())
    }
}

/// The longest name that Chat takes.
const MAX_NAME: usize = 64;

/// The name under which the provider knows the tool: `[A-Za-z0-9_-]{1,64}`, the same for the same tool in every request.
pub(crate) fn flat_name<'a>(namespace: Option<&str>, name: &'a str) -> std::borrow::Cow<'a, str> {
    let is_valid = |name: &str| {
        (1..=MAX_NAME).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    if namespace.is_none() && is_valid(name) {
        return name.into();
    }
    let whole = match namespace {
        Some(namespace) => format!("{namespace}__{name}"),
        None => name.to_owned(),
    };
    let clean = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let mut flat: String = whole.chars().map(clean).collect();
    if flat.len() > MAX_NAME {
        // Long names differ at their ends as often as at their beginnings.
        flat.truncate(MAX_NAME - 9);
        flat.push_str(&format!("_{:08x}", hash(&whole)));
    }
    if flat.is_empty() {
        flat.push('_');
    }
    flat.into()
}

/// FNV-1a: the same everywhere, which no hash of the standard library promises.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "n".repeat(70);
        for (namespace, name, expected) in [
            (None, "f-1_B", "f-1_B"),
            (None, "a.b", "a_b"),
            (None, "", "_"),
            (Some("crm"), "find", "crm__find"),
            (Some("é"), "x/y", "___x_y"),
        ] {
            assert_eq!(flat_name(namespace, name), expected);
        }
        let flat = flat_name(Some("ns"), &long);
        assert_eq!(flat.len(), 64);
        assert_ne!(flat, flat_name(Some("ns"), &"n".repeat(71)));
        assert_eq!(flat, flat_name(Some("ns"), &long));
    }
}
