//! Between words for effort and budgets of thinking tokens.

use crate::models::Effort;

/// The smallest budget that Anthropic takes.
pub(crate) const MIN_BUDGET: u64 = 1024;

/// What OpenAI's `reasoning_effort` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `none`: no reasoning.
    Nothing,
    /// `minimal`, which no other vendor has.
    Minimal,
    Level(Effort),
}

impl Asked {
    /// What `word` asks for, if it is one of OpenAI's.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::Nothing,
            "minimal" => Self::Minimal,
            "low" => Self::Level(Effort::Low),
            "medium" => Self::Level(Effort::Medium),
            "high" => Self::Level(Effort::High),
            "xhigh" => Self::Level(Effort::Xhigh),
            "max" => Self::Level(Effort::Max),
            _ => return None,
        })
    }
}

/// The budget of thinking tokens that stands for `effort` where a model knows budgets only.
pub(crate) fn to_budget(effort: Effort) -> u64 {
    match effort {
        Effort::Low => 1024,
        Effort::Medium => 2048,
        Effort::High => 4096,
        Effort::Xhigh => 8192,
        Effort::Max => 16_384,
    }
}

/// The effort that stands for a budget of thinking tokens where a model knows efforts only.
pub(crate) fn from_budget(tokens: u64) -> Effort {
    match tokens {
        8192.. => Effort::Xhigh,
        4096.. => Effort::High,
        2048.. => Effort::Medium,
        _ => Effort::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_known_and_others_are_not() {
        for effort in Effort::ALL {
            assert_eq!(Asked::from_word(effort.word()), Some(Asked::Level(effort)));
        }
        assert_eq!(Asked::from_word("none"), Some(Asked::Nothing));
        assert_eq!(Asked::from_word("LOW"), None);
    }

    #[test]
    fn buckets() {
        for effort in [Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh] {
            assert_eq!(from_budget(to_budget(effort)), effort);
        }
        assert_eq!(from_budget(0), Effort::Low);
        assert_eq!(from_budget(31_999), Effort::Xhigh);
    }
}
