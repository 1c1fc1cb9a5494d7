//! Where in the configuration file something is wrong: the line, and the key from the top.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a file that cannot be read. The line's own text is not shown: that may hold a key.
pub(crate) fn unreadable(file: &str, text: &str, error: &toml::de::Error) -> String {
    let message = without_value(error.message());
    let Some(span) = error.span() else {
        return format!("{file}: {message}");
    };
    let line = line_at(text, span.start);
    match key_at(text, span.start) {
        Some(key) => format!("{file}, line {line}: {key}: {message}"),
        None => format!("{file}, line {line}: {message}"),
    }
}

/// What is wrong with the value of a key, which `path` leads to.
pub(crate) fn unusable(file: &str, text: &str, path: &[String], message: &str) -> String {
    let key = path.join(".");
    match line_of(text, path) {
        Some(line) => format!("{file}, line {line}: {key}: {message}"),
        None => format!("{file}: {key}: {message}"),
    }
}

/// Leaves the text out that stands where something else should.
fn without_value(message: &str) -> Cow<'_, str> {
    const TEXT: &str = "invalid type: string";
    let expected = || Some((message.strip_prefix(TEXT)?, message.rfind(", expected")?));
    match expected() {
        Some((_, at)) => Cow::Owned(format!("{TEXT}{}", &message[at..])),
        None => Cow::Borrowed(message),
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

/// The innermost key at `offset`, or around it.
fn key_at(text: &str, offset: usize) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    let mut best = Vec::new();
    in_table(table.get_ref(), offset, &mut Vec::new(), &mut best);
    (!best.is_empty()).then(|| best.join("."))
}

fn in_table(table: &DeTable<'_>, offset: usize, path: &mut Vec<String>, best: &mut Vec<String>) {
    for (key, value) in table.iter() {
        path.push(key.get_ref().to_string());
        note(key.span().contains(&offset), path, best);
        in_value(value, offset, path, best);
        path.pop();
    }
}

fn in_value(
    value: &Spanned<DeValue<'_>>,
    offset: usize,
    path: &mut Vec<String>,
    best: &mut Vec<String>,
) {
    note(value.span().contains(&offset), path, best);
    match value.get_ref() {
        DeValue::Table(table) => in_table(table, offset, path, best),
        DeValue::Array(list) => {
            for (at, value) in list.iter().enumerate() {
                path.push(at.to_string());
                in_value(value, offset, path, best);
                path.pop();
            }
        }
        _ => {}
    }
}

fn note(found: bool, path: &[String], best: &mut Vec<String>) {
    if found && path.len() > best.len() {
        *best = path.to_vec();
    }
}

/// The line of the deepest key of the path that the file has: what is missing is told where it should stand.
fn line_of(text: &str, path: &[String]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut best = None;
    let mut place = Place::Table(table.get_ref());
    for part in path {
        let (at, value) = match place {
            Place::Table(table) => match table.iter().find(|(key, _)| key.get_ref() == part) {
                Some((key, value)) => (key.span().start, value),
                None => break,
            },
            Place::Array(list) => match part.parse().ok().and_then(|at: usize| list.get(at)) {
                Some(value) => (value.span().start, value),
                None => break,
            },
        };
        best = Some(at);
        place = match value.get_ref() {
            DeValue::Table(table) => Place::Table(table),
            DeValue::Array(list) => Place::Array(list),
            _ => break,
        };
    }
    best.map(|offset| line_at(text, offset))
}

/// What can hold more.
enum Place<'t, 'i> {
    Table(&'t DeTable<'i>),
    Array(&'t toml::de::DeArray<'i>),
}
