//! The HTTP server around the gateway.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tower::{Service, service_fn};
use tower_llm_gateway::{BoxError, ClientKeys, Gateway, Payload, Shutdown};

use crate::metrics::Metrics;
use crate::model_list;
use crate::reload::Reload;
use crate::setup::ServerSettings;
use crate::welcome::Welcome;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait after `accept` failed, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long the last words of ended calls may take to reach their clients.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a new configuration replaces.
struct Live<C> {
    gateway: Gateway<C>,
    keys: ClientKeys,
}

/// Serves until the signal to stop, then lets open calls end within the grace period.
pub(crate) async fn serve<C, B>(
    gateway: Gateway<()>,
    client: C,
    settings: ServerSettings,
    shutdown: Shutdown,
    mut reload: Reload,
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
    let listener = listen
        .bind()
        .await
        .map_err(|error| format!("listen: {listen}: {error}"))?;
    let place = listener
        .place()
        .map_err(|error| format!("listen: {error}"))?;
    let stop = stop_signal()?;
    let live = Arc::new(ArcSwap::from_pointee(Live {
        gateway: gateway.with_client(client.clone()),
        keys: settings.keys,
    }));
    let (seen, current, started) = (shutdown.clone(), live.clone(), SystemTime::now());
    let service = service_fn(move |request: Request<Incoming>| {
        // A call keeps the configuration that it began with.
        let live = current.load();
        let own = own_answer(
            &request,
            &live.gateway,
            &metrics,
            &live.keys,
            started,
            &seen,
        );
        let mut gateway = live.gateway.clone();
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
    welcome.print(&place);

    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            (gateway, settings) = reload.next() => {
                live.store(Arc::new(Live {
                    gateway: gateway.with_client(client.clone()),
                    keys: settings.keys,
                }));
                continue;
            }
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
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
    shutdown.refuse_calls();
    tracing::info!(
        grace_s = settings.grace.as_secs(),
        "stopping: open calls may end"
    );
    let stopped = graceful.shutdown();
    tokio::pin!(stopped);
    tokio::select! {
        () = &mut stopped => {
            tracing::info!("stopped");
            return Ok(());
        }
        () = tokio::time::sleep(settings.grace) => {}
    }
    // The open calls hear of it in their own format.
    shutdown.end_calls();
    let _ = tokio::time::timeout(FAREWELL, stopped).await;
    tracing::warn!("stopped; the grace period is over and open calls were ended");
    Ok(())
}

/// What the server answers itself: health, readiness, metrics and the model list.
fn own_answer<C>(
    request: &Request<Incoming>,
    gateway: &Gateway<C>,
    metrics: &Metrics,
    keys: &ClientKeys,
    started: SystemTime,
    shutdown: &Shutdown,
) -> Option<Response<Full<Bytes>>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return None;
    }
    match request.uri().path() {
        "/healthz" => Some(text(StatusCode::OK, "ok\n")),
        "/readyz" if shutdown.is_refusing() => {
            Some(text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"))
        }
        "/readyz" => Some(answer(
            StatusCode::OK,
            "text/plain; charset=utf-8",
            readiness(gateway),
        )),
        "/metrics" => Some(answer(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            metrics.render(),
        )),
        path => {
            let id = path.strip_prefix("/v1/models")?;
            let id = if id.is_empty() {
                None
            } else {
                Some(id.strip_prefix('/')?)
            };
            if let Some(refusal) = keys.refusal(request.headers()) {
                return Some(refusal.map(|payload| Full::new(payload.into_bytes())));
            }
            let json = match id {
                None => {
                    let page = model_list::Page::read(request.uri().query());
                    model_list::list(gateway.routes(), &page, started)
                }
                // What no rule leads to is for the gateway to refuse, in the client's format.
                Some(id) => model_list::one(gateway.routes(), id, started)?,
            };
            Some(answer(StatusCode::OK, "application/json", json.to_string()))
        }
    }
}

/// One line, and one for each connection that is set aside because it keeps failing.
fn readiness<C>(gateway: &Gateway<C>) -> String {
    let mut text = String::from("ready\n");
    for connection in gateway.routes().connections() {
        if connection.is_cooling() {
            text.push_str("cooling: ");
            text.push_str(connection.name());
            text.push('\n');
        }
    }
    text
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
