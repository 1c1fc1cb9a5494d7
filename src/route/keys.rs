//! The keys with which clients identify themselves to the gateway.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Response};
use secrecy::{ExposeSecret, SecretString};

use crate::body::Payload;
use crate::endpoint::Format;
use crate::format::error::{ClientError, Fault};
use crate::headers::JSON;

/// What a client without a key is told.
pub(crate) const WRONG_KEY: &str = "missing or unknown client key";

/// The keys that clients may use. Without any, everybody may call.
#[derive(Clone, Default)]
pub struct ClientKeys {
    keys: Vec<(Arc<str>, SecretString)>,
}

impl ClientKeys {
    /// No key: everybody may call.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key; `name` goes into logs.
    #[must_use]
    pub fn with(mut self, name: impl Into<Arc<str>>, key: impl Into<String>) -> Self {
        self.keys
            .push((name.into(), SecretString::from(key.into())));
        self
    }

    /// Whether everybody may call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The answer to a request that has none of the keys, in the format of its client; `None` where it may go on.
    ///
    /// For the paths that a server answers itself.
    #[must_use]
    pub fn refusal(&self, headers: &HeaderMap) -> Option<Response<Payload>> {
        self.check(headers).err()?;
        let format = if headers.contains_key("anthropic-version") {
            Format::Messages
        } else {
            Format::Chat
        };
        let error = ClientError::gateway(format, Fault::Unauthorized, WRONG_KEY);
        let mut response = Response::new(Payload::new(error.to_json(format, None)));
        *response.status_mut() = error.status;
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        Some(response)
    }

    /// The name of the key in `headers`: sent as bearer token or as `x-api-key`.
    ///
    /// # Errors
    /// There are keys, and none of them was sent.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<Option<Arc<str>>, WrongKey> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let bearer = headers.get(AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.as_bytes().split_at_checked(7)?;
            scheme
                .eq_ignore_ascii_case(b"bearer ")
                .then(|| token.trim_ascii())
        });
        let plain = headers
            .get("x-api-key")
            .map(|value| value.as_bytes().trim_ascii());
        let mut found = None;
        for sent in [bearer, plain].into_iter().flatten() {
            // Every key is compared, whichever matches: the time says nothing about which one it is.
            for (name, key) in &self.keys {
                if equal(sent, key.expose_secret().as_bytes()) && found.is_none() {
                    found = Some(name.clone());
                }
            }
        }
        found.map(Some).ok_or(WrongKey)
    }
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|(name, _)| name))
            .finish()
    }
}

/// No client key, or none that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongKey;

/// Compares in a time that depends on the lengths alone.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && black_box(
            a.iter()
                .zip(b)
                .fold(0, |differ, (a, b)| black_box(differ | (a ^ b))),
        ) == 0
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(name: &'static str, value: &'static str) -> Option<String> {
        let keys = ClientKeys::new().with("one", "k1").with("ci", "k2");
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        keys.check(&headers)
            .ok()
            .flatten()
            .map(|name| name.to_string())
    }

    #[test]
    fn keys_come_as_bearer_or_x_api_key() {
        assert_eq!(check("authorization", "Bearer k1").as_deref(), Some("one"));
        assert_eq!(check("authorization", "bearer k2").as_deref(), Some("ci"));
        assert_eq!(check("x-api-key", "k2").as_deref(), Some("ci"));
        for (name, value) in [
            ("authorization", "k1"),
            ("authorization", "Basic k1"),
            ("authorization", "Bearer "),
            ("x-api-key", "k3"),
            ("x-api-key", "k"),
            ("x-goog-api-key", "k1"),
        ] {
            assert_eq!(check(name, value), None, "{name}: {value}");
        }
    }

    #[test]
    fn without_keys_everybody_may_call() {
        assert_eq!(ClientKeys::new().check(&HeaderMap::new()), Ok(None));
        assert_eq!(
            ClientKeys::new().with("a", "k").check(&HeaderMap::new()),
            Err(WrongKey)
        );
    }

    #[test]
    fn debug_shows_names_only() {
        let keys = ClientKeys::new().with("name", "canary");
        assert_eq!(format!("{keys:?}"), r#"["name"]"#);
    }
}
