use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::UNIX_EPOCH;

use aws_credential_types::provider::{error::CredentialsError, future};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{advance, timeout};
use tokio_test::{assert_pending, assert_ready, task};

use super::*;

/// What a load does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Gives credentials that end at this second.
    Until(u64),
    /// The same, once the test lets it.
    Gated(u64),
    Forever,
    Fail,
    Hang,
}

#[derive(Debug, Clone)]
struct Vault(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    loads: AtomicUsize,
    script: Mutex<VecDeque<Step>>,
    gate: Semaphore,
}

impl Vault {
    fn new(script: impl IntoIterator<Item = Step>) -> Self {
        Self(Arc::new(Inner {
            loads: AtomicUsize::new(0),
            script: Mutex::new(script.into_iter().collect()),
            gate: Semaphore::new(0),
        }))
    }

    fn cache(&self) -> Arc<Cache> {
        Arc::new(Cache::new(SharedCredentialsProvider::new(self.clone())))
    }

    fn loads(&self) -> usize {
        self.0.loads.load(SeqCst)
    }

    async fn load(&self) -> Result<Credentials, CredentialsError> {
        let number = self.0.loads.fetch_add(1, SeqCst) + 1;
        let step = self.0.script.lock().unwrap().pop_front();
        let end = match step.unwrap_or(Step::Fail) {
            Step::Until(second) => Some(at(second)),
            Step::Gated(second) => {
                self.0.gate.acquire().await.unwrap().forget();
                Some(at(second))
            }
            Step::Forever => None,
            Step::Fail => return Err(CredentialsError::provider_error("no")),
            Step::Hang => std::future::pending().await,
        };
        Ok(Credentials::new(
            format!("id-{number}"),
            "canary-secret",
            Some("canary-token".to_owned()),
            end,
            "test",
        ))
    }
}

impl ProvideCredentials for Vault {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000 + second)
}

/// What a waiting call does, at this second.
async fn wait(cache: &Arc<Cache>, second: u64) -> Result<Held, LoadFailed> {
    let now = at(second);
    let wait = async {
        loop {
            match cache.access(now) {
                Access::Ready(held, _) => return Ok(held),
                Access::Wait(mut watch) => poll_fn(|cx| watch.poll(cx, now)).await,
                Access::Failed(error) => return Err(error),
            }
        }
    };
    match timeout(PATIENCE, wait).await {
        Ok(result) => result,
        Err(_) => cache.late(now),
    }
}

/// What a call that need not wait gets.
fn ready(cache: &Arc<Cache>, second: u64) -> (Held, Option<Watch>) {
    match cache.access(at(second)) {
        Access::Ready(held, watch) => (held, watch),
        Access::Wait(_) => panic!("must wait at {second}"),
        Access::Failed(error) => panic!("{error}"),
    }
}

fn watched(watch: &mut Watch, second: u64) -> impl Future<Output = ()> + '_ {
    poll_fn(move |cx| watch.poll(cx, at(second)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_make_one_load() {
    let vault = Vault::new([Step::Gated(3600)]);
    let cache = vault.cache();
    let mut calls = JoinSet::new();
    for _ in 0..1000 {
        let cache = cache.clone();
        calls.spawn(async move { wait(&cache, 0).await.map(|held| held.version) });
    }
    tokio::task::yield_now().await;
    vault.0.gate.add_permits(1);
    while let Some(version) = calls.join_next().await {
        assert_eq!(version.unwrap().unwrap(), 1);
    }
    assert_eq!(vault.loads(), 1);
}

#[tokio::test]
async fn a_call_that_gives_up_leaves_the_load_to_the_others() {
    let vault = Vault::new([Step::Gated(3600)]);
    let cache = vault.cache();
    let mut first = task::spawn(wait(&cache, 0));
    let mut second = task::spawn(wait(&cache, 0));
    let mut third = task::spawn(wait(&cache, 0));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    assert_pending!(third.poll());
    drop(first);
    vault.0.gate.add_permits(1);
    assert!(second.is_woken() && third.is_woken());
    // Woken, and gone before it came to poll.
    drop(second);
    assert!(third.is_woken());
    assert_eq!(assert_ready!(third.poll()).unwrap().version, 1);
    assert_eq!(vault.loads(), 1);
}

#[tokio::test]
async fn a_load_that_all_calls_gave_up_is_finished_by_the_next() {
    let vault = Vault::new([Step::Gated(3600)]);
    let cache = vault.cache();
    let mut first = task::spawn(wait(&cache, 0));
    assert_pending!(first.poll());
    drop(first);
    vault.0.gate.add_permits(1);
    assert_eq!(wait(&cache, 0).await.unwrap().version, 1);
    assert_eq!(vault.loads(), 1);
}

#[tokio::test]
async fn credentials_are_renewed_beside_the_calls_that_use_them() {
    let vault = Vault::new([Step::Until(3600), Step::Gated(7200)]);
    let cache = vault.cache();
    assert_eq!(wait(&cache, 0).await.unwrap().version, 1);
    assert!(ready(&cache, 3239).1.is_none());
    let (held, watch) = ready(&cache, 3240);
    assert_eq!(held.version, 1);
    let mut watch = watch.unwrap();
    let mut load = task::spawn(watched(&mut watch, 3241));
    assert_pending!(load.poll());
    assert_eq!(ready(&cache, 3242).0.version, 1);
    vault.0.gate.add_permits(1);
    assert_ready!(load.poll());
    let (held, watch) = ready(&cache, 3243);
    assert_eq!((held.version, watch.is_none()), (2, true));
    assert_eq!(vault.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn old_credentials_serve_while_renewal_fails() {
    let vault = Vault::new([Step::Until(3600)]);
    let cache = vault.cache();
    wait(&cache, 0).await.unwrap();
    let mut rests = Vec::new();
    // No script is left: each further load fails.
    for second in 3300..3600 {
        if second >= 3590 {
            assert!(wait(&cache, second).await.is_err(), "{second}");
        } else {
            assert_eq!(wait(&cache, second).await.unwrap().version, 1, "{second}");
            if let (_, Some(mut watch)) = ready(&cache, second) {
                watched(&mut watch, second).await;
                rests.push(second);
            }
        }
        advance(Duration::from_secs(1)).await;
    }
    // 1, 2, 4 … 60 seconds, each up to a quarter shorter, seen once a second.
    let gaps: Vec<_> = rests.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (gap, full) in gaps.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
        assert!(*gap <= full && *gap * 4 >= full * 3, "{gaps:?}");
    }
    assert!(gaps.len() >= 5, "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_wait_in_the_last_minute_but_not_for_ever() {
    let vault = Vault::new([Step::Until(3600), Step::Hang, Step::Until(7200)]);
    let cache = vault.cache();
    wait(&cache, 0).await.unwrap();
    let begun = Instant::now();
    assert_eq!(wait(&cache, 3541).await.unwrap().version, 1);
    assert_eq!(begun.elapsed(), PATIENCE);
    // The load that hung counts as failed: nobody waits again at once.
    assert_eq!(ready(&cache, 3547).0.version, 1);
    assert_eq!(vault.loads(), 2);
    advance(Duration::from_secs(2)).await;
    assert_eq!(wait(&cache, 3549).await.unwrap().version, 2);
    assert_eq!(vault.loads(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_first_load_that_hangs_fails_all_calls_in_time() {
    let vault = Vault::new([Step::Hang, Step::Until(3600)]);
    let cache = vault.cache();
    let begun = Instant::now();
    let (first, second) = tokio::join!(wait(&cache, 0), wait(&cache, 0));
    assert!(first.is_err() && second.is_err());
    assert_eq!(begun.elapsed(), PATIENCE);
    // At once, while the cache rests.
    let error = wait(&cache, 5).await.err().unwrap();
    assert_eq!(begun.elapsed(), PATIENCE);
    assert!(Chain(&error).to_string().contains("timed out"), "{error:?}");
    assert_eq!(vault.loads(), 1);
    advance(Duration::from_secs(1)).await;
    assert_eq!(wait(&cache, 6).await.unwrap().version, 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_nobody_polled_for_long_is_begun_anew() {
    let vault = Vault::new([Step::Until(3600), Step::Hang, Step::Until(7200)]);
    let cache = vault.cache();
    wait(&cache, 0).await.unwrap();
    let (_, watch) = ready(&cache, 3300);
    let mut watch = watch.unwrap();
    assert_pending!(task::spawn(watched(&mut watch, 3300)).poll());
    drop(watch);
    advance(PATIENCE).await;
    let (held, watch) = ready(&cache, 3305);
    assert_eq!(held.version, 1);
    watched(&mut watch.unwrap(), 3305).await;
    assert_eq!(ready(&cache, 3306).0.version, 2);
}

#[tokio::test]
async fn expired_credentials_are_no_credentials() {
    let vault = Vault::new([Step::Until(5)]);
    let cache = vault.cache();
    let error = wait(&cache, 0).await.err().unwrap();
    assert!(
        Chain(&error).to_string().contains("expired already"),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn only_the_refused_version_is_thrown_away() {
    let vault = Vault::new([Step::Forever, Step::Forever, Step::Forever]);
    let cache = vault.cache();
    assert_eq!(wait(&cache, 0).await.unwrap().version, 1);
    // Too young to be better when loaded again.
    cache.refused(1);
    assert_eq!(ready(&cache, 0).0.version, 1);
    advance(TRUSTED).await;
    cache.refused(1);
    cache.refused(1);
    assert_eq!(wait(&cache, 0).await.unwrap().version, 2);
    advance(TRUSTED).await;
    // A call that was signed with the first ones comes back late.
    cache.refused(1);
    assert_eq!(ready(&cache, 0).0.version, 2);
    assert_eq!(vault.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn given_keys_stay() {
    let cache = Arc::new(Cache::fixed(Credentials::new("a", "b", None, None, "test")));
    advance(TRUSTED).await;
    cache.refused(1);
    let (held, watch) = ready(&cache, 1_000_000_000);
    assert_eq!((held.version, watch.is_none()), (1, true));
}

#[test]
fn a_learned_difference_corrects_the_clock() {
    let cache = Cache::fixed(Credentials::new("a", "b", None, None, "test"));
    assert_eq!(cache.corrected(at(100)), at(100));
    cache.learn_skew(600);
    assert_eq!(cache.corrected(at(100)), at(700));
    cache.learn_skew(-60);
    assert_eq!(cache.corrected(at(100)), at(40));
}

#[tokio::test]
async fn debug_shows_no_credentials() {
    let vault = Vault::new([Step::Gated(3600)]);
    let cache = vault.cache();
    let mut waiting = pin!(wait(&cache, 0));
    assert_pending!(task::spawn(waiting.as_mut()).poll());
    vault.0.gate.add_permits(1);
    waiting.await.unwrap();
    let shown = format!("{cache:?}");
    assert!(
        !shown.contains("canary") && !shown.contains("id-1"),
        "{shown}"
    );
}
