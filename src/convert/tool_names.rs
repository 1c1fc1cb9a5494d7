//! Tool names that a provider takes, and their way back to the client's.

/// The tools of one request whose name or kind differs between client and provider.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolNames {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    sent: String,
    original: String,
    custom: bool,
}

impl ToolNames {
    /// Notes that the client's tool `original` goes to the provider as `sent`; `custom` for a freeform tool that became a
    /// function with one `input` string.
    pub(crate) fn insert(&mut self, sent: &str, original: &str, custom: bool) {
        self.entries.push(Entry {
            sent: sent.to_owned(),
            original: original.to_owned(),
            custom,
        });
    }

    /// The client's name of the tool that the provider calls `sent`.
    pub(crate) fn original<'a>(&'a self, sent: &'a str) -> &'a str {
        self.find(sent).map_or(sent, |entry| &entry.original)
    }

    /// Whether the provider's `sent` is one of the client's freeform tools.
    pub(crate) fn is_custom(&self, sent: &str) -> bool {
        self.find(sent).is_some_and(|entry| entry.custom)
    }

    fn find(&self, sent: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.sent == sent)
    }
}
