//! What each model can do: a table, not code.

/// What a model can do. Unknown models get [`Capabilities::default`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Capabilities {}
