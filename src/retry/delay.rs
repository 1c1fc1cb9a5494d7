//! The wait before another try.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use crate::random;

pin_project! {
    /// The wait before another try; none at all where another target is free.
    #[derive(Debug)]
    pub struct Delay {
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Delay {
    pub(super) fn none() -> Self {
        Self { sleep: None }
    }

    pub(super) fn wait(time: Duration) -> Self {
        Self {
            sleep: (!time.is_zero()).then(|| sleep(time)),
        }
    }
}

impl Future for Delay {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx),
            None => Poll::Ready(()),
        }
    }
}

/// The `tries`-th wait (0 = the first): doubling from `min` to `max`, less up to a quarter by chance.
pub(crate) fn backoff(tries: u32, min: Duration, max: Duration) -> Duration {
    let full = min.saturating_mul(2_u32.saturating_pow(tries)).min(max);
    full - full.mul_f64(0.25 * chance())
}

/// A wait that a provider asked for, and up to a quarter more by chance, so that clients do not come back all at once.
pub(super) fn asked(time: Duration) -> Duration {
    time.saturating_add(time.mul_f64(0.25 * chance()))
}

/// From 0 to 1.
fn chance() -> f64 {
    // 24 bits are exact in an f64, and enough to spread clients.
    f64::from(u32::try_from(random::number() & 0xff_ffff).unwrap_or(0)) / f64::from(0xff_ffff_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_maximum() {
        let (min, max) = (Duration::from_millis(500), Duration::from_secs(8));
        for (tries, full) in [
            (0, 500),
            (1, 1000),
            (2, 2000),
            (4, 8000),
            (5, 8000),
            (60, 8000),
        ] {
            for _ in 0..50 {
                let wait = backoff(tries, min, max);
                let full = Duration::from_millis(full);
                assert!(
                    wait <= full && wait >= full.mul_f64(0.749),
                    "{tries}: {wait:?}"
                );
            }
        }
    }

    #[test]
    fn asked_waits_are_never_cut_short() {
        for _ in 0..50 {
            let wait = asked(Duration::from_secs(4));
            assert!((4.0..=5.001).contains(&wait.as_secs_f64()), "{wait:?}");
        }
    }
}
