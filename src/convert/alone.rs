//! `ConvertLayer` without the layers above it: it builds its own call.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock};

use http::header::HeaderValue;
use http::{Request, Response};
use tokio::time::Instant;

use super::layer::Shared;
use crate::body::Payload;
use crate::call::{Attempt, Call, CallOptions};
use crate::clock::after;
use crate::endpoint::{Endpoint, Format};
use crate::format::error::{ClientError, Fault};
use crate::observe::Followers;
use crate::route::parse;

/// What the layer makes of a request that nobody routed: a try at its own target, or an answer in the client's format.
pub(super) enum Answered {
    /// The layer has no target either.
    Misuse,
    Response(Box<Response<Payload>>),
}

pub(super) fn attempt(request: Request<Payload>, shared: &Shared) -> Result<Attempt, Answered> {
    let Some(target) = shared.target.clone() else {
        return Err(Answered::Misuse);
    };
    let (mut parts, body) = request.into_parts();
    let options = parts.extensions.remove::<CallOptions>().unwrap_or_default();
    let target = options.target.unwrap_or(target);
    let endpoint = Endpoint::from_path(parts.uri.path());
    let format = Format::of_request(&parts.uri, &parts.headers);
    let Some(endpoint) = endpoint else {
        let error = ClientError::gateway(format, Fault::NotFound, "there is no such endpoint");
        return Err(answer(&error, format));
    };
    let head = parse::head(body.bytes(), &shared.limits, format)
        .map_err(|error| answer(&error, format))?;
    let started = Instant::now();
    let total = shared.timeouts.total;
    let call = Call {
        endpoint,
        request_id: HeaderValue::from_static("none"),
        default_model: head.model.as_str().into(),
        model: head.model,
        stream: head.stream,
        stateful: head.stateful,
        body,
        model_span: head.model_span,
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        targets: Arc::from([target]),
        first: 0,
        max_retries: None,
        lossy: options.lossy,
        deadline: after(
            started,
            options.deadline.map_or(total, |wished| wished.min(total)),
        ),
        client: None,
        sent: AtomicU32::new(0),
        chosen: AtomicUsize::new(0),
        report: Mutex::default(),
        route: "*".into(),
        tags: Vec::new(),
        tries: Mutex::default(),
        followers: Followers::default(),
        tokens: OnceLock::new(),
        timed: AtomicBool::new(false),
    };
    Attempt::first(Arc::new(call)).ok_or(Answered::Misuse)
}

fn answer(error: &ClientError, format: Format) -> Answered {
    Answered::Response(Box::new(error.to_response(format)))
}
