//! Signature Version 4 over a finished request.
//!
//! Signed are `host`, `x-amz-date`, `x-amz-security-token`, `content-type`, and `accept` and `x-amzn-bedrock-*` where they
//! are sent: never a header that a proxy or the HTTP client may still change. Source: AWS, "Create a signed AWS API request".

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Request, Uri};

use crate::body::Payload;
use crate::error::{BoxError, Error, ErrorClass};
use crate::target::without_default_port;

/// The name that Bedrock's runtime is signed for, which is not that of its host.
const SERVICE: &str = "bedrock";
const BEDROCK_PREFIX: &str = "x-amzn-bedrock-";

/// Adds the signature; `now` is AWS's time.
pub(super) fn apply(
    request: &mut Request<Payload>,
    identity: &Identity,
    region: &str,
    now: SystemTime,
) -> Result<(), Error> {
    headers(request, identity, region, now).map_err(|error| Error::new(ErrorClass::Misuse, error))
}

fn headers(
    request: &mut Request<Payload>,
    identity: &Identity,
    region: &str,
    now: SystemTime,
) -> Result<(), BoxError> {
    // What the HTTP client makes of the URI is signed.
    request.headers_mut().remove(HOST);
    request.headers_mut().remove("x-amz-content-sha256");
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    let (Some(scheme), Some(authority)) = (&parts.scheme, parts.authority) else {
        return Err("a relative URI cannot be signed".into());
    };
    parts.authority = Some(without_default_port(scheme, authority));
    *request.uri_mut() = Uri::from_parts(parts)?;
    let mut signed = Vec::with_capacity(4);
    for (name, value) in request.headers() {
        if is_signed(name) {
            signed.push((name.as_str(), std::str::from_utf8(value.as_bytes())?));
        }
    }
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        signed.into_iter(),
        SignableBody::Bytes(request.body().bytes()),
    )?;
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(region)
        .name(SERVICE)
        .time(now)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let (instructions, _) = sign(signable, &params)?.into_parts();
    let (added, _) = instructions.into_parts();
    for header in added {
        let mut value = HeaderValue::from_str(header.value())?;
        value.set_sensitive(true);
        request.headers_mut().insert(header.name(), value);
    }
    Ok(())
}

fn is_signed(name: &HeaderName) -> bool {
    name == CONTENT_TYPE || name == ACCEPT || name.as_str().starts_with(BEDROCK_PREFIX)
}
