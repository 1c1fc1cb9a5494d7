//! The body of an answer, as `ConvertLayer` makes it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::payload::Payload;
use super::transcode::TranscodeBody;
use crate::error::{BodyError, BoxError};

pin_project! {
    /// The body of an answer: whole, or a stream, as which one that is too large to hold is relayed too.
    pub struct AnswerBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProject]
    enum Kind<B> {
        Whole { payload: Payload },
        Stream { #[pin] body: TranscodeBody<B> },
    }
}

impl<B> AnswerBody<B> {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self {
            kind: Kind::Whole {
                payload: Payload::new(bytes),
            },
        }
    }

    pub(crate) fn stream(body: TranscodeBody<B>) -> Self {
        Self {
            kind: Kind::Stream { body },
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
        match self.project().kind.project() {
            KindProject::Whole { payload } => Pin::new(payload)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            KindProject::Stream { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole { payload } => payload.is_end_stream(),
            Kind::Stream { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole { payload } => payload.size_hint(),
            Kind::Stream { .. } => SizeHint::default(),
        }
    }
}

impl<B> fmt::Debug for AnswerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Whole { .. } => "whole",
            Kind::Stream { .. } => "stream",
        };
        f.debug_struct("AnswerBody")
            .field("kind", &kind)
            .finish_non_exhaustive()
    }
}
