//! `AuthLayer`: strips what the client authenticated with, and authenticates to the provider.
//!
#![doc = include_str!("../../docs/layers/auth.md")]

#[cfg(feature = "aws")]
mod aws;
mod credential;
mod future;
mod layer;
mod service;
#[cfg(all(test, feature = "aws"))]
mod tests;
#[cfg(not(feature = "aws"))]
mod unsigned;

#[cfg(all(feature = "aws-config", feature = "config"))]
pub(crate) use aws::profile_region;
#[cfg(feature = "aws-config")]
pub use aws::{AssumeRole, AwsChain};
#[cfg(feature = "aws")]
pub use aws::{AwsCredential, Signed};
#[cfg(feature = "aws")]
use aws::{Pending, Signing, Trail};
#[cfg(feature = "aws")]
pub(crate) use aws::{Signer, refused};
pub use credential::{Credential, InvalidCredential};
pub(crate) use credential::{InjectedHeader, Means, NativeApi};
pub use future::ResponseFuture;
pub use layer::AuthLayer;
pub use service::Auth;
#[cfg(not(feature = "aws"))]
use unsigned::{Pending, Signing, Trail};
#[cfg(not(feature = "aws"))]
pub(crate) use unsigned::{Signer, refused};
