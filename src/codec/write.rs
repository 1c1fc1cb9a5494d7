//! Writing JSON straight into one buffer, with raw JSON text copied where it only travels.

use bytes::{BufMut, BytesMut};

/// Writes `text` as a JSON string, quotes included.
pub fn string(out: &mut BytesMut, text: &str) {
    out.put_u8(b'"');
    string_content(out, text);
    out.put_u8(b'"');
}

/// Writes `text` escaped for the inside of a JSON string, without quotes.
pub fn string_content(out: &mut BytesMut, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
        if short == 0 {
            out.extend_from_slice(b"\\u00");
            for nibble in [byte >> 4, byte & 0xf] {
                out.put_u8(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
            }
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
        copied = at + 1;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
}

/// Writes an unsigned integer.
pub fn uint(out: &mut BytesMut, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            // A remainder of ten always fits.
            *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        }
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

/// Writes the members of one JSON object and keeps its commas right.
///
/// The caller finishes it with [`Object::end`].
#[derive(Debug)]
pub struct Object<'a> {
    out: &'a mut BytesMut,
    empty: bool,
}

impl<'a> Object<'a> {
    /// Opens an object.
    pub fn begin(out: &'a mut BytesMut) -> Self {
        out.put_u8(b'{');
        Self { out, empty: true }
    }

    /// Writes a key that needs no escaping, and hands out the buffer for its value.
    pub fn key(&mut self, key: &str) -> &mut BytesMut {
        self.out
            .extend_from_slice(if self.empty { b"\"" } else { b",\"" });
        self.empty = false;
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A member whose value is a string.
    pub fn string(&mut self, key: &str, value: &str) -> &mut Self {
        string(self.key(key), value);
        self
    }

    /// A member whose value is JSON text already.
    pub fn raw(&mut self, key: &str, json: &str) -> &mut Self {
        self.key(key).extend_from_slice(json.as_bytes());
        self
    }

    /// A member whose value is an unsigned integer.
    pub fn uint(&mut self, key: &str, value: u64) -> &mut Self {
        uint(self.key(key), value);
        self
    }

    /// A member whose value is a boolean.
    pub fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, if value { "true" } else { "false" })
    }

    /// A member whose value is an object.
    pub fn object(&mut self, key: &str) -> Object<'_> {
        Object::begin(self.key(key))
    }

    /// A member whose value is an array.
    pub fn array(&mut self, key: &str) -> Array<'_> {
        Array::begin(self.key(key))
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.put_u8(b'}');
    }
}

/// Writes the elements of one JSON array and keeps its commas right.
///
/// The caller finishes it with [`Array::end`].
#[derive(Debug)]
pub struct Array<'a> {
    out: &'a mut BytesMut,
    empty: bool,
}

impl<'a> Array<'a> {
    /// Opens an array.
    pub fn begin(out: &'a mut BytesMut) -> Self {
        out.put_u8(b'[');
        Self { out, empty: true }
    }

    /// Begins an element, and hands out the buffer for it.
    pub fn element(&mut self) -> &mut BytesMut {
        if !self.empty {
            self.out.put_u8(b',');
        }
        self.empty = false;
        self.out
    }

    /// An element that is an object.
    pub fn object(&mut self) -> Object<'_> {
        Object::begin(self.element())
    }

    /// An element that is a string.
    pub fn string(&mut self, value: &str) -> &mut Self {
        string(self.element(), value);
        self
    }

    /// An element that is JSON text already.
    pub fn raw(&mut self, json: &str) -> &mut Self {
        self.element().extend_from_slice(json.as_bytes());
        self
    }

    /// Closes the array.
    pub fn end(self) {
        self.out.put_u8(b']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_serde_json_does() {
        let mut all: String = (0..=0x2_ff_u32).filter_map(char::from_u32).collect();
        all.push_str("\u{2028}\u{1f600}\\\"");
        assert_eq!(
            text(|out| string(out, &all)),
            serde_json::to_string(&all).unwrap()
        );
    }

    #[test]
    fn integers() {
        for value in [0, 7, 10, 1_234_567_890, u64::MAX] {
            assert_eq!(text(|out| uint(out, value)), value.to_string());
        }
    }

    #[test]
    fn objects_and_arrays_nest() {
        let json = text(|out| {
            let mut object = Object::begin(out);
            object.string("a", "x\n").uint("b", 3).bool("c", false);
            let mut array = object.array("d");
            array.string("s").raw("[1]");
            array.object().end();
            array.end();
            object.end();
        });
        assert_eq!(json, r#"{"a":"x\n","b":3,"c":false,"d":["s",[1],{}]}"#);
    }
}
