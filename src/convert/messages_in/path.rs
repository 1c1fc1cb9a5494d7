//! Paths of the client's fields, and refusals that name them.

use std::fmt::Display;

use crate::convert::report::Refusal;

/// Where a block stands: `messages[2].content[0]`, or inside a tool's result `messages[2].content[0].content[1]`.
#[derive(Debug, Clone, Copy)]
pub(in crate::convert) struct At {
    pub(in crate::convert) message: usize,
    /// `None` where the content is a string.
    block: Option<usize>,
    /// The index in the content of the block, or of its source.
    inner: Option<usize>,
}

impl At {
    /// A whole message.
    pub(in crate::convert) fn message(message: usize) -> Self {
        Self {
            message,
            block: None,
            inner: None,
        }
    }

    /// A block of the message.
    pub(in crate::convert) fn block(self, index: usize) -> Self {
        Self {
            block: Some(index),
            ..self
        }
    }

    /// A block inside the block.
    pub(in crate::convert) fn inner(self, index: usize) -> Self {
        Self {
            inner: Some(index),
            ..self
        }
    }

    /// The path.
    pub(in crate::convert) fn path(self) -> String {
        let mut path = format!("messages[{}]", self.message);
        for index in [self.block, self.inner].into_iter().flatten() {
            path.push_str(&format!(".content[{index}]"));
        }
        path
    }

    /// The path of a `member` of it.
    pub(in crate::convert) fn member(self, member: &str) -> String {
        format!("{}.{member}", self.path())
    }
}

/// The member at `path` is required: Anthropic's words.
pub(in crate::convert) fn missing(path: impl Into<String>) -> Refusal {
    let path = path.into();
    let message = format!("{path}: Field required");
    Refusal::invalid(path, message)
}

/// The target has no way to express what is at `path`.
pub(in crate::convert) fn unsupported(
    path: impl Into<String>,
    provider: impl Display,
    what: &str,
) -> Refusal {
    let path = path.into();
    let message = format!("{path}: {what} cannot be sent to {provider}");
    Refusal::unsupported(path, message)
}
