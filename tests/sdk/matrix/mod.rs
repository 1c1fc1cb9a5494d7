//! The matrix: every client format on every provider, in every scenario, plain and streaming.
//!
//! The upstream is scripted where something is to go wrong; else it is the demo providers, which refuse what the real ones would refuse. Either
//! way every request that reaches it is recorded and judged. [`table`] says what the SDK must show in each cell, [`page`] makes the page
//! `docs/sdk-matrix.md` of it, and neither can differ from what came out.

mod cells;
mod page;
mod providers;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::support::gateway::Gateway;
use super::support::upstream::Upstream;
use super::support::venv;
use super::{ACCESS_KEY_ID, CLIENT_KEY, PROVIDER_KEY, SECRET_ACCESS_KEY};
use super::{check_log, check_request, judge};
use cells::{CELLS, Cell};
use table::{Client, SCENARIOS};

/// How long one client may take for all of its cells, on a machine that has much else to do.
const LIMIT: Duration = Duration::from_secs(600);

/// Cell, scenario, and whether it was streamed; and what the SDK showed.
type Outcomes = BTreeMap<(String, String, bool), String>;

/// A gateway to all providers behind one upstream.
fn gateway(url: &str) -> Gateway {
    Gateway::with_config(format!(
        r#"
client_keys = [{{ name = "tests", key = "{CLIENT_KEY}" }}]

[limits]
request_body = "1MiB"

[retry]
backoff_min = "10ms"
backoff_max = "50ms"

[connections.openai]
provider = "openai"
base_url = "{url}/v1"
api_key = "{PROVIDER_KEY}"
headers = {{ "openai-organization" = "org-fixed" }}

[connections.anthropic]
provider = "anthropic"
base_url = "{url}"
api_key = "{PROVIDER_KEY}"

[connections.gemini]
provider = "gemini"
base_url = "{url}/v1beta"
api_key = "{PROVIDER_KEY}"

[connections.groq]
provider = "groq"
base_url = "{url}/openai/v1"
api_key = "{PROVIDER_KEY}"

[connections.perplexity]
provider = "perplexity"
base_url = "{url}"
api_key = "{PROVIDER_KEY}"

[connections.compatible]
provider = "openai-compatible"
base_url = "{url}/compatible/v1"
api_key = "{PROVIDER_KEY}"

[connections.converse]
provider = "aws-bedrock"
base_url = "{url}"
region = "eu-west-1"
access_key_id = "{ACCESS_KEY_ID}"
secret_access_key = "{SECRET_ACCESS_KEY}"

[connections.invoke]
provider = "aws-bedrock-invoke"
base_url = "{url}"
region = "eu-west-1"
api_key = "{PROVIDER_KEY}"
"#
    ))
}

/// Runs all cells of a client; `None`: skipped.
fn run(client: Client) -> Option<Outcomes> {
    venv::python()?;
    let upstream = Upstream::start(providers::answer);
    let gateway = gateway(&upstream.url());
    let cells: Vec<Value> = CELLS.iter().map(|cell| cell.json(client)).collect();
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "matrix-{}-{}.json",
        std::process::id(),
        client.word()
    ));
    std::fs::write(&file, Value::from(cells).to_string()).expect("write the cells");
    let arguments = [
        "--client",
        client.word(),
        "--base",
        gateway.url(),
        "--key",
        CLIENT_KEY,
        "--cells",
        file.to_str().expect("the path is UTF-8"),
    ];
    let finished = venv::script_within(LIMIT, "matrix.py", &arguments);
    std::fs::remove_file(&file).expect("remove the cells");
    let mut outcomes = Outcomes::new();
    for line in finished?.stdout.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        let text = |name: &str| line[name].as_str().expect("a text").to_owned();
        let stream = line["stream"].as_bool().expect("a flag");
        let key = (text("cell"), text("scenario"), stream);
        assert!(outcomes.insert(key, text("outcome")).is_none(), "{line}");
    }
    let requests = upstream.requests();
    for request in &requests {
        check_request(providers::of(request), request, &upstream);
    }
    assert_eq!(upstream.errors(), Vec::<String>::new());
    judge::requests(&requests);
    check_log(&gateway);
    let (status, log) = gateway.stop();
    assert!(status.success(), "{status}: {log}");
    Some(outcomes)
}

/// Runs a client, writes what came out beside the program, and compares it with the table.
fn check(client: Client) {
    let Some(outcomes) = run(client) else { return };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sdk-matrix");
    std::fs::create_dir_all(&folder).expect("a folder for the matrix");
    let text = page::section(client, &|cell, scenario, stream| {
        let key = (cell.to_owned(), scenario.to_owned(), stream);
        outcomes.get(&key).cloned()
    });
    let file = folder.join(format!("{}.md", client.word()));
    std::fs::write(&file, &text).expect("write the matrix");
    println!("{text}");
    let mut wrong = Vec::new();
    let mut count = 0;
    for (cell, scenario, stream) in cells_of(client) {
        let expected = table::sees(client, cell.name, scenario, stream);
        let key = (cell.name.to_owned(), scenario.to_owned(), stream);
        let got = outcomes.get(&key).map_or("nothing", String::as_str);
        count += 1;
        if got != expected {
            wrong.push(format!(
                "{} {scenario} {}:\n  expected {expected}\n  got      {got}",
                cell.name,
                if stream { "streaming" } else { "plain" },
            ));
        }
    }
    assert_eq!(
        outcomes.len(),
        count,
        "scenarios that the table does not know"
    );
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("{count} outcomes as expected");
}

/// Everything that a client runs.
fn cells_of(client: Client) -> impl Iterator<Item = (&'static Cell, &'static str, bool)> {
    CELLS.iter().flat_map(move |cell| {
        SCENARIOS
            .iter()
            .filter(move |scenario| scenario.is_of(client))
            .flat_map(move |scenario| {
                let modes = scenario.modes().iter();
                modes.map(move |stream| (cell, scenario.name, *stream))
            })
    })
}

#[test]
fn matrix_chat() {
    check(Client::Chat);
}

#[test]
fn matrix_responses() {
    check(Client::Responses);
}

#[test]
fn matrix_messages() {
    check(Client::Messages);
}

/// The page says what the table says. `BLESS=1` writes it.
#[test]
fn matrix_page() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sdk-matrix.md");
    let page = page::page();
    if std::env::var("BLESS").is_ok_and(|bless| bless == "1") {
        std::fs::write(file, &page).expect("write the page");
    }
    let there = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        there == page,
        "docs/sdk-matrix.md is not what the table says: run BLESS=1 cargo test --test sdk matrix_page"
    );
}

/// Each entry of the table says something about some cell.
#[test]
fn matrix_table_has_no_dead_entries() {
    let mut used = std::collections::BTreeSet::new();
    for client in Client::ALL {
        for (cell, scenario, stream) in cells_of(client) {
            used.extend(
                table::entry_at(client, cell.name, scenario, stream).map(|at| (client, at)),
            );
        }
    }
    for client in Client::ALL {
        for (at, entry) in table::entries(client).iter().enumerate() {
            assert!(
                used.contains(&(client, at)),
                "{client:?}: {entry:?} is never used"
            );
        }
    }
}
