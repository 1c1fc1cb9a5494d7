use crate::{endpoint::Format, usage::Usage};
pub(crate) fn answer_usage(_: Format, _: &[u8]) -> Usage {
    Usage::default()
}
