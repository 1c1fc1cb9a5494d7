//! Digests for names and keys that must be short and the same each time. Not for secrets.

use sha2::{Digest, Sha256};

/// The first `count` hexadecimal digits, 64 at most, of the SHA-256 of `data`.
pub(crate) fn hex(data: &[u8], count: usize) -> String {
    Sha256::digest(data)
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_cut_to_length() {
        // The example of FIPS 180-4 for "abc".
        assert_eq!(hex(b"abc", 16), "ba7816bf8f01cfea");
        assert_eq!(
            hex(b"", 100),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
