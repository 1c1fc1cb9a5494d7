//! Signature Version 4 over a finished request.
//!
//! Signed are `host`, `x-amz-date`, `x-amz-security-token`, `content-type`, and `accept` and `x-amzn-bedrock-*` where they
//! are sent: never a header that a proxy or the HTTP client may still change. Source: AWS, "Create a signed AWS API request".

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Request, Uri};

use super::cache::Held;
use super::plain::{self, Keys};
use crate::body::Payload;
use crate::error::{BoxError, Error, ErrorClass};
use crate::target::without_default_port;

/// The name that Bedrock's runtime is signed for, which is not that of its host.
pub(super) const SERVICE: &str = "bedrock";
const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const BEDROCK_PREFIX: &str = "x-amzn-bedrock-";

/// Adds the signature; `now` is AWS's time.
pub(super) fn apply(
    request: &mut Request<Payload>,
    held: &Held,
    region: &str,
    now: SystemTime,
    keys: &Keys,
) -> Result<(), Error> {
    prepare(request)
        .and_then(|()| headers(request, held, region, now, keys))
        .map_err(|error| Error::new(ErrorClass::Misuse, error))
}

/// Makes a request such that what the HTTP client makes of it is what is signed.
fn prepare(request: &mut Request<Payload>) -> Result<(), BoxError> {
    request.headers_mut().remove(HOST);
    request.headers_mut().remove("x-amz-content-sha256");
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    let (Some(scheme), Some(authority)) = (&parts.scheme, parts.authority) else {
        return Err("a relative URI cannot be signed".into());
    };
    parts.authority = Some(without_default_port(scheme, authority));
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(())
}

fn headers(
    request: &mut Request<Payload>,
    held: &Held,
    region: &str,
    now: SystemTime,
    keys: &Keys,
) -> Result<(), BoxError> {
    if let Some(credentials) = held.identity.data::<Credentials>()
        && let Some(signature) = plain::sign(request, credentials, held.version, region, now, keys)
    {
        let token = credentials.session_token();
        let headers = request.headers_mut();
        for (name, text) in [
            (X_AMZ_DATE, Some(&*signature.date)),
            (AUTHORIZATION, Some(&*signature.authorization)),
            (X_AMZ_SECURITY_TOKEN, token),
        ] {
            if let Some(text) = text {
                headers.insert(name, secret(text)?);
            }
        }
        return Ok(());
    }
    by_library(request, &held.identity, region, now)
}

/// Signs any request.
fn by_library(
    request: &mut Request<Payload>,
    identity: &Identity,
    region: &str,
    now: SystemTime,
) -> Result<(), BoxError> {
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
        let value = secret(header.value())?;
        request.headers_mut().insert(header.name(), value);
    }
    Ok(())
}

/// A header's value that `Debug` does not show.
fn secret(text: &str) -> Result<HeaderValue, BoxError> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn is_signed(name: &HeaderName) -> bool {
    name == CONTENT_TYPE || name == ACCEPT || name.as_str().starts_with(BEDROCK_PREFIX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// A request that both sign, or one that only the library does.
    fn signed(
        uri: &str,
        extra: &[(&str, &str)],
        token: Option<&str>,
        (region, unix): (&str, u64),
        keys: &Keys,
    ) -> bool {
        let token = token.map(str::to_owned);
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", token, None, "test");
        let held = Held::fixed(credentials.clone());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(unix);
        let mut request = Request::post(uri)
            .header("content-type", "application/json")
            .header("user-agent", "not signed");
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Payload::new("{\"a\":1}")).unwrap();
        prepare(&mut request).unwrap();
        let plain = plain::sign(&request, &credentials, held.version, region, now, keys);
        let mut by_library = request.clone();
        super::by_library(&mut by_library, &held.identity, region, now).unwrap();
        apply(&mut request, &held, region, now, keys).unwrap();
        assert_eq!(request.headers(), by_library.headers(), "{uri} {extra:?}");
        plain.is_some()
    }

    const PLACE: (&str, u64) = ("us-east-1", 1_795_352_400);

    #[test]
    fn the_gateways_own_requests_are_plain() {
        let keys = Keys::default();
        for uri in [
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-v1%3A0/converse",
            "https://bedrock-runtime.us-east-1.amazonaws.com:443/model/m/invoke",
            "http://localhost:8080/base/model/arn%3Aaws%3Abedrock%2Fx/converse-stream",
        ] {
            for token in [None, Some("token+/=")] {
                assert!(signed(uri, &[], token, PLACE, &keys), "{uri}");
            }
        }
        let guardrail = [("x-amzn-bedrock-trace", "ENABLED"), ("accept", "a/b, c/d")];
        assert!(signed("http://h/p", &guardrail, None, PLACE, &keys));
    }

    #[test]
    fn other_requests_are_the_librarys() {
        let keys = Keys::default();
        for uri in [
            "http://h/p?q=1",
            "http://h/p?",
            "http://h/",
            "http://h/a//b",
            "http://h/a/../b",
            "http://h/a/",
            "http://h/a:b",
            "http://H/a",
            "http://[::1]:80/a",
        ] {
            assert!(!signed(uri, &[], None, PLACE, &keys), "{uri}");
        }
        for value in ["a  b", "a\tb"] {
            assert!(!signed(
                "http://h/p",
                &[("accept", value)],
                None,
                PLACE,
                &keys
            ));
        }
        let twice = [("accept", "b"), ("accept", "a")];
        assert!(!signed("http://h/p", &twice, None, PLACE, &keys));
    }

    #[test]
    fn another_day_region_or_credential_has_another_key() {
        let keys = Keys::default();
        let day = 86_400;
        for (region, unix) in [
            PLACE,
            ("eu-west-1", PLACE.1),
            ("eu-west-1", PLACE.1 + day),
            ("eu-west-1", PLACE.1),
            ("us-east-1", 0),
            ("us-east-1", 951_782_400),
            ("us-east-1", 4_107_542_399),
        ] {
            assert!(signed("http://h/p", &[], None, (region, unix), &keys));
        }
    }

    proptest! {
        #[test]
        fn both_sign_alike(
            path in "(/[a-z.%~:@!$&'()*+,;=_-]{0,6}){1,4}",
            accept in "[a-z]{1,4}( {0,2}[a-z;=*/]{1,4}){0,2}",
            token in proptest::option::of("[A-Za-z0-9+/=]{1,20}"),
            unix in 0_u64..4_000_000_000,
        ) {
            // What is no percent-encoding is no URI of anybody's.
            let path = path.replace('%', "%2F");
            let uri = format!("https://bedrock-runtime.us-east-1.amazonaws.com{path}");
            let headers = [("accept", &*accept)];
            signed(&uri, &headers, token.as_deref(), ("us-east-1", unix), &Keys::default());
        }
    }
}
