//! Anthropic's models. Sources: the model and feature tables of platform.claude.com.

use super::{
    Bedrock, CachePoints, Capabilities, Effort, Efforts, ForcedTool, GeminiGeneration, Sampling,
    Thinking, ThinkingDefault, TopK,
};
use Effort::{High, Low, Max, Medium, Xhigh};

/// A part of a model's id, and what such models can do.
type Row = (&'static str, Capabilities);

const CLASSIC: Capabilities = Capabilities {
    max_output: Some(4096),
    sampling: Sampling::Any,
    thinking: Some(Thinking::NONE),
    efforts: Efforts::NONE,
    forced_tool: ForcedTool::Yes,
    prefill: true,
    mid_system: false,
    binding: false,
    structured_outputs: false,
    effort_floor: None,
    cache_breakpoints: false,
    thinking_budget: None,
    gemini: GeminiGeneration::V3,
    bedrock: Bedrock::CLAUDE_OLD,
};

/// Thinking with a budget, off by default.
const BUDGET: Capabilities = Capabilities {
    max_output: Some(64_000),
    thinking: Some(Thinking {
        enabled: true,
        disabled: true,
        ..Thinking::NONE
    }),
    forced_tool: ForcedTool::WithoutThinking,
    bedrock: Bedrock::CLAUDE_MANUAL,
    ..CLASSIC
};

const BUDGET_4_5: Capabilities = Capabilities {
    sampling: Sampling::One,
    structured_outputs: true,
    bedrock: Bedrock::CLAUDE_4_5,
    ..BUDGET
};

const ADAPTIVE_4_6: Capabilities = Capabilities {
    max_output: Some(128_000),
    thinking: Some(Thinking {
        adaptive: true,
        enabled: true,
        disabled: true,
        ..Thinking::NONE
    }),
    efforts: Efforts::of(&[Low, Medium, High, Max]),
    prefill: false,
    bedrock: Bedrock::CLAUDE_ADAPTIVE,
    ..BUDGET_4_5
};

/// Adaptive thinking only, off by default.
const ADAPTIVE_4_7: Capabilities = Capabilities {
    sampling: Sampling::None,
    thinking: Some(Thinking {
        adaptive: true,
        disabled: true,
        ..Thinking::NONE
    }),
    efforts: Efforts::ALL,
    bedrock: Bedrock::CLAUDE_ADAPTIVE_ONLY,
    ..ADAPTIVE_4_6
};

/// Adaptive thinking, on by default.
const ADAPTIVE_5: Capabilities = Capabilities {
    thinking: Some(Thinking {
        adaptive: true,
        disabled: true,
        default: ThinkingDefault::On,
        ..Thinking::NONE
    }),
    forced_tool: ForcedTool::Yes,
    mid_system: true,
    bedrock: Bedrock {
        disabled_thinking: true,
        ..Bedrock::CLAUDE_ADAPTIVE_ONLY
    },
    ..ADAPTIVE_4_7
};

const ALWAYS: Capabilities = Capabilities {
    thinking: Some(Thinking {
        adaptive: true,
        default: ThinkingDefault::Always,
        ..Thinking::NONE
    }),
    bedrock: Bedrock::CLAUDE_ADAPTIVE_ONLY,
    ..ADAPTIVE_5
};

/// Always thinking, signatures bound to the conversation, no forced tool.
const ALWAYS_BOUND: Capabilities = Capabilities {
    forced_tool: ForcedTool::No,
    binding: true,
    ..ALWAYS
};

/// A Claude that is not in the table: as any unknown model, but new enough to bind its signatures.
const UNKNOWN: Capabilities = Capabilities {
    max_output: None,
    sampling: Sampling::Any,
    thinking: None,
    efforts: Efforts::ALL,
    forced_tool: ForcedTool::Yes,
    prefill: true,
    mid_system: false,
    binding: true,
    structured_outputs: true,
    effort_floor: None,
    cache_breakpoints: false,
    thinking_budget: None,
    gemini: GeminiGeneration::V3,
    bedrock: Bedrock {
        top_k: TopK::Member,
        disabled_thinking: true,
        ..Bedrock::CLAUDE_ADAPTIVE_ONLY
    },
};

/// Claude 3.5 where Bedrock caches its prompts.
const CACHED_3_5: Capabilities = Capabilities {
    max_output: Some(8192),
    bedrock: Bedrock {
        cache_points: CachePoints::WITHOUT_TTL,
        ..Bedrock::CLAUDE_OLD
    },
    ..CLASSIC
};

const ROWS: &[Row] = &[
    ("claude-3-haiku", CLASSIC),
    ("claude-3-opus", CLASSIC),
    ("claude-3-sonnet", CLASSIC),
    (
        "claude-3-5",
        Capabilities {
            max_output: Some(8192),
            ..CLASSIC
        },
    ),
    ("claude-3-5-haiku", CACHED_3_5),
    // Its second version; the first has another date.
    ("claude-3-5-sonnet-20241022", CACHED_3_5),
    ("claude-3-7-sonnet", BUDGET),
    (
        "opus-4",
        Capabilities {
            max_output: Some(32_000),
            sampling: Sampling::One,
            ..BUDGET
        },
    ),
    (
        "opus-4-0",
        Capabilities {
            max_output: Some(32_000),
            sampling: Sampling::One,
            ..BUDGET
        },
    ),
    (
        "opus-4-1",
        Capabilities {
            max_output: Some(32_000),
            sampling: Sampling::One,
            ..BUDGET
        },
    ),
    ("sonnet-4", BUDGET),
    ("sonnet-4-0", BUDGET),
    ("sonnet-4-5", BUDGET_4_5),
    ("haiku-4-5", BUDGET_4_5),
    // Its effort levels are behind a beta header that is not sent.
    (
        "opus-4-5",
        Capabilities {
            bedrock: Bedrock {
                effort_beta: true,
                ..Bedrock::CLAUDE_4_5
            },
            ..BUDGET_4_5
        },
    ),
    ("sonnet-4-6", ADAPTIVE_4_6),
    ("opus-4-6", ADAPTIVE_4_6),
    (
        "mythos-preview",
        Capabilities {
            sampling: Sampling::None,
            thinking: Some(Thinking {
                adaptive: true,
                enabled: true,
                default: ThinkingDefault::Always,
                ..Thinking::NONE
            }),
            efforts: Efforts::of(&[Low, Medium, High, Xhigh, Max]),
            forced_tool: ForcedTool::Yes,
            bedrock: Bedrock::CLAUDE_ADAPTIVE_ONLY,
            ..ADAPTIVE_4_6
        },
    ),
    ("opus-4-7", ADAPTIVE_4_7),
    (
        "opus-4-8",
        Capabilities {
            mid_system: true,
            ..ADAPTIVE_4_7
        },
    ),
    ("sonnet-5", ADAPTIVE_5),
    ("opus-5", ADAPTIVE_5),
    ("fable-5", ALWAYS),
    ("mythos-5", ALWAYS),
    ("fable-5-1", ALWAYS_BOUND),
    ("fable-5-2", ALWAYS_BOUND),
    ("mythos-5-1", ALWAYS_BOUND),
    ("mythos-5-2", ALWAYS_BOUND),
    ("opus-5-5", ALWAYS_BOUND),
    (
        "sonnet-5-5",
        Capabilities {
            thinking: Some(Thinking {
                adaptive: true,
                between_tools: true,
                default: ThinkingDefault::On,
                ..Thinking::NONE
            }),
            ..ALWAYS_BOUND
        },
    ),
    (
        "haiku-5-5",
        Capabilities {
            binding: true,
            ..ADAPTIVE_5
        },
    ),
];

/// What the model with this id can do, if it is one of Anthropic's.
///
/// The id may be any vendor's spelling of it: with a provider's or region's prefix (`us.anthropic.`), a path before it, a
/// date, or a revision (`-v1:0`).
pub(super) fn lookup(id: &str) -> Option<Capabilities> {
    let id = id.as_bytes();
    position(id, b"claude")?;
    let row = ROWS
        .iter()
        .filter(|(part, _)| is_in(id, part.as_bytes()))
        .max_by_key(|(part, _)| part.len());
    Some(row.map_or(UNKNOWN, |(_, capabilities)| *capabilities))
}

/// Whether the words of `part` are in `id` and no further number of the version follows them.
fn is_in(id: &[u8], part: &[u8]) -> bool {
    let mut from = 0;
    while let Some(found) = position(id.get(from..).unwrap_or_default(), part) {
        let at = from + found;
        let before = at.checked_sub(1).and_then(|before| id.get(before));
        let starts = before.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if starts && ends_version(id.get(at + part.len()..).unwrap_or_default()) {
            return true;
        }
        from = at + 1;
    }
    false
}

/// Whether a version ends before `rest`: `opus-4` is over in `opus-4-20250514`, but goes on in `opus-4-9` and `opus-41`.
fn ends_version(rest: &[u8]) -> bool {
    let Some((separator, rest)) = rest.split_first() else {
        return true;
    };
    if separator.is_ascii_alphanumeric() {
        return false;
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // A number of six digits or more is a date.
    *separator == b':' || digits == 0 || digits >= 6
}

/// Where `part` begins in `id`, in any case and with `.` as good as `-`.
fn position(id: &[u8], part: &[u8]) -> Option<usize> {
    id.windows(part.len()).position(|window| {
        window
            .iter()
            .zip(part)
            .all(|(have, want)| have.eq_ignore_ascii_case(want) || (*have == b'.' && *want == b'-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> Capabilities {
        ROWS.iter().find(|(part, _)| *part == name).unwrap().1
    }

    #[test]
    fn ids_lead_to_their_rows() {
        for (id, expected) in [
            ("claude-3-haiku-20240307", "claude-3-haiku"),
            ("anthropic.claude-3-sonnet-20240229-v1:0", "claude-3-sonnet"),
            ("claude-3-5-sonnet-latest", "claude-3-5"),
            ("claude-3.5-haiku", "claude-3-5-haiku"),
            ("anthropic.claude-3-5-sonnet-20240620-v1:0", "claude-3-5"),
            (
                "anthropic.claude-3-5-sonnet-20241022-v2:0",
                "claude-3-5-sonnet-20241022",
            ),
            (
                "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
                "claude-3-7-sonnet",
            ),
            ("claude-opus-4-20250514", "opus-4"),
            ("claude-opus-4-0", "opus-4"),
            ("claude-opus-4-1-20250805", "opus-4-1"),
            ("claude-sonnet-4@20250514", "sonnet-4"),
            ("claude-sonnet-4-5", "sonnet-4-5"),
            ("anthropic/claude-sonnet-4.5", "sonnet-4-5"),
            ("anthropic/claude-sonnet-4.5:beta", "sonnet-4-5"),
            ("global.anthropic.claude-opus-4-6-v1", "opus-4-6"),
            ("claude-mythos-preview", "mythos-preview"),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-8-v1:0",
                "opus-4-8",
            ),
            ("claude-sonnet-5", "sonnet-5"),
            ("Claude-Opus-5-5", "opus-5-5"),
            ("claude-sonnet-5-5-20261101", "sonnet-5-5"),
            ("claude-fable-5", "fable-5"),
            ("claude-fable-5-2", "fable-5-2"),
            ("claude-haiku-5-5", "haiku-5-5"),
        ] {
            assert_eq!(lookup(id), Some(row(expected)), "{id}");
        }
    }

    #[test]
    fn later_versions_are_unknown_and_other_vendors_are_not_here() {
        for id in [
            "claude-opus-4-9",
            "claude-opus-6",
            "claude-2.1",
            "claude-fable-5-3",
            "claude-opus-55",
        ] {
            assert_eq!(lookup(id), Some(UNKNOWN), "{id}");
        }
        for id in ["gpt-5", "kimi-k3", "", "opus-4-8"] {
            assert_eq!(lookup(id), None, "{id}");
        }
    }

    #[test]
    fn the_rows_say_what_the_vendor_says() {
        let opus = row("opus-5-5");
        assert_eq!(opus.forced_tool, ForcedTool::No);
        assert!(opus.binding && opus.mid_system && !opus.prefill);
        assert_eq!(opus.thinking.unwrap().default, ThinkingDefault::Always);
        assert!(!opus.thinking.unwrap().disabled);

        let haiku = row("haiku-5-5");
        assert_eq!(haiku.forced_tool, ForcedTool::Yes);
        assert!(haiku.binding && haiku.thinking.unwrap().disabled);

        let sonnet = row("sonnet-4-6");
        assert!(!sonnet.efforts.has(Xhigh) && sonnet.efforts.has(Max));
        assert!(!sonnet.prefill && !sonnet.mid_system);
        assert_eq!(sonnet.sampling, Sampling::One);

        assert_eq!(row("sonnet-4").sampling, Sampling::Any);
        assert_eq!(row("opus-4").max_output, Some(32_000));
        assert_eq!(row("opus-4-7").forced_tool, ForcedTool::WithoutThinking);
        assert!(!row("opus-4-7").mid_system);
        assert!(!row("fable-5").binding && row("fable-5").forced_tool == ForcedTool::Yes);
        assert!(
            row("mythos-preview").thinking.unwrap().enabled && !row("mythos-preview").mid_system
        );
        assert!(!row("opus-4-1").structured_outputs && row("opus-4-5").structured_outputs);
    }
}
