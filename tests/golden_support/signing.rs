//! Cases of signatures alone: a request, and what signing it must give.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_llm_gateway::{AuthLayer, Clock, Credential, Payload};

use super::case::{Case, pairs};
use super::json::Json;

/// Signs the case's request and says what is wrong.
pub(crate) async fn check(case: &Case, signing: &Json) -> Result<Vec<String>, String> {
    let optional = |key: &str| signing.non_null(key).and_then(Json::as_str);
    let text = |key: &str| optional(key).ok_or_else(|| format!("signing.json: {key}"));
    let keys = Credential::aws_keys(
        text("access_key_id")?,
        text("secret_access_key")?,
        optional("session_token").map(str::to_owned),
    );
    let time = text("time")?;
    let seconds = unix_seconds(time).ok_or("signing.json: time")?;
    let url = text("url")?;
    let mut request = Request::builder().method(text("method")?).uri(url);
    let given = signing.get("headers").map_or_else(Vec::new, pairs);
    for (name, value) in &given {
        request = request.header(name, value);
    }
    // What must not be signed, or must not go on at all.
    for (name, value) in [
        ("user-agent", "a"),
        ("traceparent", "b"),
        ("authorization", "Bearer canary"),
        ("x-amz-date", "canary"),
        ("x-amz-security-token", "canary"),
        ("host", "canary"),
    ] {
        request = request.header(name, value);
    }
    let request = request
        .body(Payload::new(text("body")?.to_owned()))
        .map_err(|error| error.to_string())?;

    let sent = Arc::new(Mutex::new(None));
    let client = {
        let sent = sent.clone();
        service_fn(move |request: Request<Payload>| {
            *sent.lock().unwrap() = Some((request.uri().to_string(), request.headers().clone()));
            async { Ok::<_, Infallible>(Response::new(Payload::default())) }
        })
    };
    let signed = AuthLayer::with(case.provider, &keys)
        .map_err(|error| error.to_string())?
        .clock(Clock::fixed(seconds))
        .layer(client);
    let response = signed.oneshot(request).await;
    response.map_err(|error| error.to_string())?;
    let (uri, headers): (String, HeaderMap) = sent.lock().unwrap().take().ok_or("nothing sent")?;

    let mut failures = Vec::new();
    let mut expect = |what: &str, found: &str, expected: &str| {
        if found != expected {
            failures.push(format!("{what}: {found:?}, not {expected:?}"));
        }
    };
    expect("uri", &uri, url);
    let header = |name: &str| -> String {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        values.join(" and ")
    };
    expect("x-amz-date", &header("x-amz-date"), time);
    let token = optional("session_token").unwrap_or_default();
    expect("token", &header("x-amz-security-token"), token);
    let canonical = text("canonical_request")?;
    let signed_headers = canonical.lines().rev().nth(1).unwrap_or_default();
    let scope = text("string_to_sign")?.lines().nth(2).unwrap_or_default();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed_headers}, Signature={}",
        text("access_key_id")?,
        text("signature")?,
    );
    expect("authorization", &header("authorization"), &authorization);
    let path = case.upstream_path.as_deref().unwrap_or_default();
    if !uri.ends_with(path) {
        failures.push(format!("case.json: upstream_path is not that of {uri}"));
    }
    Ok(failures)
}

/// Of `20261122T130000Z`.
fn unix_seconds(time: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| time.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let (hour, minute, second) = (number(9..11)?, number(11..13)?, number(13..15)?);
    // Days since 1970, with years that begin in March so that the leap day is a year's last.
    let (shifted, months) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (months * 153 + 2) / 5 + day
            - 719_469;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(unix_seconds("19700101T000000Z"), Some(0));
        assert_eq!(unix_seconds("20261122T130000Z"), Some(1_795_352_400));
        assert_eq!(unix_seconds("20240229T235959Z"), Some(1_709_251_199));
    }
}
