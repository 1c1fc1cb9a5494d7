//! Content blocks that have started and not yet stopped.

use crate::convert::responses_out::Index;

/// What an open block holds back. Strings that only travel are raw JSON text without quotes.
#[derive(Debug)]
pub(super) enum OpenBlock {
    Text {
        /// Where the block's text begins in its message, in Unicode scalar values.
        start: u64,
        cited: Vec<Cited>,
    },
    Thinking {
        item: Index,
        text: String,
        signature: String,
    },
    Redacted {
        item: Index,
        data: String,
    },
    Function {
        item: Index,
        /// The input that the block started with, as JSON text.
        input: String,
        /// Whether any fragment of the input came.
        streamed: bool,
    },
    Custom {
        item: Index,
        /// The input so far, as JSON text.
        input: String,
        streamed: bool,
    },
    /// A tool that Anthropic runs itself, or what it said.
    Server {
        /// The block as it started.
        json: String,
        input: String,
        /// The item that shows it, and whether it is a page that is opened.
        search: Option<(Index, bool)>,
        id: String,
    },
    /// Not for the client.
    Hidden,
}

/// What a text cites: JSON strings.
#[derive(Debug)]
pub(super) enum Cited {
    Page { url: String, title: String },
    File { id: String, name: String },
}

impl Cited {
    pub(super) fn size(&self) -> usize {
        let (Self::Page { url: a, title: b } | Self::File { id: a, name: b }) = self;
        a.len() + b.len()
    }
}

impl OpenBlock {
    /// The bytes that the block holds.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Text { cited, .. } => cited.iter().map(Cited::size).sum(),
            Self::Thinking {
                text, signature, ..
            } => text.len() + signature.len(),
            Self::Redacted { data, .. } => data.len(),
            Self::Function { input, .. } | Self::Custom { input, .. } => input.len(),
            Self::Server {
                json, input, id, ..
            } => json.len() + input.len() + id.len(),
            Self::Hidden => 0,
        }
    }
}

/// The open blocks by index; hardly ever more than one, as Anthropic sends them one after the other.
#[derive(Debug, Default)]
pub(super) struct OpenBlocks(Vec<(u64, OpenBlock)>);

impl OpenBlocks {
    /// More blocks than this open at once are no stream of Anthropic's.
    const MOST: usize = 1024;

    /// Whether another block may open.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < Self::MOST
    }

    pub(super) fn get(&mut self, index: u64) -> Option<&mut OpenBlock> {
        let found = self.0.iter_mut().rev().find(|(open, _)| *open == index);
        found.map(|(_, block)| block)
    }

    /// Adds a block whose index is free.
    pub(super) fn insert(&mut self, index: u64, block: OpenBlock) {
        self.0.push((index, block));
    }

    pub(super) fn remove(&mut self, index: u64) -> Option<OpenBlock> {
        let at = self.0.iter().rposition(|(open, _)| *open == index)?;
        Some(self.0.remove(at).1)
    }

    /// The index of the block that opened first.
    pub(super) fn first(&self) -> Option<u64> {
        self.0.first().map(|(index, _)| *index)
    }
}
