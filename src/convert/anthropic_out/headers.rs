//! The headers that Anthropic's API reads: its version, and the betas that a request uses.

use http::{HeaderName, HeaderValue};

use crate::convert::context::RequestContext;
use crate::provider::anthropic;

/// The beta that `thinking.block_binding` belongs to.
pub(in crate::convert) const BINDING_BETA: &str = "thinking-binding-controls-2026-08-01";

/// `anthropic-version`, and `anthropic-beta` with those of `betas` that are wanted.
pub(in crate::convert) fn headers(
    cx: &RequestContext<'_>,
    betas: &[(bool, &str)],
) -> Vec<(HeaderName, HeaderValue)> {
    let version = cx
        .options
        .anthropic_version
        .as_deref()
        .and_then(|version| HeaderValue::from_str(version).ok())
        .unwrap_or(HeaderValue::from_static(anthropic::VERSION));
    let mut headers = Vec::with_capacity(2);
    headers.push((HeaderName::from_static("anthropic-version"), version));
    let betas: Vec<&str> = betas
        .iter()
        .filter_map(|(wanted, beta)| wanted.then_some(*beta))
        .collect();
    if let Ok(betas) = HeaderValue::from_str(&betas.join(","))
        && !betas.is_empty()
    {
        headers.push((HeaderName::from_static("anthropic-beta"), betas));
    }
    headers
}
