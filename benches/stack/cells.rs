//! The cells that are measured, with their budgets.

use bytes::Bytes;

use crate::answers::{Format, request};

/// A client's endpoint and a provider.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) client: Format,
    /// The connection, and the model that clients ask for.
    pub(crate) route: &'static str,
    /// What the provider speaks.
    pub(crate) upstream: Format,
    /// CPU time of a call, over the raw proxy's.
    pub(crate) plain: f64,
    /// CPU time of a stream's event, over the raw proxy's.
    pub(crate) stream: f64,
}

const fn cell(
    client: Format,
    route: &'static str,
    upstream: Format,
    plain: f64,
    stream: f64,
) -> Cell {
    Cell {
        client,
        route,
        upstream,
        plain,
        stream,
    }
}

/// Every conversion, and each kind of passthrough.
pub(crate) const CELLS: [Cell; 18] = {
    use Format::{Chat, Converse, Gemini, Invoke, Messages, Responses};
    [
        cell(Chat, "openai", Chat, 1.25, 1.0),
        cell(Responses, "openai", Responses, 1.25, 1.0),
        cell(Messages, "anthropic", Messages, 1.25, 1.0),
        cell(Chat, "anthropic", Messages, 1.6, 1.1),
        cell(Messages, "groq", Chat, 1.6, 1.1),
        cell(Messages, "openai", Responses, 1.75, 1.1),
        cell(Responses, "anthropic", Messages, 1.75, 1.1),
        cell(Responses, "groq", Chat, 1.75, 1.1),
        cell(Chat, "gemini", Gemini, 1.75, 1.1),
        cell(Responses, "gemini", Gemini, 1.75, 1.1),
        cell(Messages, "gemini", Gemini, 1.75, 1.1),
        cell(Chat, "aws-bedrock", Converse, 2.0, 1.2),
        cell(Responses, "aws-bedrock", Converse, 2.0, 1.2),
        cell(Messages, "aws-bedrock", Converse, 2.0, 1.2),
        cell(Chat, "aws-bedrock-invoke", Invoke, 2.0, 1.2),
        cell(Responses, "aws-bedrock-invoke", Invoke, 2.0, 1.2),
        cell(Messages, "aws-bedrock-invoke", Invoke, 2.0, 1.2),
        // The OpenAI-compatible endpoints of the others are all alike.
        cell(Chat, "perplexity", Chat, 1.25, 1.0),
    ]
};

/// The cell of a client at a route.
pub(crate) fn find(client: Format, route: &str) -> &'static Cell {
    let mut cells = CELLS.iter();
    cells
        .find(|cell| cell.client == client && cell.route == route)
        .expect("a cell of the table")
}

impl Cell {
    pub(crate) fn name(&self) -> String {
        let (client, route) = (self.client.name(), self.route);
        match self.upstream {
            Format::Gemini => format!("{client} on gemini, native"),
            Format::Converse | Format::Invoke => format!("{client} on {route}, signed"),
            upstream if upstream == self.client => format!("{client} on {route}, passthrough"),
            _ => format!("{client} on {route}"),
        }
    }

    /// The path that clients call.
    pub(crate) fn path(&self) -> &'static str {
        match self.client {
            Format::Messages => "/v1/messages",
            Format::Responses => "/v1/responses",
            _ => "/v1/chat/completions",
        }
    }

    /// Where the raw proxy gets the same provider's answer.
    pub(crate) fn raw_path(&self, stream: bool) -> &'static str {
        match (self.upstream, stream) {
            (Format::Chat, _) => "/v1/chat/completions",
            (Format::Responses, _) => "/v1/responses",
            (Format::Messages, _) => "/v1/messages",
            (Format::Converse, false) => "/model/m/converse",
            (Format::Converse, true) => "/model/m/converse-stream",
            (Format::Invoke, false) => "/model/m/invoke",
            (Format::Invoke, true) => "/model/m/invoke-with-response-stream",
            (Format::Gemini, false) => "/v1/models/m:generateContent",
            (Format::Gemini, true) => "/v1/models/m:streamGenerateContent",
        }
    }

    /// What clients ask: about 1.7 KB, or a text of `extra` bytes more.
    pub(crate) fn request(&self, stream: bool, extra: usize) -> Bytes {
        let native = self.upstream == Format::Gemini;
        request(self.client, self.route, stream, extra, native)
    }
}
