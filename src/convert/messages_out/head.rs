//! Who says a message.

use crate::codec::write::Object;
use crate::format::raw::RawStr;

/// A message's id and the model's.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    id: String,
    /// A JSON string.
    model: String,
}

/// A longer id is none that a provider made.
const LONGEST: usize = 1024;

impl Head {
    /// The head of an answer whose id at the provider is `id`, without `prefix`; one made of the time where it has none.
    pub(crate) fn new(
        id: Option<RawStr<'_>>,
        prefix: &str,
        model: Option<RawStr<'_>>,
        now: u64,
    ) -> Self {
        let fits = |text: &RawStr<'_>| !text.is_empty() && text.content().len() <= LONGEST;
        let id = match id.filter(fits) {
            Some(id) => {
                let id = id.decode();
                format!("msg_{}", id.strip_prefix(prefix).unwrap_or(&id))
            }
            None => format!("msg_{now}"),
        };
        let model = model.filter(fits).map_or("\"\"", RawStr::json).to_owned();
        Self { id, model }
    }

    /// Writes the members before `content`.
    pub(super) fn write(&self, message: &mut Object<'_>) {
        message
            .string("id", &self.id)
            .string("type", "message")
            .string("role", "assistant")
            .raw("model", &self.model);
    }
}
