//! The matrix as a page.

use std::fmt::Write as _;

use super::cells::CELLS;
use super::table::{self, Client, SCENARIOS};

/// What stands before the tables.
const HEAD: &str = "# What the vendors' SDKs see, on every provider\n\n\
The official Python SDKs are run through the gateway against every provider, plain and streaming. The upstream is a scripted one where something is to \
go wrong, else the demo providers, which refuse what the real ones would refuse; what reached AWS and Gemini's own API is judged by botocore's and \
google-genai's definitions. Nobody's live service was asked.\n\n\
`cargo test --test sdk matrix` runs it and fails where this page is not true; `tests/sdk/matrix/table/` is its source.\n\n\
✓: the SDK shows what it shows on its own vendor's service. A number: see below the table, where the words are what the user sees. \
Two marks: plain, then streaming. –: there is nothing to do. The `TypeError` is the SDK's own: Gemini's compatible endpoint streams calls without \
an `index`, and where both sides speak Chat nothing is repaired.\n";

/// The whole page, as the table has it.
pub(super) fn page() -> String {
    let mut text = HEAD.to_owned();
    for client in Client::ALL {
        let section = section(client, &|cell, scenario, stream| {
            Some(table::sees(client, cell, scenario, stream).to_owned())
        });
        text.push('\n');
        text.push_str(&section);
    }
    text
}

/// The table of one client, of what is seen in each cell; `None` where nothing was run.
pub(super) fn section(client: Client, sees: &dyn Fn(&str, &str, bool) -> Option<String>) -> String {
    let mut notes: Vec<String> = Vec::new();
    let mut rows = String::new();
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.is_of(client)) {
        write!(rows, "| {} |", scenario.title).expect("write to a string");
        for cell in CELLS {
            let mark = |stream: bool| {
                if !scenario.modes().contains(&stream) {
                    return "–".to_owned();
                }
                let Some(seen) = sees(cell.name, scenario.name, stream) else {
                    return "?".to_owned();
                };
                if seen == "pass" {
                    return "✓".to_owned();
                }
                let number = notes.iter().position(|note| *note == seen);
                let number = number.unwrap_or_else(|| {
                    notes.push(seen.clone());
                    notes.len() - 1
                });
                let tick = if seen.starts_with("pass") { "✓" } else { "" };
                format!("{tick}[{}]", number + 1)
            };
            let mut mark = mark;
            let (plain, stream) = (mark(false), mark(true));
            if plain == stream {
                write!(rows, " {plain} |").expect("write to a string");
            } else {
                write!(rows, " {plain} {stream} |").expect("write to a string");
            }
        }
        rows.push('\n');
    }
    let names: Vec<_> = CELLS.iter().map(|cell| cell.name).collect();
    let mut text = format!("## {}\n\n| | {} |\n", client.title(), names.join(" | "));
    text.push_str(&"|---".repeat(names.len() + 1));
    text.push_str("|\n");
    text.push_str(&rows);
    text.push('\n');
    for (index, note) in notes.iter().enumerate() {
        let note = note.strip_prefix("pass: ").unwrap_or(note);
        writeln!(text, "{}. {}", index + 1, note.replace('<', "&lt;")).expect("write to a string");
    }
    text
}
