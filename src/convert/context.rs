//! What a conversion knows besides the bytes it converts.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use super::report::LossReport;
use crate::models::Capabilities;
use crate::provider::Provider;
use crate::target::Options;

/// What a request conversion knows of its target.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    /// The model's id at the provider.
    pub(crate) model: &'a str,
    pub(crate) provider: Provider,
    /// The connection's and the target's switches.
    pub(crate) options: &'a Options,
    /// What the model can do.
    pub(crate) capabilities: &'a Capabilities,
    /// Whether fields whose loss changes the meaning but which the specification lets an owner give up may be dropped
    /// (`lossy = "drop"`) instead of refused.
    pub(crate) lossy: bool,
    pub(crate) report: &'a mut LossReport,
}

/// A converted request.
#[derive(Debug)]
pub(crate) struct ConvertedRequest<S> {
    pub(crate) body: Bytes,
    /// Headers that the provider's format wants for this request (`anthropic-version`, `anthropic-beta` …).
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What the conversion of the answer needs to know of the request.
    pub(crate) state: S,
}

/// What the conversion of an answer knows besides its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerContext {
    /// Unix seconds of the gateway's clock.
    pub(crate) now: u64,
}

/// A converted answer.
#[derive(Debug)]
pub(crate) struct ConvertedAnswer {
    pub(crate) body: Bytes,
    pub(crate) usage: crate::usage::Usage,
}
