//! The lengths of JSON strings as OpenAI's annotations count them.

use crate::format::raw::RawStr;

/// The number of Unicode scalar values that a JSON string stands for; a lone surrogate counts as one.
pub(crate) fn scalars(text: RawStr<'_>) -> u64 {
    scalars_inside(text.content())
}

/// The same for the inside of a JSON string.
pub(crate) fn scalars_inside(content: &str) -> u64 {
    let mut rest = content.as_bytes();
    let mut count = 0;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        count += characters(plain) + 1;
        let length = match escape.get(1) {
            Some(b'u') if is_pair(escape) => 12,
            Some(b'u') => 6,
            _ => 2,
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    count + characters(rest)
}

fn characters(utf8: &[u8]) -> u64 {
    let starts = utf8.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    u64::try_from(starts).unwrap_or(u64::MAX)
}

/// Whether `escape` begins with a high surrogate and a low one.
fn is_pair(escape: &[u8]) -> bool {
    let surrogate = |at: usize, third: &[u8]| {
        escape.get(at..at + 4).is_some_and(
            |text| matches!(text, [b'\\', b'u', b'd' | b'D', digit] if third.contains(digit)),
        )
    };
    surrogate(0, b"89abAB") && surrogate(6, b"cdefCDEF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_what_decoding_gives() {
        for json in [
            r#""""#,
            r#""plain""#,
            r#""Es heißt ""#,
            r#""\n\\n\"é😀""#,
            r#""\u00e9\ud83d\ude00x\uD83D\uDE00""#,
            r#""\ud83d""#,
            r#""\ud83dx\ude00\ude00\ud83d\u0041""#,
        ] {
            let text: RawStr<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(
                scalars(text),
                text.decode().chars().count() as u64,
                "{json}"
            );
        }
    }
}
