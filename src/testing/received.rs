//! What an upstream was sent.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};

use crate::body::Payload;
use crate::headers::is_credential;

/// A request that reached an [`Upstream`](super::Upstream).
///
/// Its `Debug` shows the body, and of headers with credentials the names alone.
#[derive(Clone)]
pub struct Received {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    pub(super) fn new(request: Request<Payload>) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: body.into_bytes(),
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The whole URI.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The path, without host and query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The headers, credentials among them.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header, where it is visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as text; empty where it is no UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("method", &self.method)
            .field("uri", &format_args!("{}", self.uri))
            .field("headers", &Redacted(&self.headers))
            .field("body", &self.text())
            .finish()
    }
}

/// Headers without the values that are secret.
struct Redacted<'a>(&'a HeaderMap);

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.0 {
            if is_credential(name) || value.is_sensitive() {
                map.entry(&name.as_str(), &format_args!("[redacted]"));
            } else {
                map.entry(&name.as_str(), value);
            }
        }
        map.finish()
    }
}
