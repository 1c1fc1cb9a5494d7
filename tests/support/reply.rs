//! What a scripted upstream answers: a head, then steps that are carried out one after the other.

use std::time::Duration;

/// How the body of a reply is framed.
#[derive(Clone, Debug)]
pub(super) enum Framing {
    /// One `content-length`, which is the truth unless a test says otherwise.
    Length(Option<usize>),
    /// `transfer-encoding: chunked`, one HTTP chunk for each piece.
    Chunked,
    /// Neither: the body lasts until the connection ends.
    UntilClose,
}

/// One thing that a reply does.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The status line and the headers.
    Head,
    /// A piece of the body, written and flushed at once.
    Piece(Vec<u8>),
    /// Bytes that are not framed at all.
    Raw(Vec<u8>),
    Pause(Duration),
    /// Waits until the test calls `Upstream::release`.
    Hold,
    /// Ends the connection with a reset.
    Reset,
    /// Ends the connection cleanly, with nothing further written.
    Fin,
    /// Waits until the peer ends the connection.
    ExpectCancel,
    /// The final chunk, where the framing has one.
    End,
    /// Ends the connection cleanly once the body is complete.
    Close,
}

/// A scripted answer. Built by one of the constructors, then by what is chained on it, in order. A reply whose last step neither ends
/// nor holds the connection is completed as its framing demands, and the connection is kept alive.
#[must_use]
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) framing: Framing,
    pub(super) steps: Vec<Step>,
}

impl Reply {
    /// An answer in one piece with its true length.
    pub fn bytes(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            framing: Framing::Length(None),
            steps: vec![Step::Head, Step::Piece(body.into())],
        }
    }

    /// A JSON answer; the body is sent as given.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::bytes(status, "application/json", body)
    }

    /// A stream of server-sent events with status 200: each piece is one HTTP chunk and one write.
    pub fn sse<I>(pieces: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Vec<u8>>,
    {
        Self::stream("text/event-stream; charset=utf-8", pieces)
    }

    /// A stream of any type with status 200, sent in the same way.
    pub fn stream<I>(media: &str, pieces: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Vec<u8>>,
    {
        let mut steps = vec![Step::Head];
        steps.extend(pieces.into_iter().map(|piece| Step::Piece(piece.into())));
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), media.to_owned())],
            framing: Framing::Chunked,
            steps,
        }
    }

    /// Bytes instead of an answer: no head of ours, no framing.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 0,
            headers: Vec::new(),
            framing: Framing::UntilClose,
            steps: vec![Step::Raw(bytes.into()), Step::Fin],
        }
    }

    /// No answer at all: the connection stays open and silent until the peer gives up.
    pub fn never() -> Self {
        Self {
            status: 0,
            headers: Vec::new(),
            framing: Framing::UntilClose,
            steps: vec![Step::ExpectCancel],
        }
    }

    /// The connection is reset as soon as the request has been read.
    pub fn no_head_reset() -> Self {
        Self {
            steps: vec![Step::Reset],
            ..Self::never()
        }
    }

    /// The connection is closed cleanly as soon as the request has been read.
    pub fn no_head_fin() -> Self {
        Self {
            steps: vec![Step::Fin],
            ..Self::never()
        }
    }

    /// Adds a header; names and values go out as given.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A further piece of the body.
    pub fn piece(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Piece(bytes.into()))
    }

    /// Waits.
    pub fn pause(self, millis: u64) -> Self {
        self.then(Step::Pause(Duration::from_millis(millis)))
    }

    /// Waits before the head is sent.
    pub fn pause_before_head(mut self, millis: u64) -> Self {
        self.steps
            .insert(0, Step::Pause(Duration::from_millis(millis)));
        self
    }

    /// Waits until the test calls `Upstream::release`.
    pub fn hold(self) -> Self {
        self.then(Step::Hold)
    }

    /// Waits before the head until the test calls `Upstream::release`.
    pub fn hold_before_head(mut self) -> Self {
        self.steps.insert(0, Step::Hold);
        self
    }

    /// Resets the connection here: the peer sees an error, not an end.
    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// Closes the connection cleanly here, without the final chunk and without the rest of a promised length.
    pub fn fin(self) -> Self {
        self.then(Step::Fin)
    }

    /// Completes the body, then closes the connection.
    pub fn close(self) -> Self {
        self.then(Step::End).then(Step::Close)
    }

    /// Declares this `content-length` whatever the body is. Unless something else ends it, the connection is closed after the body.
    pub fn lie_about_length(mut self, length: usize) -> Self {
        self.framing = Framing::Length(Some(length));
        self.then(Step::Fin)
    }

    /// Declares this `content-length`, sends what there is of it, and waits until the peer ends the connection.
    pub fn lie_about_length_and_wait(mut self, length: usize) -> Self {
        self.framing = Framing::Length(Some(length));
        self.expect_cancel()
    }

    /// Sends no framing header: the end of the connection ends the body.
    pub fn until_close(mut self) -> Self {
        self.framing = Framing::UntilClose;
        self
    }

    /// The peer must end the connection here; `Upstream::wait_cancelled` says when it did.
    pub fn expect_cancel(self) -> Self {
        self.then(Step::ExpectCancel)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The bytes of the head.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match self.framing {
            Framing::Length(length) => {
                let length = length.unwrap_or_else(|| {
                    self.steps
                        .iter()
                        .map(|step| match step {
                            Step::Piece(piece) => piece.len(),
                            _ => 0,
                        })
                        .sum()
                });
                head.push_str(&format!("content-length: {length}\r\n"));
            }
            Framing::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
            Framing::UntilClose => head.push_str("connection: close\r\n"),
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// A piece as the framing wants it on the wire.
    pub(super) fn frame(&self, piece: &[u8]) -> Vec<u8> {
        match self.framing {
            Framing::Chunked if piece.is_empty() => Vec::new(),
            Framing::Chunked => {
                let mut framed = format!("{:x}\r\n", piece.len()).into_bytes();
                framed.extend_from_slice(piece);
                framed.extend_from_slice(b"\r\n");
                framed
            }
            Framing::Length(_) | Framing::UntilClose => piece.to_vec(),
        }
    }
}
