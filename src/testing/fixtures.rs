//! What the unit tests of several layers need.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use crate::auth::Credential;
use crate::body::Payload;
use crate::call::Call;
use crate::endpoint::Endpoint;
use crate::observe::Followers;
use crate::provider::Provider;
use crate::target::{Connection, Target};

/// A connection with the key `key-NAME`.
pub(crate) fn connection(name: &str, provider: Provider) -> Arc<Connection> {
    let builder = Connection::builder(name, provider)
        .base_url(format!("http://{name}.test"))
        .credential(Credential::api_key(format!("key-{name}")));
    Arc::new(builder.build().unwrap())
}

/// A call for the model `m` on the Messages endpoint, with half an hour left.
pub(crate) fn call(targets: Vec<Target>) -> Call {
    let body = r#"{"model":"m"}"#;
    let started = Instant::now();
    Call {
        endpoint: Endpoint::Messages,
        request_id: HeaderValue::from_static("req_test"),
        model: "m".to_owned(),
        default_model: "m".into(),
        stream: false,
        stateful: false,
        body: Payload::new(body),
        model_span: 9..12,
        query: None,
        headers: HeaderMap::new(),
        targets: targets.into(),
        first: 0,
        max_retries: None,
        lossy: None,
        deadline: started + Duration::from_secs(1800),
        client: None,
        sent: AtomicU32::new(0),
        chosen: AtomicUsize::new(0),
        report: Mutex::default(),
        route: "m".into(),
        tags: Vec::new(),
        tries: Mutex::default(),
        followers: Followers::default(),
        tokens: OnceLock::new(),
        timed: AtomicBool::new(false),
    }
}
