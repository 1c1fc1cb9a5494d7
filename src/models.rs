//! What each model can do: a table, not code.

/// What a model can do. Unknown models get [`Capabilities::default`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Capabilities {}

/// Stub.
#[derive(Debug, Clone, Default)]
pub struct ModelTable {}
impl ModelTable {
    /// x
    #[must_use]
    pub fn lookup(&self, _: &str) -> Capabilities {
        Capabilities {}
    }
}
