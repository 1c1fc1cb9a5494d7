//! Who speaks in a Chat message.

use super::path;
use crate::convert::report::Refusal;
use crate::format::chat::request::Message;

/// Who speaks in a Chat message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) enum Role {
    /// `system` or `developer`.
    System,
    User,
    Assistant,
    Tool,
    /// The deprecated way to answer a `function_call`.
    Function,
}

/// The roles of all messages.
pub(in crate::convert) fn roles(messages: &[Message<'_>]) -> Result<Vec<Role>, Refusal> {
    let mut roles = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let Some(role) = message.role else {
            return Err(path::missing(path::message(index, "role")));
        };
        roles.push(match &*role.decode() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            "function" => Role::Function,
            _ => {
                return Err(Refusal::invalid(
                    path::message(index, "role"),
                    "there is no such role",
                ));
            }
        });
    }
    Ok(roles)
}
