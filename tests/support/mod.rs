//! Machinery shared by the integration tests. A test crate takes it with `pub mod support;` (public, so that the parts which one
//! test crate leaves unused are no dead code there).

pub mod fake;
pub mod gateway;
pub mod http1;
pub mod process;
pub mod reply;
pub mod sts;
pub mod upstream;
pub mod venv;
