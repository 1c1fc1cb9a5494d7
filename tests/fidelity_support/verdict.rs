//! What became of a field.

use super::call::Outcome;
use super::diff::{code, places};
use super::rows::{Row, without_indexes};

/// What became of a field, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) word: Word,
    pub(crate) how: String,
}

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// The provider gets what it means.
    Exact,
    /// The gateway itself does what it asks for.
    Answered,
    /// The provider gets something like it, which the client is told.
    Approximated,
    /// The provider gets nothing of it, which the client is told.
    Dropped,
    /// 400.
    Refused,
    /// There is nothing to carry.
    Nothing,
}

impl Word {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Answered => "exact (the gateway's part)",
            Self::Approximated => "approximated",
            Self::Dropped => "dropped",
            Self::Refused => "**refused**",
            Self::Nothing => "nothing to carry",
        }
    }
}

/// Whether two paths name the same field, or one a part of the other.
fn related(a: &str, b: &str) -> bool {
    let within = |whole: &str, part: &str| {
        part.strip_prefix(whole)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    within(a, b) || within(b, a)
}

/// What became of the field of a row, from the call without it and the call with it.
///
/// `Err`: the gateway broke its promise, and how.
///
/// `always`: the two requests are the same, because every request of the page carries the field.
pub(crate) fn of(
    row: &Row,
    always: bool,
    without: &Outcome,
    with: &Outcome,
) -> Result<Verdict, String> {
    let field = row.field();
    let names = |path: &&String| row.names().iter().any(|name| related(name, path));
    let verdict = |word, how: String| Ok(Verdict { word, how });

    if with.sent.is_none() {
        let (param, message) = with.refusal();
        if with.status != 400 {
            return Err(format!("{}: {message}", with.status));
        }
        let words = message
            .split([' ', ':', ',', '`', '"'])
            .map(without_indexes);
        let named = param
            .iter()
            .map(|param| without_indexes(param))
            .chain(words);
        let mut named = named.filter(|word| !word.is_empty());
        // What the field stands in may be refused already; then the request without it is, with the same words.
        let anyway =
            without.sent.is_none() && without.refusal() == (param.clone(), message.clone());
        if !anyway && !named.any(|word| names(&&word)) {
            return Err(format!(
                "refused without naming the field: {param:?} {message}"
            ));
        }
        return verdict(Word::Refused, sentence(&message, param.as_deref()));
    }
    if with.status != 200 {
        return Err(format!("{}: {}", with.status, with.refusal().1));
    }
    let base = without.sent.as_ref();
    let base = base.ok_or_else(|| format!("refused without it only: {}", without.refusal().1))?;

    let new = |list: &[String], old: &[String]| -> Vec<String> {
        let new = list.iter().filter(|path| !old.contains(path));
        new.cloned().collect()
    };
    let dropped = new(&with.dropped, &without.dropped);
    let approximated = new(&with.approximated, &without.approximated);
    let mut changed = places(&without.upstream(), &with.upstream());
    if let Some(sent) = &with.sent {
        let path = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        if sent.path != base.path {
            changed.push(format!("path {}", code(&path(&sent.path))));
        }
        for (name, value) in &sent.headers {
            let (name, value) = (name.as_str(), value.to_str().unwrap_or_default());
            if base.headers.get(name).and_then(|old| old.to_str().ok()) != Some(value) {
                changed.push(format!("header {}", code(&format!("{name}: {value}"))));
            }
        }
    }
    let mut how = changed.join(", ");
    // What else became of the request because of this field.
    let mut others = Vec::new();
    for (word, list) in [("dropped", &dropped), ("approximated", &approximated)] {
        for path in list.iter().filter(|path| **path != field) {
            others.push(format!("{} {word}", code(path)));
        }
    }
    if !others.is_empty() {
        let others = others.join(", ");
        how = if how.is_empty() {
            others
        } else {
            format!("{how}; {others}")
        };
    }

    if approximated.iter().any(|path| names(&path)) {
        return verdict(Word::Approximated, how);
    }
    if let Some(path) = dropped.iter().find(names) {
        // A part of what was sent may be dropped, and the rest carried.
        let part = *path != field && path.starts_with(&field) && !changed.is_empty();
        return verdict(if part { Word::Exact } else { Word::Dropped }, how);
    }
    if !changed.is_empty() {
        return verdict(Word::Exact, how);
    }
    if row.answered {
        return if without.body == with.body {
            Err(
                "lost: neither the provider's request nor the client's answer is another"
                    .to_owned(),
            )
        } else {
            verdict(Word::Answered, "the client's answer is another".to_owned())
        };
    }
    let outer = |list: &[String]| {
        list.iter()
            .find(|path| field.starts_with(path.as_str()))
            .cloned()
    };
    if let Some(path) = outer(&with.dropped) {
        return verdict(Word::Dropped, format!("with {}", code(&path)));
    }
    if let Some(reason) = &row.same {
        return verdict(Word::Nothing, reason.clone());
    }
    if always {
        let reason = "every request to this API carries it already";
        return verdict(Word::Nothing, reason.to_owned());
    }
    Err(format!(
        "lost without a word (dropped: {:?}, approximated: {:?})",
        with.dropped, with.approximated
    ))
}

/// A message without the field that it begins with, fit for a cell.
fn sentence(message: &str, param: Option<&str>) -> String {
    let mut text = message;
    if let Some((head, rest)) = message.split_once(": ")
        && (Some(head) == param || !head.contains(' '))
    {
        text = rest;
    }
    text.replace('|', "\\|").replace('\n', " ")
}
