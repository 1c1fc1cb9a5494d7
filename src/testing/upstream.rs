//! The service.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use tokio::time::{Sleep, sleep};
use tower::Service;

use super::body::ReplyBody;
use super::received::Received;
use super::reply::{Head, Reply};
use crate::body::Payload;
use crate::error::{Error, ErrorClass};

/// A provider that answers by a script and remembers what it was sent. Clones share both.
///
/// It is always ready, and its errors are the crate's own [`Error`], of the class that the script names. A request for which the
/// script has nothing left gets an error of class [`ErrorClass::Misuse`], which is never tried again: a gateway answers 500.
///
/// ```
/// use http::Request;
/// use tower::ServiceExt;
/// use tower_llm_gateway::Payload;
/// use tower_llm_gateway::testing::{Reply, Upstream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let upstream = Upstream::answering(|request| match request.path() {
///     "/v1/messages" => Reply::json("{}"),
///     _ => Reply::new().status(404),
/// });
/// let request = Request::post("/v1/models").body(Payload::default())?;
/// assert_eq!(upstream.clone().oneshot(request).await?.status(), 404);
/// assert_eq!(upstream.only_request().path(), "/v1/models");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Upstream {
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    received: Mutex<Vec<Received>>,
    open: Arc<()>,
}

enum Script {
    Replies(VecDeque<Reply>),
    Always(Reply),
    By(Box<dyn FnMut(&Received) -> Reply + Send>),
}

/// Counts an answer that is neither complete nor dropped.
pub(super) type Open = Arc<()>;

/// Takes a lock whose holder may have panicked in a test that failed anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Upstream {
    fn of(script: Script) -> Self {
        Self {
            shared: Arc::new(Shared {
                script: Mutex::new(script),
                received: Mutex::default(),
                open: Arc::default(),
            }),
        }
    }

    /// Answers one request after the other, in the order in which they come.
    #[must_use]
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::of(Script::Replies(replies.into_iter().collect()))
    }

    /// Answers every request in the same way.
    #[must_use]
    pub fn always(reply: Reply) -> Self {
        Self::of(Script::Always(reply))
    }

    /// Lets `answer` look at each request to choose the reply.
    #[must_use]
    pub fn answering(answer: impl FnMut(&Received) -> Reply + Send + 'static) -> Self {
        Self::of(Script::By(Box::new(answer)))
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// The one request.
    ///
    /// # Panics
    /// There was none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn only_request(&self) -> Received {
        let mut requests = self.requests();
        match (requests.pop(), requests.len()) {
            (Some(request), 0) => request,
            (request, others) => panic!(
                "one request was expected, and {} came",
                usize::from(request.is_some()) + others
            ),
        }
    }

    /// Replies that no request took yet; 0 where the script has no end.
    #[must_use]
    pub fn left(&self) -> usize {
        match &*lock(&self.shared.script) {
            Script::Replies(replies) => replies.len(),
            Script::Always(_) | Script::By(_) => 0,
        }
    }

    /// Requests that are still being worked on: neither answered to the end nor dropped. 0 once a client that left took its
    /// call to the provider with it.
    #[must_use]
    pub fn open(&self) -> usize {
        Arc::strong_count(&self.shared.open) - 1
    }
}

impl Script {
    fn next(&mut self, request: &Received) -> Option<Reply> {
        match self {
            Self::Replies(replies) => replies.pop_front(),
            Self::Always(reply) => Some(reply.clone()),
            Self::By(answer) => Some(answer(request)),
        }
    }
}

impl Service<Request<Payload>> for Upstream {
    type Response = Response<ReplyBody>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Payload>) -> ResponseFuture {
        let request = Received::new(request);
        let reply = lock(&self.shared.script).next(&request);
        lock(&self.shared.received).push(request);
        let reply = reply.unwrap_or_else(|| Reply::fail(ErrorClass::Misuse));
        ResponseFuture {
            sleep: (!reply.head_after.is_zero()).then(|| Box::pin(sleep(reply.head_after))),
            reply: Some((reply, self.shared.open.clone())),
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("left", &self.left())
            .field("received", &self.requests())
            .finish()
    }
}

/// The future of [`Upstream`].
#[must_use = "futures do nothing unless they are polled"]
pub struct ResponseFuture {
    sleep: Option<Pin<Box<Sleep>>>,
    // Taken once, with the answer.
    reply: Option<(Reply, Open)>,
}

impl Future for ResponseFuture {
    type Output = Result<Response<ReplyBody>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        if matches!(&self.reply, Some((reply, _)) if matches!(reply.head, Head::Never)) {
            return Poll::Pending;
        }
        match self.reply.take() {
            Some((reply, open)) => reply.finish(open).map_or(Poll::Pending, Poll::Ready),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
