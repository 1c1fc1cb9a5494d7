//! `RetryLayer`: further tries of a failed call, on the same target or the next.
//!
//! It wraps [`tower::retry`] with a [`Policy`](tower::retry::Policy) of its own, inside the call's deadline. A call is
//! tried again only while nothing of an answer went to the client; each try converts and signs afresh from the client's
//! own bytes.
//!
#![doc = include_str!("../../docs/layers/retry.md")]

mod delay;
mod future;
mod layer;
mod policy;
pub(crate) mod retry_after;
mod service;
#[cfg(test)]
mod tests;

pub use delay::Delay;
#[cfg(feature = "aws")]
pub(crate) use delay::backoff;
pub use future::ResponseFuture;
pub use layer::RetryLayer;
pub use policy::RetryPolicy;
pub use service::Retry;
