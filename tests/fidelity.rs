//! Sends every field that clients have to every provider, and keeps the tables under `docs/pairs` true.
//!
//! For each row of `tests/fidelity/ENDPOINT.json` two requests go through a gateway, without the field and with it. From what
//! happens follows what became of it: a 400 that names it, a word in `x-gateway-dropped` or `x-gateway-approximated`, or another
//! request at the provider. If there is none of these, the field was lost without a word, and the test fails. `BLESS=1` writes
//! the tables anew; `FIDELITY=part` takes only the pages whose name contains it.

mod fidelity_support;

use fidelity_support::call::Cell;
use fidelity_support::cells::{PAIRS, PASSTHROUGH, Pair};
use fidelity_support::diff;
use fidelity_support::page::{self, Column};
use fidelity_support::rows::{Fields, Row};
use fidelity_support::verdict::{self, Word};
use tower_llm_gateway::Provider;
use tower_llm_gateway::settings::Lossy;

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(work)
}

fn bless() -> bool {
    std::env::var("BLESS").is_ok_and(|value| value == "1")
}

fn wanted(page: &str) -> bool {
    page.contains(&std::env::var("FIDELITY").unwrap_or_default())
}

/// The rows of a pair.
fn rows<'a>(pair: &Pair, fields: &'a Fields) -> Vec<&'a Row> {
    let has = |row: &&Row| !pair.without.contains(&&*row.group);
    fields.rows.iter().filter(has).collect()
}

/// Tries every row at every target; what is wrong goes into `problems`.
async fn columns(pair: &Pair, fields: &Fields, problems: &mut Vec<String>) -> Vec<Column> {
    let path = pair.path.unwrap_or(&fields.path);
    let always = (pair.always)();
    let mut columns = Vec::new();
    for &(provider, model) in pair.targets {
        let cell = Cell::new(provider, model);
        let title = format!("`{provider}`, `{model}`");
        let mut verdicts = Vec::new();
        for row in rows(pair, fields) {
            let (base, with) = fields.requests(row, model, &always);
            let always = base == with && row.headers.is_empty();
            let without = cell.call(path, &[], Lossy::Reject, &base).await;
            let answer = cell.call(path, &row.headers, Lossy::Reject, &with).await;
            match verdict::of(row, always, &without, &answer) {
                Ok(mut verdict) => {
                    if verdict.word == Word::Refused {
                        let lossy = cell.call(path, &row.headers, Lossy::Drop, &with).await;
                        if lossy.sent.is_some() {
                            verdict.how += " (dropped with `lossy = \"drop\"`)";
                        }
                    }
                    verdicts.push(verdict);
                }
                Err(problem) => {
                    problems.push(format!("{} {model}: {}: {problem}", pair.page, row.label()));
                }
            }
        }
        columns.push(Column { title, verdicts });
    }
    columns
}

/// What the client gets of each field of the provider's answer.
async fn answers(pair: &Pair, fields: &Fields) -> String {
    let Some((format, target)) = pair.answers else {
        return String::new();
    };
    let (provider, model) = pair.targets[target];
    let cell = Cell::new(provider, model);
    let request = fields.with_tool(model, &(pair.always)());
    let answers = Fields::of_answers(format);
    let mut rows = Vec::new();
    for row in &answers.rows {
        let (without, with) = answers.answers(row);
        let without = cell.answer(&fields.path, &request, &without).await;
        let with = cell.answer(&fields.path, &request, &with).await;
        rows.push((row.label(), diff::places(&without, &with).join(", ")));
    }
    page::answers(&format!("`{provider}`, `{model}`"), &rows)
}

#[test]
fn nothing_is_lost_silently() {
    let mut problems = Vec::new();
    for pair in PAIRS.iter().filter(|pair| wanted(pair.page)) {
        let fields = Fields::read(pair.fields);
        let before = problems.len();
        let columns = run(columns(pair, &fields, &mut problems));
        if problems.len() == before {
            let made = page::tables(&rows(pair, &fields), &columns);
            let made = made + &run(answers(pair, &fields));
            problems.extend(page::check(pair.page, &made, bless()).err());
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// In a passthrough cell, the provider gets the client's bytes.
#[test]
fn passthrough_carries_every_byte() {
    let mut made = String::from(
        "| endpoint | provider | requests tried | of them byte for byte the client's |\n|---|---|---|---|\n",
    );
    let mut problems = Vec::new();
    for &(name, path, providers) in PASSTHROUGH {
        let fields = Fields::read(name);
        for &provider in providers {
            let model = if provider == Provider::Gemini {
                "gemini-2.5-flash"
            } else {
                "a-model"
            };
            let cell = Cell::new(provider, model);
            let (mut tried, mut same) = (0, 0);
            for row in &fields.rows {
                let (_, with) = fields.requests(row, model, &serde_json::json!({}));
                let outcome = run(cell.call(path, &row.headers, Lossy::Reject, &with));
                let Some(sent) = outcome.sent else {
                    problems.push(format!("{path} {provider}: {}: not sent", row.label()));
                    continue;
                };
                if sent.path.contains("generateContent")
                    || sent.path.contains("streamGenerateContent")
                {
                    // For the native API; see the page on that.
                    continue;
                }
                tried += 1;
                same += usize::from(sent.body == with.to_string().as_bytes());
            }
            if tried != same || tried < 90 {
                problems.push(format!("{path} {provider}: {same} of {tried}"));
            }
            made.push_str(&format!("| `{path}` | `{provider}` | {tried} | {same} |\n"));
        }
    }
    if problems.is_empty() && wanted("passthrough") {
        problems.extend(page::check("passthrough", &made, bless()).err());
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Whatever member the gateway reads of a request has a row, or stands in the example of one.
#[test]
fn every_member_that_is_read_is_tried() {
    let mut missing = Vec::new();
    for format in ["chat", "responses", "messages"] {
        let read = |path: String| {
            let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let views = read(format!("src/format/{format}/request.rs"));
        let views = views.split("#[cfg(test)]").next().unwrap_or_default();
        let rows = read(format!("tests/fidelity/{format}.json"));
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let tried: std::collections::HashSet<&str> = rows.split(|c| !is_word(c)).collect();
        let members = views.split("= \"").skip(1);
        let members: Vec<_> = members.filter_map(|rest| rest.split('"').next()).collect();
        assert!(members.len() > 40, "{format}: {members:?}");
        for member in members.iter().filter(|member| !tried.contains(*member)) {
            missing.push(format!("{format}: {member}"));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
