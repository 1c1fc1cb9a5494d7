//! Names of functions that Google takes.
//!
//! Source: Gemini API reference, `FunctionDeclaration.name`: a letter or underscore, then letters, digits, underscores, dots,
//! colons and dashes, 128 at most.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::convert::tool_names::ToolNames;

const MAX_NAME: usize = 128;

/// Settles the names of a request's functions; `custom` for freeform tools that became functions with one `input`. Names that
/// Google takes stay as they are, the others become different from all before them.
pub(crate) fn settle<'n>(
    functions: impl Iterator<Item = (Cow<'n, str>, bool)> + Clone,
) -> ToolNames {
    let mut names = ToolNames::default();
    let mut taken: HashSet<String> = HashSet::new();
    for (name, custom) in functions.clone().filter(|(name, _)| is_valid(name)) {
        if custom {
            names.insert(&name, &name, true);
        }
        taken.insert(name.into_owned());
    }
    for (name, custom) in functions.filter(|(name, _)| !is_valid(name)) {
        if names.has_sent(&name) {
            continue;
        }
        let base = fit(&name).into_owned();
        let mut sent = base.clone();
        let mut number = 2_u32;
        while taken.contains(&sent) {
            let suffix = format!("_{number}");
            // Fitted names are ASCII: every index is a character's.
            let kept = base.len().min(MAX_NAME.saturating_sub(suffix.len()));
            sent = format!("{}{suffix}", base.get(..kept).unwrap_or(&base));
            number = number.saturating_add(1);
        }
        names.insert(&sent, &name, custom);
        taken.insert(sent);
    }
    names
}

/// The name that Google knows for the client's function `original`.
pub(crate) fn sent<'n>(names: &'n ToolNames, original: &'n str) -> Cow<'n, str> {
    if names.has_sent(original) {
        names.sent(original)
    } else {
        fit(original)
    }
}

fn is_valid(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.bytes().all(is_allowed)
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-')
}

/// `name` as Google takes it.
fn fit(name: &str) -> Cow<'_, str> {
    if is_valid(name) {
        return Cow::Borrowed(name);
    }
    let mut fitted = String::with_capacity(name.len() + 1);
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !name.chars().next().is_some_and(begins) {
        fitted.push('_');
    }
    let clean = |c: char| {
        if u8::try_from(c).is_ok_and(is_allowed) {
            c
        } else {
            '_'
        }
    };
    fitted.extend(name.chars().map(clean).take(MAX_NAME - fitted.len()));
    Cow::Owned(fitted)
}
