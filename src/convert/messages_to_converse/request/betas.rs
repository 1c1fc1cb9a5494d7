//! Anthropic's beta features: a header of the client's, a member of `additionalModelRequestFields` on Converse.

use crate::convert::context::RequestContext;
use crate::convert::converse_out::Rules;
use crate::convert::converse_out::fields::Fields;

/// The header in which clients name features.
const HEADER: &str = "anthropic-beta";

/// Features that Converse is known to take; one that it does not know fails the whole request.
const ACCEPTED: [&str; 8] = [
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "structured-outputs-2025-11-13",
    "thinking-binding-controls-2026-08-01",
    "thinking-display-updates-2026-08-18",
];

/// Thinking between calls, which newer models do by themselves.
const INTERLEAVED: &str = "interleaved-thinking-2025-05-14";

/// The beginning of the features that are an edit of `context_management`, and go with it.
pub(super) const COMPACT: &str = "compact-2026-01-12";

/// Whether the client's headers name a feature.
pub(super) fn has(name: &str, cx: &RequestContext<'_>) -> bool {
    names(cx).any(|known| known == name)
}

fn names<'c>(cx: &'c RequestContext<'_>) -> impl Iterator<Item = &'c str> {
    cx.headers
        .get_all(HEADER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// Takes over the features that the target takes; the others are reported.
pub(super) fn set(fields: &mut Fields<'_>, rules: Rules, cx: &mut RequestContext<'_>) {
    let interleaved = cx.capabilities.bedrock.interleaved_beta;
    let mut dropped = Vec::new();
    for name in names(cx) {
        let accepted =
            rules.anthropic && (ACCEPTED.contains(&name) || (name == INTERLEAVED && interleaved));
        if accepted {
            fields.add_beta(name.to_owned());
        } else if name != COMPACT || !fields.has("context_management") {
            dropped.push(format!("{HEADER}.{name}"));
        }
    }
    for path in dropped {
        cx.report.drop_field(path);
    }
}
