//! Whether fragments of JSON make a whole value yet.

/// Follows the fragments of one JSON object or array, given as the inside of a JSON string.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    depth: usize,
    state: State,
    /// What an escape that two fragments share began with.
    partial: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Only white space so far.
    #[default]
    Empty,
    Open,
    InString,
    /// In a string, after a backslash.
    Escaped,
    /// The outermost bracket was closed.
    Whole,
    /// No object and no array, or more than one: never known to be whole.
    Other,
}

impl Progress {
    /// Takes the next fragment.
    pub(super) fn push(&mut self, fragment: &str) {
        let joined;
        let mut rest = if self.partial.is_empty() {
            fragment
        } else {
            joined = std::mem::take(&mut self.partial) + fragment;
            &joined
        };
        while let Some(first) = rest.bytes().next() {
            let (byte, length) = if first == b'\\' {
                let Some(decoded) = decode(rest) else {
                    rest.clone_into(&mut self.partial);
                    return;
                };
                decoded
            } else {
                (first, 1)
            };
            self.step(byte);
            // Bytes inside a character beyond ASCII are stepped over one by one: none of them is a bracket or a quote.
            rest = match rest.get(length..) {
                Some(rest) => rest,
                None => skip_character(rest),
            };
        }
    }

    fn step(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::InString, b'"') => State::Open,
            (State::InString, b'\\') => State::Escaped,
            (State::InString | State::Escaped, _) | (State::Open, b'"') => State::InString,
            (state, b' ' | b'\n' | b'\r' | b'\t') => state,
            (State::Empty | State::Open, b'{' | b'[') => {
                self.depth += 1;
                State::Open
            }
            (State::Open, b'}' | b']') => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    State::Whole
                } else {
                    State::Open
                }
            }
            (State::Open, _) => State::Open,
            (State::Empty | State::Whole | State::Other, _) => State::Other,
        };
    }

    /// Whether one object or array is complete, and nothing follows it.
    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Whole && self.partial.is_empty()
    }
}

/// What the escape at the start of `text` stands for, as far as it matters here, and its length; `None` where it is cut.
fn decode(text: &str) -> Option<(u8, usize)> {
    Some(match text.as_bytes().get(1)? {
        b'u' => {
            let code = u32::from_str_radix(text.get(2..6)?, 16).unwrap_or(u32::from(b'?'));
            // Whatever is no ASCII character is an ordinary one.
            (u8::try_from(code).unwrap_or(b'?'), 6)
        }
        b'n' | b't' | b'r' => (b'\n', 2),
        b'b' | b'f' => (b'?', 2),
        // A quote, a backslash, a slash; anything else is no escape of JSON's.
        &other => (other, 2),
    })
}

fn skip_character(text: &str) -> &str {
    let mut characters = text.chars();
    characters.next();
    characters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(fragments: &[&str]) -> Progress {
        let mut progress = Progress::default();
        for fragment in fragments {
            progress.push(fragment);
        }
        progress
    }

    #[test]
    fn values_cut_anywhere() {
        for (json, whole) in [
            (r#"{}"#, true),
            (r#" {"a":"}\"]\\","b":[{},"é{\u00e9\n"]} "#, true),
            (r#"[1,2]"#, true),
            (r#"{"a":1"#, false),
            (r#"{"a":"}"#, false),
            (r#"{}{"#, false),
            (r#"12"#, false),
            (r#""{}""#, false),
            ("", false),
        ] {
            let string = serde_json::to_string(json).unwrap();
            for escaped in [
                string.clone(),
                string.replace('{', "\\u007b").replace(r#"\""#, "\\u0022"),
            ] {
                let inside = &escaped[1..escaped.len() - 1];
                for cut in (0..=inside.len()).filter(|cut| inside.is_char_boundary(*cut)) {
                    let (head, tail) = inside.split_at(cut);
                    assert_eq!(after(&[head, tail]).is_whole(), whole, "{json} at {cut}");
                }
                let letters: Vec<String> = inside.chars().map(String::from).collect();
                let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
                assert_eq!(after(&letters).is_whole(), whole, "{json}");
            }
        }
    }
}
