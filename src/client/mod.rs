//! A client for providers: hyper-util's pool over rustls, and what its errors mean.

mod classify;
mod connect;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

pub use classify::classify;
pub use connect::{Connector, Stream};
use connect::{Deadline, Dial};

use crate::body::Payload;
use crate::error::BoxError;
use crate::settings::Timeouts;

/// The client that [`ClientBuilder`] makes: a Tower service over `Request<Payload>`.
pub type HttpsClient = Client<Connector, Payload>;

/// How long a connection may rest before it is closed: less than providers wait themselves.
const POOL_IDLE: Duration = Duration::from_secs(30);
/// How often a peer is asked for a sign of life while calls run, and how long it may take to give one.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// The most resting connections per host.
const POOL_SIZE: usize = 64;

/// A client with the defaults of [`ClientBuilder`].
///
/// # Errors
/// The TLS library refuses its own defaults.
pub fn client(timeouts: &Timeouts) -> Result<HttpsClient, BoxError> {
    ClientBuilder::new(timeouts).build()
}

/// Makes a client that speaks HTTP/1.1 and HTTP/2, TLS with Mozilla's root certificates or plain, and keeps connections.
///
/// Connections that rest are shared by host alone. Tenants that prove who they are in the TLS handshake, or that have proxies of
/// their own, must not share them: make one client for each TLS identity and proxy.
///
/// ```
/// use tower_llm_gateway::client::ClientBuilder;
/// use tower_llm_gateway::settings::Timeouts;
///
/// # fn main() -> Result<(), tower_llm_gateway::BoxError> {
/// let client = ClientBuilder::new(&Timeouts::default()).proxy_from_env().build()?;
/// # drop(client);
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Clone)]
pub struct ClientBuilder {
    connect: Duration,
    roots: Vec<CertificateDer<'static>>,
    proxy: Option<Arc<Matcher>>,
}

impl ClientBuilder {
    /// A client that gives up connecting, TLS handshake included, after `timeouts.connect`.
    pub fn new(timeouts: &Timeouts) -> Self {
        Self {
            connect: timeouts.connect,
            roots: Vec::new(),
            proxy: None,
        }
    }

    /// A client as the environment wants it: through its proxies (see [`proxy_from_env`](Self::proxy_from_env)), and trusting
    /// the certificates in the file that `SSL_CERT_FILE` names too.
    ///
    /// # Errors
    /// That file cannot be read, or holds no certificate.
    pub fn from_env(timeouts: &Timeouts) -> Result<Self, BoxError> {
        let builder = Self::new(timeouts).proxy_from_env();
        match std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()) {
            Some(file) => builder
                .extra_roots(Path::new(&file))
                .map_err(|error| format!("SSL_CERT_FILE: {}: {error}", file.display()).into()),
            None => Ok(builder),
        }
    }

    /// The same, but with this time to connect, and without a proxy for what is not `proxied`.
    #[cfg(feature = "aws-config")]
    pub(crate) fn variant(&self, connect: Option<Duration>, proxied: bool) -> Self {
        let mut builder = self.clone();
        builder.connect = connect.unwrap_or(builder.connect);
        builder.proxy = builder.proxy.filter(|_| proxied);
        builder
    }

    /// Trusts the certificates of a PEM file too, such as those of a company's own authority.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub fn extra_roots(mut self, pem: &Path) -> Result<Self, BoxError> {
        let before = self.roots.len();
        for certificate in CertificateDer::pem_file_iter(pem)? {
            self.roots.push(certificate?);
        }
        if self.roots.len() == before {
            return Err("it holds no certificate".into());
        }
        Ok(self)
    }

    /// Goes through the proxies that `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` name, but for the hosts of `NO_PROXY`. The
    /// proxies must be `http://` ones; a user and a password in their URL are sent to them.
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = Some(Arc::new(Matcher::from_env()));
        self
    }

    /// Goes to `https` and `http` hosts through the proxy at this `http://` URL, but for the hosts in `except`, a list as in
    /// `NO_PROXY`.
    pub fn proxy(mut self, url: &str, except: &str) -> Self {
        self.proxy = Some(Arc::new(Matcher::builder().all(url).no(except).build()));
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// The TLS library refuses a certificate or its own defaults.
    pub fn build(self) -> Result<HttpsClient, BoxError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in self.roots {
            roots.add(certificate)?;
        }
        // Another provider may be chosen by whoever links this crate: none is installed for the process.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let https: HttpsConnector<Dial> = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Dial::new(self.proxy));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .pool_timer(TokioTimer::new())
            // A connection that died silently is found out before a long wait is over.
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .timer(TokioTimer::new())
            .build(Deadline::new(https, self.connect));
        Ok(client)
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's URL may hold a password.
        f.debug_struct("ClientBuilder")
            .field("connect", &self.connect)
            .field("extra_roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}
