//! The blocks of a stream that are not complete at the client: it sees one after the other, whatever order the provider
//! sends pieces in.

use std::collections::VecDeque;

use serde_json::value::RawValue;

use super::{Closing, Opening, Sink};
use crate::convert::converse_envelope::Redacted;
use crate::format::converse::Citation;

/// Blocks in the order in which their first pieces came. The first one goes to the client as it grows; those that begin
/// before it has ended wait.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: VecDeque<Block>,
    /// Bytes that are held.
    held: usize,
}

#[derive(Debug)]
struct Block {
    /// The provider's number of it.
    index: u64,
    kind: Kind,
    opened: bool,
    ended: bool,
    /// What was not sent yet.
    pending: String,
    /// JSON texts that were not sent yet.
    citations: Vec<String>,
}

#[derive(Debug)]
enum Kind {
    Text,
    Reasoning { signature: String },
    Redacted { bytes: Vec<u8> },
    Call { id: String, name: String },
}

/// A kind of block that opens with its first piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Implicit {
    Text,
    Reasoning,
    Redacted,
}

impl Implicit {
    fn is(self, kind: &Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Text, Kind::Text)
                | (Self::Reasoning, Kind::Reasoning { .. })
                | (Self::Redacted, Kind::Redacted { .. })
        )
    }
}

impl Blocks {
    /// More blocks than this open at once are no stream of Bedrock's.
    const MOST: usize = 1024;

    /// How many bytes wait.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Whether another block may begin.
    pub(super) fn has_room(&self) -> bool {
        self.blocks.len() < Self::MOST
    }

    fn place(&self, index: u64) -> Option<usize> {
        self.blocks
            .iter()
            .rposition(|block| block.index == index && !block.ended)
    }

    fn begin(&mut self, index: u64, kind: Kind) -> usize {
        self.blocks.push_back(Block {
            index,
            kind,
            opened: false,
            ended: false,
            pending: String::new(),
            citations: Vec::new(),
        });
        self.blocks.len() - 1
    }

    /// The place of the block that takes a piece of this kind; one of another kind ends.
    fn implicit(&mut self, index: u64, kind: Implicit, sink: &mut impl Sink) -> usize {
        if let Some(place) = self.place(index) {
            if self
                .blocks
                .get(place)
                .is_some_and(|block| kind.is(&block.kind))
            {
                return place;
            }
            self.end(index, sink);
        }
        let kind = match kind {
            Implicit::Text => Kind::Text,
            Implicit::Reasoning => Kind::Reasoning {
                signature: String::new(),
            },
            Implicit::Redacted => Kind::Redacted { bytes: Vec::new() },
        };
        self.begin(index, kind)
    }

    /// Begins a call.
    pub(super) fn call(&mut self, index: u64, id: String, name: String, sink: &mut impl Sink) {
        self.end(index, sink);
        self.held += id.len() + name.len();
        self.begin(index, Kind::Call { id, name });
        self.pump(sink);
    }

    /// Adds text to a block of text or reasoning.
    pub(super) fn text(&mut self, index: u64, kind: Implicit, text: &str, sink: &mut impl Sink) {
        let place = self.implicit(index, kind, sink);
        self.add(place, text, sink);
    }

    /// Adds to a call's input; false where there is no such call.
    pub(super) fn input(&mut self, index: u64, fragment: &str, sink: &mut impl Sink) -> bool {
        let place = self.place(index);
        let is_call = |block: &Block| matches!(block.kind, Kind::Call { .. });
        match place.filter(|place| self.blocks.get(*place).is_some_and(is_call)) {
            Some(place) => {
                self.add(place, fragment, sink);
                true
            }
            None => false,
        }
    }

    fn add(&mut self, place: usize, text: &str, sink: &mut impl Sink) {
        if place == 0 {
            self.pump(sink);
            sink.delta(text);
        } else if let Some(block) = self.blocks.get_mut(place) {
            block.pending.push_str(text);
            self.held += text.len();
        }
    }

    /// Adds to the signature of reasoning.
    pub(super) fn sign(&mut self, index: u64, more: &str, sink: &mut impl Sink) {
        let place = self.implicit(index, Implicit::Reasoning, sink);
        if let Some(Block {
            kind: Kind::Reasoning { signature },
            ..
        }) = self.blocks.get_mut(place)
        {
            signature.push_str(more);
            self.held += more.len();
        }
        self.pump(sink);
    }

    /// Adds to reasoning that cannot be read.
    pub(super) fn redacted(&mut self, index: u64, more: &[u8], sink: &mut impl Sink) {
        let place = self.implicit(index, Implicit::Redacted, sink);
        if let Some(Block {
            kind: Kind::Redacted { bytes },
            ..
        }) = self.blocks.get_mut(place)
        {
            bytes.extend_from_slice(more);
            self.held += more.len();
        }
    }

    /// Adds what a text cites.
    pub(super) fn citation(
        &mut self,
        index: u64,
        raw: &RawValue,
        citation: &Citation<'_>,
        sink: &mut impl Sink,
    ) {
        let place = self.implicit(index, Implicit::Text, sink);
        if place == 0 {
            self.pump(sink);
            sink.citation(citation);
        } else if let Some(block) = self.blocks.get_mut(place) {
            block.citations.push(raw.get().to_owned());
            self.held += raw.get().len();
        }
    }

    /// The block with this number ends, if there is one.
    pub(super) fn end(&mut self, index: u64, sink: &mut impl Sink) {
        if let Some(block) = self
            .place(index)
            .and_then(|place| self.blocks.get_mut(place))
        {
            block.ended = true;
            self.pump(sink);
        }
    }

    /// All blocks end.
    pub(super) fn end_all(&mut self, sink: &mut impl Sink) {
        for block in &mut self.blocks {
            block.ended = true;
        }
        self.pump(sink);
    }

    /// Sends what can be sent.
    fn pump(&mut self, sink: &mut impl Sink) {
        while let Some(head) = self.blocks.front_mut() {
            let opening = match &head.kind {
                Kind::Text => Some(Opening::Text),
                Kind::Reasoning { .. } => Some(Opening::Reasoning),
                Kind::Call { id, name } => Some(Opening::Call { id, name }),
                Kind::Redacted { .. } => None,
            };
            if let Some(opening) = opening.filter(|_| !head.opened) {
                sink.open(opening);
                head.opened = true;
            }
            if !head.pending.is_empty() {
                sink.delta(&head.pending);
                self.held = self.held.saturating_sub(head.pending.len());
                head.pending = String::new();
            }
            for json in head.citations.drain(..) {
                self.held = self.held.saturating_sub(json.len());
                let raw = serde_json::from_str(&json).ok();
                if let Some(citation) = raw.and_then(Citation::read) {
                    sink.citation(&citation);
                }
            }
            if !head.ended {
                return;
            }
            let Some(block) = self.blocks.pop_front() else {
                return;
            };
            let released = match block.kind {
                Kind::Text => {
                    sink.close(Closing::default());
                    0
                }
                Kind::Reasoning { signature } => {
                    let signed = (!signature.is_empty()).then_some(signature.as_str());
                    sink.close(Closing { signature: signed });
                    signature.len()
                }
                Kind::Call { id, name } => {
                    sink.close(Closing::default());
                    id.len() + name.len()
                }
                Kind::Redacted { bytes } => {
                    let length = bytes.len();
                    sink.redacted(&Redacted::of(bytes));
                    length
                }
            };
            self.held = self.held.saturating_sub(released);
        }
    }
}
