//! From a client's request to the provider's.

use std::sync::Arc;

use http::header::HeaderMap;
use http::{Method, Request, StatusCode};

use super::cache_marks;
use super::context::{ConvertedRequest, RequestContext};
use super::invoke;
use super::layer::Shared;
use super::pair::Conversion;
use super::passthrough;
use super::report::{LossReport, Refusal};
use crate::auth::NativeApi;
use crate::body::Payload;
use crate::call::Attempt;
use crate::endpoint::Endpoint;
use crate::format::error::{ClientError, Fault};
use crate::headers;
use crate::provider::anthropic;
use crate::provider::spec::{AuthScheme, Cell, Framing};
use crate::settings::Lossy;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) request: Request<Payload>,
    /// `None` in a passthrough cell.
    pub(super) conversion: Option<Conversion>,
    /// The stream was asked for its usage, which the client did not ask for.
    pub(super) asks_usage: bool,
    pub(super) report: Arc<LossReport>,
}

/// A request that the target cannot express.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: ClientError,
    pub(super) report: Arc<LossReport>,
}

/// Makes the provider's request of the client's own bytes: afresh for each try.
pub(super) fn prepare(attempt: Attempt, shared: &Shared) -> Result<Prepared, Refused> {
    let mut report = LossReport::default();
    match build(&attempt, shared, &mut report) {
        Ok(Built {
            mut request,
            conversion,
            asks_usage,
        }) => {
            request.extensions_mut().insert(attempt);
            Ok(Prepared {
                request,
                conversion,
                asks_usage,
                report: Arc::new(report),
            })
        }
        Err(error) => Err(Refused {
            error,
            report: Arc::new(report),
        }),
    }
}

/// What [`Prepared`] is made of.
struct Built {
    request: Request<Payload>,
    conversion: Option<Conversion>,
    asks_usage: bool,
}

fn build(
    attempt: &Attempt,
    shared: &Shared,
    report: &mut LossReport,
) -> Result<Built, ClientError> {
    let call = attempt.call();
    let format = call.endpoint.format();
    let connection = attempt.target().connection();
    let spec = connection.provider().spec();
    let defaults = attempt.target().own_defaults();
    let refuse = |refusal: Refusal| refusal.into_client_error(format);

    let (cell, native) = spec.serve(call.endpoint, call.body.bytes());
    let mut asks_usage = false;
    let (path, body, out, conversion) = match cell {
        Cell::Passthrough { path } => {
            let edited =
                passthrough::request::edit(call, attempt.target(), attempt.model(), report)
                    .map_err(refuse)?;
            asks_usage = edited.asks_usage;
            let mut out = headers::outbound(spec, &call.headers, true, call.stream);
            if connection.provider() == crate::Provider::Anthropic {
                let version = http::HeaderValue::from_static(anthropic::VERSION);
                out.entry("anthropic-version").or_insert(version);
            }
            (path, edited.body, out, None)
        }
        Cell::Convert { pair, path } => {
            let options = attempt.target().merged_options();
            let mut capabilities = shared.models.lookup_hidden(
                attempt.model(),
                options.family.as_deref(),
                &call.model,
            );
            if spec.framing == Framing::InvokeChunks {
                invoke::request::adapt(&mut capabilities, options);
            }
            let lossy = call.lossy.unwrap_or(shared.settings.lossy);
            let body = defaults.apply(
                call.body.bytes(),
                call.endpoint,
                connection.provider(),
                report,
            );
            let mut cx = RequestContext {
                model: attempt.model(),
                provider: connection.provider(),
                options,
                headers: &call.headers,
                capabilities: &capabilities,
                lossy: lossy == Lossy::Drop,
                report,
            };
            let ConvertedRequest {
                body,
                headers: own,
                state,
            } = Conversion::request(pair, &body, &mut cx).map_err(refuse)?;
            if shared.settings.strict && !report.dropped().is_empty() {
                return Err(refuse(strict(report)));
            }
            let mut out = headers::outbound(spec, &call.headers, false, call.stream);
            extend(&mut out, own);
            let body = match (
                defaults.cache_marks,
                cache_marks::Style::of(pair, &capabilities, options),
            ) {
                (Some(marks), Some(style)) => {
                    cache_marks::add(marks, style, call.body.bytes(), body, report)
                }
                _ => body,
            };
            (path, body, out, Some(state))
        }
        Cell::Unavailable => return Err(unavailable(attempt)),
    };

    // The query belongs to the client's own format, and AWS's operations have none.
    let keeps_query = conversion.is_none() && spec.auth != AuthScheme::Aws;
    let query = call.query.as_deref().filter(|_| keeps_query);
    let path = path
        .of(attempt.model(), call.stream)
        .map_err(|_| refuse(Refusal::invalid("model", "this model id cannot be sent on")))?;
    let uri = connection.uri(&path, query);
    let uri = uri.ok_or_else(|| {
        refuse(Refusal::invalid(
            "query",
            "the query string cannot be sent on",
        ))
    })?;
    let mut request = Request::new(Payload::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = out;
    if native {
        request.extensions_mut().insert(NativeApi);
    }
    Ok(Built {
        request,
        conversion,
        asks_usage,
    })
}

fn extend(out: &mut HeaderMap, own: Vec<(http::HeaderName, http::HeaderValue)>) {
    for (name, value) in own {
        out.insert(name, value);
    }
}

/// With `strict`, nothing may be dropped.
fn strict(report: &LossReport) -> Refusal {
    let first = report.dropped().first().cloned().unwrap_or_default();
    let all = report.dropped().join(", ");
    Refusal::unsupported(first, format!("this target has no place for: {all}"))
}

fn unavailable(attempt: &Attempt) -> ClientError {
    let (endpoint, provider) = (
        attempt.call().endpoint,
        attempt.target().connection().provider(),
    );
    let format = endpoint.format();
    if endpoint == Endpoint::CountTokens {
        let mut error = ClientError::gateway(
            format,
            Fault::NotFound,
            format!("{provider} cannot count tokens for this endpoint"),
        );
        error.status = StatusCode::NOT_FOUND;
        return error;
    }
    let message =
        format!("this version of the gateway cannot reach {provider} from the {endpoint} endpoint");
    ClientError::gateway(format, Fault::Unsupported, message).with_param("model")
}
