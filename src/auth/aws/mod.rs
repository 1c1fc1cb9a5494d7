//! AWS credentials and what is signed with them.
//!
//! The key that signatures are made with is derived once for a day and region.

mod age;
mod bell;
mod cache;
#[cfg(feature = "aws-config")]
mod chain;
#[cfg(feature = "aws-config")]
mod http;
mod plain;
mod refusal;
mod sign;

#[cfg(all(feature = "aws-config", feature = "config"))]
pub(crate) use self::chain::profile_region;
#[cfg(feature = "aws-config")]
pub use self::chain::{AssumeRole, AwsChain};

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::response::Parts;
use ::http::{HeaderMap, Request, Response, StatusCode, Uri};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::time::{Sleep, sleep};

use self::cache::{Access, Cache, Held, PATIENCE, Watch};
use self::plain::Keys;
use self::refusal::Fault;
use crate::body::Payload;
use crate::clock::Clock;
use crate::convert::bedrock_error;
use crate::error::{Error, ErrorClass};
use crate::provider::bedrock;

/// AWS credentials, with the cache they are kept in. Never shown by `Debug`.
///
/// Clones share the cache, and what was learned of AWS's clock.
#[derive(Clone)]
pub struct AwsCredential(Arc<Cache>);

impl AwsCredential {
    pub(super) fn provided(provider: impl ProvideCredentials + 'static) -> Self {
        Self(Arc::new(Cache::new(SharedCredentialsProvider::new(
            provider,
        ))))
    }

    pub(super) fn fixed(credentials: Credentials) -> Self {
        Self(Arc::new(Cache::fixed(credentials)))
    }
}

impl fmt::Debug for AwsCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsCredential(redacted)")
    }
}

/// What a connection signs its requests with.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    credential: AwsCredential,
    /// `None`: that of each request's host.
    region: Option<Arc<str>>,
    keys: Arc<Keys>,
}

/// A signed request, and the service that is ready for it.
pub(super) type Ready<S> = (S, Request<Payload>, Trail);

/// What became of a request that is to be signed.
#[expect(
    clippy::large_enum_variant,
    reason = "only a request that has to wait is worth an allocation"
)]
pub(super) enum Signing<S> {
    Signed(Request<Payload>, Trail),
    Pending(Box<Pending<S>>),
}

impl Signer {
    pub(crate) fn new(credential: AwsCredential, region: Option<Arc<str>>) -> Self {
        Self {
            credential,
            region,
            keys: Arc::default(),
        }
    }

    pub(super) fn in_region(self, region: &Arc<str>) -> Self {
        Self {
            region: Some(region.clone()),
            ..self
        }
    }

    /// Signs, or makes a future that does so once there are credentials; that one gets the service from `ready`.
    pub(super) fn sign<S>(
        &self,
        mut request: Request<Payload>,
        clock: Clock,
        ready: impl FnOnce() -> S,
    ) -> Result<Signing<S>, Error> {
        let cache = &self.credential.0;
        match cache.access(cache.corrected(clock.now())) {
            Access::Ready(held, watch) => {
                let trail = self.finish(&mut request, &held, watch, clock)?;
                Ok(Signing::Signed(request, trail))
            }
            Access::Wait(watch) => Ok(Signing::Pending(Box::new(Pending {
                signer: self.clone(),
                clock,
                watch,
                alarm: Box::pin(sleep(PATIENCE)),
                parked: Some((ready(), request)),
            }))),
            Access::Failed(error) => Err(Error::new(ErrorClass::Credentials, error)),
        }
    }

    fn finish(
        &self,
        request: &mut Request<Payload>,
        held: &Held,
        watch: Option<Watch>,
        clock: Clock,
    ) -> Result<Trail, Error> {
        let region = self.region.as_deref();
        let region = region.or_else(|| region_of(request.uri()));
        let region = region
            .ok_or_else(|| Error::new(ErrorClass::Misuse, "the region to sign for is not known"))?
            .to_owned();
        let cache = &self.credential.0;
        let skew = cache.skew();
        let now = cache.corrected(clock.now());
        sign::apply(request, held, &region, now, &self.keys)?;
        Ok(Trail {
            watch,
            signed: Signed {
                credential: self.credential.clone(),
                version: held.version,
                skew,
                clock,
            },
        })
    }
}

fn region_of(uri: &Uri) -> Option<&str> {
    bedrock::region_of_host(uri.host()?)
}

/// A request that waits for credentials, with the service that is ready for it.
pub(super) struct Pending<S> {
    signer: Signer,
    clock: Clock,
    watch: Watch,
    alarm: Pin<Box<Sleep>>,
    parked: Option<(S, Request<Payload>)>,
}

impl<S> Pending<S> {
    /// The service and the signed request to call it with.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Ready<S>, Error>> {
        let cache = self.signer.credential.0.clone();
        loop {
            let now = cache.corrected(self.clock.now());
            let held = if self.watch.poll(cx, now).is_ready() {
                match cache.access(now) {
                    Access::Ready(held, watch) => Ok((held, watch)),
                    Access::Wait(watch) if self.alarm.as_mut().poll(cx).is_pending() => {
                        self.watch = watch;
                        continue;
                    }
                    Access::Wait(_) => cache.late(now).map(|held| (held, None)),
                    Access::Failed(error) => Err(error),
                }
            } else if self.alarm.as_mut().poll(cx).is_ready() {
                cache.late(now).map(|held| (held, None))
            } else {
                return Poll::Pending;
            };
            let Some((service, mut request)) = self.parked.take() else {
                return Poll::Pending;
            };
            return Poll::Ready(match held {
                Ok((held, watch)) => self
                    .signer
                    .finish(&mut request, &held, watch, self.clock)
                    .map(|trail| (service, request, trail)),
                Err(error) => Err(Error::new(ErrorClass::Credentials, error)),
            });
        }
    }
}

impl<S> fmt::Debug for Pending<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

/// What goes beside a signed request while it is answered.
#[derive(Debug)]
pub(super) struct Trail {
    /// New credentials that are being loaded.
    watch: Option<Watch>,
    signed: Signed,
}

impl Trail {
    /// Lends a hand with what is being loaded.
    pub(super) fn poll(&mut self, cx: &Context<'_>) {
        if let Some(watch) = &mut self.watch {
            let cache = &self.signed.credential.0;
            let now = cache.corrected(self.signed.clock.now());
            if watch.poll(cx, now).is_ready() {
                self.watch = None;
            }
        }
    }

    /// Leaves word of the signature on the answer.
    pub(super) fn mark<B>(self, response: &mut Response<B>) {
        response.extensions_mut().insert(self.signed);
    }
}

/// Tells the signature of the request behind this answer that it was refused, if that is what the answer says.
pub(crate) fn refused(answer: &Parts, body: &[u8]) -> bool {
    let signed = answer.extensions.get::<Signed>();
    signed.is_some_and(|signed| signed.refused(answer.status, &answer.headers, body))
}

/// Which signature a request had: in the extensions of each response to a request that was signed.
///
/// Whoever reads an error answer's body tells it [`refused`](Self::refused), so that the next signature is better.
/// `ConvertLayer` does; above an `AuthLayer` that stands alone it is for you to do.
#[derive(Debug, Clone)]
pub struct Signed {
    credential: AwsCredential,
    version: u64,
    /// What was added to this machine's clock.
    skew: i64,
    clock: Clock,
}

impl Signed {
    /// Looks whether an answer refuses the signature, and learns from it: credentials that AWS does not know any more are
    /// loaded anew for the next signature, and a clock that goes wrong is corrected by the answer's `date`.
    ///
    /// Whether the signature was refused: the same request, signed again, may be accepted.
    pub fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
        let Some(name) = bedrock_error::refused_credential(status, headers, body) else {
            return false;
        };
        let fault = refusal::fault(&name);
        let cache = &self.credential.0;
        let skew = match fault {
            Fault::Signature => refusal::skew(headers, self.clock.now(), self.skew),
            Fault::Credentials => None,
        };
        match skew {
            Some(seconds) => {
                tracing::warn!(
                    target: "tower_llm_gateway::auth",
                    seconds,
                    "this machine's clock differs from AWS's; signatures are corrected by that"
                );
                cache.learn_skew(seconds);
            }
            // Another call learned it meanwhile.
            None if fault == Fault::Signature && cache.skew() != self.skew => {}
            None => cache.refused(self.version),
        }
        true
    }
}
