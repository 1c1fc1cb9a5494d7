//! The layer.

use tower::Layer;

use super::credential::{Credential, InjectedHeader, InvalidCredential};
use super::service::Auth;
use crate::provider::Provider;

/// Strips every credential that the client sent, and adds the connection's own.
///
/// In a gateway it takes the credential from the target that `RetryLayer` chose. Alone, [`AuthLayer::with`] authorises
/// every request to one provider.
#[derive(Debug, Clone, Default)]
pub struct AuthLayer {
    fixed: Option<InjectedHeader>,
    /// The same for the provider's native API, where it has one.
    native: Option<InjectedHeader>,
}

impl AuthLayer {
    /// A layer that uses the credential of each call's target.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A layer that authorises every request with `credential`, as `provider` takes it.
    ///
    /// # Errors
    /// The key cannot stand in a header.
    pub fn with(provider: Provider, credential: &Credential) -> Result<Self, InvalidCredential> {
        Ok(Self {
            fixed: credential.header(provider)?,
            native: credential.native_header(provider)?,
        })
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Auth::new(inner, self.fixed.clone(), self.native.clone())
    }
}
