//! Replacing spans of a body while every other byte stays as it is.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

/// One replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit<'a> {
    /// The bytes that go; an empty span inserts.
    pub span: Range<usize>,
    /// The bytes that come in their place.
    pub with: &'a [u8],
}

/// An edit that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpliceError {
    /// A span ends before it starts, or outside the source.
    OutOfBounds,
    /// The edits are not in order, or two of them overlap.
    Overlap,
}

impl fmt::Display for SpliceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfBounds => "an edit lies outside the body",
            Self::Overlap => "the edits overlap or are out of order",
        })
    }
}

impl std::error::Error for SpliceError {}

/// Makes the edits, which are in order and do not overlap. Without any, the result is the source itself, not a copy.
///
/// # Errors
///
/// When a span is not in the source, or begins before the one before it ends.
pub fn splice(source: &Bytes, edits: &[Edit<'_>]) -> Result<Bytes, SpliceError> {
    if edits.is_empty() {
        return Ok(source.clone());
    }
    spliced(source, edits).map(Bytes::from)
}

/// A copy of `source` with the edits, which are in order and do not overlap.
///
/// # Errors
///
/// When a span is not in the source, or begins before the one before it ends.
pub fn spliced(source: &[u8], edits: &[Edit<'_>]) -> Result<Vec<u8>, SpliceError> {
    let mut size = source.len();
    let mut end = 0;
    for Edit { span, with } in edits {
        if span.start > span.end || span.end > source.len() {
            return Err(SpliceError::OutOfBounds);
        }
        if span.start < end {
            return Err(SpliceError::Overlap);
        }
        end = span.end;
        // What goes was counted: the spans are disjoint parts of the source.
        size = size - (span.end - span.start) + with.len();
    }
    let mut out = Vec::with_capacity(size);
    let mut kept = 0;
    for Edit { span, with } in edits {
        out.extend_from_slice(source.get(kept..span.start).unwrap_or_default());
        out.extend_from_slice(with);
        kept = span.end;
    }
    out.extend_from_slice(source.get(kept..).unwrap_or_default());
    Ok(out)
}

/// The spans to remove so that of the `parts` of a list, between which commas stand, those that `goes` names by their place
/// are gone with a comma each. They are in order, one for each such part.
#[must_use]
pub fn cuts(parts: &[Range<usize>], goes: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let Some(last_kept) = (0..parts.len()).rev().find(|&at| !goes(at)) else {
        // Nothing stays: each part takes what is before the next one along.
        let ends = parts.iter().skip(1).map(|next| next.start);
        let ends = ends.chain(parts.last().map(|last| last.end));
        return parts
            .iter()
            .zip(ends)
            .map(|(part, end)| part.start..end)
            .collect();
    };
    let mut found = Vec::new();
    let mut end = 0;
    for (at, part) in parts.iter().enumerate() {
        if goes(at) {
            found.push(match parts.get(at + 1) {
                // Something that stays follows: up to the next part.
                Some(next) if at < last_kept => part.start..next.start,
                // Among the last ones: from the end of what is before it.
                _ => end..part.end,
            });
        }
        end = part.end;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_edits_nothing_is_copied() {
        let source = Bytes::from(vec![7; 100]);
        let same = splice(&source, &[]).unwrap();
        assert_eq!(same.as_ptr(), source.as_ptr());
        assert_eq!(same.len(), source.len());
    }

    #[test]
    fn spans_are_replaced_removed_and_filled() {
        let source = Bytes::from_static(b"0123456789");
        let edits = [
            Edit {
                span: 0..0,
                with: b"<",
            },
            Edit {
                span: 0..2,
                with: b"ab",
            },
            Edit {
                span: 2..3,
                with: b"",
            },
            Edit {
                span: 5..6,
                with: b"long",
            },
            Edit {
                span: 10..10,
                with: b">",
            },
        ];
        assert_eq!(splice(&source, &edits).unwrap(), "<ab34long6789>");
    }

    #[test]
    fn impossible_edits_are_refused() {
        let source = Bytes::from_static(b"0123456789");
        let one = |span| splice(&source, &[Edit { span, with: b"x" }]);
        assert_eq!(one(5..11), Err(SpliceError::OutOfBounds));
        assert_eq!(one(11..11), Err(SpliceError::OutOfBounds));
        assert_eq!(one(usize::MAX..usize::MAX), Err(SpliceError::OutOfBounds));
        assert_eq!(
            one(Range { start: 5, end: 4 }),
            Err(SpliceError::OutOfBounds)
        );
        let two = |first, second| {
            splice(
                &source,
                &[
                    Edit {
                        span: first,
                        with: b"x",
                    },
                    Edit {
                        span: second,
                        with: b"y",
                    },
                ],
            )
        };
        assert_eq!(two(3..5, 4..6), Err(SpliceError::Overlap));
        assert_eq!(two(3..5, 0..1), Err(SpliceError::Overlap));
        assert_eq!(two(3..5, 3..5), Err(SpliceError::Overlap));
        assert_eq!(two(3..5, 5..6).unwrap(), "012xy6789");
    }

    proptest! {
        #[test]
        fn what_is_not_edited_stays(
            kept in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..6),
            edits in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..20), prop::collection::vec(any::<u8>(), 0..20)), 5),
        ) {
            let (mut source, mut wanted, mut list) = (Vec::new(), Vec::new(), Vec::new());
            for (at, kept) in kept.iter().enumerate() {
                if at > 0 {
                    let (old, new) = &edits[at - 1];
                    list.push(Edit { span: source.len()..source.len() + old.len(), with: new });
                    source.extend_from_slice(old);
                    wanted.extend_from_slice(new);
                }
                source.extend_from_slice(kept);
                wanted.extend_from_slice(kept);
            }
            prop_assert_eq!(splice(&Bytes::from(source), &list).unwrap(), wanted);
        }

        #[test]
        fn any_edits_are_made_or_refused(
            source in prop::collection::vec(any::<u8>(), 0..30),
            spans in prop::collection::vec((0_usize..40, 0_usize..40), 0..4),
        ) {
            let edits: Vec<_> = spans.iter().map(|&(start, end)| Edit { span: start..end, with: b"--" }).collect();
            let possible = spans.iter().all(|&(start, end)| start <= end && end <= source.len())
                && spans.windows(2).all(|pair| pair[0].1 <= pair[1].0);
            prop_assert_eq!(splice(&Bytes::from(source), &edits).is_ok(), possible);
        }
    }

    #[test]
    fn what_stays_of_a_list_is_a_list() {
        for list in ["[a,b,c,d]", "[ a , b , c , d ]", "[a,b , c,\n d]"] {
            let source = Bytes::copy_from_slice(list.as_bytes());
            let parts: Vec<_> = list.match_indices(char::is_alphabetic).collect();
            let parts: Vec<_> = parts.iter().map(|(at, _)| *at..at + 1).collect();
            for gone in 0_u32..16 {
                let goes = |at: usize| gone >> at & 1 == 1;
                let spans = cuts(&parts, goes);
                assert_eq!(spans.len(), gone.count_ones() as usize);
                let edits: Vec<_> = spans
                    .into_iter()
                    .map(|span| Edit { span, with: b"" })
                    .collect();
                let left = splice(&source, &edits).unwrap();
                let left: String = left.iter().map(|byte| char::from(*byte)).collect();
                let left: String = left.split_whitespace().collect();
                let wanted: Vec<_> = (0..4)
                    .filter(|at| !goes(*at))
                    .map(|at| ["a", "b", "c", "d"][at])
                    .collect();
                assert_eq!(left, format!("[{}]", wanted.join(",")), "{list} {gone}");
            }
        }
        assert!(cuts(&[], |_| true).is_empty());
    }
}
