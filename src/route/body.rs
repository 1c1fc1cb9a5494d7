//! The body that clients get.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::record::Record;
use crate::body::{OrPayload, Payload};
use crate::observe::End;

pin_project! {
    /// An answer from below, or an error of the gateway's own.
    pub struct ResponseBody<B> {
        // Before the record: what the body says when it is dropped goes into the record.
        #[pin]
        body: OrPayload<B>,
        record: Record,
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn inner(body: B, mut record: Record) -> Self
    where
        B: Body,
    {
        // A server does not ask at all for a body that has nothing.
        record.end = body.is_end_stream().then_some(End::Complete);
        Self {
            body: OrPayload::inner(body),
            record,
        }
    }

    pub(super) fn payload(payload: Payload, record: Record) -> Self {
        Self {
            body: OrPayload::payload(payload),
            record,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        // A server asks no further once it knows that nothing follows.
        let ended = frame.is_none() || this.body.is_end_stream();
        if matches!(frame, Some(Err(_))) {
            this.record.end = Some(End::Broken);
        } else if ended {
            this.record.end.get_or_insert(End::Complete);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
