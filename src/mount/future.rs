//! The future.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::body::MountBody;

pin_project! {
    /// The future of [`Mount`](super::Mount).
    pub struct ResponseFuture<G, I> {
        #[pin]
        kind: Kind<G, I>,
    }
}

pin_project! {
    #[project = KindProject]
    enum Kind<G, I> {
        Gateway { #[pin] future: G },
        Inner { #[pin] future: I },
    }
}

impl<G, I> ResponseFuture<G, I> {
    pub(super) fn gateway(future: G) -> Self {
        Self {
            kind: Kind::Gateway { future },
        }
    }

    pub(super) fn inner(future: I) -> Self {
        Self {
            kind: Kind::Inner { future },
        }
    }
}

impl<G, I, A, B, E> Future for ResponseFuture<G, I>
where
    G: Future<Output = Result<Response<A>, Infallible>>,
    I: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<MountBody<A, B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProject::Gateway { future } => {
                let response = ready!(future.poll(cx)).unwrap_or_else(|never| match never {});
                Poll::Ready(Ok(response.map(MountBody::gateway)))
            }
            KindProject::Inner { future } => {
                Poll::Ready(ready!(future.poll(cx)).map(|response| response.map(MountBody::inner)))
            }
        }
    }
}

impl<G, I> fmt::Debug for ResponseFuture<G, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
