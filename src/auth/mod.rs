//! `AuthLayer`: strips what the client authenticated with, and authenticates to the provider.

mod credential;
mod layer;
mod service;

pub(crate) use credential::InjectedHeader;
pub use credential::{Credential, InvalidCredential};
pub use layer::AuthLayer;
pub use service::{Auth, ResponseFuture};
