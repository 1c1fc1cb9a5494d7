//! The HTTP server around the gateway.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Service, service_fn};
use tower_llm_gateway::{BoxError, Gateway, Payload};

use crate::metrics::Metrics;
use crate::model_list;
use crate::setup::ServerSettings;
use crate::welcome::Welcome;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait after `accept` failed, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until the signal to stop, then lets open calls end within the grace period.
pub(crate) async fn serve<C, B>(
    gateway: Gateway<C>,
    settings: ServerSettings,
    metrics: Metrics,
    welcome: &Welcome,
) -> Result<(), String>
where
    C: Service<Request<Payload>, Response = Response<B>> + Clone + Send + Sync + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let listen = settings.listen;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("listen: {listen}: {error}"))?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("listen: {error}"))?;
    let stop = stop_signal()?;
    let draining = Arc::new(AtomicBool::new(false));
    let (draining_seen, keys, started) = (draining.clone(), settings.keys, SystemTime::now());
    let service = service_fn(move |request: Request<Incoming>| {
        let own = own_answer(&request, &gateway, &metrics, &keys, started, &draining_seen);
        let mut gateway = gateway.clone();
        async move {
            match own {
                Some(response) => Ok::<_, Infallible>(response.map(Either::Left)),
                None => Ok(gateway.call(request).await?.map(Either::Right)),
            }
        }
    });

    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20));
    let graceful = GracefulShutdown::new();
    welcome.print(address);

    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let connection = builder
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(service.clone()),
            )
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended with an error");
            }
        });
    }

    drop(listener);
    draining.store(true, Ordering::Relaxed);
    tracing::info!(
        grace_s = settings.grace.as_secs(),
        "stopping: open calls may end"
    );
    tokio::select! {
        () = graceful.shutdown() => tracing::info!("stopped"),
        () = tokio::time::sleep(settings.grace) => tracing::warn!("stopped; the grace period is over and calls were cut"),
    }
    Ok(())
}

/// What the server answers itself: health, readiness, metrics and the model list.
fn own_answer<C>(
    request: &Request<Incoming>,
    gateway: &Gateway<C>,
    metrics: &Metrics,
    keys: &tower_llm_gateway::ClientKeys,
    started: SystemTime,
    draining: &AtomicBool,
) -> Option<Response<Full<Bytes>>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return None;
    }
    match request.uri().path() {
        "/healthz" => Some(text(StatusCode::OK, "ok\n")),
        "/readyz" if draining.load(Ordering::Relaxed) => {
            Some(text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"))
        }
        "/readyz" => Some(text(StatusCode::OK, "ready\n")),
        "/metrics" => Some(answer(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            metrics.render(),
        )),
        // Without a key, the gateway's own refusal says so in the client's format.
        "/v1/models" => Some(if let Some(refusal) = keys.refusal(request.headers()) {
            refusal.map(|payload| Full::new(payload.into_bytes()))
        } else {
            let json = model_list::render(gateway.routes(), started).to_string();
            answer(StatusCode::OK, "application/json", json)
        }),
        _ => None,
    }
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    answer(status, "text/plain; charset=utf-8", body)
}

fn answer(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(media_type),
    );
    response
}

/// Resolves on SIGTERM or ctrl-c.
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| format!("signals cannot be watched: {error}"))?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}
