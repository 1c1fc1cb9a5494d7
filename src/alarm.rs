//! A clock for waits that are mostly over at once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// A clock that is armed only where the wait is a real one, and re-armed only when it rings.
    ///
    /// What is waited for is often ready as soon as other tasks have had their turn: the first poll only asks for another one.
    /// To arm a timer takes the runtime's lock, and mostly a system call that wakes whoever sleeps until a later timer.
    #[derive(Debug)]
    pub(crate) struct Alarm {
        at: Instant,
        // The task had another turn.
        looked: bool,
        #[pin]
        clock: Option<Sleep>,
    }
}

impl Alarm {
    /// An alarm for this moment.
    pub(crate) fn at(at: Instant) -> Self {
        Self {
            at,
            looked: false,
            clock: None,
        }
    }

    /// Moves the alarm.
    pub(crate) fn set(self: Pin<&mut Self>, at: Instant) {
        let this = self.project();
        *this.at = at;
        if let Some(clock) = this.clock.as_pin_mut()
            && at < clock.deadline()
        {
            clock.reset(at);
        }
    }

    /// Ready when the moment is there.
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.clock.is_none() {
            if !*this.looked {
                *this.looked = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            this.clock.set(Some(sleep_until(*this.at)));
        }
        let Some(mut clock) = this.clock.as_pin_mut() else {
            return Poll::Pending;
        };
        loop {
            ready!(clock.as_mut().poll(cx));
            if Instant::now() >= *this.at {
                return Poll::Ready(());
            }
            clock.as_mut().reset(*this.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_test::task::spawn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_its_moment_wherever_that_was_moved() {
        let start = Instant::now();
        for (first, then) in [(5, 5), (5, 9), (9, 5)] {
            let begin = Instant::now();
            let mut alarm = Box::pin(Alarm::at(begin + Duration::from_secs(first)));
            let mut moved = false;
            std::future::poll_fn(|cx| {
                let poll = alarm.as_mut().poll(cx);
                if !moved && alarm.clock.is_some() {
                    moved = true;
                    let then = begin + Duration::from_secs(then);
                    alarm.as_mut().set(then);
                    return alarm.as_mut().poll(cx);
                }
                poll
            })
            .await;
            assert_eq!(begin.elapsed().as_secs(), then);
        }
        assert_eq!(start.elapsed().as_secs(), 19);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_look_arms_nothing() {
        let mut alarm = Box::pin(Alarm::at(Instant::now()));
        let mut task = spawn(());
        let first = task.enter(|cx, _| alarm.as_mut().poll(cx));
        assert!(first.is_pending() && alarm.clock.is_none() && task.is_woken());
        let second = task.enter(|cx, _| alarm.as_mut().poll(cx));
        assert!(second.is_ready());
    }
}
