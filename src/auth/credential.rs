//! What a connection authenticates with.

use std::fmt;

use http::HeaderValue;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};

use crate::provider::Provider;
use crate::provider::spec::AuthScheme;

/// What a connection authenticates with. Never shown by `Debug`.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Credential {
    /// Nothing: for servers that ask for none.
    #[default]
    None,
    /// A key, sent in the header that the provider takes it in.
    ApiKey(SecretString),
}

/// A key that cannot stand in a header: empty, or with a control character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidCredential;

impl fmt::Display for InvalidCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key is empty or has a character that cannot stand in a header")
    }
}

impl std::error::Error for InvalidCredential {}

impl Credential {
    /// A key.
    #[must_use]
    pub fn api_key(key: impl Into<String>) -> Self {
        Self::ApiKey(SecretString::from(key.into()))
    }

    /// The header that carries this credential to `provider`, made once per connection.
    pub(crate) fn header(
        &self,
        provider: Provider,
    ) -> Result<Option<InjectedHeader>, InvalidCredential> {
        self.header_in(provider.spec().auth)
    }

    /// The header that carries this credential to the provider's native API, where it has one.
    pub(crate) fn native_header(
        &self,
        provider: Provider,
    ) -> Result<Option<InjectedHeader>, InvalidCredential> {
        match provider.spec().native {
            Some(native) => self.header_in(native.auth),
            None => Ok(None),
        }
    }

    fn header_in(&self, scheme: AuthScheme) -> Result<Option<InjectedHeader>, InvalidCredential> {
        let Self::ApiKey(key) = self else {
            return Ok(None);
        };
        let key = key.expose_secret();
        if key.trim().is_empty() {
            return Err(InvalidCredential);
        }
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
        let mut value = value.map_err(|_| InvalidCredential)?;
        // Keeps the value out of Debug output and of HPACK's table.
        value.set_sensitive(true);
        Ok(Some(InjectedHeader { name, value }))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "Credential::None",
            Self::ApiKey(_) => "Credential::ApiKey(redacted)",
        })
    }
}

/// On a request: it goes to the provider's native API, which takes the credential in a header of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NativeApi;

/// A header ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct InjectedHeader {
    name: HeaderName,
    value: HeaderValue,
}

impl InjectedHeader {
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

    #[test]
    fn keys_go_where_the_provider_wants_them() {
        let key = Credential::api_key("k-1");
        let mut headers = HeaderMap::new();
        key.header(Provider::Anthropic)
            .unwrap()
            .unwrap()
            .insert_into(&mut headers);
        key.header(Provider::Groq)
            .unwrap()
            .unwrap()
            .insert_into(&mut headers);
        key.native_header(Provider::Gemini)
            .unwrap()
            .unwrap()
            .insert_into(&mut headers);
        assert!(key.native_header(Provider::Groq).unwrap().is_none());
        assert_eq!(headers["x-api-key"], "k-1");
        assert_eq!(headers["x-goog-api-key"], "k-1");
        assert_eq!(headers["authorization"], "Bearer k-1");
        assert!(headers.values().all(HeaderValue::is_sensitive));
    }

    #[test]
    fn unusable_keys_are_refused() {
        for key in ["", " ", "a\nb", "a\0"] {
            assert_eq!(
                Credential::api_key(key)
                    .header(Provider::OpenAi)
                    .unwrap_err(),
                InvalidCredential,
                "{key:?}"
            );
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = Credential::api_key("canary-key");
        let header = key.header(Provider::OpenAi).unwrap().unwrap();
        assert!(!format!("{key:?} {header:?}").contains("canary"));
    }
}
