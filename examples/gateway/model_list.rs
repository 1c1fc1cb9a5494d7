//! `GET /v1/models` and `GET /v1/models/ID`: the union of what OpenAI's and Anthropic's SDKs and Claude Code's discovery read.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tower_llm_gateway::RouteTable;

/// The most models in one answer, as Anthropic's API has it.
const PAGE: usize = 1000;

/// A part of the list: Anthropic's query parameters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    limit: Option<usize>,
    after: Option<String>,
    before: Option<String>,
}

impl Page {
    /// What the query string asks for. Parameters that are not known here change nothing.
    pub(crate) fn read(query: Option<&str>) -> Self {
        let mut page = Self::default();
        for (name, value) in query
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
        {
            match name {
                "limit" => page.limit = value.parse().ok().map(|limit: usize| limit.clamp(1, PAGE)),
                "after_id" => page.after = Some(decode(value)),
                "before_id" => page.before = Some(decode(value)),
                _ => {}
            }
        }
        page
    }
}

/// The list.
pub(crate) fn list(table: &RouteTable, page: &Page, started: SystemTime) -> Value {
    let ids = ids(table);
    let place = |id: &Option<String>| ids.iter().position(|(known, _)| Some(known) == id.as_ref());
    let limit = page.limit.unwrap_or(usize::MAX);
    let (start, end) = if page.before.is_some() {
        let end = place(&page.before).unwrap_or(0);
        (end.saturating_sub(limit), end)
    } else {
        let start = match &page.after {
            Some(_) => place(&page.after).map_or(ids.len(), |at| at + 1),
            None => 0,
        };
        (start, start.saturating_add(limit).min(ids.len()))
    };
    // More in the direction that is being read.
    let has_more = if page.before.is_some() {
        start > 0
    } else {
        end < ids.len()
    };
    let shown = &ids[start..end];
    let data: Vec<Value> = shown
        .iter()
        .map(|(id, owner)| model(id, owner, started))
        .collect();
    json!({
        "object": "list",
        "data": data,
        "has_more": has_more,
        "first_id": shown.first().map(|(id, _)| id),
        "last_id": shown.last().map(|(id, _)| id),
    })
}

/// One model, named as in a path: any that a rule or a connection leads to, in the list or not.
pub(crate) fn one(table: &RouteTable, id: &str, started: SystemTime) -> Option<Value> {
    let id = decode(id);
    let targets = table.targets(&id)?;
    let owner = targets.first()?.connection().provider().id();
    Some(model(&id, owner, started))
}

fn model(id: &str, owner: &str, started: SystemTime) -> Value {
    let created = started
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since_epoch| since_epoch.as_secs());
    json!({
        "id": id, "object": "model", "created": created, "owned_by": owner,
        "type": "model", "display_name": id, "created_at": rfc3339(created),
    })
}

/// The models that can be named, with their owners: every route without a `*`, and every model that a target sets, by its
/// connection. What only matches a glob has no name to list.
fn ids(table: &RouteTable) -> Vec<(String, &'static str)> {
    let mut ids: Vec<(String, &'static str)> = Vec::new();
    let mut add = |id: String, owner| {
        if !ids.iter().any(|(known, _)| *known == id) {
            ids.push((id, owner));
        }
    };
    for rule in table.routes() {
        let owner = rule
            .targets()
            .first()
            .map_or("gateway", |target| target.connection().provider().id());
        if !rule.pattern().contains('*') {
            add(rule.pattern().to_owned(), owner);
        }
        for target in rule.targets() {
            if let Some(model) = target.model_id() {
                add(
                    format!("{}/{model}", target.connection().name()),
                    target.connection().provider().id(),
                );
            }
        }
    }
    ids
}

/// Percent-encoded text as it was meant; what is no encoding stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let encoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (*first, encoded) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (byte, _) => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Seconds since the Unix epoch as RFC 3339, in UTC.
fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years are counted from 1 March, in eras of 400, so that leap days come last.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}
