//! A client for providers: hyper-util's pool over rustls, and what its errors mean.

use std::error::Error as StdError;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::body::Payload;
use crate::error::{BoxError, Error, ErrorClass};
use crate::settings::Timeouts;

/// The client that [`client`] makes: a Tower service over `Request<Payload>`.
pub type HttpsClient = Client<HttpsConnector<HttpConnector>, Payload>;

/// How long a connection may rest before it is closed: less than providers wait themselves.
const POOL_IDLE: Duration = Duration::from_secs(30);
/// How often a peer is asked for a sign of life while calls run, and how long it may take to give one.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// The most resting connections per host.
const POOL_SIZE: usize = 64;

/// A client that speaks HTTP/1.1 and HTTP/2, TLS with Mozilla's root certificates or plain, and keeps connections.
///
/// # Errors
/// The TLS library refuses its own defaults.
pub fn client(timeouts: &Timeouts) -> Result<HttpsClient, BoxError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(timeouts.connect));
    // Another provider may be chosen by whoever links this crate: none is installed for the process.
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(provider)?
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(http);
    let client = Client::builder(TokioExecutor::new())
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(POOL_SIZE)
        .pool_timer(TokioTimer::new())
        // A connection that died silently is found out before a long wait is over.
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE)
        .timer(TokioTimer::new())
        .build(https);
    Ok(client)
}

/// Classes the errors of hyper-util's client; errors of other clients are ambiguous.
#[must_use]
pub fn classify(error: BoxError) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    let mut class = ErrorClass::Ambiguous;
    let mut source: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>()
            && error.is_connect()
        {
            class = ErrorClass::NeverSent;
            break;
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_canceled() {
                class = ErrorClass::NeverSent;
                break;
            }
            if error.is_incomplete_message() {
                class = ErrorClass::Incomplete;
                break;
            }
        }
        // The peer says that it did nothing with this stream (RFC 9113, section 8.7).
        if let Some(error) = error.downcast_ref::<h2::Error>()
            && error.is_remote()
            && error.reason() == Some(h2::Reason::REFUSED_STREAM)
        {
            class = ErrorClass::NeverSent;
            break;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>()
            && matches!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset
                    | std::io::ErrorKind::BrokenPipe
                    | std::io::ErrorKind::UnexpectedEof
            )
        {
            class = ErrorClass::Incomplete;
            break;
        }
        source = error.source();
    }
    Error::new(class, error)
}

#[cfg(test)]
mod tests {
    use hyper::client::conn::http2;
    use hyper_util::rt::TokioIo;

    use super::*;

    /// What the client sees of a call that an HTTP/2 peer resets for `reason`.
    async fn reset_for(reason: h2::Reason) -> ErrorClass {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let serve = async move {
            let mut connection = h2::server::handshake(theirs).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_reset(reason);
            }
        };
        let ask = async move {
            let (mut sender, connection) =
                http2::handshake(TokioExecutor::new(), TokioIo::new(ours))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            let request = http::Request::post("http://provider/").body(Payload::new("{}"));
            sender.send_request(request.unwrap()).await.unwrap_err()
        };
        let (error, ()) = tokio::join!(ask, serve);
        classify(error.into()).class()
    }

    #[tokio::test]
    async fn a_stream_that_the_peer_refused_was_never_sent() {
        assert_eq!(
            reset_for(h2::Reason::REFUSED_STREAM).await,
            ErrorClass::NeverSent
        );
        assert_eq!(
            reset_for(h2::Reason::INTERNAL_ERROR).await,
            ErrorClass::Ambiguous
        );
    }
}
