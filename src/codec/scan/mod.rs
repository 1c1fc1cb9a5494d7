//! Finding the top-level members of a JSON object, by one validating pass without a tree.
//!
//! ```
//! use tower_llm_gateway::codec::scan::{ScanLimits, scan};
//!
//! let body = br#"{"model": "gpt-5", "stream": true, "messages": []}"#;
//! let scan = scan(body, ScanLimits::default())?;
//! assert_eq!(scan.get("stream"), Some(29..33));
//! assert_eq!(scan.text("model"), Some(r#""gpt-5""#));
//! # Ok::<(), tower_llm_gateway::codec::scan::ScanError>(())
//! ```

mod error;
mod scanner;
mod string;
mod walk;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

pub use error::{ScanError, ScanErrorKind};
pub use walk::{Elements, Members, elements, members};

use scanner::Scanner;

/// What a document may hold at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// How deep objects and arrays may nest, the top-level object included; at most 128.
    pub depth: usize,
    /// How many members one object may have.
    pub members: usize,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self {
            depth: scanner::MAX_DEPTH,
            members: 65_536,
        }
    }
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member<'a> {
    /// The key, its escapes decoded.
    pub key: Cow<'a, str>,
    /// Where the key stands in the document, its quotes included.
    pub name: Range<usize>,
    /// Where the value stands in the document, without the space around it.
    pub value: Range<usize>,
}

/// A document that was scanned: a valid JSON object whose top-level keys differ.
#[derive(Debug, Clone)]
pub struct Scan<'a> {
    text: &'a str,
    members: Vec<Member<'a>>,
}

impl<'a> Scan<'a> {
    /// The members of the document, in their order.
    #[must_use]
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    /// Where the value of this member stands.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Range<usize>> {
        let member = self.members.iter().find(|member| member.key == key)?;
        Some(member.value.clone())
    }

    /// The JSON text of this member's value.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.text.get(self.get(key)?)
    }
}

/// Checks a document and finds the members of its object.
///
/// It accepts the objects that serde_json accepts for a map from `String` to `RawValue` (strict JSON in UTF-8, without a byte order
/// mark; a lone surrogate may be escaped in a value, not in a top-level key; numbers of any size), except those that
/// are over the limits or have the same top-level key twice. Where two parsers may differ about which of two members
/// counts, nothing that is decided from one of them holds.
///
/// # Errors
///
/// When the document is refused; the error says where and why.
pub fn scan(json: &[u8], limits: ScanLimits) -> Result<Scan<'_>, ScanError> {
    let text = std::str::from_utf8(json)
        .map_err(|error| ScanErrorKind::InvalidUtf8.at(error.valid_up_to()))?;
    let members = Scanner::new(text, limits).document()?;
    refuse_duplicates(&members)?;
    Ok(Scan { text, members })
}

/// Up to so many members are compared with each other; more go through a set.
const FEW: usize = 24;

fn refuse_duplicates(members: &[Member<'_>]) -> Result<(), ScanError> {
    let duplicate = if members.len() <= FEW {
        members.iter().enumerate().find(|(at, member)| {
            let before = members.get(..*at).unwrap_or_default();
            before.iter().any(|other| other.key == member.key)
        })
    } else {
        let mut seen = HashSet::with_capacity(members.len());
        let mut all = members.iter().enumerate();
        all.find(|(_, member)| !seen.insert(member.key.as_ref()))
    };
    match duplicate {
        Some((_, member)) => Err(ScanErrorKind::duplicate(&member.key).at(member.name.start)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
