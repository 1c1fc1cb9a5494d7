//! The converted cells.
