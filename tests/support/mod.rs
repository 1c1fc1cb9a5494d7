//! Machinery shared by the integration tests. A test crate takes it with `pub mod support;` (public, so that the parts which one
//! test crate leaves unused are no dead code there).

pub mod fake;
/// The encoder of AWS event streams, the demo's.
#[path = "../../examples/gateway/demo/aws/frame.rs"]
mod frame;
pub mod gateway;
pub mod http1;
pub mod process;
pub mod reply;
pub mod sts;
pub mod upstream;
pub mod venv;
