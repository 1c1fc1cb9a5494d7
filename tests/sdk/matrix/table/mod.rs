//! What the SDKs must show, cell by cell.

mod chat;
mod messages;
mod responses;

/// A client format, by the SDK that speaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    Chat,
    Responses,
    Messages,
}

impl Client {
    pub(super) const ALL: [Self; 3] = [Self::Chat, Self::Responses, Self::Messages];

    /// As the script is told.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
        }
    }

    /// As readers are told.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Chat => "Chat: the `openai` SDK on `/v1/chat/completions`",
            Self::Responses => "Responses: the `openai` SDK on `/v1/responses`",
            Self::Messages => "Messages: the `anthropic` SDK on `/v1/messages`",
        }
    }
}

/// A scenario of the scripts.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    ways: Ways,
    /// The only client that can ask for it.
    only: Option<&'static [Client]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ways {
    Both,
    Stream,
}

impl Scenario {
    pub(super) fn is_of(&self, client: Client) -> bool {
        self.only.is_none_or(|only| only.contains(&client))
    }

    /// Whether it is streamed: no, yes, or each once.
    pub(super) fn modes(&self) -> &'static [bool] {
        match self.ways {
            Ways::Both => &[false, true],
            Ways::Stream => &[true],
        }
    }
}

const fn both(name: &'static str, title: &'static str) -> Scenario {
    Scenario {
        name,
        title,
        ways: Ways::Both,
        only: None,
    }
}

const fn stream(name: &'static str, title: &'static str) -> Scenario {
    Scenario {
        ways: Ways::Stream,
        ..both(name, title)
    }
}

/// All scenarios.
pub(super) const SCENARIOS: &[Scenario] = &[
    both("text", "text"),
    both(
        "unicode_in_pieces",
        "characters cut across the provider's writes",
    ),
    both("conversation", "three turns"),
    both("tool_loop", "tool loop, two turns"),
    both("tools_parallel", "parallel tools"),
    both("thinking_tools", "thinking and tools, two turns"),
    both("image", "image"),
    both("image_by_address", "image by its address"),
    both("pdf", "PDF"),
    both("structured", "structured output"),
    both("usage_cached", "usage with cached tokens"),
    both("refusal", "refusal"),
    both("max_tokens", "end at the token limit"),
    Scenario {
        // Responses has none.
        only: Some(&[Client::Chat, Client::Messages]),
        ..both("stop_sequence", "end at a stop sequence")
    },
    both("citations", "web search with citations"),
    both("error_400", "the provider says 400"),
    both("refuse_key", "the provider refuses the gateway's key"),
    both("error_403", "the provider says 403"),
    both("error_404", "the provider says 404"),
    both("error_413", "the provider says 413"),
    both("ratelimit", "the provider says 429"),
    both("error_500", "the provider says 500"),
    both("overloaded", "the provider says 503 or 529"),
    both("bad_value", "a value out of range"),
    Scenario {
        only: Some(&[Client::Responses]),
        ..both("stored_state", "`previous_response_id`")
    },
    both("wrong_key", "a key that the gateway does not know"),
    both("unknown_model", "a model that no route has"),
    both("too_large", "a body above the gateway's limit"),
    stream("first_error", "an error as the stream's first event"),
    stream("error_event", "an error in mid-stream"),
    stream("cut_clean", "the answer ends too early"),
    both("cut_fin", "the connection ends in the answer"),
    both("cut_reset", "the connection is reset in the answer"),
];

/// Which of a scenario's ways an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Both,
    Plain,
    Stream,
}

/// What is seen in some cells: their names (none: all), those of the scenarios, and the outcome. The last entry for a
/// cell holds; without one it is `pass`.
#[derive(Debug)]
pub(super) struct Entry {
    cells: &'static [&'static str],
    scenarios: &'static [&'static str],
    mode: Mode,
    sees: &'static str,
}

/// All providers.
const ALL: &[&str] = &[];

const fn entry(
    cells: &'static [&'static str],
    scenarios: &'static [&'static str],
    mode: Mode,
    sees: &'static str,
) -> Entry {
    Entry {
        cells,
        scenarios,
        mode,
        sees,
    }
}

impl Entry {
    fn is_about(&self, cell: &str, scenario: &str, stream: bool) -> bool {
        (self.cells.is_empty() || self.cells.contains(&cell))
            && self.scenarios.contains(&scenario)
            && match self.mode {
                Mode::Both => true,
                Mode::Plain => !stream,
                Mode::Stream => stream,
            }
    }
}

/// The entries of a client.
pub(super) fn entries(client: Client) -> &'static [Entry] {
    match client {
        Client::Chat => chat::TABLE,
        Client::Responses => responses::TABLE,
        Client::Messages => messages::TABLE,
    }
}

/// The place of the entry that holds for this.
pub(super) fn entry_at(client: Client, cell: &str, scenario: &str, stream: bool) -> Option<usize> {
    let entries = entries(client).iter();
    entries
        .enumerate()
        .rev()
        .find(|(_, entry)| entry.is_about(cell, scenario, stream))
        .map(|(at, _)| at)
}

/// What the SDK must show.
pub(super) fn sees(client: Client, cell: &str, scenario: &str, stream: bool) -> &'static str {
    entry_at(client, cell, scenario, stream)
        .and_then(|at| entries(client).get(at))
        .map_or("pass", |entry| entry.sees)
}
