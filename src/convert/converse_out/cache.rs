//! The output buffer, and the cache points in it.
//!
//! Bedrock takes four cache points in a request, and none with the longer lifetime after one with the shorter. Which points
//! stay is known at the end only; the few requests with too many are mended then. Source: AWS's Bedrock guide, "Prompt caching".

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use super::Rules;
use crate::convert::anthropic_out::cache::{MarkPaths, Section, Ttl};
use crate::convert::report::LossReport;

/// How many cache points Bedrock takes.
const MAX_POINTS: usize = 4;

/// The body of a Converse request, which remembers where its cache points are.
#[derive(Debug)]
pub(in crate::convert) struct Out {
    pub(in crate::convert) buf: BytesMut,
    points: Vec<Point>,
    paths: MarkPaths,
    /// Whether a cache point of the messages had no place to stand.
    lost: bool,
    /// What the model takes.
    pub(in crate::convert) rules: Rules,
}

#[derive(Debug, Clone)]
struct Point {
    section: Section,
    /// With the comma before it.
    range: Range<usize>,
    hour: bool,
}

impl Out {
    /// A body without members; reports about cache points name the client's fields by `paths`.
    pub(in crate::convert) fn begin(capacity: usize, paths: MarkPaths, rules: Rules) -> Self {
        let mut buf = BytesMut::with_capacity(capacity);
        buf.put_u8(b'{');
        Self {
            buf,
            points: Vec::new(),
            paths,
            lost: false,
            rules,
        }
    }

    /// Begins a member, and hands out the buffer for its value.
    pub(in crate::convert) fn member(&mut self, key: &str) -> &mut BytesMut {
        if self.buf.len() > 1 {
            self.buf.put_u8(b',');
        }
        self.buf.put_u8(b'"');
        self.buf.extend_from_slice(key.as_bytes());
        self.buf.extend_from_slice(b"\":");
        &mut self.buf
    }

    /// Forgets every member written so far.
    pub(in crate::convert) fn clear(&mut self) {
        self.buf.truncate(1);
        self.points.clear();
        self.lost = false;
    }

    /// The lifetime that a cache point gets for which the client said `ttl`; `None`, and a report, where the model takes no
    /// cache point in this section.
    pub(in crate::convert) fn permitted(
        &self,
        section: Section,
        ttl: Ttl,
        report: &mut LossReport,
    ) -> Option<Ttl> {
        let allowed = match section {
            Section::Tools => self.rules.cache_tools,
            Section::System | Section::Messages => self.rules.cache_content,
        };
        if !allowed {
            report.drop_field(self.paths.of(section));
            return None;
        }
        if ttl != Ttl::Unsaid && !self.rules.cache_ttl {
            report.approximate(self.paths.of(section));
            return Some(Ttl::Unsaid);
        }
        Some(ttl)
    }

    /// A cache point of the messages has no place to stand: reported at the end.
    pub(in crate::convert) fn lose_point(&mut self) {
        self.lost = true;
    }

    /// Reports a cache point that has no place to stand.
    pub(in crate::convert) fn report_dropped(&self, section: Section, report: &mut LossReport) {
        report.drop_field(self.paths.of(section));
    }

    /// Writes a cache point behind the list element that was written last.
    pub(in crate::convert) fn point(&mut self, section: Section, ttl: Ttl) {
        let start = self.buf.len();
        self.buf
            .extend_from_slice(b",{\"cachePoint\":{\"type\":\"default\"");
        self.buf.extend_from_slice(match ttl {
            Ttl::Unsaid => b"",
            Ttl::FiveMinutes => b",\"ttl\":\"5m\"",
            Ttl::Hour => b",\"ttl\":\"1h\"",
        });
        self.buf.extend_from_slice(b"}}");
        self.points.push(Point {
            section,
            range: start..self.buf.len(),
            hour: ttl == Ttl::Hour,
        });
    }

    /// Closes the body. Keeps four cache points, of the messages the last ones, and shortens the lifetime of those that
    /// follow one with the shorter lifetime.
    pub(in crate::convert) fn finish(mut self, report: &mut LossReport) -> Bytes {
        self.buf.put_u8(b'}');
        if self.lost {
            report.drop_field(self.paths.of(Section::Messages));
        }
        self.settle(report);
        self.buf.freeze()
    }

    fn settle(&mut self, report: &mut LossReport) {
        // In the order in which Bedrock reads them.
        self.points.sort_by_key(|point| point.section);
        let mut excess = self.points.len().saturating_sub(MAX_POINTS);
        let mut dropped = vec![false; self.points.len()];
        for section in [Section::Messages, Section::System, Section::Tools] {
            for (point, dropped) in self.points.iter().zip(&mut dropped) {
                if excess > 0 && point.section == section {
                    *dropped = true;
                    excess -= 1;
                }
            }
        }
        let mut edits: Vec<(Range<usize>, &[u8])> = Vec::new();
        let mut shorter = false;
        for (point, dropped) in self.points.iter().zip(dropped) {
            if dropped {
                report.drop_field(self.paths.of(point.section));
                edits.push((point.range.clone(), b""));
            } else if point.hour && shorter {
                report.approximate(self.paths.of(point.section));
                edits.push((
                    point.range.clone(),
                    b",{\"cachePoint\":{\"type\":\"default\"}}",
                ));
            } else {
                shorter |= !point.hour;
            }
        }
        if edits.is_empty() {
            return;
        }
        edits.sort_by_key(|(range, _)| range.start);
        let mut mended = BytesMut::with_capacity(self.buf.len());
        let mut copied = 0;
        for (range, text) in edits {
            mended.extend_from_slice(self.buf.get(copied..range.start).unwrap_or_default());
            mended.extend_from_slice(text);
            copied = range.end;
        }
        mended.extend_from_slice(self.buf.get(copied..).unwrap_or_default());
        self.buf = mended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: MarkPaths = MarkPaths {
        tools: "tools[].cache_control",
        blocks: "messages[].cache_control",
    };

    fn written(marks: &[(Section, Ttl)]) -> (String, LossReport) {
        let mut out = Out::begin(0, PATHS, Rules::default());
        let buf = out.member("list");
        buf.extend_from_slice(b"[0");
        for (section, ttl) in marks {
            out.point(*section, *ttl);
        }
        out.buf.put_u8(b']');
        let mut report = LossReport::default();
        let body = out.finish(&mut report);
        let text = String::from_utf8(body.to_vec()).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let short = text
            .replace("{\"cachePoint\":{\"type\":\"default\"}}", "p")
            .replace(
                "{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}}",
                "h",
            )
            .replace(
                "{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"5m\"}}",
                "m",
            );
        (short, report)
    }

    #[test]
    fn four_points_stay_and_the_earliest_of_the_messages_go_first() {
        use Section::{Messages, System, Tools};
        use Ttl::{FiveMinutes, Hour, Unsaid};
        for (marks, expected) in [
            (&[(Messages, Hour)][..], r#"{"list":[0,h]}"#),
            (
                &[
                    (Messages, Unsaid),
                    (Messages, FiveMinutes),
                    (Messages, Unsaid),
                    (System, Unsaid),
                    (Tools, Unsaid),
                ],
                r#"{"list":[0,m,p,p,p]}"#,
            ),
            (
                &[
                    (Messages, Unsaid),
                    (System, Unsaid),
                    (System, Hour),
                    (Tools, Hour),
                    (Tools, Hour),
                    (Tools, Hour),
                ],
                r#"{"list":[0,h,h,h,h]}"#,
            ),
            // The longer lifetime may not follow the shorter one.
            (&[(System, Hour), (Tools, Unsaid)], r#"{"list":[0,p,p]}"#),
            (
                &[(Messages, FiveMinutes), (System, Hour)],
                r#"{"list":[0,m,h]}"#,
            ),
        ] {
            assert_eq!(written(marks).0, expected);
        }
        let (_, report) = written(&[(Section::System, Hour), (Section::Tools, Unsaid)]);
        assert_eq!(report.approximated(), ["messages[].cache_control"]);
    }

    #[test]
    fn what_the_model_does_not_take_is_reported() {
        let rules = Rules {
            cache_content: true,
            ..Rules::default()
        };
        let out = Out::begin(0, PATHS, rules);
        let mut report = LossReport::default();
        assert_eq!(
            out.permitted(Section::System, Ttl::Hour, &mut report),
            Some(Ttl::Unsaid)
        );
        assert_eq!(
            out.permitted(Section::Tools, Ttl::Unsaid, &mut report),
            None
        );
        assert_eq!(report.approximated(), ["messages[].cache_control"]);
        assert_eq!(report.dropped(), ["tools[].cache_control"]);
    }
}
