//! Why a document is refused.

use std::fmt;

/// Why a document is refused, and where.
///
/// Its text may be shown to the client: it tells nothing of the document but a key that stands twice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanError {
    /// What is wrong.
    pub kind: ScanErrorKind,
    /// The byte of the document where it shows.
    pub offset: usize,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanErrorKind {
    /// It holds nothing, or only space.
    Empty,
    /// Its first byte does not open an object.
    NotAnObject,
    /// It is not UTF-8.
    InvalidUtf8,
    /// It ends too early.
    UnexpectedEnd,
    /// A byte stands where the grammar has no place for it.
    UnexpectedByte,
    /// Something follows the object.
    TrailingData,
    /// A number is not written as JSON wants it.
    InvalidNumber,
    /// A string has an escape that JSON does not know.
    InvalidEscape,
    /// A string has a control character that is not escaped.
    ControlCharacter,
    /// A top-level key has an escaped surrogate without its other half, so that it is no text.
    LoneSurrogate,
    /// Objects and arrays nest deeper than this limit.
    TooDeep(usize),
    /// An object has more members than this limit.
    TooManyMembers(usize),
    /// This top-level key stands twice. It is cut after 64 characters.
    DuplicateMember(String),
}

impl ScanErrorKind {
    pub(super) fn at(self, offset: usize) -> ScanError {
        ScanError { kind: self, offset }
    }

    pub(super) fn duplicate(key: &str) -> Self {
        Self::DuplicateMember(key.chars().take(64).collect())
    }
}

impl fmt::Display for ScanErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the body is empty"),
            Self::NotAnObject => f.write_str("the body is not a JSON object"),
            Self::InvalidUtf8 => f.write_str("the body is not valid UTF-8"),
            Self::UnexpectedEnd => f.write_str("the JSON ends too early"),
            Self::UnexpectedByte => f.write_str("unexpected character in the JSON"),
            Self::TrailingData => f.write_str("something follows the JSON object"),
            Self::InvalidNumber => f.write_str("invalid number"),
            Self::InvalidEscape => f.write_str("invalid escape in a string"),
            Self::ControlCharacter => f.write_str("unescaped control character in a string"),
            Self::LoneSurrogate => f.write_str("lone surrogate in a member's name"),
            Self::TooDeep(limit) => write!(f, "the JSON nests deeper than {limit} levels"),
            Self::TooManyMembers(limit) => write!(f, "an object has more than {limit} members"),
            Self::DuplicateMember(key) => write!(f, "duplicate member {key:?}"),
        }
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, offset } = self;
        match kind {
            ScanErrorKind::Empty => kind.fmt(f),
            _ => write!(f, "{kind} at byte {offset}"),
        }
    }
}

impl std::error::Error for ScanError {}
