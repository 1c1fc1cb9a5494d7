//! Credentials, loaded once for all calls and renewed ahead of their end.
//!
//! Providers of credentials do not cache: each of their answers may be a call to STS or to the instance metadata service.
//! Nothing is spawned here: a load belongs to the cache and is polled by the calls that want its result, whichever of them
//! is awake. One that is cancelled leaves it to the others.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use tokio::time::Instant;

use super::age::{Life, Stage};
use super::bell::Bell;
use crate::error::Chain;
use crate::retry::backoff;

/// How long a call waits for credentials, and how long a load may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The wait after a load that failed doubles from the first to the second.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Credentials that are refused sooner after they were loaded are not thrown away: new ones would be no better, and a
/// refused role must not become a storm of loads.
const TRUSTED: Duration = Duration::from_secs(5);

type Load = Pin<Box<dyn Future<Output = Result<Credentials, CredentialsError>> + Send>>;

/// See the module.
pub(super) struct Cache {
    /// `None` for keys that were given once and for all.
    provider: Option<SharedCredentialsProvider>,
    state: Mutex<State>,
    /// Locked while the load is polled; with both, `state` is locked first.
    load: Mutex<Option<Running>>,
    bell: Arc<Bell>,
    /// What must be added to this machine's clock, in seconds, to get AWS's.
    skew: AtomicI64,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    versions: u64,
    loads: u64,
    /// The load that runs.
    running: Option<(u64, Instant)>,
    failures: u32,
    /// Until when no load is begun, because the last one failed.
    rest: Option<Instant>,
    error: Option<Arc<CredentialsError>>,
}

struct Running {
    number: u64,
    load: Load,
}

/// Credentials to sign with.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) identity: Identity,
    pub(super) version: u64,
    life: Life,
    since: Instant,
}

impl Held {
    /// Credentials that are never renewed.
    pub(super) fn fixed(credentials: Credentials) -> Self {
        Self {
            identity: credentials.into(),
            version: 1,
            life: Life::new(SystemTime::UNIX_EPOCH, None),
            since: Instant::now(),
        }
    }
}

/// What the cache has for a call.
pub(super) enum Access {
    /// Credentials; a load to poll beside the call, where they are to be renewed.
    Ready(Held, Option<Watch>),
    /// A load to wait for.
    Wait(Watch),
    Failed(LoadFailed),
}

/// There are no credentials to sign with.
#[derive(Debug, Clone)]
pub(super) struct LoadFailed(Option<Arc<CredentialsError>>);

impl Cache {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self::with(Some(provider), State::default())
    }

    /// A cache of credentials that are never renewed.
    pub(super) fn fixed(credentials: Credentials) -> Self {
        let state = State {
            held: Some(Held::fixed(credentials)),
            ..State::default()
        };
        Self::with(None, state)
    }

    fn with(provider: Option<SharedCredentialsProvider>, state: State) -> Self {
        Self {
            provider,
            state: Mutex::new(state),
            load: Mutex::new(None),
            bell: Arc::default(),
            skew: AtomicI64::new(0),
        }
    }

    /// What there is at `now`, by AWS's clock.
    pub(super) fn access(self: &Arc<Self>, now: SystemTime) -> Access {
        let mut state = self.lock();
        if let Some((number, since)) = state.running
            && since.elapsed() >= PATIENCE
        {
            // Nobody has polled it for long: it may have its result since, or never get one.
            drop(state);
            self.drive(now);
            state = self.lock();
            if state.running.is_some_and(|(running, _)| running == number) {
                state.running = None;
            }
        }
        let held = state.held.clone();
        let stage = held.as_ref().map_or(Stage::Over, |h| h.life.stage(now));
        match (held, stage) {
            (Some(held), Stage::Fresh) => Access::Ready(held, None),
            (Some(held), Stage::Ageing) => Access::Ready(held, self.join(&mut state)),
            (held, stage) => match (self.join(&mut state), held) {
                (Some(watch), _) => Access::Wait(watch),
                (None, Some(held)) if stage == Stage::Ending => Access::Ready(held, None),
                (None, _) => Access::Failed(LoadFailed(state.error.clone())),
            },
        }
    }

    /// What there is for a call that has waited long enough.
    pub(super) fn late(&self, now: SystemTime) -> Result<Held, LoadFailed> {
        let mut state = self.lock();
        if let Some((_, since)) = state.running
            && since.elapsed() >= PATIENCE
        {
            state.running = None;
            state.fail(CredentialsError::provider_timed_out(PATIENCE));
            drop(state);
            self.bell.ring();
            state = self.lock();
        }
        match &state.held {
            Some(held) if held.life.stage(now) != Stage::Over => Ok(held.clone()),
            _ => Err(LoadFailed(state.error.clone())),
        }
    }

    /// Takes part in the load that runs, or begins one; `None` while none may be begun.
    fn join(self: &Arc<Self>, state: &mut State) -> Option<Watch> {
        let number = if let Some((number, _)) = state.running {
            number
        } else {
            if state.rest.is_some_and(|rest| Instant::now() < rest) {
                return None;
            }
            let provider = self.provider.clone()?;
            state.loads = state.loads.wrapping_add(1);
            let number = state.loads;
            state.running = Some((number, Instant::now()));
            let load = Box::pin(async move { provider.provide_credentials().await });
            let mut slot = self.load.lock().unwrap_or_else(PoisonError::into_inner);
            *slot = Some(Running { number, load });
            number
        };
        Some(Watch {
            cache: self.clone(),
            number,
            name: self.bell.name(),
            registered: false,
        })
    }

    /// Polls the load that runs, unless somebody does so right now.
    fn drive(&self, now: SystemTime) {
        let mut slot = match self.load.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(slot)) => slot.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        // Out of its place meanwhile: a provider that panics is not polled again.
        let Some(mut running) = slot.take() else {
            return;
        };
        let waker = Waker::from(self.bell.clone());
        match running.load.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => *slot = Some(running),
            Poll::Ready(result) => {
                drop(slot);
                self.finish(running.number, result, now);
            }
        }
    }

    fn finish(&self, number: u64, result: Result<Credentials, CredentialsError>, now: SystemTime) {
        let mut state = self.lock();
        if state.running.is_none_or(|(running, _)| running != number) {
            return;
        }
        state.running = None;
        match result {
            Ok(credentials) => state.succeed(credentials, now),
            Err(error) => state.fail(error),
        }
        drop(state);
        self.bell.ring();
    }

    /// Throws these credentials away, because AWS did not know them or found them expired.
    pub(super) fn refused(&self, version: u64) {
        let mut state = self.lock();
        let renewable = self.provider.is_some();
        if renewable
            && state
                .held
                .as_ref()
                .is_some_and(|held| held.version == version && held.since.elapsed() >= TRUSTED)
        {
            state.held = None;
        }
    }

    /// What must be added to this machine's clock, in seconds.
    pub(super) fn skew(&self) -> i64 {
        self.skew.load(Ordering::Relaxed)
    }

    pub(super) fn learn_skew(&self, seconds: i64) {
        self.skew.store(seconds, Ordering::Relaxed);
    }

    /// AWS's time, when it is `now` on this machine.
    pub(super) fn corrected(&self, now: SystemTime) -> SystemTime {
        let skew = self.skew();
        let distance = Duration::from_secs(skew.unsigned_abs());
        let corrected = if skew < 0 {
            now.checked_sub(distance)
        } else {
            now.checked_add(distance)
        };
        corrected.unwrap_or(now)
    }

    fn is_running(&self, number: u64) -> bool {
        self.lock()
            .running
            .is_some_and(|(running, _)| running == number)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn succeed(&mut self, credentials: Credentials, now: SystemTime) {
        let life = Life::new(now, credentials.expiry());
        if life.stage(now) == Stage::Over {
            self.fail(CredentialsError::provider_error(
                "the credentials that were loaded are expired already",
            ));
            return;
        }
        self.versions = self.versions.wrapping_add(1);
        self.held = Some(Held {
            identity: credentials.into(),
            version: self.versions,
            life,
            since: Instant::now(),
        });
        self.failures = 0;
        self.rest = None;
        self.error = None;
    }

    fn fail(&mut self, error: CredentialsError) {
        let rest = backoff(self.failures, REST.0, REST.1);
        self.failures = self.failures.saturating_add(1);
        self.rest = Instant::now().checked_add(rest);
        tracing::warn!(
            target: "tower_llm_gateway::auth",
            error = %Chain(&error),
            rest_ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX),
            "AWS credentials could not be loaded"
        );
        self.error = Some(Arc::new(error));
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

/// A part in a load.
#[derive(Debug)]
pub(super) struct Watch {
    cache: Arc<Cache>,
    number: u64,
    name: u64,
    registered: bool,
}

impl Watch {
    /// Polls the load; ready when it is over, however it ended.
    pub(super) fn poll(&mut self, cx: &Context<'_>, now: SystemTime) -> Poll<()> {
        if !self.cache.is_running(self.number) {
            return Poll::Ready(());
        }
        // Before the load is polled: whoever polls it right now may be the one to finish it.
        self.cache.bell.register(self.name, cx.waker());
        self.registered = true;
        self.cache.drive(now);
        if self.cache.is_running(self.number) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // One that was woken and did not come hands the load to the others.
        if self.registered && !self.cache.bell.remove(self.name) {
            self.cache.bell.ring();
        }
    }
}

impl fmt::Display for LoadFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the AWS credentials could not be loaded")
    }
}

impl StdError for LoadFailed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Some(error) => Some(&**error),
            None => None,
        }
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
