//! The tables in the documentation.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::rows::Row;
use super::verdict::Verdict;

const BEGIN: &str = "<!-- Made by tests/fidelity.rs, which checks it; BLESS=1 writes it anew. -->";
const END: &str = "<!-- End of what tests/fidelity.rs made. -->";

/// What came of every row at one target.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) title: String,
    pub(crate) verdicts: Vec<Verdict>,
}

/// The tables of a pair: which field became what, and then how, for each target.
pub(crate) fn tables(rows: &[&Row], columns: &[Column]) -> String {
    let mut out = String::new();
    if columns.len() > 1 {
        out.push_str("### At a glance\n\n| field |");
        for column in columns {
            write!(out, " {} |", column.title).unwrap();
        }
        out.push_str("\n|---|");
        out.push_str(&"---|".repeat(columns.len()));
        out.push('\n');
        for (at, row) in rows.iter().enumerate() {
            write!(out, "| {} |", row.label()).unwrap();
            for column in columns {
                write!(out, " {} |", column.verdicts[at].word.text()).unwrap();
            }
            out.push('\n');
        }
        out.push('\n');
    }
    for column in columns {
        writeln!(out, "### {}", column.title).unwrap();
        let mut group = "";
        for (row, verdict) in rows.iter().zip(&column.verdicts) {
            if row.group != group {
                group = &row.group;
                write!(
                    out,
                    "\n**{group}**\n\n| field | outcome | how |\n|---|---|---|\n"
                )
                .unwrap();
            }
            let (word, how) = (verdict.word.text(), &verdict.how);
            writeln!(out, "| {} | {word} | {how} |", row.label()).unwrap();
        }
        out.push('\n');
    }
    out
}

/// The table of what comes back: for each row of the provider's answer the places in the client's.
pub(crate) fn answers(title: &str, rows: &[(String, String)]) -> String {
    let mut out = format!(
        "### What comes back, from {title}\n\n| in the provider's answer | in the client's |\n|---|---|\n"
    );
    for (field, places) in rows {
        let places = if places.is_empty() {
            "no difference"
        } else {
            places
        };
        writeln!(out, "| {field} | {places} |").unwrap();
    }
    out
}

/// Compares what a page has between its markers with what it should have; `bless` writes it instead.
pub(crate) fn check(page: &str, made: &str, bless: bool) -> Result<(), String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pairs/{page}.md"));
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let made = format!("{BEGIN}\n\n{}\n\n{END}", made.trim());
    let (head, rest) = match text.split_once(BEGIN) {
        Some((head, rest)) => (
            head.to_owned(),
            rest.split_once(END).map_or("", |(_, tail)| tail),
        ),
        None if bless => (format!("{}\n\n", text.trim_end()), "\n"),
        None => {
            return Err(format!(
                "docs/pairs/{page}.md has no tables: run this with BLESS=1"
            ));
        }
    };
    let whole = format!("{}{made}{rest}", head.trim_start());
    if whole == text {
        return Ok(());
    }
    if bless {
        return std::fs::write(&file, whole).map_err(|error| format!("{page}: {error}"));
    }
    let differs = text
        .lines()
        .zip(whole.lines())
        .find(|(old, new)| old != new);
    let (old, new) = differs.unwrap_or(("(its end)", "(its end)"));
    Err(format!(
        "docs/pairs/{page}.md differs from what the gateway does (BLESS=1 rewrites it):\n  page    {old}\n  gateway {new}"
    ))
}
