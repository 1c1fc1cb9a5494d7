//! Base64 as clients write it, made what AWS takes: the standard alphabet, with padding, without white space.

use std::borrow::Cow;

/// `text` in standard base64; as it is where it already is that, `None` where it is no base64 at all, or empty.
pub(in crate::convert) fn standard(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let bytes = text.as_bytes();
    let body = bytes.len() - bytes.iter().rev().take_while(|b| **b == b'=').count();
    let clean = bytes
        .get(..body)
        .is_some_and(|body| !body.is_empty() && body.iter().all(|b| class(*b) == Class::Standard));
    if clean && bytes.len().is_multiple_of(4) && bytes.len() - body <= 2 {
        return Some(text);
    }
    repaired(bytes).map(Cow::Owned)
}

fn repaired(bytes: &[u8]) -> Option<String> {
    let mut clean = String::with_capacity(bytes.len() + 2);
    let mut padding = 0;
    for &byte in bytes {
        match class(byte) {
            Class::Space => {}
            Class::Padding => padding += 1,
            _ if padding > 0 => return None,
            Class::Standard => clean.push(char::from(byte)),
            Class::Minus => clean.push('+'),
            Class::Underscore => clean.push('/'),
            Class::Other => return None,
        }
    }
    let missing = match clean.len() % 4 {
        _ if clean.is_empty() => return None,
        0 => 0,
        1 => return None,
        rest => 4 - rest,
    };
    if padding > missing {
        return None;
    }
    clean.extend(std::iter::repeat_n('=', missing));
    Some(clean)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Standard,
    Minus,
    Underscore,
    Padding,
    Space,
    Other,
}

fn class(byte: u8) -> Class {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => Class::Standard,
        b'-' => Class::Minus,
        b'_' => Class::Underscore,
        b'=' => Class::Padding,
        b' ' | b'\t' | b'\r' | b'\n' => Class::Space,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_standard_stays_and_the_rest_is_mended_or_refused() {
        for (text, expected) in [
            ("aGk=", Some("aGk=")),
            ("aGlp", Some("aGlp")),
            ("aA==", Some("aA==")),
            ("aGk", Some("aGk=")),
            ("aA", Some("aA==")),
            ("a-_z", Some("a+/z")),
            ("aG\nlp\r\n aGk=", Some("aGlpaGk=")),
            ("aA=", Some("aA==")),
            ("", None),
            ("====", None),
            ("a", None),
            ("aGlpa", None),
            ("aG=k", None),
            ("aGlp====", None),
            ("aGk==", None),
            ("äGk=", None),
            ("aG%3D", None),
        ] {
            let found = standard(Cow::Borrowed(text));
            assert_eq!(found.as_deref(), expected, "{text}");
            let borrowed = matches!(found, Some(Cow::Borrowed(_)));
            assert_eq!(borrowed, expected == Some(text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_comes_out_can_be_decoded(text in "[A-Za-z0-9+/_= \n-]{0,20}") {
            use base64::Engine as _;
            use base64::alphabet::STANDARD;
            use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
            let config = GeneralPurposeConfig::new()
                .with_decode_allow_trailing_bits(true)
                .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
            if let Some(found) = standard(Cow::Borrowed(&text)) {
                let decoded = GeneralPurpose::new(&STANDARD, config).decode(&*found);
                proptest::prop_assert!(decoded.is_ok(), "{text:?} became {found:?}");
            }
        }
    }
}
