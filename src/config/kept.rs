//! Connections that outlive a configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::ConnectionConfig;
use crate::settings::RetrySettings;
use crate::target::Connection;

/// The connections of a configuration in use, for [`Config::gateway_keeping`](super::Config::gateway_keeping).
///
/// A connection knows things: which providers keep failing, how much of its capacity and of its retries is used, the credentials it
/// has loaded. Where a new configuration says the same of a connection as the one before, this goes on.
#[derive(Clone, Default)]
pub struct Kept {
    connections: BTreeMap<String, Made>,
}

/// A connection, and what it was made of.
#[derive(Clone)]
struct Made {
    config: ConnectionConfig,
    /// The key from the environment.
    key: Option<String>,
    retry: RetrySettings,
    connection: Arc<Connection>,
}

impl Kept {
    /// Nothing to go on with.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a connection up that was made for a new configuration, which keeps `before`: gives the older one where there is
    /// one that was made of the same.
    pub(super) fn take_up(
        &mut self,
        before: &Self,
        config: &ConnectionConfig,
        key: Option<String>,
        retry: RetrySettings,
        connection: Connection,
    ) -> Arc<Connection> {
        let name = connection.name().to_owned();
        let same = before.connections.get(&name).filter(|made| {
            made.config == *config
                && made.key == key
                && made.retry == retry
                // It may come from the models of the routes.
                && made.connection.region() == connection.region()
        });
        let connection = match same {
            Some(made) => made.connection.clone(),
            None => Arc::new(connection),
        };
        let made = Made {
            config: config.clone(),
            key,
            retry,
            connection: connection.clone(),
        };
        self.connections.insert(name, made);
        connection
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.connections.keys();
        f.debug_tuple("Kept")
            .field(&names.collect::<Vec<_>>())
            .finish()
    }
}
