//! `thinkingConfig`: how much the model thinks, and whether it shows that.

use std::borrow::Cow;

use crate::codec::write::Object;
use crate::convert::effort::Asked;
use crate::models::{Capabilities, Effort, EffortFloor, ThinkingDefault};

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Thinking<'a> {
    /// JSON text: an integer.
    pub(crate) budget: Option<Cow<'a, str>>,
    /// Google's word, in capitals.
    pub(crate) level: Option<Cow<'a, str>>,
    /// Whether thoughts are shown.
    pub(crate) include: Option<bool>,
}

impl Thinking<'_> {
    /// What stands for an effort; `None` where the model does not think.
    ///
    /// Sources: Gemini API, "Thinking" and "OpenAI compatibility" (the budgets).
    pub(crate) fn of_effort(asked: Asked, model: &Capabilities) -> Option<Self> {
        let takes_budget = match model.thinking {
            Some(kinds) if !kinds.enabled && !kinds.adaptive => return None,
            Some(kinds) => kinds.enabled,
            None => false,
        };
        if takes_budget {
            return Some(Self::of_budget(budget(asked, model), model));
        }
        Some(Self {
            level: Some(Cow::Borrowed(level(asked, model))),
            ..Self::default()
        })
    }

    /// A budget of tokens, within the model's bounds.
    pub(crate) fn of_budget(tokens: u64, model: &Capabilities) -> Self {
        let tokens = match model.thinking_budget {
            Some(range) => tokens.clamp(range.least.into(), range.most.into()),
            None => tokens,
        };
        Self {
            budget: Some(Cow::Owned(tokens.to_string())),
            ..Self::default()
        }
    }

    /// Asks for the thoughts where the client said nothing about them: but not of a model that will not think, which is an error.
    pub(crate) fn show(&mut self, model: &Capabilities) {
        let thinks = match (&self.budget, &self.level, model.thinking) {
            (Some(budget), _, _) => budget != "0",
            (None, Some(_), _) => true,
            // Nobody knows whether it can.
            (None, None, None) => false,
            (None, None, Some(kinds)) => {
                (kinds.enabled || kinds.adaptive) && kinds.default != ThinkingDefault::Off
            }
        };
        if self.include.is_none() && thinks {
            self.include = Some(true);
        }
    }

    /// Whether there is nothing to say.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Writes the member of `generationConfig`, where there is something to say.
    pub(crate) fn write(&self, generation: &mut Object<'_>) {
        if self.is_empty() {
            return;
        }
        let mut config = generation.object("thinkingConfig");
        if let Some(budget) = &self.budget {
            config.raw("thinkingBudget", budget);
        }
        if let Some(level) = &self.level {
            config.string("thinkingLevel", level);
        }
        if let Some(include) = self.include {
            config.bool("includeThoughts", include);
        }
        config.end();
    }
}

fn budget(asked: Asked, model: &Capabilities) -> u64 {
    const HIGH: u64 = 24_576;
    let most = model
        .thinking_budget
        .map_or(HIGH, |range| range.most.into());
    let least = model.thinking_budget.map_or(0, |range| range.least.into());
    match asked {
        Asked::Nothing => 0,
        Asked::Minimal if least > 0 => least,
        Asked::Minimal => 512,
        Asked::Level(Effort::Low) => 1024,
        Asked::Level(Effort::Medium) => 8192,
        Asked::Level(Effort::High) => HIGH,
        Asked::Level(Effort::Xhigh | Effort::Max) => most,
    }
}

fn level(asked: Asked, model: &Capabilities) -> &'static str {
    match asked {
        Asked::Nothing | Asked::Minimal if model.effort_floor == Some(EffortFloor::Minimal) => {
            "MINIMAL"
        }
        Asked::Nothing | Asked::Minimal | Asked::Level(Effort::Low) => "LOW",
        Asked::Level(Effort::Medium) if model.efforts.has(Effort::Medium) => "MEDIUM",
        // Only where the table knows the model can it know this level.
        Asked::Level(Effort::Xhigh | Effort::Max)
            if model.thinking.is_some() && model.efforts.has(Effort::Xhigh) =>
        {
            "XHIGH"
        }
        Asked::Level(_) => "HIGH",
    }
}
