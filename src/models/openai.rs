//! OpenAI's models. Sources: the model pages of platform.openai.com, and what the API refuses for each.

use super::{
    Bedrock, Capabilities, Effort, EffortFloor, Efforts, ForcedTool, GeminiGeneration, Sampling,
    Thinking, ThinkingDefault,
};
use Effort::{High, Low, Medium, Xhigh};

/// Models that do not reason.
const CLASSIC: Capabilities = Capabilities {
    max_output: None,
    sampling: Sampling::Any,
    thinking: Some(Thinking::NONE),
    efforts: Efforts::NONE,
    forced_tool: ForcedTool::Yes,
    prefill: false,
    mid_system: true,
    binding: false,
    structured_outputs: true,
    effort_floor: None,
    cache_breakpoints: false,
    thinking_budget: None,
    gemini: GeminiGeneration::V3,
    bedrock: Bedrock::BASE,
};

/// The o-series: it always reasons.
const O_SERIES: Capabilities = Capabilities {
    sampling: Sampling::None,
    thinking: Some(Thinking {
        adaptive: true,
        default: ThinkingDefault::Always,
        ..Thinking::NONE
    }),
    efforts: Efforts::of(&[Low, Medium, High]),
    ..CLASSIC
};

const GPT_5: Capabilities = Capabilities {
    effort_floor: Some(EffortFloor::Minimal),
    ..O_SERIES
};

/// From 5.1 on reasoning can be turned off.
const GPT_5_1: Capabilities = Capabilities {
    sampling: Sampling::WithoutThinking,
    thinking: Some(Thinking {
        adaptive: true,
        disabled: true,
        default: ThinkingDefault::On,
        ..Thinking::NONE
    }),
    effort_floor: Some(EffortFloor::None),
    ..GPT_5
};

const GPT_5_2: Capabilities = Capabilities {
    efforts: Efforts::of(&[Low, Medium, High, Xhigh]),
    ..GPT_5_1
};

/// From 5.6 on the prompt cache takes explicit breakpoints.
const GPT_5_6: Capabilities = Capabilities {
    sampling: Sampling::None,
    efforts: Efforts::ALL,
    cache_breakpoints: true,
    ..GPT_5_2
};

/// What a model of OpenAI's can do; `None` for ids of others.
pub(super) fn lookup(id: &str) -> Option<Capabilities> {
    // The id of a fine-tuned model: `ft:BASE:owner::id`.
    let id = match id.strip_prefix("ft:") {
        Some(tuned) => tuned.split(':').next().unwrap_or(tuned),
        None => id,
    };
    if let Some(version) = id.strip_prefix("gpt-") {
        if id.ends_with("-chat-latest") {
            return Some(CLASSIC);
        }
        let (major, rest) = number(version)?;
        let minor = rest
            .strip_prefix('.')
            .and_then(number)
            .map_or(0, |(minor, _)| minor);
        return Some(match (major, minor) {
            (..5, _) => CLASSIC,
            (5, 0) => GPT_5,
            (5, 1) => GPT_5_1,
            (5, 2..6) => GPT_5_2,
            _ => GPT_5_6,
        });
    }
    if id.starts_with("chatgpt-") {
        return Some(CLASSIC);
    }
    let (_, rest) = number(id.strip_prefix('o')?)?;
    (rest.is_empty() || rest.starts_with('-')).then_some(O_SERIES)
}

/// The number that `text` begins with, and what follows it.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (id, expected) in [
            ("gpt-4", Some(CLASSIC)),
            ("gpt-4o-mini", Some(CLASSIC)),
            ("gpt-4.1-nano", Some(CLASSIC)),
            ("gpt-3.5-turbo", Some(CLASSIC)),
            ("chatgpt-4o-latest", Some(CLASSIC)),
            ("gpt-5-chat-latest", Some(CLASSIC)),
            ("gpt-5.2-chat-latest", Some(CLASSIC)),
            ("ft:gpt-4o:acme::id", Some(CLASSIC)),
            ("o1", Some(O_SERIES)),
            ("o3-mini", Some(O_SERIES)),
            ("o4-mini-2025-04-16", Some(O_SERIES)),
            ("gpt-5", Some(GPT_5)),
            ("gpt-5-mini", Some(GPT_5)),
            ("gpt-5-codex", Some(GPT_5)),
            ("gpt-5.foo", Some(GPT_5)),
            ("gpt-5.1", Some(GPT_5_1)),
            ("gpt-5.1-codex-max", Some(GPT_5_1)),
            ("gpt-5.2", Some(GPT_5_2)),
            ("gpt-5.5-pro", Some(GPT_5_2)),
            ("gpt-5.6", Some(GPT_5_6)),
            ("gpt-5.10-mini", Some(GPT_5_6)),
            ("gpt-6", Some(GPT_5_6)),
            ("gpt-oss-120b", None),
            ("openai/gpt-5", None),
            ("omni", None),
            ("o3d", None),
            ("gpt-99999999999", None),
            ("", None),
        ] {
            assert_eq!(lookup(id), expected, "{id}");
        }
    }
}
