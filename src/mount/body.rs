//! The body of either service.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of the gateway's answer, or of the inner service's.
    #[derive(Debug)]
    pub struct MountBody<A, B> {
        #[pin]
        kind: Kind<A, B>,
    }
}

pin_project! {
    #[project = KindProject]
    #[derive(Debug)]
    enum Kind<A, B> {
        Gateway { #[pin] body: A },
        Inner { #[pin] body: B },
    }
}

impl<A, B> MountBody<A, B> {
    pub(super) fn gateway(body: A) -> Self {
        Self {
            kind: Kind::Gateway { body },
        }
    }

    pub(super) fn inner(body: B) -> Self {
        Self {
            kind: Kind::Inner { body },
        }
    }
}

impl<A, B> Body for MountBody<A, B>
where
    A: Body<Data = Bytes>,
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = MountBodyError<A::Error, B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project().kind.project() {
            KindProject::Gateway { body } => body
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(MountBodyError::Gateway))),
            KindProject::Inner { body } => body
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(MountBodyError::Inner))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Gateway { body } => body.is_end_stream(),
            Kind::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Gateway { body } => body.size_hint(),
            Kind::Inner { body } => body.size_hint(),
        }
    }
}

/// The error of either body.
///
/// A type of its own: a boxed one would not be general enough in the futures that servers spawn.
#[derive(Debug)]
#[non_exhaustive]
pub enum MountBodyError<A, B> {
    /// The gateway's answer could not be delivered whole.
    Gateway(A),
    /// The inner service's body failed.
    Inner(B),
}

impl<A: fmt::Display, B: fmt::Display> fmt::Display for MountBodyError<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(error) => error.fmt(f),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

impl<A: StdError, B: StdError> StdError for MountBodyError<A, B> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Gateway(error) => error.source(),
            Self::Inner(error) => error.source(),
        }
    }
}
