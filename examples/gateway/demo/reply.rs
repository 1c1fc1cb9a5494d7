//! An answer before it is an HTTP response, and the digests that name its parts.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::body::DemoBody;

/// The time that every answer claims to be from: answers depend on nothing but the request.
pub(super) const CREATED: u64 = 1_795_353_600;

/// Status, headers and body of an answer.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: DemoBody,
}

impl Reply {
    /// A JSON answer.
    pub(super) fn json(status: StatusCode, value: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: DemoBody::whole(value.to_string().into_bytes()),
        }
    }

    /// A page, as the proxies in front of a provider answer.
    pub(super) fn html(status: StatusCode, text: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "text/html".to_owned())],
            body: DemoBody::whole(text.as_bytes().to_vec()),
        }
    }

    /// A stream of events.
    pub(super) fn stream(events: Vec<Event>) -> Self {
        Self {
            status: StatusCode::OK,
            headers: vec![
                (
                    "content-type",
                    "text/event-stream; charset=utf-8".to_owned(),
                ),
                ("cache-control", "no-cache".to_owned()),
            ],
            body: DemoBody::events(events.into_iter().map(Event::into_bytes).collect()),
        }
    }

    /// A stream of pieces that are framed already.
    pub(super) fn frames(media: &str, frames: Vec<Vec<u8>>) -> Self {
        Self {
            status: StatusCode::OK,
            headers: vec![("content-type", media.to_owned())],
            body: DemoBody::events(frames),
        }
    }

    /// Adds a header.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds headers.
    #[must_use]
    pub(super) fn with_all(mut self, headers: &[(&'static str, &str)]) -> Self {
        self.headers.extend(
            headers
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        self
    }

    /// The HTTP response.
    pub(super) fn into_response(self) -> Response<DemoBody> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
        response
            .headers_mut()
            .insert(header::SERVER, HeaderValue::from_static("demo"));
        response
    }
}

/// One server-sent event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    name: Option<String>,
    data: String,
}

impl Event {
    /// An event without a name, as the Chat format has them.
    pub(super) fn data(value: &Value) -> Self {
        Self {
            name: None,
            data: value.to_string(),
        }
    }

    /// The end of a Chat stream.
    pub(super) fn done() -> Self {
        Self {
            name: None,
            data: "[DONE]".to_owned(),
        }
    }

    /// An event that is named by the `type` of its data.
    pub(super) fn typed(value: &Value) -> Self {
        Self::named(value["type"].as_str().unwrap_or("message"), value)
    }

    /// An event with this name.
    pub(super) fn named(name: &str, value: &Value) -> Self {
        Self {
            name: Some(name.to_owned()),
            data: value.to_string(),
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self.name {
            Some(name) => format!("event: {name}\ndata: {}\n\n", self.data),
            None => format!("data: {}\n\n", self.data),
        }
        .into_bytes()
    }
}

/// FNV-1a over the parts, each ended by a byte that no UTF-8 text holds.
pub(super) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    parts
        .into_iter()
        .flat_map(|part| part.iter().copied().chain([0xff]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// The name of the `ordinal`th thing of this kind in the answer to a request body.
pub(super) fn id(prefix: &str, body: &[u8], ordinal: usize) -> String {
    let first = digest([body, prefix.as_bytes(), ordinal.to_string().as_bytes()]);
    let second = digest([prefix.as_bytes(), &first.to_be_bytes()]);
    format!("{prefix}{first:016x}{:08x}", second >> 32)
}

/// What a text costs, near enough for a demo.
pub(super) fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

/// Cuts a text into this many deltas at most, between characters.
pub(super) fn pieces(text: &str, count: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars
        .chunks(chars.len().div_ceil(count).max(1))
        .map(|piece| piece.iter().collect())
        .collect()
}

/// The first half of a stream: what a client sees when the connection ends early.
pub(super) fn first_half(mut events: Vec<Event>) -> Vec<Event> {
    events.truncate(events.len().div_ceil(2));
    events
}
