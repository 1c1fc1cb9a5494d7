//! A body from below, or one in memory.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::payload::Payload;

pin_project! {
    /// The body of a layer that relays answers and makes some of its own: one from below, or one in memory.
    #[derive(Debug)]
    pub struct OrPayload<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProject]
    #[derive(Debug)]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Payload { payload: Payload },
    }
}

impl<B> OrPayload<B> {
    pub(crate) fn inner(body: B) -> Self {
        Self {
            kind: Kind::Inner { body },
        }
    }

    pub(crate) fn payload(payload: Payload) -> Self {
        Self {
            kind: Kind::Payload { payload },
        }
    }
}

impl<B: Body<Data = Bytes>> Body for OrPayload<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProject::Inner { body } => body.poll_frame(cx),
            KindProject::Payload { payload } => Pin::new(payload)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
        }
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
