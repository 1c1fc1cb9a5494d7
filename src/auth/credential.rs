//! What a connection authenticates with.

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "aws")]
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use http::HeaderValue;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};

#[cfg(feature = "aws")]
use super::AwsCredential;
use super::Signer;
use crate::provider::Provider;
use crate::provider::spec::AuthScheme;

/// What a connection authenticates with. Never shown by `Debug`.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Credential {
    /// Nothing: for servers that ask for none.
    #[default]
    None,
    /// A key, sent in the header that the provider takes it in. For AWS Bedrock: a Bedrock API key.
    ApiKey(SecretString),
    /// AWS credentials, which requests are signed with.
    #[cfg(feature = "aws")]
    Aws(AwsCredential),
}

/// A credential that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCredential {
    /// A key that cannot stand in a header: empty, or with a control character.
    Key,
    /// AWS credentials for a provider that is not AWS.
    Kind,
}

impl fmt::Display for InvalidCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "the key is empty or has a character that cannot stand in a header",
            Self::Kind => "this provider takes no AWS credentials",
        })
    }
}

impl std::error::Error for InvalidCredential {}

impl Credential {
    /// A key.
    #[must_use]
    pub fn api_key(key: impl Into<String>) -> Self {
        Self::ApiKey(SecretString::from(key.into()))
    }

    /// AWS credentials from `provider`. They are loaded when the first request needs them, once for all calls that wait for
    /// them, and renewed ahead of their end while calls go on: five minutes before it, or a tenth of their life.
    ///
    /// Clones share what was loaded: give the connections of one account clones of one credential.
    ///
    /// ```
    /// use aws_credential_types::provider::{ProvideCredentials, future};
    /// use aws_credential_types::Credentials;
    /// use tower_llm_gateway::{Connection, Credential, Provider};
    ///
    /// /// A vault, say.
    /// #[derive(Debug)]
    /// struct Vault;
    ///
    /// impl ProvideCredentials for Vault {
    ///     fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    ///     where
    ///         Self: 'a,
    ///     {
    ///         future::ProvideCredentials::ready(Ok(Credentials::new("AKID…", "secret", None, None, "vault")))
    ///     }
    /// }
    ///
    /// let connection = Connection::builder("bedrock", Provider::AwsBedrock)
    ///     .region("us-east-1")
    ///     .credential(Credential::aws(Vault))
    ///     .build()?;
    /// # Ok::<(), tower_llm_gateway::InvalidConnection>(())
    /// ```
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn aws(provider: impl ProvideCredentials + 'static) -> Self {
        Self::Aws(AwsCredential::provided(provider))
    }

    /// AWS keys that are never renewed.
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn aws_keys(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: Option<String>,
    ) -> Self {
        Self::Aws(AwsCredential::fixed(Credentials::new(
            access_key_id,
            secret_access_key,
            session_token,
            None,
            "given keys",
        )))
    }

    /// How this credential authenticates requests to `provider`, worked out once per connection.
    pub(crate) fn means(
        &self,
        provider: Provider,
        #[cfg_attr(
            not(feature = "aws"),
            expect(unused_variables, reason = "only signatures have a region")
        )]
        region: Option<&Arc<str>>,
    ) -> Result<Means, InvalidCredential> {
        let auth = provider.spec().auth;
        let key = match self {
            Self::None => return Ok(Means::None),
            #[cfg(feature = "aws")]
            Self::Aws(credential) if auth == AuthScheme::Aws => {
                return Ok(Means::Signature(Signer::new(
                    credential.clone(),
                    region.cloned(),
                )));
            }
            #[cfg(feature = "aws")]
            Self::Aws(_) => return Err(InvalidCredential::Kind),
            Self::ApiKey(key) => key.expose_secret(),
        };
        if key.trim().is_empty() {
            return Err(InvalidCredential::Key);
        }
        let native = provider.spec().native;
        Ok(Means::Header {
            usual: InjectedHeader::with_key(auth, key)?,
            native: native
                .map(|native| InjectedHeader::with_key(native.auth, key))
                .transpose()?,
        })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "Credential::None",
            Self::ApiKey(_) => "Credential::ApiKey(redacted)",
            #[cfg(feature = "aws")]
            Self::Aws(_) => "Credential::Aws(redacted)",
        })
    }
}

/// On a request: it goes to the provider's native API, which takes the credential in a header of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NativeApi;

/// How requests are authenticated.
#[derive(Debug, Clone)]
pub(crate) enum Means {
    None,
    Header {
        usual: InjectedHeader,
        /// For the provider's native API, where it has one.
        native: Option<InjectedHeader>,
    },
    Signature(Signer),
}

impl Means {
    /// The same, for this region.
    pub(super) fn in_region(self, region: &Arc<str>) -> Self {
        match self {
            Self::Signature(signer) => Self::Signature(signer.in_region(region)),
            other => other,
        }
    }
}

/// A header ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct InjectedHeader {
    name: HeaderName,
    value: HeaderValue,
}

impl InjectedHeader {
    /// The header that carries a key in this way.
    fn with_key(scheme: AuthScheme, key: &str) -> Result<Self, InvalidCredential> {
        let (name, value) = match scheme {
            AuthScheme::XApiKey => (
                HeaderName::from_static("x-api-key"),
                HeaderValue::from_str(key),
            ),
            AuthScheme::XGoogApiKey => (
                HeaderName::from_static("x-goog-api-key"),
                HeaderValue::from_str(key),
            ),
            AuthScheme::Bearer | AuthScheme::Aws => (
                AUTHORIZATION,
                HeaderValue::try_from(format!("Bearer {key}")),
            ),
        };
        let mut value = value.map_err(|_| InvalidCredential::Key)?;
        // Keeps the value out of Debug output and of HPACK's table.
        value.set_sensitive(true);
        Ok(Self { name, value })
    }

    /// A header that an owner configured; its value is treated as a secret.
    pub(crate) fn configured(name: &str, value: &str) -> Option<Self> {
        let name = HeaderName::try_from(name).ok()?;
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some(Self { name, value })
    }

    pub(crate) fn insert_into(&self, headers: &mut HeaderMap) {
        headers.insert(self.name.clone(), self.value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(key: &Credential, provider: Provider, headers: &mut HeaderMap) {
        match key.means(provider, None) {
            Ok(Means::Header { usual, native }) => {
                usual.insert_into(headers);
                if let Some(native) = native {
                    native.insert_into(headers);
                }
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_go_where_the_provider_wants_them() {
        let key = Credential::api_key("k-1");
        let mut headers = HeaderMap::new();
        insert(&key, Provider::Anthropic, &mut headers);
        insert(&key, Provider::Groq, &mut headers);
        assert_eq!(headers["x-api-key"], "k-1");
        assert_eq!(headers["authorization"], "Bearer k-1");
        assert!(headers.values().all(HeaderValue::is_sensitive));
        insert(
            &Credential::api_key("k-2"),
            Provider::AwsBedrock,
            &mut headers,
        );
        assert_eq!(headers["authorization"], "Bearer k-2");
    }

    #[test]
    fn unusable_keys_are_refused() {
        for key in ["", " ", "a\nb", "a\0"] {
            let error = Credential::api_key(key).means(Provider::OpenAi, None);
            assert_eq!(error.unwrap_err(), InvalidCredential::Key, "{key:?}");
        }
    }

    #[cfg(feature = "aws")]
    #[test]
    fn aws_credentials_are_for_aws_alone() {
        let keys = Credential::aws_keys("a", "b", None);
        let error = keys.means(Provider::OpenAi, None);
        assert_eq!(error.unwrap_err(), InvalidCredential::Kind);
        assert!(keys.means(Provider::AwsBedrock, None).is_ok());
    }

    #[test]
    fn debug_shows_no_key() {
        let key = Credential::api_key("canary-key");
        let means = key.means(Provider::OpenAi, None).unwrap();
        assert!(!format!("{key:?} {means:?}").contains("canary"));
    }
}
