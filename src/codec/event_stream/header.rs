//! The headers of a frame.

use std::collections::HashSet;

use super::error::FrameError;

/// Up to so many headers, names are compared one by one; AWS's frames have three.
const FEW: usize = 16;

/// The value of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A flag (types 0, true, and 1, false).
    Bool(bool),
    /// Type 2.
    I8(i8),
    /// Type 3.
    I16(i16),
    /// Type 4.
    I32(i32),
    /// Type 5.
    I64(i64),
    /// Type 6.
    Bytes(&'a [u8]),
    /// Type 7.
    String(&'a str),
    /// Milliseconds since the Unix epoch (type 8).
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

/// The headers of a frame, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    /// What is left of a block that was checked.
    rest: &'a [u8],
}

impl<'a> Headers<'a> {
    /// The headers of `block`, which [`check`] passed.
    pub(super) fn new(block: &'a [u8]) -> Self {
        Self { rest: block }
    }

    /// The bytes that have not been read.
    pub(super) fn block(self) -> &'a [u8] {
        self.rest
    }

    /// The value of a header.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        let mut headers = self;
        headers.find_map(|(header, value)| (header == name).then_some(value))
    }

    /// The value of a header that is a string.
    #[must_use]
    pub fn text(self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        read(&mut self.rest)
    }
}

/// Checks that a block holds headers, and nothing else, each name once.
pub(super) fn check(block: &[u8]) -> Result<(), FrameError> {
    let mut rest = block;
    let mut count = 0;
    while !rest.is_empty() {
        let (name, _) = read(&mut rest).ok_or(FrameError::Headers)?;
        if count < FEW
            && Headers::new(block)
                .take(count)
                .any(|(earlier, _)| earlier == name)
        {
            return Err(FrameError::Headers);
        }
        count += 1;
    }
    if count > FEW {
        let mut names = HashSet::with_capacity(count);
        if !Headers::new(block).all(|(name, _)| names.insert(name)) {
            return Err(FrameError::Headers);
        }
    }
    Ok(())
}

/// Takes a header from the front of a block; `None` where there is none, or none that can be read.
fn read<'a>(rest: &mut &'a [u8]) -> Option<(&'a str, Value<'a>)> {
    let [length] = array(rest)?;
    if length == 0 {
        return None;
    }
    let name = std::str::from_utf8(take(rest, usize::from(length))?).ok()?;
    let [kind] = array(rest)?;
    let value = match kind {
        0 => Value::Bool(true),
        1 => Value::Bool(false),
        2 => Value::I8(i8::from_be_bytes(array(rest)?)),
        3 => Value::I16(i16::from_be_bytes(array(rest)?)),
        4 => Value::I32(i32::from_be_bytes(array(rest)?)),
        5 => Value::I64(i64::from_be_bytes(array(rest)?)),
        6 => Value::Bytes(counted(rest)?),
        7 => Value::String(std::str::from_utf8(counted(rest)?).ok()?),
        8 => Value::Timestamp(i64::from_be_bytes(array(rest)?)),
        9 => Value::Uuid(array(rest)?),
        _ => return None,
    };
    Some((name, value))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

/// Bytes with their number before them.
fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(array(rest)?);
    take(rest, usize::from(length))
}
