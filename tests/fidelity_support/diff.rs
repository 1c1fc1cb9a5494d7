//! What a field changed in the provider's request.

use serde_json::Value;

use super::rows::without_indexes;

/// The most places that are named.
const SHOWN: usize = 4;
/// The longest value that is shown.
const LONGEST: usize = 40;

/// The places where two values differ, in words; nothing: they are equal.
pub(crate) fn places(before: &Value, after: &Value) -> Vec<String> {
    let mut all = Vec::new();
    walk("", before, after, &mut all);
    all.dedup();
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all
}

fn walk(path: &str, before: &Value, after: &Value, all: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let below = |key: &str| match path {
                "" => key.to_owned(),
                _ => format!("{path}.{key}"),
            };
            for (key, value) in new {
                match old.get(key) {
                    Some(old) => walk(&below(key), old, value, all),
                    None => all.push(shown(&below(key), value)),
                }
            }
            for key in old.keys().filter(|key| !new.contains_key(*key)) {
                all.push(format!("without {}", code(&without_indexes(&below(key)))));
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            let below = format!("{path}[]");
            if let Some(more) = added(old, new) {
                all.extend(more.iter().map(|value| shown(&below, value)));
                return;
            }
            for (at, value) in new.iter().enumerate() {
                match old.get(at) {
                    Some(old) => walk(&below, old, value, all),
                    None => all.push(shown(&below, value)),
                }
            }
            if new.len() < old.len() {
                all.push(format!("fewer {}", code(&below)));
            }
        }
        _ if before == after => {}
        _ => all.push(shown(path, after)),
    }
}

/// The elements that stand between the old ones, if all of these are still there.
fn added<'v>(old: &[Value], new: &'v [Value]) -> Option<&'v [Value]> {
    let more = new.len().checked_sub(old.len())?;
    let same = old.iter().zip(new).take_while(|(old, new)| old == new);
    let at = same.count();
    (old[at..] == new[at + more..]).then(|| &new[at..at + more])
}

/// A place, with the value if that is short.
fn shown(path: &str, value: &Value) -> String {
    let path = code(&without_indexes(path));
    let text = value.to_string();
    if text.len() <= LONGEST && !text.contains('`') {
        format!("{path} = {}", code(&text))
    } else if let Some(kind) = value["type"].as_str() {
        format!("{path} of type {}", code(kind))
    } else {
        path
    }
}

/// Text as code in a cell of a table.
pub(crate) fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}
