//! Ids of tool calls that a provider takes.

use std::borrow::Cow;
use std::collections::HashMap;

/// Gives every call of a conversation an id of its own that matches `^[a-zA-Z0-9_-]+$`.
///
/// What an id becomes depends on the calls before it only, so that a conversation's beginning stays what it was.
#[derive(Debug, Default)]
pub(crate) struct ToolIds<'a> {
    /// The ids given so far, each with the number to try next where it is asked for again.
    used: HashMap<Cow<'a, str>, u32>,
    calls: usize,
}

impl<'a> ToolIds<'a> {
    /// The id to send for the next call, whose id at the client is `original`.
    pub(crate) fn assign(&mut self, original: Cow<'a, str>) -> Cow<'a, str> {
        self.calls += 1;
        let base = if original.is_empty() {
            Cow::Owned(format!("call_{}", self.calls))
        } else {
            sanitise(original)
        };
        self.unique(base, usize::MAX)
    }

    /// `base`, an ASCII id that the provider takes, where no call has it yet; else it with a number, in at most `longest` bytes.
    pub(crate) fn unique(&mut self, base: Cow<'a, str>, longest: usize) -> Cow<'a, str> {
        let Some(next) = self.used.get(&base).copied() else {
            self.used.insert(base.clone(), 2);
            return base;
        };
        let mut number = next;
        loop {
            let suffix = format!("_{number}");
            let kept = base.len().min(longest.saturating_sub(suffix.len()));
            let start = base.get(..kept).unwrap_or(&base);
            let candidate: Cow<'a, str> = Cow::Owned(format!("{start}{suffix}"));
            number += 1;
            if !self.used.contains_key(&candidate) {
                self.used.insert(base, number);
                self.used.insert(candidate.clone(), 2);
                return candidate;
            }
        }
    }
}

/// `id` with every character that no id may have replaced by `_`.
fn sanitise(id: Cow<'_, str>) -> Cow<'_, str> {
    if id.bytes().all(is_allowed) {
        return id;
    }
    let clean = |c: char| {
        if u8::try_from(c).is_ok_and(is_allowed) {
            c
        } else {
            '_'
        }
    };
    Cow::Owned(id.chars().map(clean).collect())
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let mut ids = ToolIds::default();
        for (original, sent) in [
            ("toolu_01A-b", "toolu_01A-b"),
            ("functions.Bash:0", "functions_Bash_0"),
            ("functions_Bash_0", "functions_Bash_0_2"),
            ("functions.Bash:0", "functions_Bash_0_3"),
            ("", "call_5"),
            ("é", "_"),
            ("functions_Bash_0_4", "functions_Bash_0_4"),
            ("functions.Bash.0", "functions_Bash_0_5"),
        ] {
            assert_eq!(ids.assign(Cow::Borrowed(original)), sent);
        }
    }

    #[test]
    fn numbers_stay_within_the_length() {
        let mut ids = ToolIds::default();
        let longest = "x".repeat(64);
        ids.unique(Cow::Borrowed(&longest), 64);
        for number in 2..12 {
            let id = ids.unique(Cow::Borrowed(&longest), 64);
            assert!(id.len() == 64 && id.ends_with(&format!("x_{number}")));
        }
    }

    #[test]
    fn an_id_repeated_often_stays_cheap() {
        let mut ids = ToolIds::default();
        for _ in 0..50_000 {
            ids.assign(Cow::Borrowed("same"));
        }
        assert_eq!(ids.assign(Cow::Borrowed("same")), "same_50001");
    }
}
