//! One answer of a script.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::body::{ReplyBody, Step};
use super::upstream::Open;
use crate::codec::event_stream;
use crate::error::{Error, ErrorClass};
use crate::headers::{EVENT_STREAM, JSON};

/// What an [`Upstream`](super::Upstream) does with one request.
///
/// Begin with [`json`](Self::json), [`sse`](Self::sse), [`aws_stream`](Self::aws_stream), [`new`](Self::new),
/// [`fail`](Self::fail) or [`never`](Self::never). The body is what the methods behind that add, one frame each, in their
/// order; without [`cut`](Self::cut) or [`hang`](Self::hang) it ends well behind the last one.
///
/// ```
/// use tower_llm_gateway::testing::Reply;
///
/// let busy = Reply::json(r#"{"error":{"message":"busy"}}"#).status(429).header("retry-after", "2");
/// let stream = Reply::sse().data(r#"{"choices":[]}"#).data("[DONE]");
/// # let _ = (busy, stream);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Reply {
    pub(super) head: Head,
    /// Before the head, or before the error.
    pub(super) head_after: Duration,
    steps: VecDeque<Step>,
}

#[derive(Debug, Clone)]
pub(super) enum Head {
    Answer {
        status: StatusCode,
        headers: HeaderMap,
    },
    Fail(ErrorClass),
    Never,
}

impl Reply {
    fn beginning(head: Head) -> Self {
        Self {
            head,
            head_after: Duration::ZERO,
            steps: VecDeque::new(),
        }
    }

    fn of_type(content_type: Option<HeaderValue>) -> Self {
        let mut headers = HeaderMap::new();
        headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
        Self::beginning(Head::Answer {
            status: StatusCode::OK,
            headers,
        })
    }

    /// An answer without headers and body, with status 200.
    pub fn new() -> Self {
        Self::of_type(None)
    }

    /// A whole JSON answer, with status 200.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::of_type(Some(JSON)).bytes(body)
    }

    /// A stream of server-sent events: add them with [`event`](Self::event) and [`data`](Self::data).
    pub fn sse() -> Self {
        Self::of_type(Some(EVENT_STREAM))
    }

    /// A stream of AWS's binary frames, as Bedrock's: add them with [`aws_event`](Self::aws_event) and
    /// [`aws_exception`](Self::aws_exception).
    pub fn aws_stream() -> Self {
        Self::of_type(Some(HeaderValue::from_static(
            "application/vnd.amazon.eventstream",
        )))
    }

    /// No answer, but an error of this class: never sent, ambiguous and so on.
    pub fn fail(class: ErrorClass) -> Self {
        Self::beginning(Head::Fail(class))
    }

    /// No answer, ever: the request waits until it is dropped.
    pub fn never() -> Self {
        Self::beginning(Head::Never)
    }

    /// The status of the answer.
    ///
    /// # Panics
    /// It is none: under 100 or over 999.
    #[track_caller]
    pub fn status(mut self, code: u16) -> Self {
        let Ok(code) = StatusCode::from_u16(code) else {
            panic!("{code} is no HTTP status")
        };
        if let Head::Answer { status, .. } = &mut self.head {
            *status = code;
        }
        self
    }

    /// A further header of the answer; `content-type` replaces the one that is there.
    ///
    /// # Panics
    /// The name or the value cannot be that of a header.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) else {
            panic!("{name:?}: {value:?} is no HTTP header")
        };
        if let Head::Answer { headers, .. } = &mut self.head {
            if name == CONTENT_TYPE {
                headers.remove(CONTENT_TYPE);
            }
            headers.append(name, value);
        }
        self
    }

    /// How long the head, or the error, is waited for.
    pub fn head_after(mut self, time: Duration) -> Self {
        self.head_after = time;
        self
    }

    /// A wait inside the body, at this place.
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// A piece of the body as it is.
    pub fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Data(bytes.into()))
    }

    /// A server-sent event with a name, as Anthropic and OpenAI's Responses send them. Line breaks in the data, which JSON has
    /// between its tokens only, become `data:` lines of their own.
    pub fn event(self, name: &str, data: &str) -> Self {
        self.bytes(format!("event: {name}\n{}\n", data_lines(data)))
    }

    /// A server-sent event without a name, as OpenAI's Chat Completions send them: JSON, or `[DONE]`.
    pub fn data(self, data: &str) -> Self {
        self.bytes(format!("{}\n", data_lines(data)))
    }

    /// An event as an AWS frame, with JSON inside: `messageStart`, `contentBlockDelta` and so on.
    ///
    /// # Panics
    /// The frame cannot be written: the name or all of it is too long.
    #[track_caller]
    pub fn aws_event(self, name: &str, json: &str) -> Self {
        self.frame(|out| event_stream::encode_event(name, json.as_bytes(), out))
    }

    /// An exception as an AWS frame, with JSON inside: `throttlingException` and so on.
    ///
    /// # Panics
    /// The frame cannot be written: the name or all of it is too long.
    #[track_caller]
    pub fn aws_exception(self, name: &str, json: &str) -> Self {
        self.frame(|out| event_stream::encode_exception(name, json.as_bytes(), out))
    }

    /// The body breaks off here with a transport error, [`Broken`](super::Broken).
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    /// Nothing more comes here, and no end: the connection is open and silent.
    pub fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    /// Cuts what was added so far into frames of this many bytes, to try a reader of streams at every place.
    ///
    /// # Panics
    /// `size` is 0.
    pub fn in_pieces_of(mut self, size: usize) -> Self {
        let steps = std::mem::take(&mut self.steps);
        for step in steps {
            let Step::Data(bytes) = step else {
                self.steps.push_back(step);
                continue;
            };
            let pieces = bytes.chunks(size).map(|piece| bytes.slice_ref(piece));
            self.steps.extend(pieces.map(Step::Data));
        }
        self
    }

    /// The body alone: what a client sends can be scripted with it too.
    #[must_use]
    pub fn into_body(self) -> ReplyBody {
        ReplyBody::new(self.steps, Open::default())
    }

    #[track_caller]
    fn frame(
        self,
        write: impl FnOnce(&mut BytesMut) -> Result<(), event_stream::Unencodable>,
    ) -> Self {
        let mut out = BytesMut::new();
        if let Err(error) = write(&mut out) {
            panic!("{error}")
        }
        self.bytes(out)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push_back(step);
        self
    }

    /// What the request gets, once it has waited; `None`: nothing, ever.
    pub(super) fn finish(self, open: Open) -> Option<Result<Response<ReplyBody>, Error>> {
        match self.head {
            Head::Answer { status, headers } => {
                let mut response = Response::new(ReplyBody::new(self.steps, open));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                Some(Ok(response))
            }
            Head::Fail(class) => Some(Err(Error::new(class, "the script says so"))),
            Head::Never => None,
        }
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self::new()
    }
}

/// The data of an event, each line of it behind a `data:`.
fn data_lines(data: &str) -> String {
    let mut out = String::with_capacity(data.len() + 8);
    for line in data.split('\n') {
        out.push_str("data: ");
        out.push_str(line.trim_end_matches('\r'));
        out.push('\n');
    }
    out
}
