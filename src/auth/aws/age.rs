//! When credentials are renewed.

use std::time::{Duration, SystemTime};

/// Credentials are renewed this long before their end, or a tenth of their life if that is longer.
const AHEAD: Duration = Duration::from_secs(300);
/// For this long before their end, calls wait for the new ones.
const ENDING: Duration = Duration::from_secs(60);
/// Credentials that end sooner are not used: the request has to arrive before that.
const TRAVEL: Duration = Duration::from_secs(10);
/// Credentials that are short-lived, or are handed out near their end, are used at least this long, or half of what is left.
const SETTLED: Duration = Duration::from_secs(60);

/// What may be done with credentials at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Use them.
    Fresh,
    /// Use them, and load new ones meanwhile.
    Ageing,
    /// Wait for new ones for a while; use these if none come.
    Ending,
    /// Do not use them.
    Over,
}

/// The turning points of credentials' life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    turns: Option<Turns>,
}

#[derive(Debug, Clone, Copy)]
struct Turns {
    ageing: SystemTime,
    ending: SystemTime,
    over: SystemTime,
}

impl Life {
    /// The life of credentials that were loaded at `now` and end at `end`; without an end they never age.
    pub(super) fn new(now: SystemTime, end: Option<SystemTime>) -> Self {
        let turns = end.map(|end| {
            let left = end.duration_since(now).unwrap_or_default();
            let before = |time| end.checked_sub(time).unwrap_or(now);
            let settled = now.checked_add(SETTLED.min(left / 2)).unwrap_or(now);
            Turns {
                ageing: before(AHEAD.max(left / 10)).max(settled),
                ending: before(ENDING).max(settled),
                over: before(TRAVEL),
            }
        });
        Self { turns }
    }

    pub(super) fn stage(&self, now: SystemTime) -> Stage {
        match self.turns {
            Some(turns) if now >= turns.over => Stage::Over,
            Some(turns) if now >= turns.ending => Stage::Ending,
            Some(turns) if now >= turns.ageing => Stage::Ageing,
            _ => Stage::Fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// The seconds after loading at which each stage begins.
    fn turns(lifetime: u64) -> [Option<u64>; 3] {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds);
        let life = Life::new(at(0), Some(at(lifetime)));
        let begin = |stage| (0..=lifetime).find(|second| life.stage(at(*second)) == stage);
        [
            begin(Stage::Ageing),
            begin(Stage::Ending),
            begin(Stage::Over),
        ]
    }

    #[test]
    fn renewal_begins_five_minutes_or_a_tenth_before_the_end() {
        assert_eq!(turns(900), [Some(600), Some(840), Some(890)]);
        assert_eq!(turns(3600), [Some(3240), Some(3540), Some(3590)]);
        assert_eq!(turns(36_000), [Some(32_400), Some(35_940), Some(35_990)]);
    }

    #[test]
    fn credentials_near_their_end_are_used_for_a_while() {
        assert_eq!(turns(240), [Some(60), Some(180), Some(230)]);
        assert_eq!(turns(60), [None, Some(30), Some(50)]);
        assert_eq!(turns(5), [None, None, Some(0)]);
    }

    #[test]
    fn credentials_without_end_never_age() {
        let life = Life::new(UNIX_EPOCH, None);
        let late = UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX));
        assert_eq!(life.stage(late), Stage::Fresh);
    }
}
