//! `GET /v1/models`: the union of what OpenAI's and Anthropic's SDKs read.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tower_llm_gateway::RouteTable;

/// The models that can be named: every route without a `*`, and every model that a target sets, by its connection.
/// What only matches a glob has no name to list.
pub(crate) fn render(table: &RouteTable, started: SystemTime) -> Value {
    let created = started
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since_epoch| since_epoch.as_secs());
    let created_at = rfc3339(created);
    let mut ids: Vec<(String, &str)> = Vec::new();
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
    let data: Vec<Value> = ids
        .iter()
        .map(|(id, owner)| {
            json!({
                "id": id, "object": "model", "created": created, "owned_by": owner,
                "type": "model", "display_name": id, "created_at": created_at,
            })
        })
        .collect();
    json!({
        "object": "list",
        "data": data,
        "has_more": false,
        "first_id": ids.first().map(|(id, _)| id),
        "last_id": ids.last().map(|(id, _)| id),
    })
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
