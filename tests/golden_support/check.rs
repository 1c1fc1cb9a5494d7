//! Everything that is compared of one case.

use bytes::Bytes;
use http::StatusCode;
use tower_llm_gateway::{Format, Provider};

use super::case::{Case, pairs};
use super::chat_stream;
use super::compare::{Rules, differences, shorten};
use super::cuts;
use super::frames;
use super::json::{Json, compact};
use super::run::{CLIENT_KEY, Canned, Outcome, PROVIDER_KEY, call};
use super::signing;
use super::sse::{self, Event};

/// The most lines that are shown of one comparison.
const SHOWN: usize = 14;

/// Runs a case and says what is wrong; nothing: it passed.
///
/// `bless`: expected client files that differ are overwritten instead.
pub(crate) async fn check(case: &Case, bless: bool) -> Result<Vec<String>, String> {
    if let Some(signing) = case.json("signing.json")? {
        return signing::check(case, &signing).await;
    }
    let mut failures = Vec::new();
    let (stream, ends) = upstream_stream(case)?;
    if let (Some(frames), Some(_)) = (&stream, case.file("upstream_stream.bin")?) {
        failures.extend(frames::check(case, frames)?);
        if case.client_request.is_none() {
            return Ok(failures);
        }
    }
    let compared = [
        "upstream_request.json",
        "client_response.json",
        "client_stream.sse",
        "client_error.json",
    ];
    let mut any = false;
    for name in compared {
        any |= case.file(name)?.is_some();
    }
    if !any {
        return Err("the case expects nothing that a gateway does".to_owned());
    }

    let canned = canned(case, stream.clone().into_iter().collect())?;
    let outcome = call(case, canned.clone()).await?;
    request(case, &outcome, &mut failures)?;
    answer(case, &outcome, bless, &mut failures)?;

    if let (Some(stream), Some(whole)) = (stream, case.file("client_stream.sse")?) {
        let whole =
            sse::parse(&whole, case.format).map_err(|e| format!("client_stream.sse: {e}"))?;
        pieces(case, &canned, &stream, &outcome, &mut failures).await?;
        truncated(case, &canned, &stream, &ends, &whole, &mut failures).await?;
    }
    Ok(failures)
}

/// The provider's stream, and where each of its events ends.
fn upstream_stream(case: &Case) -> Result<(Option<Bytes>, Vec<usize>), String> {
    if let Some(stream) = case.file("upstream_stream.sse")? {
        let ends = sse::event_ends(&stream);
        if ends.last() != Some(&stream.len()) {
            return Err("upstream_stream.sse ends inside an event".to_owned());
        }
        return Ok((Some(stream), ends));
    }
    let Some(stream) = case.file("upstream_stream.bin")? else {
        return Ok((None, Vec::new()));
    };
    // Each message begins with its length, four bytes, the first one the highest.
    let (mut ends, mut at) = (Vec::new(), 0);
    while let Some(length) = stream.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().map_err(|_| "a prelude")?);
        at += usize::try_from(length).map_err(|error| error.to_string())?;
        ends.push(at);
    }
    if ends.last() != Some(&stream.len()) {
        return Err("upstream_stream.bin ends inside a message".to_owned());
    }
    Ok((Some(stream), ends))
}

/// What the case's provider answers.
fn canned(case: &Case, pieces: Vec<Bytes>) -> Result<Canned, String> {
    let mut headers = case.headers("upstream_response.headers.json")?;
    let mut content_type = "application/json";
    let (mut status, mut body) = (case.upstream_status.unwrap_or(500), pieces);
    if !body.is_empty() {
        content_type = match case.file("upstream_stream.bin")? {
            Some(_) => "application/vnd.amazon.eventstream",
            None => "text/event-stream",
        };
    } else if let Some(answer) = case.file("upstream_response.json")? {
        body = vec![compact(&answer).into()];
    } else if let Some(error) = case.json("upstream_error.json")? {
        let given = error.get("status").and_then(Json::as_u64);
        status = given
            .and_then(|status| u16::try_from(status).ok())
            .ok_or("upstream_error.json: status")?;
        headers.extend(error.get("headers").map_or_else(Vec::new, pairs));
        body = vec![match error.get("body") {
            Some(Json::String(text)) => {
                content_type = "text/html";
                text.clone().into()
            }
            Some(json) => json.to_string().into(),
            None => Bytes::new(),
        }];
    } else {
        // A case of a request alone: the answer does not matter, but must not be mistaken for a good one.
        status = 500;
        body = vec![Bytes::from_static(b"{}")];
    }
    if !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), content_type.to_owned()));
    }
    Ok(Canned {
        status,
        headers,
        pieces: body,
    })
}

/// What was sent to the provider.
fn request(case: &Case, outcome: &Outcome, failures: &mut Vec<String>) -> Result<(), String> {
    let answered = || {
        let body = String::from_utf8_lossy(&outcome.body).into_owned();
        format!("the client got {}: {}", outcome.status, shorten(&body, 400))
    };
    if case.upstream_status.is_none() {
        if !outcome.sent.is_empty() {
            failures.push(format!(
                "nothing may be sent, but a request went to {}; {}",
                outcome.sent[0].path,
                answered()
            ));
        }
        return Ok(());
    }
    let [sent] = outcome.sent.as_slice() else {
        failures.push(format!(
            "one request must be sent, {} were; {}",
            outcome.sent.len(),
            answered()
        ));
        return Ok(());
    };
    let path = case
        .upstream_path
        .as_ref()
        .ok_or("case.json: upstream_path")?;
    if sent.path != *path {
        failures.push(format!("upstream path: expected {path}, got {}", sent.path));
    }
    for (name, value) in &sent.headers {
        if String::from_utf8_lossy(value.as_bytes()).contains(CLIENT_KEY) {
            failures.push(format!("the client's key went upstream in {name}"));
        }
    }
    for key in [CLIENT_KEY, PROVIDER_KEY] {
        if contains(&sent.body, key) || sent.path.contains(key) {
            failures.push(format!("{key} went upstream"));
        }
    }
    let got = Json::parse(&sent.body)?;
    if let Some(expected) = case.json("upstream_request.json")? {
        let rules = Rules {
            mask: &case.mask,
            responses: case.name.starts_with("messages_to_responses"),
        };
        report(
            "upstream request",
            &differences(&expected, &got, rules),
            failures,
        );
        for (name, value) in case.headers("upstream_request.headers.json")? {
            let got = sent
                .headers
                .get(&name)
                .and_then(|value| value.to_str().ok());
            let value = value.replace("<key>", PROVIDER_KEY);
            if got != Some(&value) {
                failures.push(format!(
                    "upstream header {name}: expected {value:?}, got {got:?}"
                ));
            }
        }
    }
    Ok(())
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// What the client got.
fn answer(
    case: &Case,
    outcome: &Outcome,
    bless: bool,
    failures: &mut Vec<String>,
) -> Result<(), String> {
    if let Some(report) = case.json("report.json")? {
        for (list, header) in [
            ("dropped", "x-gateway-dropped"),
            ("approximated", "x-gateway-approximated"),
        ] {
            let got = paths(outcome.header(header).unwrap_or_default());
            for path in report.get(list).map_or(&[][..], Json::elements) {
                let path = without_indexes(path.as_str().unwrap_or_default());
                if !got.contains(&path) {
                    failures.push(format!("{header}: {path:?} is not among {got:?}"));
                }
            }
        }
    }
    for (name, value) in &outcome.headers {
        if String::from_utf8_lossy(value.as_bytes()).contains(PROVIDER_KEY) {
            failures.push(format!("the provider's key came back in {name}"));
        }
    }
    for key in [CLIENT_KEY, PROVIDER_KEY] {
        if contains(&outcome.body, key) {
            failures.push(format!("the body says {key}"));
        }
    }
    let rules = Rules {
        mask: &case.mask,
        responses: case.format == Format::Responses,
    };
    let expect_head = |content_type: &str, failures: &mut Vec<String>| {
        let status = case.client_status;
        if outcome.status.as_u16() != status {
            failures.push(format!(
                "status: expected {status}, got {}: {}",
                outcome.status,
                shorten(&String::from_utf8_lossy(&outcome.body), 400)
            ));
        }
        let got = outcome.header("content-type").unwrap_or_default();
        if !got.starts_with(content_type) {
            failures.push(format!("content-type: expected {content_type}, got {got}"));
        }
        if let Some(error) = &outcome.broken {
            failures.push(format!("the body broke: {error}"));
        }
    };
    if let Some(expected) = case.json("client_error.json")? {
        expect_head("application/json", failures);
        let got = Json::parse(&outcome.body)?;
        let wanted = expected.get("body").ok_or("client_error.json: body")?;
        let mut found = differences(wanted, &got, rules);
        let headers = expected.get("headers").map_or_else(Vec::new, pairs);
        for (name, value) in &headers {
            let got = outcome.header(name);
            if got != Some(value) {
                found.push(format!("header {name}: expected {value:?}, got {got:?}"));
            }
        }
        if expected.get("status").and_then(Json::as_u64) != Some(outcome.status.as_u16().into()) {
            found.push("status differs".to_owned());
        }
        if bless && !found.is_empty() {
            let mut file = vec![(
                "status".to_owned(),
                Json::Number(outcome.status.as_u16().into()),
            )];
            if !headers.is_empty() {
                let now = headers.iter().filter_map(|(name, _)| {
                    let value = outcome.header(name)?.to_owned();
                    Some((name.clone(), Json::String(value)))
                });
                file.push(("headers".to_owned(), Json::Object(now.collect())));
            }
            file.push(("body".to_owned(), got));
            return case.bless("client_error.json", Json::Object(file).pretty().as_bytes());
        }
        report("client error", &found, failures);
    }
    if let Some(expected) = case.json("client_response.json")? {
        expect_head("application/json", failures);
        let got = Json::parse(&outcome.body)?;
        let found = differences(&expected, &got, rules);
        if bless && !found.is_empty() {
            return case.bless("client_response.json", got.pretty().as_bytes());
        }
        report("client response", &found, failures);
    }
    if let Some(expected) = case.file("client_stream.sse")? {
        expect_head("text/event-stream", failures);
        let wanted = sse::parse(&expected, case.format)
            .map_err(|error| format!("client_stream.sse: {error}"))?;
        let found = match sse::parse(&outcome.body, case.format) {
            Ok(got) => compare_events(&wanted, &got, rules),
            Err(error) => vec![error],
        };
        if bless && !found.is_empty() {
            return case.bless("client_stream.sse", &outcome.body);
        }
        report("client stream", &found, failures);
    }
    Ok(())
}

/// Where two streams differ: event by event, in order.
fn compare_events(wanted: &[Event], got: &[Event], rules: Rules<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (at, (wanted, got)) in wanted.iter().zip(got).enumerate() {
        let lines = match (wanted.json(), got.json()) {
            (Some(wanted), Some(got)) => differences(wanted, got, rules),
            (None, None) => Vec::new(),
            _ => vec!["one is [DONE]".to_owned()],
        };
        if lines.is_empty() {
            continue;
        }
        found.extend(lines.iter().map(|line| format!("event {at}: {line}")));
        found.push(format!("  expected {}", shorten(&wanted.text(), 500)));
        found.push(format!("  got      {}", shorten(&got.text(), 500)));
    }
    let common = wanted.len().min(got.len());
    for event in wanted.iter().skip(common) {
        found.push(format!("missing    {}", shorten(&event.text(), 500)));
    }
    for event in got.iter().skip(common) {
        found.push(format!("unexpected {}", shorten(&event.text(), 500)));
    }
    found
}

/// However the provider's stream is cut, the client's is the same.
async fn pieces(
    case: &Case,
    canned: &Canned,
    stream: &Bytes,
    whole: &Outcome,
    failures: &mut Vec<String>,
) -> Result<(), String> {
    let mut ways = vec![
        ("byte by byte".to_owned(), cuts::every(stream, 1)),
        ("by 13 bytes".to_owned(), cuts::every(stream, 13)),
    ];
    for seed in 1..=3 {
        ways.push((format!("random cuts {seed}"), cuts::random(stream, seed, 8)));
    }
    for (way, pieces) in ways {
        let canned = Canned {
            pieces,
            ..canned.clone()
        };
        let outcome = call(case, canned).await?;
        if outcome.broken != whole.broken || outcome.status != whole.status {
            failures.push(format!(
                "{way}: the outcome is another: {} {:?}",
                outcome.status, outcome.broken
            ));
        } else if outcome.body != whole.body {
            let at = outcome
                .body
                .iter()
                .zip(whole.body.iter())
                .take_while(|(a, b)| a == b)
                .count();
            let tail = |bytes: &Bytes| {
                let tail = bytes.get(at.saturating_sub(40)..).unwrap_or_default();
                shorten(&String::from_utf8_lossy(tail), 160)
            };
            failures.push(format!(
                "{way}: the client's stream differs at byte {at}: whole {:?}, cut {:?}",
                tail(&whole.body),
                tail(&outcome.body)
            ));
        }
    }
    Ok(())
}

/// Wherever the provider's stream ends, the client's is a prefix of the whole one and then says how it ended.
async fn truncated(
    case: &Case,
    canned: &Canned,
    stream: &Bytes,
    ends: &[usize],
    whole: &[Event],
    failures: &mut Vec<String>,
) -> Result<(), String> {
    let kinds = event_stream_kinds(case)?;
    for (count, end) in std::iter::once(&0).chain(ends).enumerate() {
        let head = stream.slice(..*end);
        let complete = match &kinds {
            Some(kinds) => kinds
                .iter()
                .take(count)
                .filter_map(|kind| *kind)
                .next_back(),
            None => sse::upstream_end(&head),
        };
        let pieces = if head.is_empty() {
            Vec::new()
        } else {
            vec![head]
        };
        let outcome = call(
            case,
            Canned {
                pieces,
                ..canned.clone()
            },
        )
        .await?;
        let what = format!("cut after {count} events");
        if let Some(error) = &outcome.broken {
            failures.push(format!("{what}: the body broke: {error}"));
            continue;
        }
        if outcome.status != StatusCode::OK {
            // Nothing was said yet: a plain error, which can be retried.
            let body = Json::parse(&outcome.body);
            let is_error = body.is_ok_and(|body| body.non_null("error").is_some());
            if complete == Some(true) || !is_error || outcome.status.as_u16() < 400 {
                failures.push(format!(
                    "{what}: {}: {}",
                    outcome.status,
                    String::from_utf8_lossy(&outcome.body)
                ));
            }
            continue;
        }
        if case.format == Format::Chat
            && let Some(problem) = chat_stream::problem(&outcome.body)
        {
            failures.push(format!("{what}: {problem}"));
        }
        match sse::parse(&outcome.body, case.format) {
            Ok(got) => {
                if let Some(failure) = wrong_end(case, complete, &got, whole) {
                    failures.push(format!("{what}: {failure}"));
                }
            }
            Err(error) => failures.push(format!("{what}: {error}")),
        }
    }
    Ok(())
}

/// What is wrong with the client's stream where the provider's was cut.
fn wrong_end(
    case: &Case,
    complete: Option<bool>,
    got: &[Event],
    whole: &[Event],
) -> Option<String> {
    let format = case.format;
    let Some(last) = got.last() else {
        return Some("an empty stream".to_owned());
    };
    let ends = |event: &Event| event.is_error(format) || event.is_success(format);
    if let Some(at) = got.iter().position(ends)
        && at + 1 != got.len()
    {
        return Some(format!("something follows {}", got[at].text()));
    }
    // Anthropic's own events, which only AWS's envelope was taken off: a mark of success would not be theirs.
    let relayed = format == Format::Messages && case.provider == Provider::AwsBedrockInvoke;
    let right = if complete == Some(true) {
        last.is_success(format) || (relayed && !last.is_error(format))
    } else {
        last.is_error(format)
    };
    if !right {
        let wanted = if complete == Some(true) {
            "complete"
        } else {
            "an error"
        };
        return Some(format!("the end must be {wanted}, but is {}", last.text()));
    }
    let rules = Rules {
        mask: &case.mask,
        responses: format == Format::Responses,
    };
    let all = relayed && !last.is_error(format);
    let body = &got[..got.len() - usize::from(!all)];
    for (at, event) in body.iter().enumerate() {
        let same = whole.get(at).is_some_and(|whole| {
            compare_events(
                std::slice::from_ref(whole),
                std::slice::from_ref(event),
                rules,
            )
            .is_empty()
        });
        // What closes a stream may differ: figures that came later are not in it.
        let may_differ = complete == Some(true) && is_closing(event, format);
        if !same && !may_differ {
            return Some(format!(
                "event {at} is none of the whole stream's: {}",
                event.text()
            ));
        }
    }
    None
}

/// Whether an event stands behind a stream's content: finish reason, usage, the ends of items.
fn is_closing(event: &Event, format: Format) -> bool {
    match format {
        Format::Chat => event.json().is_some_and(|json| {
            let choices = json.get("choices").map_or(&[][..], Json::elements);
            choices
                .iter()
                .all(|choice| choice.non_null("finish_reason").is_some())
        }),
        Format::Responses => event.kind().is_some_and(|kind| kind.ends_with(".done")),
        _ => matches!(event.kind(), Some("content_block_stop" | "message_delta")),
    }
}

/// For each message of a binary stream: whether it completes the stream (true), breaks it (false), or neither.
fn event_stream_kinds(case: &Case) -> Result<Option<Vec<Option<bool>>>, String> {
    let Some(json) = case.json("upstream_stream.eventstream.json")? else {
        return Ok(None);
    };
    let kinds = json.elements().iter().map(|message| {
        if message.get("exception_type").is_some() {
            return Some(false);
        }
        // What is in a chunk of InvokeModel.
        let decoded = message.get("decoded");
        let delta = decoded.and_then(|event| event.get("delta"));
        let stop = message.get("event_type").and_then(Json::as_str) == Some("messageStop")
            || delta.is_some_and(|delta| delta.non_null("stop_reason").is_some());
        stop.then_some(true)
    });
    Ok(Some(kinds.collect()))
}

/// The field paths in a header of the loss report.
fn paths(header: &str) -> Vec<String> {
    let list = header.split(',').map(str::trim);
    list.filter(|path| !path.is_empty())
        .map(percent_decoded)
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [byte, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if *byte == b'%' => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `a[12].b` as `a[].b`.
fn without_indexes(path: &str) -> String {
    let mut out = String::new();
    for (at, part) in path.split('[').enumerate() {
        if at == 0 {
            out.push_str(part);
        } else {
            out.push('[');
            out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
    }
    out
}

fn report(what: &str, lines: &[String], failures: &mut Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let mut text = format!("{what}:");
    for line in lines.iter().take(SHOWN) {
        text.push_str("\n      ");
        text.push_str(line);
    }
    if lines.len() > SHOWN {
        text.push_str(&format!("\n      … and {} more lines", lines.len() - SHOWN));
    }
    failures.push(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_headers() {
        assert_eq!(paths("a.b, messages[].x%2Cy,"), ["a.b", "messages[].x,y"]);
        assert_eq!(without_indexes("a[12].b[].c[3]"), "a[].b[].c[]");
    }

    #[test]
    fn streams_are_compared_event_by_event() {
        let parse = |text: &str| sse::parse(text.as_bytes(), Format::Chat);
        let rules = Rules {
            mask: &[],
            responses: false,
        };
        let one = parse(": hi\n\ndata: {\"a\":1}\n\ndata: [DONE]\n\n").unwrap();
        assert_eq!(one.len(), 2);
        assert!(compare_events(&one, &one, rules).is_empty());
        for other in [
            "data: {\"a\":1}\n\n",
            "data: {\"a\":2}\n\ndata: [DONE]\n\n",
            "data: [DONE]\n\ndata: {\"a\":1}\n\n",
            "data: {\"a\":1}\n\ndata: [DONE]\n\ndata: [DONE]\n\n",
        ] {
            let other = parse(other).unwrap();
            assert!(!compare_events(&one, &other, rules).is_empty());
        }
        for broken in [
            "data: {}\n",
            "event: x\ndata: {}\n\n",
            "data: {\n\n",
            "nonsense\n\n",
        ] {
            assert!(parse(broken).is_err(), "{broken:?}");
        }
        assert!(sse::parse(b"data: {\"type\":\"a\"}\n\n", Format::Messages).is_err());
        assert!(sse::parse(b"event: b\ndata: {\"type\":\"a\"}\n\n", Format::Responses).is_err());
    }
}
