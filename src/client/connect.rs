//! Connections: through a proxy where one is named, and in time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tower::Service;

use crate::error::BoxError;

/// How an [`HttpsClient`](super::HttpsClient) connects.
pub type Connector = Deadline<HttpsConnector<Dial>>;

type Opening = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

/// Opens connections, through a proxy where one is named for the host.
#[derive(Clone, Debug)]
pub struct Dial {
    http: HttpConnector,
    proxy: Option<Arc<Matcher>>,
}

impl Dial {
    pub(super) fn new(proxy: Option<Arc<Matcher>>) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        Self { http, proxy }
    }
}

impl Service<Uri> for Dial {
    type Response = Stream;
    type Error = BoxError;
    type Future = Opening;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, host: Uri) -> Opening {
        let proxy = self.proxy.as_ref().and_then(|proxy| proxy.intercept(&host));
        let Some(proxy) = proxy else {
            let opening = self.http.call(host);
            return Box::pin(async move {
                Ok(Stream {
                    inner: opening.await?,
                    proxied: false,
                })
            });
        };
        if proxy.uri().scheme() != Some(&Scheme::HTTP) {
            return Box::pin(async { Err("only http:// proxies are supported".into()) });
        }
        if host.scheme() == Some(&Scheme::HTTPS) {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), self.http.clone());
            if let Some(credential) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(credential.clone());
            }
            let opening = tunnel.call(host);
            return Box::pin(async move {
                Ok(Stream {
                    inner: opening.await?,
                    proxied: false,
                })
            });
        }
        if proxy.basic_auth().is_some() {
            let refusal = "a proxy with a password is supported for https hosts only";
            return Box::pin(async move { Err(refusal.into()) });
        }
        let opening = self.http.call(proxy.uri().clone());
        Box::pin(async move {
            Ok(Stream {
                inner: opening.await?,
                proxied: true,
            })
        })
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Stream {
    inner: TokioIo<TcpStream>,
    /// The peer is a proxy that is told the whole URL.
    proxied: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.inner.connected().proxy(self.proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }
}

/// Gives up a connection that is not open, TLS handshake included, in time.
#[derive(Clone, Debug)]
pub struct Deadline<C> {
    inner: C,
    time: Duration,
}

impl<C> Deadline<C> {
    pub(super) fn new(inner: C, time: Duration) -> Self {
        Self { inner, time }
    }
}

impl<C> Service<Uri> for Deadline<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Unpin,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = InTime<C::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        InTime {
            opening: self.inner.call(host),
            clock: Box::pin(sleep(self.time)),
        }
    }
}

/// The future of [`Deadline`].
#[derive(Debug)]
pub struct InTime<F> {
    opening: F,
    // Boxed: hyper-util wants futures that can be moved.
    clock: Pin<Box<Sleep>>,
}

impl<F, T, E> Future for InTime<F>
where
    F: Future<Output = Result<T, E>> + Unpin,
    E: Into<BoxError>,
{
    type Output = Result<T, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(opened) = Pin::new(&mut self.opening).poll(cx) {
            return Poll::Ready(opened.map_err(Into::into));
        }
        self.clock.as_mut().poll(cx).map(|()| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the connection was not open in time",
            )
            .into())
        })
    }
}
