//! The gateway's own HTTP client, as the AWS libraries take one: theirs would bring a second TLS stack.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};

use crate::body::Payload;
use crate::client::{ClientBuilder, HttpsClient, classify};
use crate::error::{BoxError, ErrorClass};

/// The longest answer with credentials.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// For an answer with credentials, where nothing shorter is asked for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients: a variant for each time that a connection may take.
#[derive(Clone)]
pub(super) struct Clients {
    builder: Arc<ClientBuilder>,
    made: Arc<Mutex<HashMap<Variant, HttpsClient>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Variant {
    connect: Option<Duration>,
    proxied: bool,
}

impl Clients {
    pub(super) fn new(builder: ClientBuilder) -> Self {
        Self {
            builder: Arc::new(builder),
            made: Arc::default(),
        }
    }

    fn get(&self, variant: Variant) -> Result<HttpsClient, BoxError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&variant) {
            return Ok(client.clone());
        }
        let builder = self.builder.variant(variant.connect, variant.proxied);
        let client = builder.build()?;
        made.insert(variant, client.clone());
        Ok(client)
    }
}

impl HttpClient for Clients {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            clients: self.clone(),
            connect: settings.connect_timeout(),
            read: settings.read_timeout().unwrap_or(PATIENCE),
        })
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Connector {
    clients: Clients,
    connect: Option<Duration>,
    read: Duration,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let variant = Variant {
            connect: self.connect,
            // The endpoints of the machine and the container are near, and speak plain HTTP: through a proxy, it would be the
            // proxy's machine that answers.
            proxied: request.uri().starts_with("https:"),
        };
        let client = self.clients.get(variant);
        let limit = self.connect.unwrap_or_default() + self.read;
        HttpConnectorFuture::new(async move {
            let client = client.map_err(|error| ConnectorError::other(error, None))?;
            bounded(limit, send(client, request)).await
        })
    }
}

async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, ConnectorError>>,
) -> Result<T, ConnectorError> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(late) => Err(ConnectorError::timeout(late.into())),
    }
}

async fn send(client: HttpsClient, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request: Request<SdkBody> = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body
        .bytes()
        .map(Bytes::copy_from_slice)
        .ok_or_else(|| ConnectorError::user("a body that is a stream cannot be sent".into()))?;
    let request = Request::from_parts(parts, Payload::new(body));
    let response = client
        .request(request)
        .await
        .map_err(|error| connector_error(error.into()))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER)
        .collect()
        .await
        .map_err(ConnectorError::io)?;
    // Of a kind that Debug shows nothing of: the AWS libraries log answers at their most talkative level.
    let body = SdkBody::from_body_1_x(Full::new(body.to_bytes()));
    HttpResponse::try_from(Response::from_parts(parts, body))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

/// A connection that takes too long is told apart: the AWS libraries do not try such an address again.
fn connector_error(error: BoxError) -> ConnectorError {
    let mut source: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<std::io::Error>()
            && cause.kind() == std::io::ErrorKind::TimedOut
        {
            return ConnectorError::timeout(error);
        }
        source = cause.source();
    }
    let error = classify(error);
    match error.class() {
        ErrorClass::NeverSent | ErrorClass::Incomplete => ConnectorError::io(error.into()),
        _ => ConnectorError::other(error.into(), None),
    }
}
