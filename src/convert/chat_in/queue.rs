//! Blocks that wait for their turn: the client sees one after the other, whatever order the provider sends pieces in.

use std::collections::VecDeque;

use super::progress::Progress;
use super::{Closing, Finish, Opening, Sink, Sources};
use crate::convert::gemini_envelope::Signature;

/// More calls than any provider makes in one answer.
const MAX_BLOCKS: u64 = 4096;

/// The blocks of an answer that are not complete at the client.
#[derive(Debug, Default)]
pub(super) struct Queue {
    blocks: VecDeque<Block>,
    /// How many blocks went before them.
    closed: u64,
    /// Bytes that are held.
    held: usize,
    sources_told: bool,
}

#[derive(Debug)]
struct Block {
    kind: Kind,
    /// What was not sent yet.
    pending: String,
    signatures: Vec<Signature>,
    opened: bool,
}

#[derive(Debug)]
enum Kind {
    Text,
    Refusal,
    Reasoning,
    Call {
        id: String,
        /// Empty until it comes.
        name: String,
        progress: Progress,
    },
}

/// A kind of block that has nothing but text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    Text,
    Refusal,
    Reasoning,
}

/// A piece of a call came for one that the client has whole already, or that there is none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoSuchCall;

impl Block {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            pending: String::new(),
            signatures: Vec::new(),
            opened: false,
        }
    }

    fn is(&self, plain: Plain) -> bool {
        matches!(
            (&self.kind, plain),
            (Kind::Text, Plain::Text)
                | (Kind::Refusal, Plain::Refusal)
                | (Kind::Reasoning, Plain::Reasoning)
        )
    }
}

impl Queue {
    /// How many bytes wait.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Whether there is room for another block.
    pub(super) fn has_room(&self) -> bool {
        self.next() < MAX_BLOCKS
    }

    fn next(&self) -> u64 {
        let waiting = u64::try_from(self.blocks.len()).unwrap_or(u64::MAX);
        self.closed.saturating_add(waiting)
    }

    /// Adds text to the last block, or to a new one where that is of another kind.
    pub(super) fn text(&mut self, kind: Plain, text: &str) {
        if text.is_empty() {
            return;
        }
        self.held += text.len();
        self.extend_tail(kind, |block| block.pending.push_str(text));
    }

    fn extend_tail(&mut self, kind: Plain, extend: impl FnOnce(&mut Block)) {
        if let Some(block) = self.blocks.back_mut().filter(|block| block.is(kind)) {
            return extend(block);
        }
        let mut block = Block::new(match kind {
            Plain::Text => Kind::Text,
            Plain::Refusal => Kind::Refusal,
            Plain::Reasoning => Kind::Reasoning,
        });
        extend(&mut block);
        self.blocks.push_back(block);
    }

    /// Adds a signature to the last block, where that is reasoning, or to a new one.
    pub(super) fn sign(&mut self, signature: Signature) {
        self.held += signature.size();
        self.extend_tail(Plain::Reasoning, |block| block.signatures.push(signature));
    }

    /// Begins a call; returns its number.
    pub(super) fn call(&mut self, id: String) -> u64 {
        self.held += id.len();
        let number = self.next();
        self.blocks.push_back(Block::new(Kind::Call {
            id,
            name: String::new(),
            progress: Progress::default(),
        }));
        number
    }

    /// Adds to the call with this number; the name counts once.
    pub(super) fn add(
        &mut self,
        number: u64,
        name: Option<&str>,
        arguments: &str,
    ) -> Result<(), NoSuchCall> {
        let place = number
            .checked_sub(self.closed)
            .and_then(|place| usize::try_from(place).ok());
        let Some(Block {
            kind:
                Kind::Call {
                    name: known,
                    progress,
                    ..
                },
            pending,
            ..
        }) = place.and_then(|place| self.blocks.get_mut(place))
        else {
            let more = !arguments.trim().is_empty();
            return if more { Err(NoSuchCall) } else { Ok(()) };
        };
        if let (Some(name), true) = (name, known.is_empty()) {
            name.clone_into(known);
            self.held += name.len();
        }
        progress.push(arguments);
        pending.push_str(arguments);
        self.held += arguments.len();
        Ok(())
    }

    /// Whether a call has no name yet.
    pub(super) fn has_nameless_call(&self) -> bool {
        let nameless =
            |block: &Block| matches!(&block.kind, Kind::Call { name, .. } if name.is_empty());
        self.blocks.iter().any(nameless)
    }

    /// Sends what can be sent. At the end (`ended`) that is everything; returns whether a text was closed.
    pub(super) fn pump(
        &mut self,
        ended: Option<Finish>,
        sources: &Sources,
        sink: &mut impl Sink,
    ) -> bool {
        let mut closed_text = false;
        while let Some(head) = self.blocks.front_mut() {
            let opening = match &head.kind {
                Kind::Text => Opening::Text,
                Kind::Refusal => Opening::Refusal,
                Kind::Reasoning => Opening::Reasoning,
                Kind::Call { name, .. } if name.is_empty() => return closed_text,
                Kind::Call { id, name, .. } => Opening::Call { id, name },
            };
            if !head.opened {
                if !self.sources_told && sources.is_known() {
                    self.sources_told = true;
                    sink.sources(sources);
                }
                sink.open(opening);
                head.opened = true;
            }
            if !head.pending.is_empty() {
                sink.delta(&head.pending);
                self.held = self.held.saturating_sub(head.pending.len());
                head.pending.clear();
            }
            let whole = match &head.kind {
                Kind::Call { progress, .. } => progress.is_whole(),
                Kind::Text | Kind::Refusal | Kind::Reasoning => true,
            };
            let is_text = matches!(head.kind, Kind::Text);
            let followed = self.blocks.len() > 1;
            if ended.is_none() && !(followed && whole) {
                return closed_text;
            }
            let Some(block) = self.blocks.pop_front() else {
                return closed_text;
            };
            self.closed += 1;
            let call = match &block.kind {
                Kind::Call { id, name, progress } => {
                    self.held = self.held.saturating_sub(id.len() + name.len());
                    !progress.is_whole()
                }
                Kind::Text | Kind::Refusal | Kind::Reasoning => false,
            };
            let signed: usize = block.signatures.iter().map(Signature::size).sum();
            self.held = self.held.saturating_sub(signed);
            let limited = ended.is_some_and(|finish| finish != Finish::Done);
            sink.close(Closing {
                signatures: &block.signatures,
                sources,
                cut: limited && (!followed || call),
            });
            closed_text |= is_text;
        }
        closed_text
    }

    /// The sources came too late for any block: tell them now, if nobody did.
    pub(super) fn tell_sources(&mut self, sources: &Sources, sink: &mut impl Sink) {
        if !self.sources_told && sources.is_known() {
            self.sources_told = true;
            sink.sources(sources);
        }
    }
}
