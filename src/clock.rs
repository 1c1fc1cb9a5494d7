//! The wall clock, which tests can stop.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The moment so long after `start`. A time that overflows the clock is no limit at all; a day is as good.
pub(crate) fn after(start: Instant, time: Duration) -> Instant {
    start
        .checked_add(time)
        .unwrap_or_else(|| start + Duration::from_secs(86_400))
}

/// The wall clock of the gateway: what `created` members and HTTP dates are made and compared with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    fixed: Option<Duration>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still, for tests: seconds since the Unix epoch.
    #[must_use]
    pub fn fixed(unix_seconds: u64) -> Self {
        Self {
            fixed: Some(Duration::from_secs(unix_seconds)),
        }
    }

    pub(crate) fn now(self) -> SystemTime {
        match self.fixed {
            Some(since_epoch) => UNIX_EPOCH + since_epoch,
            None => SystemTime::now(),
        }
    }

    pub(crate) fn unix_seconds(self) -> u64 {
        self.now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since_epoch| since_epoch.as_secs())
    }
}
