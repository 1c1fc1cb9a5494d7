//! Thinking that Anthropic signed.

use super::is;
use crate::convert::chat_answer::reasoning::Signed;
use crate::format::messages::Block;

/// The block, if it is signed; its text may be empty. An unsigned one could not be sent back.
pub(crate) fn signed<'a>(block: &Block<'a>) -> Option<Signed<'a>> {
    if is(block, "thinking") {
        let text = block.thinking.get().map_or("", |text| text.content());
        let signature = block.signature.non_empty()?.content();
        Some(Signed::Thinking { text, signature })
    } else if is(block, "redacted_thinking") {
        let data = block.data.non_empty()?.content();
        Some(Signed::Redacted { data })
    } else {
        None
    }
}
