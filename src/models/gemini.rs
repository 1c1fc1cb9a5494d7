//! Google's models. Sources: the model pages of ai.google.dev (token limits), and the pages "Thinking", "Thought signatures",
//! "Function calling", "Structured outputs" and "Media resolution" of the Gemini API.

use super::{Capabilities, Effort, EffortFloor, Efforts, Thinking, ThinkingDefault};
use crate::glob;
use Effort::{High, Low, Medium};

/// The least and the largest budget of thinking tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct BudgetRange {
    /// In tokens.
    pub least: u32,
    /// In tokens.
    pub most: u32,
}

/// The generations of Gemini's models, as far as its native API treats them differently.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize))]
#[non_exhaustive]
pub enum GeminiGeneration {
    /// Before 2.5: schemas in a subset of OpenAPI's.
    #[cfg_attr(feature = "config", serde(rename = "legacy"))]
    Legacy,
    /// Schemas in JSON Schema; Google's own tools or the client's functions, not both.
    #[cfg_attr(feature = "config", serde(rename = "2.5"))]
    V2_5,
    /// 3 and later: calls have ids and signatures, results may hold media, Google's own tools work beside functions, and there
    /// are no penalties.
    #[default]
    #[cfg_attr(feature = "config", serde(rename = "3"))]
    V3,
}

/// A `*` glob over a model's id, and what such models can do.
type Row = (&'static str, Capabilities);

/// Models that think at a level.
const LEVELS: Capabilities = Capabilities {
    thinking: Some(Thinking {
        adaptive: true,
        default: ThinkingDefault::Always,
        ..Thinking::NONE
    }),
    efforts: Efforts::of(&[Low, Medium, High]),
    effort_floor: None,
    gemini: GeminiGeneration::V3,
    ..Capabilities::UNKNOWN
};

/// Flash models can think less than at the lowest level.
const FLASH_LEVELS: Capabilities = Capabilities {
    effort_floor: Some(EffortFloor::Minimal),
    ..LEVELS
};

/// The first one of the third generation knows two levels only.
const TWO_LEVELS: Capabilities = Capabilities {
    efforts: Efforts::of(&[Low, High]),
    ..with_max_output(LEVELS, 65_536)
};

/// Models that think with a budget, on by default.
const FLASH_2_5: Capabilities = Capabilities {
    max_output: Some(65_536),
    thinking: Some(Thinking {
        enabled: true,
        disabled: true,
        default: ThinkingDefault::On,
        ..Thinking::NONE
    }),
    effort_floor: Some(EffortFloor::None),
    thinking_budget: Some(BudgetRange {
        least: 0,
        most: 24_576,
    }),
    gemini: GeminiGeneration::V2_5,
    ..LEVELS
};

/// The same, off by default.
const FLASH_LITE_2_5: Capabilities = Capabilities {
    thinking: Some(Thinking {
        enabled: true,
        disabled: true,
        ..Thinking::NONE
    }),
    ..FLASH_2_5
};

/// It cannot be told not to think.
const PRO_2_5: Capabilities = Capabilities {
    thinking: Some(Thinking {
        enabled: true,
        default: ThinkingDefault::Always,
        ..Thinking::NONE
    }),
    effort_floor: None,
    thinking_budget: Some(BudgetRange {
        least: 128,
        most: 32_768,
    }),
    ..FLASH_2_5
};

/// Models of that generation that make images or speech: they do not think.
const MEDIA_2_5: Capabilities = Capabilities {
    max_output: None,
    thinking: Some(Thinking::NONE),
    efforts: Efforts::NONE,
    effort_floor: None,
    thinking_budget: None,
    ..FLASH_2_5
};

const LEGACY: Capabilities = Capabilities {
    gemini: GeminiGeneration::Legacy,
    ..with_max_output(MEDIA_2_5, 8192)
};

/// Later ids than these get no limit of their output: Google accepts what it documents for them.
const ROWS: &[Row] = &[
    ("gemini-1.*", LEGACY),
    ("gemini-1-*", LEGACY),
    ("gemini-2.5*-image*", MEDIA_2_5),
    ("gemini-2.5*-tts*", MEDIA_2_5),
    ("gemini-2.5-pro*", PRO_2_5),
    ("gemini-2.5-flash-lite*", FLASH_LITE_2_5),
    ("gemini-2.5*", FLASH_2_5),
    ("gemini-2.*", LEGACY),
    ("gemini-2-*", LEGACY),
    ("gemini-3-pro-image*", LEVELS),
    ("gemini-3-pro*", TWO_LEVELS),
    ("gemini-3-flash*", with_max_output(FLASH_LEVELS, 65_536)),
    (
        "gemini-3.1-flash-lite*",
        with_max_output(FLASH_LEVELS, 65_536),
    ),
    ("gemini-3.1-pro*", with_max_output(LEVELS, 65_536)),
    ("gemini-*flash*", FLASH_LEVELS),
    ("gemini-*", LEVELS),
    ("gemma-*", LEGACY_WITHOUT_LIMIT),
];

const LEGACY_WITHOUT_LIMIT: Capabilities = Capabilities {
    max_output: None,
    ..LEGACY
};

const fn with_max_output(base: Capabilities, tokens: u32) -> Capabilities {
    Capabilities {
        max_output: Some(tokens),
        ..base
    }
}

/// What a model of Google's can do; `None` for ids of others.
pub(super) fn lookup(id: &str) -> Option<Capabilities> {
    let id = id.strip_prefix("models/").unwrap_or(id);
    let row = ROWS.iter().find(|(glob, _)| glob::matches(glob, id));
    row.map(|(_, capabilities)| *capabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (id, expected) in [
            ("gemini-1.5-pro-002", Some(LEGACY)),
            ("gemini-2.0-flash", Some(LEGACY)),
            ("gemini-2.5-flash", Some(FLASH_2_5)),
            ("models/gemini-2.5-flash-preview-09-2025", Some(FLASH_2_5)),
            ("gemini-2.5-flash-lite", Some(FLASH_LITE_2_5)),
            ("gemini-2.5-pro", Some(PRO_2_5)),
            ("gemini-2.5-flash-image", Some(MEDIA_2_5)),
            ("gemini-2.5-pro-preview-tts", Some(MEDIA_2_5)),
            ("gemini-3-pro-preview", Some(TWO_LEVELS)),
            ("gemini-3-pro-image-preview", Some(LEVELS)),
            ("gemini-3.8-flash", Some(FLASH_LEVELS)),
            ("gemini-flash-latest", Some(FLASH_LEVELS)),
            ("gemini-3.5-pro", Some(LEVELS)),
            ("gemini-pro-latest", Some(LEVELS)),
            ("gemma-3-27b-it", Some(LEGACY_WITHOUT_LIMIT)),
            ("tunedModels/x", None),
            ("claude-opus-5", None),
            ("", None),
        ] {
            assert_eq!(lookup(id), expected, "{id}");
        }
        for (id, limit) in [
            ("gemini-2.0-flash", Some(8192)),
            ("gemini-2.5-pro", Some(65_536)),
            ("gemini-3-pro-preview", Some(65_536)),
            ("gemini-3-flash-preview", Some(65_536)),
            ("gemini-3.8-flash", None),
        ] {
            assert_eq!(lookup(id).unwrap().max_output, limit, "{id}");
        }
    }

    #[cfg(feature = "config")]
    #[test]
    fn an_owner_may_know_better() {
        let values: crate::models::CapabilitiesOverride =
            toml::from_str("gemini = \"2.5\"\nthinking_budget = { least = 1, most = 9 }").unwrap();
        let table = crate::models::ModelTable::new().with_override("tunedModels/*", values);
        let found = table.lookup("tunedModels/x");
        assert_eq!(found.gemini, GeminiGeneration::V2_5);
        assert_eq!(
            found.thinking_budget,
            Some(BudgetRange { least: 1, most: 9 })
        );
    }
}
