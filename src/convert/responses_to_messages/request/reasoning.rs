//! How much the model shall think: `reasoning` as `thinking` and an effort.

use bytes::BufMut;

use super::turns::Facts;
use crate::codec::write;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::context::RequestContext;
use crate::convert::effort::{self, Asked};
use crate::convert::report::Refusal;
use crate::format::raw::RawStr;
use crate::format::responses::request::Reasoning;
use crate::models::{Effort, ForcedTool, Thinking, ThinkingDefault};
use crate::target::ThinkingBinding;

const EFFORT: &str = "reasoning.effort";
const SUMMARY: &str = "reasoning.summary";

/// What will be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    thinking: Sent,
    effort: Option<Effort>,
    binding: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    Disabled,
    BetweenTools,
    Adaptive { shown: bool },
    Enabled { budget: u64, shown: bool },
}

impl Plan {
    /// Settles what to send for what the client asked.
    pub(super) fn of(
        reasoning: &Reasoning<'_>,
        max_tokens: u64,
        facts: &Facts,
        forced_tool: bool,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let asked = reasoning.effort.map(asked).transpose()?;
        let shown = reasoning.summary.or(reasoning.generate_summary).is_some();
        let mut plan = Self {
            thinking: Sent::Nothing,
            effort: None,
            binding: facts.replays_thinking
                && cx.capabilities.binding
                && cx.options.thinking_binding != Some(ThinkingBinding::Off),
        };
        match cx.capabilities.thinking {
            Some(kinds) => plan.fulfil(asked, shown, kinds, cx),
            // Nobody knows what the model can do: an effort alone turns nothing on.
            None => drop(asked.is_some(), shown, cx),
        }
        plan.fit(max_tokens, facts, forced_tool, cx);
        Ok(plan)
    }

    fn fulfil(
        &mut self,
        asked: Option<Asked>,
        shown: bool,
        kinds: Thinking,
        cx: &mut RequestContext<'_>,
    ) {
        let level = match asked {
            None => {
                if !shown {
                    return;
                }
                // What the model does anyway, with its thoughts shown.
                if kinds.adaptive && kinds.default != ThinkingDefault::Off {
                    self.thinking = Sent::Adaptive { shown };
                    cx.report.approximate(SUMMARY);
                } else {
                    cx.report.drop_field(SUMMARY);
                }
                return;
            }
            Some(Asked::Nothing) => {
                self.turn_off(kinds, cx);
                if kinds.adaptive || kinds.enabled {
                    cx.report.approximate(EFFORT);
                }
                if shown {
                    cx.report.drop_field(SUMMARY);
                }
                return;
            }
            Some(Asked::Minimal) => Effort::Low,
            Some(Asked::Level(level)) => level,
        };
        if kinds.adaptive {
            self.thinking = Sent::Adaptive { shown };
            self.effort = cx.capabilities.efforts.clamp(level);
        } else if kinds.enabled {
            let budget = effort::to_budget(level);
            self.thinking = Sent::Enabled { budget, shown };
        } else {
            drop(true, shown, cx);
            return;
        }
        cx.report.approximate(EFFORT);
        if shown {
            cx.report.approximate(SUMMARY);
        }
    }

    fn turn_off(&mut self, kinds: Thinking, cx: &RequestContext<'_>) {
        if kinds.disabled {
            self.thinking = Sent::Disabled;
        } else if kinds.between_tools {
            self.thinking = Sent::BetweenTools;
        } else {
            self.effort = cx.capabilities.efforts.clamp(Effort::Low);
        }
    }

    /// Takes thinking back where the rest of the request does not allow it, and fits its budget.
    fn fit(
        &mut self,
        max_tokens: u64,
        facts: &Facts,
        forced_tool: bool,
        cx: &mut RequestContext<'_>,
    ) {
        if !self.thinks() {
            return;
        }
        let has_budget = matches!(self.thinking, Sent::Enabled { .. });
        let forbidden = facts.is_prefilled
            || (forced_tool && cx.capabilities.forced_tool == ForcedTool::WithoutThinking)
            // With a budget, calls that wait for an answer must have been made with thinking.
            || (has_budget && facts.loop_without_thinking);
        if forbidden {
            self.thinking = Sent::Nothing;
            cx.report.approximate(EFFORT);
            return;
        }
        if let Sent::Enabled { budget, .. } = &mut self.thinking {
            if max_tokens <= effort::MIN_BUDGET {
                self.thinking = Sent::Nothing;
                cx.report.drop_field(EFFORT);
            } else {
                *budget = (*budget).min(max_tokens - 1);
            }
        }
    }

    /// Whether the request turns thinking on.
    pub(super) fn thinks(self) -> bool {
        matches!(self.thinking, Sent::Adaptive { .. } | Sent::Enabled { .. })
    }

    pub(super) fn effort(self) -> Option<Effort> {
        self.effort
    }

    pub(super) fn needs_binding_beta(self) -> bool {
        self.binding
    }

    /// Writes `thinking`, where there is something to say.
    pub(super) fn write(self, out: &mut Out) {
        if self.thinking == Sent::Nothing && !self.binding {
            return;
        }
        out.member("thinking");
        let buf = &mut out.buf;
        match self.thinking {
            Sent::Disabled => buf.extend_from_slice(b"{\"type\":\"disabled\""),
            Sent::BetweenTools => buf.extend_from_slice(b"{\"type\":\"between_tools\""),
            Sent::Adaptive { shown } => {
                buf.extend_from_slice(b"{\"type\":\"adaptive\",\"display\":");
                write::string(buf, if shown { "summarized" } else { "omitted" });
            }
            Sent::Enabled { budget, shown } => {
                buf.extend_from_slice(b"{\"type\":\"enabled\",\"budget_tokens\":");
                write::uint(buf, budget);
                // Models with budgets show their thoughts unless told otherwise.
                if !shown {
                    buf.extend_from_slice(b",\"display\":\"omitted\"");
                }
            }
            Sent::Nothing => buf.extend_from_slice(b"{\"type\":\"adaptive\""),
        }
        if self.binding {
            buf.extend_from_slice(
                b",\"block_binding\":{\"prefix_mismatch_behavior\":\"drop_block\"}",
            );
        }
        buf.put_u8(b'}');
    }
}

fn drop(effort: bool, summary: bool, cx: &mut RequestContext<'_>) {
    if effort {
        cx.report.drop_field(EFFORT);
    }
    if summary {
        cx.report.drop_field(SUMMARY);
    }
}

fn asked(word: RawStr<'_>) -> Result<Asked, Refusal> {
    Asked::from_word(&word.decode())
        .ok_or_else(|| Refusal::invalid(EFFORT, "there is no such effort"))
}
