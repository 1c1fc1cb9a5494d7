//! What the answer's conversion needs to know of the request.

use std::sync::Arc;

use crate::convert::responses_out::Echo;
use crate::convert::sent_tools::SentTools;

/// Made by the request's conversion, read by the answer's.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// What the response repeats of the request.
    pub(crate) echo: Echo,
    /// The model that was asked for, for answers that do not name theirs: JSON text.
    pub(crate) model: String,
    /// The client wants to see the pages behind a search.
    pub(crate) sources: bool,
    pub(crate) tools: Arc<SentTools>,
}
