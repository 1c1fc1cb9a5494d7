//! The body that clients get.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::record::Record;
use crate::body::Payload;
use crate::observe::End;

pin_project! {
    /// An answer from below, or an error of the gateway's own.
    pub struct ResponseBody<B> {
        // Before the record: what the body says when it is dropped goes into the record.
        #[pin]
        kind: Kind<B>,
        record: Record,
    }
}

pin_project! {
    #[project = KindProject]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Payload { payload: Payload },
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
            kind: Kind::Inner { body },
            record,
        }
    }

    pub(super) fn payload(payload: Payload, record: Record) -> Self {
        Self {
            kind: Kind::Payload { payload },
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
        let this = self.project();
        let (frame, ended) = match this.kind.project() {
            KindProject::Inner { body } => {
                let mut body = body;
                let frame = ready!(body.as_mut().poll_frame(cx));
                // A server asks no further once it knows that nothing follows.
                let ended =
                    frame.is_none() || (matches!(frame, Some(Ok(_))) && body.is_end_stream());
                (frame, ended)
            }
            KindProject::Payload { payload } => {
                let frame = ready!(Pin::new(payload).poll_frame(cx));
                (
                    frame.map(|frame| frame.map_err(|never| match never {})),
                    true,
                )
            }
        };
        if matches!(frame, Some(Err(_))) {
            this.record.end = Some(End::Broken);
        } else if ended {
            this.record.end.get_or_insert(End::Complete);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Payload { payload } => payload.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Payload { payload } => payload.size_hint(),
        }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
