//! `AuthLayer`: strips what the client authenticated with, and authenticates to the provider.

mod credential;
mod layer;
mod service;

pub use credential::{Credential, InvalidCredential};
pub(crate) use credential::{InjectedHeader, NativeApi};
pub use layer::AuthLayer;
pub use service::{Auth, ResponseFuture};
