//! The layer.

use std::sync::Arc;

use tower::Layer;

use super::credential::{Credential, InvalidCredential, Means};
use super::service::Auth;
use crate::clock::Clock;
use crate::provider::Provider;

/// Strips every credential that the client sent, and adds the connection's own: a header with a key, or an AWS signature
/// over the final bytes.
///
/// In a gateway it takes the credential from the target that `RetryLayer` chose. Alone, [`AuthLayer::with`] authorises
/// every request to one provider:
///
/// ```
/// use http::Request;
/// use tower::{Layer, ServiceExt};
/// use tower_llm_gateway::testing::{Reply, Upstream};
/// use tower_llm_gateway::{AuthLayer, Credential, Payload, Provider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let upstream = Upstream::always(Reply::json("{}"));
/// let service = AuthLayer::with(Provider::Gemini, &Credential::api_key("ours"))?.layer(upstream.clone());
/// let uri = "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions";
/// // What a client sent by mistake stays here.
/// let request = Request::post(uri).header("x-api-key", "theirs").body(Payload::new("{}"))?;
/// service.oneshot(request).await?;
/// let sent = upstream.only_request();
/// assert_eq!(sent.header("authorization"), Some("Bearer ours"));
/// assert_eq!(sent.header("x-api-key"), None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct AuthLayer {
    fixed: Option<Means>,
    clock: Clock,
}

impl AuthLayer {
    /// A layer that uses the credential of each call's target.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A layer that authorises every request with `credential`, as `provider` takes it.
    ///
    /// AWS signatures are made for the region in the host's name, `bedrock-runtime.REGION.amazonaws.com`; for other hosts
    /// say which with [`region`](Self::region).
    ///
    /// ```
    /// # #[cfg(feature = "aws")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::convert::Infallible;
    ///
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    /// use tower_llm_gateway::{AuthLayer, Credential, Payload, Provider};
    ///
    /// let keys = Credential::aws_keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None);
    /// let my_client = service_fn(|request: Request<Payload>| async move {
    ///     let signature = request.headers()["authorization"].to_str().unwrap();
    ///     assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    ///     assert!(signature.contains("/eu-west-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date, "));
    ///     Ok::<_, Infallible>(Response::new(Payload::new("{}")))
    /// });
    /// let signed = AuthLayer::with(Provider::AwsBedrock, &keys)?.layer(my_client);
    ///
    /// let uri = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse";
    /// let request = Request::post(uri).header("content-type", "application/json").body(Payload::new("{}"))?;
    /// let response = signed.oneshot(request).await.map_err(|error| error.to_string())?;
    /// assert_eq!(response.status(), 200);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "aws"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// The key cannot stand in a header, or the provider takes no credentials of this kind.
    pub fn with(provider: Provider, credential: &Credential) -> Result<Self, InvalidCredential> {
        Ok(Self {
            fixed: Some(credential.means(provider, None)?),
            clock: Clock::default(),
        })
    }

    /// The region that AWS signatures are made for. It must be the one of the host.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.fixed = self.fixed.map(|means| means.in_region(&Arc::from(region)));
        self
    }

    /// The wall clock, which signatures are dated by.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Auth::new(inner, self.fixed.clone(), self.clock)
    }
}
