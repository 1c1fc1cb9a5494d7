//! How much the model shall think: `thinking` and the effort.

use std::borrow::Cow;

use bytes::BufMut;

use super::messages::Facts;
use crate::codec::write;
use crate::convert::anthropic_out::cache::Out;
use crate::convert::anthropic_out::params;
use crate::convert::chat_request::wish::{SUMMARIZED, Wish, is_kind, level, wish};
use crate::convert::context::RequestContext;
use crate::convert::effort::{self, Asked};
use crate::convert::report::Refusal;
use crate::format::chat::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;
use crate::models::{Effort, ForcedTool, Thinking};
use crate::target::ThinkingBinding;

/// What will be sent.
#[derive(Debug, Clone)]
pub(super) struct Reasoning<'a> {
    thinking: Sent<'a>,
    effort: Option<Effort>,
    binding: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent<'a> {
    Nothing,
    Disabled,
    BetweenTools,
    Adaptive {
        display: Cow<'a, str>,
    },
    Enabled {
        budget: u64,
        display: Option<Cow<'a, str>>,
    },
    /// The client's own object, in Anthropic's shape.
    AsIs {
        json: &'a str,
        thinks: bool,
    },
}

impl<'a> Reasoning<'a> {
    /// Settles what to send for what the client asked.
    pub(super) fn plan(
        request: &Request<'a>,
        max_tokens: u64,
        facts: Facts,
        forced_tool: bool,
        cx: &mut RequestContext<'_>,
    ) -> Result<Self, Refusal> {
        let (field, wish) = wish(request, cx)?;
        let mut plan = Self {
            thinking: Sent::Nothing,
            effort: None,
            binding: false,
        };
        match cx.capabilities.thinking {
            Some(kinds) => plan.fulfil(wish, kinds, field, request, cx)?,
            // Nobody knows what the model can do: only Anthropic's own words are passed on.
            None => match wish {
                Wish::Nothing => {}
                Wish::Own(json) => {
                    plan.thinking = as_is(json);
                    plan.effort = level(request);
                }
                _ => cx.report.drop_field(field),
            },
        }
        plan.fit(max_tokens, facts, forced_tool, field, cx);
        plan.binding = facts.replays_thinking
            && cx.capabilities.binding
            && cx.options.thinking_binding != Some(ThinkingBinding::Off);
        Ok(plan)
    }

    fn fulfil(
        &mut self,
        wish: Wish<'a>,
        kinds: Thinking,
        field: &'static str,
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let can_think = kinds.adaptive || kinds.enabled;
        match wish {
            Wish::Nothing => return Ok(()),
            Wish::Off => self.turn_off(kinds, cx),
            _ if !can_think => {
                cx.report.drop_field(field);
                return Ok(());
            }
            Wish::Effort { asked, display } => {
                let level = match asked {
                    Asked::Level(level) => level,
                    Asked::Minimal | Asked::Nothing => Effort::Low,
                };
                self.turn_on(level, None, display, kinds, cx);
            }
            Wish::Budget { tokens, display } => {
                let level = effort::from_budget(tokens);
                self.turn_on(level, Some(tokens), display, kinds, cx);
            }
            Wish::Own(json) => return self.fulfil_own(json, kinds, request, cx),
        }
        if can_think {
            cx.report.approximate(field);
        }
        Ok(())
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

    fn turn_on(
        &mut self,
        level: Effort,
        budget: Option<u64>,
        display: &'static str,
        kinds: Thinking,
        cx: &RequestContext<'_>,
    ) {
        if kinds.adaptive {
            self.thinking = Sent::Adaptive {
                display: Cow::Borrowed(display),
            };
            self.effort = cx.capabilities.efforts.clamp(level);
        } else {
            self.thinking = Sent::Enabled {
                budget: budget.unwrap_or_else(|| effort::to_budget(level)),
                display: (display != SUMMARIZED).then_some(Cow::Borrowed(display)),
            };
        }
    }

    /// Adapts Anthropic's own object to the model.
    fn fulfil_own(
        &mut self,
        json: &'a str,
        kinds: Thinking,
        request: &Request<'a>,
        cx: &mut RequestContext<'_>,
    ) -> Result<(), Refusal> {
        let kind = walk::member(json, "type").and_then(RawStr::from_json);
        let kind = kind.map(RawStr::decode).unwrap_or_default();
        let (adaptive, enabled) = (&*kind == "adaptive", &*kind == "enabled");
        let taken = match &*kind {
            "adaptive" => kinds.adaptive,
            "enabled" => kinds.enabled,
            "disabled" => kinds.disabled,
            "between_tools" => kinds.between_tools,
            _ => {
                return Err(Refusal::invalid(
                    "thinking.type",
                    "there is no such thinking",
                ));
            }
        };
        if taken {
            self.thinking = as_is(json);
            if adaptive && let Some(level) = level(request) {
                self.effort = cx.capabilities.efforts.clamp(level);
                cx.report.approximate("reasoning_effort");
            }
            return Ok(());
        }
        cx.report.approximate("thinking");
        let budget = walk::member(json, "budget_tokens").and_then(params::positive_integer);
        let display = walk::member(json, "display").and_then(RawStr::from_json);
        let display = display.map(RawStr::decode);
        if enabled && kinds.adaptive {
            self.thinking = Sent::Adaptive {
                display: display.unwrap_or(Cow::Borrowed(SUMMARIZED)),
            };
            let level = effort::from_budget(budget.unwrap_or(0));
            self.effort = cx.capabilities.efforts.clamp(level);
        } else if adaptive && kinds.enabled {
            let level = level(request).unwrap_or(Effort::High);
            self.thinking = Sent::Enabled {
                budget: effort::to_budget(level),
                display,
            };
        } else if !adaptive && !enabled {
            self.turn_off(kinds, cx);
        }
        Ok(())
    }

    /// Takes thinking back where the rest of the request does not allow it, and fits its budget.
    fn fit(
        &mut self,
        max_tokens: u64,
        facts: Facts,
        forced_tool: bool,
        field: &'static str,
        cx: &mut RequestContext<'_>,
    ) {
        if !self.thinks() {
            return;
        }
        let forbidden = facts.is_prefilled
            || (forced_tool && cx.capabilities.forced_tool == ForcedTool::WithoutThinking)
            // With a budget, calls that wait for an answer must have been made with thinking.
            || (self.has_budget() && facts.loop_without_thinking);
        if forbidden {
            self.thinking = Sent::Nothing;
            cx.report.approximate(field);
            return;
        }
        let asked = match &self.thinking {
            Sent::Enabled { budget, .. } => *budget,
            Sent::AsIs { json, .. } if self.has_budget() => {
                let budget = walk::member(json, "budget_tokens");
                budget
                    .and_then(params::positive_integer)
                    .unwrap_or(effort::MIN_BUDGET)
            }
            _ => return,
        };
        if max_tokens <= effort::MIN_BUDGET {
            self.thinking = Sent::Nothing;
            cx.report.drop_field(field);
            return;
        }
        let fitting = asked.max(effort::MIN_BUDGET).min(max_tokens - 1);
        if fitting == asked {
            return;
        }
        cx.report.approximate(field);
        let display = match std::mem::replace(&mut self.thinking, Sent::Nothing) {
            Sent::Enabled { display, .. } => display,
            Sent::AsIs { json, .. } => walk::member(json, "display")
                .and_then(RawStr::from_json)
                .map(RawStr::decode),
            _ => None,
        };
        self.thinking = Sent::Enabled {
            budget: fitting,
            display,
        };
    }

    fn has_budget(&self) -> bool {
        match &self.thinking {
            Sent::Enabled { .. } => true,
            Sent::AsIs { json, .. } => is_kind(json, "enabled"),
            _ => false,
        }
    }

    /// Whether the request turns thinking on.
    pub(super) fn thinks(&self) -> bool {
        matches!(
            self.thinking,
            Sent::Adaptive { .. } | Sent::Enabled { .. } | Sent::AsIs { thinks: true, .. }
        )
    }

    pub(super) fn effort(&self) -> Option<Effort> {
        self.effort
    }

    pub(super) fn needs_binding_beta(&self) -> bool {
        self.binding
    }

    /// Writes `thinking`, where there is something to say.
    pub(super) fn write(&self, out: &mut Out) {
        if self.thinking == Sent::Nothing && !self.binding {
            return;
        }
        out.member("thinking");
        let buf = &mut out.buf;
        match &self.thinking {
            Sent::AsIs { json, .. } => {
                buf.put_u8(b'{');
                let mut first = true;
                for (key, value) in walk::members(json) {
                    if self.binding && key.is("block_binding") {
                        continue;
                    }
                    if !first {
                        buf.put_u8(b',');
                    }
                    first = false;
                    buf.extend_from_slice(key.json().as_bytes());
                    buf.put_u8(b':');
                    buf.extend_from_slice(value.as_bytes());
                }
            }
            Sent::Disabled => buf.extend_from_slice(b"{\"type\":\"disabled\""),
            Sent::BetweenTools => buf.extend_from_slice(b"{\"type\":\"between_tools\""),
            Sent::Adaptive { display } => {
                buf.extend_from_slice(b"{\"type\":\"adaptive\",\"display\":");
                write::string(buf, display);
            }
            Sent::Enabled { budget, display } => {
                buf.extend_from_slice(b"{\"type\":\"enabled\",\"budget_tokens\":");
                write::uint(buf, *budget);
                if let Some(display) = display {
                    buf.extend_from_slice(b",\"display\":");
                    write::string(buf, display);
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

fn as_is(json: &str) -> Sent<'_> {
    Sent::AsIs {
        json,
        thinks: is_kind(json, "adaptive") || is_kind(json, "enabled"),
    }
}
