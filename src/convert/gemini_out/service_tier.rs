//! `serviceTier`: how fast the request is served, and what that costs.

use crate::convert::context::RequestContext;
use crate::format::raw::RawStr;

/// OpenAI's `service_tier` in Google's words; `None` where it says nothing, or Google has no such tier.
pub(crate) fn service_tier(
    word: Option<RawStr<'_>>,
    cx: &mut RequestContext<'_>,
) -> Option<&'static str> {
    let word = word.map(RawStr::decode);
    let tier = match word.as_deref() {
        Some("auto") => return None,
        Some("default") => "standard",
        Some("flex") => "flex",
        Some("priority" | "fast") => "priority",
        _ => {
            cx.report.drop_field("service_tier");
            return None;
        }
    };
    if word.as_deref() != Some(tier) {
        cx.report.approximate("service_tier");
    }
    Some(tier)
}
