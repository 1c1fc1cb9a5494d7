//! The layer.

use tower::Layer;

use super::service::Retry;
use crate::settings::RetrySettings;

/// Tries a failed call again, on the same target or the next.
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryLayer {
    settings: RetrySettings,
}

impl RetryLayer {
    /// A layer with these rules.
    #[must_use]
    pub fn new(settings: RetrySettings) -> Self {
        Self { settings }
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(inner, self.settings)
    }
}
