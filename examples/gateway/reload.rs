//! The configuration, read again while the gateway runs: on SIGHUP, and when the file changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Interval, MissedTickBehavior, interval};
use tower_llm_gateway::config::Kept;
use tower_llm_gateway::{Gateway, Observer, Shutdown};

use crate::arguments::Arguments;
use crate::setup::{self, ServerSettings};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Watches the configuration file. Without one nothing is ever read again.
pub(crate) struct Reload {
    arguments: Arguments,
    shutdown: Shutdown,
    /// What the program was started with: some of it cannot change any more.
    started: ServerSettings,
    connect: Duration,
    watchers: Vec<Arc<dyn Observer>>,
    /// The connections in use.
    kept: Kept,
    file: Option<PathBuf>,
    seen: Option<Stamp>,
    interval: Interval,
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

/// What tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

fn stamp(file: &Path) -> Option<Stamp> {
    // Mounted configurations are links to directories that are swapped: the link is followed.
    let metadata = std::fs::metadata(file).ok()?;
    Some(Stamp {
        modified: metadata.modified().ok(),
        length: metadata.len(),
    })
}

impl Reload {
    /// Begins to watch. To be called inside the runtime.
    pub(crate) fn new(
        arguments: &Arguments,
        started: &ServerSettings,
        connect: Duration,
        shutdown: &Shutdown,
        watchers: Vec<Arc<dyn Observer>>,
        kept: Kept,
    ) -> Result<Self, String> {
        let mut interval = interval(LOOK);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        #[cfg(unix)]
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
            .map_err(|error| format!("signals cannot be watched: {error}"))?;
        Ok(Self {
            arguments: arguments.clone(),
            shutdown: shutdown.clone(),
            started: started.clone(),
            connect,
            watchers,
            kept,
            seen: arguments.config.as_deref().and_then(stamp),
            file: arguments.config.clone(),
            interval,
            #[cfg(unix)]
            signal,
        })
    }

    /// Waits for a new configuration that can be used. What cannot be used is logged, and the old one stays.
    pub(crate) async fn next(&mut self) -> (Gateway<()>, ServerSettings) {
        loop {
            self.asked().await;
            let Some(file) = self.file.clone() else {
                tracing::info!("asked to read the configuration again, but there is no file");
                continue;
            };
            self.seen = stamp(&file);
            match self.load() {
                Ok(loaded) => {
                    tracing::info!(file = %file.display(), "the configuration was read again");
                    return loaded;
                }
                Err(error) => tracing::error!(%error, "the new configuration is not used"),
            }
        }
    }

    /// Waits for a reason to read the file.
    async fn asked(&mut self) {
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = self.signal.recv() => return,
                _ = self.interval.tick() => {}
            }
            #[cfg(not(unix))]
            self.interval.tick().await;
            if let Some(file) = &self.file {
                // A file that is gone for a moment is one that is being replaced.
                let now = stamp(file);
                if now.is_some() && now != self.seen {
                    return;
                }
            }
        }
    }

    fn load(&mut self) -> Result<(Gateway<()>, ServerSettings), String> {
        let env = |name: &str| std::env::var(name).ok();
        let mut kept = self.kept.clone();
        let setup = setup::load(&self.arguments, &env, &mut kept)?;
        let gateway = crate::watched(setup.builder, &self.watchers)
            .shutdown(self.shutdown.clone())
            .build(())
            .map_err(|error| error.to_string())?;
        self.kept = kept;
        let changed = [
            ("listen", setup.server.listen != self.started.listen),
            ("shutdown_grace", setup.server.grace != self.started.grace),
            ("timeouts.connect", setup.timeouts.connect != self.connect),
        ];
        for (key, _) in changed.into_iter().filter(|(_, changed)| *changed) {
            tracing::warn!(key, "this setting takes effect at the next start only");
        }
        Ok((gateway, setup.server))
    }
}
