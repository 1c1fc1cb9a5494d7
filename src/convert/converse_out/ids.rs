//! Tool names and ids of calls in the form that Converse takes.
//!
//! What a name or an id becomes depends on itself alone, so that a tool and its calls, and a call and its result, agree in every
//! request of a conversation.

use std::borrow::Cow;

use crate::convert::sha256;

/// The longest name and id that Converse takes.
const LONGEST: usize = 64;

/// The name that stands for the client's `name`: itself where it matches `[a-zA-Z0-9_-]{1,64}`, else it with every other
/// character replaced by `_`, and the beginning of its digest.
pub(in crate::convert) fn name(name: &str) -> Cow<'_, str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    fitted(name, allowed, 6)
}

/// The same for the id of a call, `[a-zA-Z0-9_.:-]{1,64}`.
pub(in crate::convert) fn id(id: &str) -> Cow<'_, str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    fitted(id, allowed, 8)
}

fn fitted(text: &str, allowed: impl Fn(char) -> bool, digits: usize) -> Cow<'_, str> {
    if (1..=LONGEST).contains(&text.len()) && text.chars().all(&allowed) {
        return Cow::Borrowed(text);
    }
    let mut fitted: String = text
        .chars()
        .take(LONGEST - digits - 1)
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    fitted.push('_');
    fitted.push_str(&sha256::hex(text.as_bytes(), digits));
    Cow::Owned(fitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_ones_stay_and_others_get_a_digest() {
        assert_eq!(name("get_weather-2"), "get_weather-2");
        assert_eq!(name("get.weather"), "get_weather_f65d43");
        assert_eq!(id("tooluse_Ab-1.2:3"), "tooluse_Ab-1.2:3");
        assert_eq!(id("a/b"), "a_b_c14cddc0");
        assert_eq!(name("é").len(), 8);
        assert_ne!(name("a.b"), name("a/b"));
        for text in ["", &"x".repeat(65), &"é".repeat(300)] {
            assert!((1..=64).contains(&name(text).len()), "{text}");
            assert!((1..=64).contains(&id(text).len()), "{text}");
        }
        assert_eq!(name(&"x".repeat(64)), "x".repeat(64));
    }
}
