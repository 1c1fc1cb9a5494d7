//! Ids of the blocks that a client gets.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::convert::gemini_envelope::Signature;

/// Gives every call an id that Anthropic's clients and other providers take: `^[a-zA-Z0-9_-]{1,64}$`, each once.
///
/// The client sends the id back with the result; only the conversation holds it together, so there is no way back to keep.
#[derive(Debug, Default)]
pub(in crate::convert) struct CallIds {
    /// The ids of calls that were shown.
    used: HashSet<String>,
    /// What became of ids that cannot be used, until their call is shown.
    replaced: HashMap<String, String>,
    count: u64,
}

impl CallIds {
    /// The id for the next call, which the provider calls `id`. `base` is what the answer's ids are made of.
    pub(in crate::convert) fn show(&mut self, id: &str, base: &str) -> String {
        let shown = match self.replaced.remove(id) {
            Some(shown) => shown,
            None if is_valid(id) && !self.used.contains(id) => id.to_owned(),
            None => self.invent(base),
        };
        self.used.insert(shown.clone());
        shown
    }

    /// The id that the call will be shown with.
    fn announce(&mut self, id: &str, base: &str) -> String {
        if is_valid(id) && !self.used.contains(id) {
            return id.to_owned();
        }
        if let Some(known) = self.replaced.get(id) {
            return known.clone();
        }
        let invented = self.invent(base);
        self.replaced.insert(id.to_owned(), invented.clone());
        invented
    }

    fn invent(&mut self, base: &str) -> String {
        let id = format!("toolu_{base}_{}", self.count);
        self.count += 1;
        id
    }

    /// The signatures with the ids that their calls are, or will be, shown with.
    pub(in crate::convert) fn sign<'s>(
        &mut self,
        signatures: &'s [Signature],
        base: &str,
    ) -> Cow<'s, [Signature]> {
        let all_valid = signatures.iter().all(|signature| match signature {
            Signature::Call { id, .. } => is_valid(id),
            Signature::Message { .. } => true,
        });
        if all_valid {
            return Cow::Borrowed(signatures);
        }
        let shown = |signature: &Signature| match signature {
            Signature::Call { id, value } if !is_valid(id) => Signature::Call {
                id: self.announce(id, base),
                value: value.clone(),
            },
            other => other.clone(),
        };
        Cow::Owned(signatures.iter().map(shown).collect())
    }
}

fn is_valid(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&id.len()) && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_valid_and_each_stands_once() {
        let mut ids = CallIds::default();
        let long = "x".repeat(65);
        for (id, shown) in [
            ("call_a-1", "call_a-1"),
            ("call_a-1", "toolu_B_0"),
            ("functions.f:0", "toolu_B_1"),
            (&long, "toolu_B_2"),
            (&"y".repeat(64), &"y".repeat(64)),
            ("", "toolu_B_3"),
        ] {
            assert_eq!(ids.show(id, "B"), shown, "{id}");
        }
    }

    #[test]
    fn a_signature_names_the_id_that_its_call_gets() {
        let of = |id: &str| Signature::Call {
            id: id.to_owned(),
            value: "s".to_owned(),
        };
        let mut ids = CallIds::default();
        let valid = [of("a"), Signature::Message { value: "m".into() }];
        assert!(matches!(ids.sign(&valid, "B"), Cow::Borrowed(_)));
        let signed = ids.sign(&[of("a b"), of("c d")], "B").into_owned();
        assert_eq!(signed, [of("toolu_B_0"), of("toolu_B_1")]);
        assert_eq!(ids.show("c d", "B"), "toolu_B_1");
        assert_eq!(ids.show("a b", "B"), "toolu_B_0");
        assert_eq!(ids.show("a b", "B"), "toolu_B_2");
    }
}
