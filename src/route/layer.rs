//! The layer.

use std::sync::Arc;
use std::time::Duration;

use tower::Layer;

use super::keys::ClientKeys;
use super::service::Route;
use super::table::RouteTable;
use crate::observe::{Observer, Observers};
use crate::settings::{Limits, Timeouts};
use crate::shutdown::Shutdown;

/// Finds out what a request asks for and where it may go, and answers whatever went wrong below in the client's format.
#[derive(Debug, Clone)]
pub struct RouteLayer {
    pub(super) settings: Arc<Settings>,
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) table: Arc<RouteTable>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    pub(super) keys: ClientKeys,
    pub(super) observers: Observers,
    pub(super) shutdown: Option<Shutdown>,
}

impl RouteLayer {
    /// A layer that resolves models by `table`.
    #[must_use]
    pub fn new(table: Arc<RouteTable>) -> Self {
        let settings = Settings {
            table,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            keys: ClientKeys::default(),
            observers: Observers::default(),
            shutdown: None,
        };
        Self {
            settings: Arc::new(settings),
        }
    }

    /// Bounds the requests.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.settings).limits = limits;
        self
    }

    /// The time that a call may take in all.
    #[must_use]
    pub fn total_timeout(mut self, total: Duration) -> Self {
        Arc::make_mut(&mut self.settings).timeouts.total = total;
        self
    }

    /// The time between two pieces of a client's request body, and for all of it: a client that sends more slowly gets a 408.
    #[must_use]
    pub fn request_timeouts(mut self, idle: Duration, whole: Duration) -> Self {
        let timeouts = &mut Arc::make_mut(&mut self.settings).timeouts;
        timeouts.request_idle = idle;
        timeouts.request_body = whole;
        self
    }

    /// The keys that clients must use one of. Default: none, everybody may call.
    #[must_use]
    pub fn client_keys(mut self, keys: ClientKeys) -> Self {
        Arc::make_mut(&mut self.settings).keys = keys;
        self
    }

    /// Adds somebody who wants to know of every call.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        Arc::make_mut(&mut self.settings).observers.add(observer);
        self
    }

    /// The switch that ends the service: see [`Shutdown`].
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        Arc::make_mut(&mut self.settings).shutdown = Some(shutdown);
        self
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = Route<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Route::new(inner, self.settings.clone())
    }
}
