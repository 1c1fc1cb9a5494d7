//! Clients that speak Chat Completions, providers that speak Anthropic Messages.

pub(crate) mod error;
pub(crate) mod request {
    use super::state::State;
    use crate::convert::{context::*, report::*};
    pub(crate) fn convert(
        _: &[u8],
        _: &mut RequestContext<'_>,
    ) -> Result<ConvertedRequest<State>, Refusal> {
        Err(Refusal::unsupported("x", "stub"))
    }
}
pub(crate) mod response;
pub(crate) mod state;
pub(crate) mod stream;

#[cfg(test)]
mod answer_golden;
