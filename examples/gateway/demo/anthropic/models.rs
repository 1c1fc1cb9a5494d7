//! What the Claude families accept, from the model overview and the pages on thinking of Anthropic's documentation.

/// What a model accepts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model {
    pub(super) max_tokens: u64,
    pub(super) sampling: Sampling,
    /// Accepted values of `thinking.type`.
    pub(super) thinking: &'static [&'static str],
    /// Whether it thinks when the request says nothing.
    pub(super) thinks: bool,
    pub(super) efforts: &'static [&'static str],
    pub(super) forced: Forced,
    pub(super) prefill: bool,
    /// Whether messages may have the role `system`.
    pub(super) mid_system: bool,
    /// Whether `output_config.format` is known.
    pub(super) structured: bool,
}

/// Which of `temperature`, `top_p` and `top_k` are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    Any,
    /// Not `temperature` together with `top_p`.
    One,
    None,
}

/// Whether the tool choice may force a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forced {
    Yes,
    WithoutThinking,
    No,
}

const MANUAL: &[&str] = &["enabled", "disabled"];
const BOTH: &[&str] = &["adaptive", "enabled", "disabled"];
const ADAPTIVE: &[&str] = &["adaptive", "disabled"];
const ALWAYS: &[&str] = &["adaptive"];
const FIVE: &[&str] = &["low", "medium", "high", "xhigh", "max"];
const FOUR: &[&str] = &["low", "medium", "high", "max"];

const OLD: Model = Model {
    max_tokens: 4096,
    sampling: Sampling::Any,
    thinking: &[],
    thinks: false,
    efforts: &[],
    forced: Forced::Yes,
    prefill: true,
    mid_system: false,
    structured: false,
};
const CLAUDE_4: Model = Model {
    max_tokens: 64_000,
    thinking: MANUAL,
    forced: Forced::WithoutThinking,
    ..OLD
};
const CLAUDE_4_5: Model = Model {
    sampling: Sampling::One,
    structured: true,
    ..CLAUDE_4
};
const CLAUDE_4_6: Model = Model {
    max_tokens: 128_000,
    thinking: BOTH,
    efforts: FOUR,
    prefill: false,
    ..CLAUDE_4_5
};
const CLAUDE_4_7: Model = Model {
    sampling: Sampling::None,
    thinking: ADAPTIVE,
    efforts: FIVE,
    ..CLAUDE_4_6
};
const CLAUDE_5: Model = Model {
    thinks: true,
    forced: Forced::Yes,
    mid_system: true,
    ..CLAUDE_4_7
};
const ALWAYS_ON: Model = Model {
    thinking: ALWAYS,
    ..CLAUDE_5
};
const ALWAYS_ON_UNFORCED: Model = Model {
    forced: Forced::No,
    ..ALWAYS_ON
};

/// Parts of ids; the longest match counts.
const TABLE: &[(&str, Model)] = &[
    ("claude-3-", OLD),
    (
        "claude-3-5-",
        Model {
            max_tokens: 8192,
            ..OLD
        },
    ),
    (
        "claude-3-7-sonnet",
        Model {
            sampling: Sampling::Any,
            ..CLAUDE_4
        },
    ),
    (
        "opus-4",
        Model {
            max_tokens: 32_000,
            sampling: Sampling::One,
            ..CLAUDE_4
        },
    ),
    ("sonnet-4", CLAUDE_4),
    ("sonnet-4-5", CLAUDE_4_5),
    ("haiku-4-5", CLAUDE_4_5),
    (
        "opus-4-5",
        Model {
            efforts: &["low", "medium", "high"],
            ..CLAUDE_4_5
        },
    ),
    ("sonnet-4-6", CLAUDE_4_6),
    ("opus-4-6", CLAUDE_4_6),
    (
        "mythos-preview",
        Model {
            thinking: &["adaptive", "enabled"],
            thinks: true,
            forced: Forced::Yes,
            ..CLAUDE_4_7
        },
    ),
    ("opus-4-7", CLAUDE_4_7),
    (
        "opus-4-8",
        Model {
            mid_system: true,
            ..CLAUDE_4_7
        },
    ),
    ("sonnet-5", CLAUDE_5),
    ("opus-5", CLAUDE_5),
    ("fable-5", ALWAYS_ON),
    ("mythos-5", ALWAYS_ON),
    ("fable-5-1", ALWAYS_ON_UNFORCED),
    ("fable-5-2", ALWAYS_ON_UNFORCED),
    ("mythos-5-1", ALWAYS_ON_UNFORCED),
    ("mythos-5-2", ALWAYS_ON_UNFORCED),
    ("opus-5-5", ALWAYS_ON_UNFORCED),
    (
        "sonnet-5-5",
        Model {
            thinking: &["adaptive", "between_tools"],
            ..ALWAYS_ON_UNFORCED
        },
    ),
    ("haiku-5-5", CLAUDE_5),
];

/// A family that the table does not know: everything goes.
const UNKNOWN: Model = Model {
    max_tokens: 128_000,
    sampling: Sampling::Any,
    thinking: &["adaptive", "enabled", "disabled", "between_tools"],
    efforts: FIVE,
    forced: Forced::Yes,
    mid_system: true,
    structured: true,
    ..OLD
};

/// What the model accepts; none when there is no such model.
pub(super) fn model(id: &str) -> Option<Model> {
    if !id.starts_with("claude-") {
        return None;
    }
    let known = TABLE.iter().filter(|(part, _)| id.contains(part));
    let longest = known.max_by_key(|(part, _)| part.len());
    Some(longest.map_or(UNKNOWN, |(_, model)| *model))
}
