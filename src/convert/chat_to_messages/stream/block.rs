//! Content blocks that have started and not yet stopped.

use crate::convert::chat_answer::call::Call;

/// What an open block holds back. Strings that only travel are raw JSON text without quotes.
#[derive(Debug)]
pub(super) enum OpenBlock {
    Text {
        /// Where the block's text begins in `content`, in Unicode scalar values.
        start: u64,
        /// URL and title of the pages that it cites, as JSON strings.
        pages: Vec<(String, String)>,
    },
    Thinking {
        text: String,
        signature: String,
    },
    Redacted {
        data: String,
    },
    Tool {
        ord: u64,
        call: Call,
        /// The input that the block started with; a freeform tool's whole input.
        input: String,
        /// Whether any fragment of the input came.
        streamed: bool,
    },
    /// Not for the client.
    Hidden,
}

impl OpenBlock {
    pub(super) fn text(start: u64) -> Self {
        Self::Text {
            start,
            pages: Vec::new(),
        }
    }

    pub(super) fn thinking() -> Self {
        Self::Thinking {
            text: String::new(),
            signature: String::new(),
        }
    }

    pub(super) fn tool(ord: u64, call: Call, input: Option<&str>) -> Self {
        Self::Tool {
            ord,
            call,
            input: input.unwrap_or("{}").to_owned(),
            streamed: false,
        }
    }

    /// The bytes that the block holds.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Text { pages, .. } => pages
                .iter()
                .map(|(url, title)| url.len() + title.len())
                .sum(),
            Self::Thinking { text, signature } => text.len() + signature.len(),
            Self::Redacted { data } => data.len(),
            Self::Tool { call, input, .. } => call.id.len() + call.name.len() + input.len(),
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

    pub(super) fn get(&mut self, index: u64) -> Option<&mut OpenBlock> {
        self.0
            .iter_mut()
            .rev()
            .find(|(open, _)| *open == index)
            .map(|(_, block)| block)
    }

    /// Adds a block whose index is free; `false` when there are too many.
    #[must_use]
    pub(super) fn insert(&mut self, index: u64, block: OpenBlock) -> bool {
        let room = self.0.len() < Self::MOST;
        if room {
            self.0.push((index, block));
        }
        room
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
