//! Tool names that a provider takes, and their way back to the client's.

use std::borrow::Cow;
use std::collections::HashMap;

/// The tools of one request whose name or kind differs between client and provider.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolNames {
    by_sent: HashMap<String, Entry>,
    by_original: HashMap<String, String>,
}

#[derive(Debug, Clone)]
struct Entry {
    original: String,
    custom: bool,
}

impl ToolNames {
    /// Notes that the client's tool `original` goes to the provider as `sent`; `custom` for a freeform tool that became a
    /// function with one `input` string.
    pub(crate) fn insert(&mut self, sent: &str, original: &str, custom: bool) {
        if sent != original {
            self.by_original
                .insert(original.to_owned(), sent.to_owned());
        }
        self.by_sent.insert(
            sent.to_owned(),
            Entry {
                original: original.to_owned(),
                custom,
            },
        );
    }

    /// The client's name of the tool that the provider calls `sent`.
    pub(crate) fn original<'a>(&'a self, sent: &'a str) -> &'a str {
        self.by_sent.get(sent).map_or(sent, |entry| &entry.original)
    }

    /// Whether the provider's `sent` is one of the client's freeform tools.
    pub(crate) fn is_custom(&self, sent: &str) -> bool {
        self.by_sent.get(sent).is_some_and(|entry| entry.custom)
    }

    /// Whether a name was noted for the client's tool `original`.
    pub(crate) fn has_sent(&self, original: &str) -> bool {
        self.by_original.contains_key(original)
    }

    /// The provider's name of the client's tool `original`: the one noted for it, else `original` with what no name may
    /// hold replaced.
    pub(crate) fn sent<'a>(&'a self, original: &'a str) -> Cow<'a, str> {
        match self.by_original.get(original) {
            Some(sent) => Cow::Borrowed(sent),
            None => sanitise(original),
        }
    }
}

/// The longest name that Anthropic takes.
const MAX_NAME: usize = 128;

/// Whether `name` matches `^[a-zA-Z0-9_-]{1,128}$`.
pub(crate) fn is_valid(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// `name` with every character that no name may have replaced by `_`, cut to the longest one allowed.
pub(crate) fn sanitise(name: &str) -> Cow<'_, str> {
    if is_valid(name) {
        return Cow::Borrowed(name);
    }
    let clean = |c: char| {
        if u8::try_from(c).is_ok_and(is_allowed) {
            c
        } else {
            '_'
        }
    };
    Cow::Owned(name.chars().take(MAX_NAME).map(clean).collect())
}

/// The names that are taken, each with the number to try next where it is asked for again.
#[derive(Debug, Default)]
pub(crate) struct Taken(HashMap<String, u32>);

impl Taken {
    /// Takes `name` as it is.
    pub(crate) fn insert(&mut self, name: &str) {
        self.0.insert(name.to_owned(), 2);
    }

    /// Takes `name`, made valid and different from every name taken before.
    pub(crate) fn unique(&mut self, name: &str) -> String {
        let base = sanitise(name).into_owned();
        let Some(mut number) = self.0.get(&base).copied() else {
            self.insert(&base);
            return base;
        };
        loop {
            let suffix = format!("_{number}");
            let kept = MAX_NAME - suffix.len();
            // A sanitised name is ASCII: every index is a character's.
            let candidate = format!("{}{suffix}", base.get(..kept).unwrap_or(&base));
            number += 1;
            if !self.0.contains_key(&candidate) {
                self.0.insert(base, number);
                self.insert(&candidate);
                return candidate;
            }
        }
    }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_valid_and_find_back() {
        let mut names = ToolNames::default();
        names.insert("a_b", "a.b", false);
        names.insert("sql", "sql", true);
        assert_eq!(names.sent("a.b"), "a_b");
        assert_eq!(names.original("a_b"), "a.b");
        assert_eq!(names.sent("plain"), "plain");
        assert_eq!(names.sent("x y"), "x_y");
        assert_eq!(names.original("plain"), "plain");
        assert!(names.is_custom("sql") && !names.is_custom("a_b"));
    }

    #[test]
    fn collisions_get_a_number_within_the_length() {
        let mut taken = Taken::default();
        taken.insert("a_b");
        assert_eq!(taken.unique("a.b"), "a_b_2");
        assert_eq!(taken.unique("a/b"), "a_b_3");
        assert_eq!(taken.unique("é€"), "__");
        let long = "x".repeat(300);
        assert_eq!(taken.unique(&long).len(), 128);
        let second = taken.unique(&long);
        assert!(second.len() == 128 && second.ends_with("_2") && is_valid(&second));
    }
}
