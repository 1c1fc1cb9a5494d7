//! The validating pass.

use super::{Member, ScanError, ScanErrorKind, ScanLimits, string};

/// The deepest nesting that any limit allows: the bits of [`Levels::objects`].
pub(super) const MAX_DEPTH: usize = 128;

/// Members that a request seldom exceeds.
const EXPECTED_MEMBERS: usize = 16;

/// One pass over a document; no recursion, so that nesting cannot exhaust the stack.
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    levels: Levels,
    members: Vec<Member<'a>>,
}

/// The objects and arrays that are open.
struct Levels {
    limits: ScanLimits,
    depth: usize,
    /// Bit n: whether what is open at depth n + 1 is an object.
    objects: u128,
    /// How many members the objects have by now, one count for each depth.
    counts: [usize; MAX_DEPTH],
}

/// What may come next.
enum Next {
    /// A key, or the end of the object that was just opened.
    FirstKey,
    /// A value, or the end of the array that was just opened.
    FirstElement,
    Value,
    /// A comma or the end of what is open.
    Separator,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, limits: ScanLimits) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            levels: Levels {
                limits: ScanLimits {
                    depth: limits.depth.min(MAX_DEPTH),
                    members: limits.members,
                },
                depth: 0,
                objects: 0,
                counts: [0; MAX_DEPTH],
            },
            members: Vec::with_capacity(EXPECTED_MEMBERS),
        }
    }

    /// Reads the whole document.
    pub(super) fn document(mut self) -> Result<Vec<Member<'a>>, ScanError> {
        match self.token() {
            None => return Err(ScanErrorKind::Empty.at(self.at)),
            Some(b'{') => {}
            Some(_) => return Err(ScanErrorKind::NotAnObject.at(self.at)),
        }
        let mut next = self.value()?;
        loop {
            next = match next {
                Next::Value => {
                    self.token();
                    if self.levels.depth == 1
                        && let Some(member) = self.members.last_mut()
                    {
                        member.value = self.at..self.at;
                    }
                    self.value()?
                }
                Next::FirstElement => {
                    if self.token() == Some(b']') {
                        self.close()
                    } else {
                        self.value()?
                    }
                }
                Next::FirstKey => match self.token() {
                    Some(b'"') => self.key()?,
                    Some(b'}') => self.close(),
                    _ => return Err(self.unexpected()),
                },
                Next::Separator => {
                    let object = self.levels.in_object();
                    if self.levels.depth == 1
                        && let Some(member) = self.members.last_mut()
                    {
                        // Nothing but the value has been read since it began.
                        member.value.end = self.at;
                    }
                    match (self.token(), object) {
                        (Some(b','), true) => {
                            self.at += 1;
                            match self.token() {
                                Some(b'"') => self.key()?,
                                _ => return Err(self.unexpected()),
                            }
                        }
                        (Some(b','), false) => {
                            self.at += 1;
                            Next::Value
                        }
                        (Some(b'}'), true) | (Some(b']'), false) => self.close(),
                        _ => return Err(self.unexpected()),
                    }
                }
            };
            if self.levels.depth == 0 {
                break;
            }
        }
        match self.token() {
            None => Ok(self.members),
            Some(_) => Err(ScanErrorKind::TrailingData.at(self.at)),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips space, and shows the byte that follows it.
    fn token(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }

    /// The error at a byte that has no place there, or at the end.
    fn unexpected(&self) -> ScanError {
        match self.peek() {
            Some(_) => ScanErrorKind::UnexpectedByte.at(self.at),
            None => ScanErrorKind::UnexpectedEnd.at(self.at),
        }
    }

    /// Reads a scalar, or opens an object or array.
    fn value(&mut self) -> Result<Next, ScanError> {
        match self.peek() {
            Some(b'"') => {
                self.string()?;
            }
            Some(b'{') => return self.open(true),
            Some(b'[') => return self.open(false),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            _ => return Err(self.unexpected()),
        }
        Ok(Next::Separator)
    }

    fn open(&mut self, object: bool) -> Result<Next, ScanError> {
        self.levels.open(object).map_err(|kind| kind.at(self.at))?;
        self.at += 1;
        Ok(if object {
            Next::FirstKey
        } else {
            Next::FirstElement
        })
    }

    fn close(&mut self) -> Next {
        self.at += 1;
        self.levels.depth = self.levels.depth.saturating_sub(1);
        Next::Separator
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<Next, ScanError> {
        let start = self.at;
        self.levels.count().map_err(|kind| kind.at(start))?;
        let escaped = self.string()?;
        if self.levels.depth == 1 {
            let name = start..self.at;
            let key = self
                .text
                .get(name.clone())
                .and_then(|quoted| string::decode(quoted, escaped))
                .ok_or_else(|| ScanErrorKind::LoneSurrogate.at(start))?;
            let value = self.at..self.at;
            self.members.push(Member { key, name, value });
        }
        if self.token() != Some(b':') {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(Next::Value)
    }

    /// Reads a string; says whether it has escapes.
    fn string(&mut self) -> Result<bool, ScanError> {
        let string::Skipped { end, escaped } =
            string::skip(self.bytes, self.at + 1).map_err(|(kind, at)| kind.at(at))?;
        self.at = end;
        Ok(escaped)
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), ScanError> {
        for &byte in literal {
            if self.peek() != Some(byte) {
                return Err(self.unexpected());
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), ScanError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(ScanErrorKind::InvalidNumber.at(self.at));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        match self.peek() {
            _ if self.at > start => Ok(()),
            Some(_) => Err(ScanErrorKind::InvalidNumber.at(self.at)),
            None => Err(ScanErrorKind::UnexpectedEnd.at(self.at)),
        }
    }
}

impl Levels {
    fn open(&mut self, object: bool) -> Result<(), ScanErrorKind> {
        // The limit is at most MAX_DEPTH, so there is a count for each depth that it lets pass.
        match self.counts.get_mut(self.depth) {
            Some(count) if self.depth < self.limits.depth => *count = 0,
            _ => return Err(ScanErrorKind::TooDeep(self.limits.depth)),
        }
        let bit = 1_u128 << self.depth;
        self.objects = if object {
            self.objects | bit
        } else {
            self.objects & !bit
        };
        self.depth += 1;
        Ok(())
    }

    /// Whether what is open innermost is an object.
    fn in_object(&self) -> bool {
        self.depth
            .checked_sub(1)
            .is_some_and(|bit| self.objects >> bit & 1 == 1)
    }

    /// Counts a member of the innermost object.
    fn count(&mut self) -> Result<(), ScanErrorKind> {
        let level = self.depth.saturating_sub(1);
        match self.counts.get_mut(level) {
            Some(count) if *count < self.limits.members => {
                *count += 1;
                Ok(())
            }
            _ => Err(ScanErrorKind::TooManyMembers(self.limits.members)),
        }
    }
}
