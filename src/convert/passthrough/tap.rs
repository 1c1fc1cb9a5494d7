use crate::{convert::machine::StreamError, endpoint::Format, usage::Usage};
#[derive(Debug)]
pub(crate) struct Tap {
    format: Format,
}
impl Tap {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }
    pub(crate) fn event(&mut self, _: &str, _: &[u8]) -> Result<(), StreamError> {
        let _ = self.format;
        Ok(())
    }
    pub(crate) fn is_complete(&self) -> bool {
        true
    }
    pub(crate) fn next_sequence_number(&self) -> u64 {
        0
    }
    pub(crate) fn usage(&self) -> Usage {
        Usage::default()
    }
}
pub(crate) fn is_keep_alive(_: Format, _: &str, _: &[u8]) -> bool {
    false
}
