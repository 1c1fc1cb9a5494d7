//! Whole answers that end at a stop sequence which the gateway looks for itself.

use super::is;
use crate::convert::stop::Scanner;
use crate::format::messages::Block;

/// What is left of a block that a stop sequence cut: nothing follows it, and its citations are lost, as in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The text before the stop sequence.
    pub(super) text: String,
}

impl Cut {
    /// The blocks that are left whole, and what is left of the next one where a stop sequence is met. Texts that follow
    /// each other without a block of another kind between them are one text.
    pub(super) fn at_stop<'a, 'b>(
        blocks: &'a [Block<'b>],
        stops: &[String],
    ) -> (&'a [Block<'b>], Option<Self>) {
        if stops.is_empty() {
            return (blocks, None);
        }
        let mut first = 0;
        for run in blocks.chunk_by(|a, b| is(a, "text") && is(b, "text")) {
            if let Some((whole, cut)) = in_run(run, stops) {
                return (blocks.get(..first + whole).unwrap_or(blocks), Some(cut));
            }
            first += run.len();
        }
        (blocks, None)
    }
}

/// Looks through the texts of `run`: how many blocks are left whole, and what is left of the next one.
fn in_run(run: &[Block<'_>], stops: &[String]) -> Option<(usize, Cut)> {
    let mut all = String::new();
    // Where each block's text begins.
    let mut starts = Vec::with_capacity(run.len());
    for block in run {
        starts.push(all.len());
        if is(block, "text")
            && let Some(text) = block.text.get()
        {
            all.push_str(&text.decode());
        }
    }
    let scanned = Scanner::default().push(&all, stops);
    scanned.hit?;
    let mut text = scanned.released;
    let whole = starts.iter().rposition(|start| *start <= text.len())?;
    let cut = text.split_off(*starts.get(whole)?);
    Some((whole, Cut { text: cut }))
}
