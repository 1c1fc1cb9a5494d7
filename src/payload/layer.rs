//! The layer.

use std::time::Duration;

use tower::Layer;

use super::service::Gather;
use crate::settings::{Limits, Timeouts};

/// Gathers requests' bodies into [`Payload`](crate::Payload).
#[derive(Debug, Clone, Copy, Default)]
pub struct PayloadLayer {
    limits: Limits,
    timeouts: Timeouts,
}

impl PayloadLayer {
    /// A layer with the default limit of 32 MiB, and 60 s for a body, 10 s for each piece.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds the bodies by [`Limits::request_body`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The time between two pieces of a body, and for all of it: a client that sends more slowly gets a 408.
    #[must_use]
    pub fn request_timeouts(mut self, idle: Duration, whole: Duration) -> Self {
        self.timeouts.request_idle = idle;
        self.timeouts.request_body = whole;
        self
    }
}

impl<S> Layer<S> for PayloadLayer {
    type Service = Gather<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Gather::new(inner, self.limits, self.timeouts)
    }
}
