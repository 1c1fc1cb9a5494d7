//! Verification of an AWS signature, version 4, made anew from what arrived. See "Signature Version 4 signing process" in the IAM user
//! guide; nothing is shared with the code that signs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode, Uri, header};
use sha2::{Digest as _, Sha256};

use super::super::check::{Check, Refusal};

/// The one access key there is.
pub(crate) const ACCESS_KEY_ID: &str = "AKIDDEMO";
/// Its secret.
pub(crate) const SECRET_ACCESS_KEY: &str = "demo-secret-access-key";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The name under which the Bedrock runtime signs.
const SERVICE: &str = "bedrock";
/// How old or new a signature may be.
const WINDOW: Duration = Duration::from_mins(5);

fn refused(kind: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, kind, message)
}

fn incomplete(message: String) -> Refusal {
    refused("IncompleteSignatureException", message)
}

/// The parts of the `authorization` header.
struct Given<'a> {
    key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Given<'a> {
    fn read(authorization: &'a str) -> Option<Self> {
        let parts = authorization.strip_prefix(ALGORITHM)?.split(',');
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for part in parts {
            match part.trim().split_once('=')? {
                ("Credential", value) => credential = Some(value),
                ("SignedHeaders", value) => signed = Some(value.split(';').collect()),
                ("Signature", value) => signature = Some(value),
                _ => return None,
            }
        }
        let mut scope = credential?.split('/');
        let this = Self {
            key: scope.next()?,
            date: scope.next()?,
            region: scope.next()?,
            service: scope.next()?,
            signed: signed?,
            signature: signature?,
        };
        (scope.next() == Some("aws4_request") && scope.next().is_none()).then_some(this)
    }
}

/// Refuses a request that was not signed with the demo's key for this moment, these headers and this body.
pub(super) fn verify(uri: &Uri, headers: &HeaderMap, authorization: &str, body: &[u8]) -> Check {
    let given = Given::read(authorization).ok_or_else(|| {
        incomplete("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.".to_owned())
    })?;
    if given.key != ACCESS_KEY_ID {
        return Err(refused(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    let date = headers
        .get("x-amz-date")
        .and_then(|date| date.to_str().ok())
        .ok_or_else(|| {
            incomplete(
                "Authorization header requires existence of a 'X-Amz-Date' header.".to_owned(),
            )
        })?;
    scope(&given, uri, headers, date)?;
    signed_headers(&given, headers)?;
    fresh(date)?;
    let canonical = canonical(&given, uri, headers, body)?;
    let to_sign = format!(
        "{ALGORITHM}\n{date}\n{}/{}/{SERVICE}/aws4_request\n{}",
        given.date,
        given.region,
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let key = [given.date, given.region, SERVICE, "aws4_request"]
        .iter()
        .fold(
            format!("AWS4{SECRET_ACCESS_KEY}").into_bytes(),
            |key, part| hmac(&key, part.as_bytes()),
        );
    if hex(&hmac(&key, to_sign.as_bytes())) != given.signature {
        return Err(refused(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
        ));
    }
    Ok(())
}

/// Date, region and service must be those of the request.
fn scope(given: &Given<'_>, uri: &Uri, headers: &HeaderMap, date: &str) -> Check {
    let wrong = |what: &str, value: &str| {
        refused(
            "InvalidSignatureException",
            format!("Credential should be scoped to a valid {what}, not '{value}'."),
        )
    };
    if given.service != SERVICE {
        return Err(wrong("service", given.service));
    }
    if !date.starts_with(given.date) {
        return Err(wrong("date", given.date));
    }
    let host = host(uri, headers);
    let region = host
        .strip_prefix("bedrock-runtime.")
        .or_else(|| host.strip_prefix("bedrock-runtime-fips."))
        .and_then(|rest| rest.split('.').next());
    match region {
        Some(region) if region != given.region => Err(wrong("region", given.region)),
        _ => Ok(()),
    }
}

/// What AWS wants to be signed must be.
fn signed_headers(given: &Given<'_>, headers: &HeaderMap) -> Check {
    if !given.signed.is_sorted() {
        return Err(incomplete("SignedHeaders is not sorted.".to_owned()));
    }
    let amazon = headers
        .keys()
        .map(|name| name.as_str())
        .filter(|name| name.starts_with("x-amz-") || *name == "content-type");
    if let Some(name) = amazon
        .chain(["host"])
        .find(|name| !given.signed.contains(name))
    {
        return Err(refused(
            "InvalidSignatureException",
            format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."),
        ));
    }
    // What proxies and clients change on the way breaks a signature sooner or later.
    let fickle = [
        "user-agent",
        "content-length",
        "connection",
        "te",
        "accept-encoding",
        "traceparent",
        "transfer-encoding",
    ];
    match given.signed.iter().find(|name| fickle.contains(name)) {
        Some(name) => Err(incomplete(format!(
            "'{name}' may change on its way and must not be signed."
        ))),
        None => Ok(()),
    }
}

fn fresh(date: &str) -> Check {
    let signed = moment(date).ok_or_else(|| {
        incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'."
        ))
    })?;
    let now = SystemTime::now();
    let is_early = signed.duration_since(now).is_ok_and(|ahead| ahead > WINDOW);
    let is_late = now.duration_since(signed).is_ok_and(|age| age > WINDOW);
    if is_early || is_late {
        let (word, order) = if is_late {
            ("expired", "earlier")
        } else {
            ("not yet current", "later")
        };
        return Err(refused(
            "InvalidSignatureException",
            format!(
                "Signature {word}: {date} is now {order} than {} by more than 5 min.",
                httpdate::fmt_http_date(now)
            ),
        ));
    }
    Ok(())
}

/// `20261122T130000Z` as a moment.
fn moment(date: &str) -> Option<SystemTime> {
    let (day, time) = date.strip_suffix('Z')?.split_once('T')?;
    let digits = day.len() == 8 && time.len() == 6;
    let number = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    if !digits || !(day.bytes().chain(time.bytes())).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (number(day, 0, 4)?, number(day, 4, 6)?, number(day, 6, 8)?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970, counted in years that begin in March, so that the leap day is their last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = days - 719_468;
    let seconds = number(time, 0, 2)? * 3600 + number(time, 2, 4)? * 60 + number(time, 4, 6)?;
    Some(UNIX_EPOCH + Duration::from_secs(days * 86_400 + seconds))
}

/// The request as it is signed.
fn canonical(given: &Given<'_>, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Check<String> {
    let mut text = format!("POST\n{}\n", encoded(uri.path(), b"/"));
    let mut query: Vec<&str> = uri.query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    text.push_str(&query.join("&"));
    text.push('\n');
    for name in &given.signed {
        let value = match *name {
            "host" => host(uri, headers),
            name => {
                let values = headers.get_all(name).iter();
                let values: Option<Vec<_>> = values.map(|value| value.to_str().ok()).collect();
                let values = values.filter(|values| !values.is_empty()).ok_or_else(|| {
                    incomplete(format!("The signed header '{name}' is not in the request."))
                })?;
                let collapse = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
                values
                    .into_iter()
                    .map(collapse)
                    .collect::<Vec<_>>()
                    .join(",")
            }
        };
        text.push_str(&format!("{name}:{value}\n"));
    }
    text.push_str(&format!(
        "\n{}\n{}",
        given.signed.join(";"),
        hex(&Sha256::digest(body))
    ));
    Ok(text)
}

/// Where the request goes, without the port that the scheme has anyway.
fn host(uri: &Uri, headers: &HeaderMap) -> String {
    let header = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = header.or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let host = host.unwrap_or_default();
    let default = match uri.scheme_str() {
        Some("https") => ":443",
        _ => ":80",
    };
    host.strip_suffix(default).unwrap_or(host).to_owned()
}

/// Every byte outside the unreserved set, and outside `kept`, in hexadecimal.
fn encoded(text: &str, kept: &[u8]) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}

/// HMAC-SHA256, see RFC 2104.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 64;
    let mut key = if key.len() > BLOCK {
        Sha256::digest(key).to_vec()
    } else {
        key.to_vec()
    };
    key.resize(BLOCK, 0);
    let pad = |byte: u8| key.iter().map(move |k| k ^ byte).collect::<Vec<_>>();
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(pad(0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
