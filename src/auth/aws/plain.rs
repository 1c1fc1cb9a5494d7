//! Signatures of plain requests, as nearly all are: without a query, with a path and headers that are their own canonical form.
//!
//! The same as `aws-sigv4` makes, which signs all others; what differs is that the key is derived once for a day and region, and
//! that nothing is taken apart that needs no change. Source: AWS, "Create a signed AWS API request".

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use http::Request;
use sha2::{Digest, Sha256};

use super::sign::{SERVICE, is_signed};
use crate::body::Payload;
use crate::convert::rfc3339;

/// What is added to a request.
pub(super) struct Signature {
    pub(super) date: String,
    pub(super) authorization: String,
}

/// The key that was derived last. Never shown by `Debug`.
#[derive(Default)]
pub(super) struct Keys(Mutex<Option<Key>>);

struct Key {
    /// Which credentials it was derived from.
    version: u64,
    day: String,
    region: String,
    key: [u8; 32],
}

impl Keys {
    /// The key for this day and region, derived where it is not the last one.
    fn get(
        &self,
        secret: &str,
        version: u64,
        now: SystemTime,
        day: &str,
        region: &str,
    ) -> Option<[u8; 32]> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && (last.version, &*last.day, &*last.region) == (version, day, region)
        {
            return Some(last.key);
        }
        let derived = generate_signing_key(secret, now, region, SERVICE);
        let key = derived.as_ref().try_into().ok()?;
        *last = Some(Key {
            version,
            day: day.to_owned(),
            region: region.to_owned(),
            key,
        });
        Some(key)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(redacted)")
    }
}

/// Signs a request; `None` where it is not a plain one. `version` differs where the credentials do.
pub(super) fn sign(
    request: &Request<Payload>,
    credentials: &Credentials,
    version: u64,
    region: &str,
    now: SystemTime,
    keys: &Keys,
) -> Option<Signature> {
    let path = path(request)?;
    let host = host(request)?;
    let unix = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let mut date = rfc3339::format(unix);
    date.retain(|letter| !matches!(letter, '-' | ':'));
    let day = date.get(..8).filter(|_| date.len() == 16)?;

    let mut headers = Vec::with_capacity(8);
    for (name, value) in request.headers() {
        if is_signed(name) {
            headers.push((name.as_str(), canonical(value.as_bytes())?));
        }
    }
    headers.push(("host", host));
    headers.push(("x-amz-date", &date));
    if let Some(token) = credentials.session_token() {
        headers.push(("x-amz-security-token", canonical(token.as_bytes())?));
    }
    headers.sort_unstable();
    let pairs = headers.iter().zip(headers.iter().skip(1));
    if pairs.into_iter().any(|((name, _), (next, _))| name == next) {
        return None;
    }
    let mut names = String::with_capacity(64);
    for (name, _) in &headers {
        if !names.is_empty() {
            names.push(';');
        }
        names.push_str(name);
    }

    let mut text = String::with_capacity(1024);
    text.push_str(request.method().as_str());
    text.push('\n');
    for piece in path.split_inclusive('%') {
        text.push_str(piece);
        if piece.ends_with('%') {
            text.push_str("25");
        }
    }
    // No query.
    text.push_str("\n\n");
    for (name, value) in &headers {
        text.push_str(name);
        text.push(':');
        text.push_str(value);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&names);
    text.push('\n');
    push_hash(&mut text, request.body().bytes());

    let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
    let mut to_sign = String::with_capacity(192);
    for part in ["AWS4-HMAC-SHA256\n", &date, "\n", &scope, "\n"] {
        to_sign.push_str(part);
    }
    push_hash(&mut to_sign, text.as_bytes());
    let key = keys.get(credentials.secret_access_key(), version, now, day, region)?;
    let signature = calculate_signature(key, to_sign.as_bytes());
    let id = credentials.access_key_id();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    Some(Signature {
        date,
        authorization,
    })
}

/// The path, where it has no segment that would be removed, and no byte that would be encoded but the percent sign.
fn path(request: &Request<Payload>) -> Option<&str> {
    let uri = request.uri();
    let plain = |segment: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
    };
    let path = uri.path();
    let is_plain = uri.query().is_none() && path.strip_prefix('/')?.split('/').all(plain);
    is_plain.then_some(path)
}

/// The host as it is sent, which has no port that goes without saying any more.
fn host(request: &Request<Payload>) -> Option<&str> {
    let host = request.uri().authority()?.as_str();
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:".contains(&byte);
    host.bytes().all(plain).then_some(host)
}

/// A header's value, where no space would be taken out of it.
fn canonical(value: &[u8]) -> Option<&str> {
    let mut words = value.split(|byte| *byte == b' ');
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_graphic);
    words
        .all(is_word)
        .then(|| std::str::from_utf8(value).ok())?
}

fn push_hash(text: &mut String, data: &[u8]) {
    for byte in Sha256::digest(data) {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
}
