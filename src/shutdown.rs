//! The end of a gateway's service: new calls are refused, and later the open ones are told that it is over.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// A switch that the owner of a server turns when it stops, so that clients hear of it in their own format.
///
/// First [`Shutdown::refuse_calls`]: new calls get 503, open ones go on. Then, when the grace period is over,
/// [`Shutdown::end_calls`]: waiting calls get 503, and open streams end with an error. Clones turn the same switch.
///
/// ```
/// use tower_llm_gateway::{Gateway, Shutdown};
///
/// let shutdown = Shutdown::new();
/// let builder = Gateway::builder().shutdown(shutdown.clone());
/// // On the signal to stop:
/// shutdown.refuse_calls();
/// // When the open calls have had their time:
/// shutdown.end_calls();
/// # drop(builder);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<State>);

#[derive(Debug, Default)]
struct State {
    refusing: AtomicBool,
    ended: AtomicBool,
    ending: Arc<Notify>,
}

impl Shutdown {
    /// A switch that is not turned.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses new calls, with 503; those that are open go on.
    pub fn refuse_calls(&self) {
        self.0.refusing.store(true, Ordering::Release);
    }

    /// Refuses new calls, and ends those that are open with an error in the client's format.
    pub fn end_calls(&self) {
        self.refuse_calls();
        self.0.ended.store(true, Ordering::Release);
        self.0.ending.notify_waiters();
    }

    /// Whether new calls are refused.
    #[must_use]
    pub fn is_refusing(&self) -> bool {
        self.0.refusing.load(Ordering::Acquire)
    }

    /// Resolves when the open calls are to end.
    pub(crate) fn ending(&self) -> Ending {
        Ending {
            notified: self.0.ending.clone().notified_owned(),
            state: self.0.clone(),
        }
    }
}

pin_project! {
    /// See [`Shutdown::ending`].
    #[derive(Debug)]
    pub(crate) struct Ending {
        #[pin]
        notified: OwnedNotified,
        state: Arc<State>,
    }
}

impl Ending {
    /// Whether the open calls are to end now, for those who have no time to wait.
    pub(crate) fn is_due(&self) -> bool {
        self.state.ended.load(Ordering::Acquire)
    }
}

impl Future for Ending {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        // Where the switch was turned before this was made, nobody notifies any more.
        if this.state.ended.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        this.notified.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio_test::task::spawn;

    use super::*;

    #[test]
    fn what_waits_is_woken_and_what_comes_later_does_not_wait() {
        let shutdown = Shutdown::new();
        let mut polled = spawn(shutdown.ending());
        assert!(polled.poll().is_pending());
        let mut made = spawn(shutdown.ending());
        shutdown.refuse_calls();
        assert!(shutdown.is_refusing() && !polled.is_woken());
        shutdown.end_calls();
        assert!(polled.is_woken());
        assert!(polled.poll().is_ready() && made.poll().is_ready());
        assert!(spawn(shutdown.ending()).poll().is_ready());
    }
}
