//! Calls of the client's tools.

use std::borrow::Cow;

use super::super::state::State;
use crate::convert::chat_answer::call::Call;
use crate::format::messages::Block;

/// The call in a `tool_use` block, the `ord`th of its message.
pub(crate) fn call(block: &Block<'_>, ord: u64, state: &State) -> Call {
    let id = match block.id.non_empty() {
        Some(id) => id.json().to_owned(),
        None => format!("\"call_{ord}\""),
    };
    let name = block
        .name
        .get()
        .map_or(Cow::Borrowed(""), |name| name.decode());
    Call {
        id,
        name: state.tools.original(&name).to_owned(),
        custom: state.tools.is_custom(&name),
    }
}
