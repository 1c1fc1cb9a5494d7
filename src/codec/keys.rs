//! Looking for a member in JSON text without reading it: for the many texts that do not have it.

use memchr::memmem::Finder;

/// Whether `key` (with its quotes) stands in `json` before a value other than `null`.
///
/// Inside a JSON string a quote is escaped, so that there the key is not found, or at least not before a colon.
pub(crate) fn has_value(key: &Finder<'_>, json: &[u8]) -> bool {
    values(key, json).any(|value| !value.starts_with(b"null"))
}

/// What follows each `key` of `json`.
pub(crate) fn values<'a>(key: &Finder<'_>, json: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let length = key.needle().len();
    key.find_iter(json).filter_map(move |at| {
        let rest = json.get(at + length..)?.trim_ascii_start();
        Some(rest.strip_prefix(b":")?.trim_ascii_start())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_with_a_value_count() {
        let key = Finder::new("\"a\"");
        for (json, expected) in [
            (r#"{"a":1}"#, true),
            (r#"{"a" : "x"}"#, true),
            (r#"{"a":null}"#, false),
            (r#"{"a": null}"#, false),
            (r#"[{"a":null},{"a":0}]"#, true),
            (r#"{"b":"a"}"#, false),
            (r#"{"b":"\"a\":1"}"#, false),
            ("", false),
        ] {
            assert_eq!(has_value(&key, json.as_bytes()), expected, "{json}");
        }
    }
}
