//! JSON strings: finding their end fast, and decoding keys.

use std::borrow::Cow;

use super::ScanErrorKind;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Bytes that are looked at in one step once a string has proved long.
const BLOCK: usize = 64;

/// Words of eight bytes that are looked at one by one before that.
const WORDS: usize = 4;

/// Whether a string cannot simply hold this byte: the quote, the backslash and the control characters.
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Sets high bits in a word; the lowest of them stands in the first special byte.
fn special_bits(word: u64) -> u64 {
    // A byte's high bit is set by the subtraction when the byte is smaller than what is taken from it, and perhaps by
    // the borrow of such a byte below it.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word;
    let quote = word ^ (ONES * 0x22);
    let backslash = word ^ (ONES * 0x5c);
    (below(word, 0x20) | below(quote, 1) | below(backslash, 1)) & HIGHS
}

/// The first special byte at or after `from`.
fn find_special(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut rest = bytes.get(from..)?;
    // A short string ends within these words; a long one goes on with blocks, whose loop the compiler turns into vector
    // instructions, and ends in the words of the block that has the special byte.
    loop {
        let mut words = 0;
        while let Some((word, after)) = rest.split_first_chunk() {
            let bits = special_bits(u64::from_le_bytes(*word));
            if bits != 0 {
                return Some(at + (bits.trailing_zeros() / 8) as usize);
            }
            (at, rest) = (at + 8, after);
            words += 1;
            if words == WORDS && rest.len() >= BLOCK {
                break;
            }
        }
        if words < WORDS || rest.len() < BLOCK {
            break;
        }
        while let Some((block, after)) = rest.split_first_chunk::<BLOCK>() {
            if block
                .iter()
                .fold(false, |hit, &byte| hit | is_special(byte))
            {
                break;
            }
            (at, rest) = (at + BLOCK, after);
        }
    }
    let found = rest.iter().position(|&byte| is_special(byte))?;
    Some(at + found)
}

/// A string whose end was found.
pub(super) struct Skipped {
    /// The byte after the closing quote.
    pub(super) end: usize,
    pub(super) escaped: bool,
}

/// Checks a string that begins at `start`, the byte after its quote. An error comes with its place.
pub(super) fn skip(bytes: &[u8], start: usize) -> Result<Skipped, (ScanErrorKind, usize)> {
    let mut at = start;
    let mut escaped = false;
    loop {
        let Some(found) = find_special(bytes, at) else {
            return Err((ScanErrorKind::UnexpectedEnd, bytes.len()));
        };
        at = found + 1;
        match bytes.get(found) {
            Some(b'"') => return Ok(Skipped { end: at, escaped }),
            Some(b'\\') => escaped = true,
            _ => return Err((ScanErrorKind::ControlCharacter, found)),
        }
        match bytes.get(at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 1,
            Some(b'u') => {
                for digit in at + 1..at + 5 {
                    match bytes.get(digit) {
                        Some(byte) if byte.is_ascii_hexdigit() => {}
                        Some(_) => return Err((ScanErrorKind::InvalidEscape, digit)),
                        None => return Err((ScanErrorKind::UnexpectedEnd, digit)),
                    }
                }
                at += 5;
            }
            Some(_) => return Err((ScanErrorKind::InvalidEscape, at)),
            None => return Err((ScanErrorKind::UnexpectedEnd, at)),
        }
    }
}

/// The text of a string that [`skip`] accepted, given with its quotes; `None` when a surrogate is alone.
pub(super) fn decode(quoted: &str, escaped: bool) -> Option<Cow<'_, str>> {
    if escaped {
        serde_json::from_str(quoted).ok().map(Cow::Owned)
    } else {
        let content = quoted.strip_prefix('"')?.strip_suffix('"')?;
        Some(Cow::Borrowed(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_at_any_place() {
        // All special bytes, and the others that the arithmetic on words could mistake for one.
        let others = [
            0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0x9f, 0xa0, 0xa2, 0xdc, 0xff,
        ];
        for len in 0..160 {
            let mut bytes = vec![b'x'; len];
            assert_eq!(find_special(&bytes, 0), None);
            for at in 0..len {
                for byte in (0..0x20).chain([b'"', b'\\']).chain(others) {
                    bytes[at] = byte;
                    let wanted = (!others.contains(&byte)).then_some(at);
                    assert_eq!(find_special(&bytes, 0), wanted, "{byte} at {at} of {len}");
                }
                bytes[at] = b'!';
            }
        }
    }

    #[test]
    fn the_search_begins_where_it_is_told() {
        let bytes = b"\"0123456789\"0123\"";
        assert_eq!(find_special(bytes, 0), Some(0));
        assert_eq!(find_special(bytes, 1), Some(11));
        assert_eq!(find_special(bytes, 12), Some(16));
        assert_eq!(find_special(bytes, 17), None);
        assert_eq!(find_special(bytes, 18), None);
    }
}
