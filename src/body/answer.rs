//! The body of an answer, as `ConvertLayer` makes it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::or_payload::OrPayload;
use super::payload::Payload;
use super::transcode::TranscodeBody;
use crate::error::{BodyError, BoxError};

pin_project! {
    /// The body of an answer: whole, or a stream, as which one that is too large to hold is relayed too.
    pub struct AnswerBody<B> {
        #[pin]
        body: OrPayload<TranscodeBody<B>>,
    }
}

impl<B> AnswerBody<B> {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self {
            body: OrPayload::payload(Payload::new(bytes)),
        }
    }

    pub(crate) fn stream(body: TranscodeBody<B>) -> Self {
        Self {
            body: OrPayload::inner(body),
        }
    }
}

impl<B> Body for AnswerBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> fmt::Debug for AnswerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").finish_non_exhaustive()
    }
}
