//! Members of the request that OpenAI has nothing for.

use serde_json::value::RawValue;

use crate::convert::context::RequestContext;
use crate::convert::report::Refusal;
use crate::format::messages::request::Request;
use crate::format::raw::RawStr;
use crate::format::walk;

/// Drops hints and refuses what must not be left out.
pub(super) fn refuse_or_drop(
    request: &Request<'_>,
    cx: &mut RequestContext<'_>,
) -> Result<(), Refusal> {
    for (name, value) in [
        ("container", request.container),
        ("thread", request.thread),
        ("compaction", request.compaction),
    ] {
        if value.is_some() {
            return Err(Refusal::unsupported(
                name,
                format!("`{name}` is not supported by this model's provider"),
            ));
        }
    }
    if request.inference_geo.is_some() {
        if !cx.lossy {
            return Err(Refusal::unsupported(
                "inference_geo",
                "where the model runs cannot be chosen at this provider",
            ));
        }
        cx.report.drop_field("inference_geo");
    }
    if let Some(policy) = request.billing_policy {
        if !bills_self(policy) {
            return Err(Refusal::unsupported(
                "billing_policy",
                "another account cannot be billed at this provider",
            ));
        }
        cx.report.drop_field("billing_policy");
    }
    for (name, value) in [
        ("top_k", request.top_k),
        ("cache_control", request.cache_control),
        ("context_management", request.context_management),
        ("diagnostics", request.diagnostics),
        ("fallbacks", request.fallbacks),
        ("fallback_credit_token", request.fallback_credit_token),
    ] {
        if value.is_some() {
            cx.report.drop_field(name);
        }
    }
    Ok(())
}

fn bills_self(policy: &RawValue) -> bool {
    walk::member(policy.get(), "bill_to")
        .is_none_or(|to| RawStr::from_json(to).is_some_and(|to| to.is("self")))
}
