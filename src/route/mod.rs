//! `RouteLayer`: from a path, a method and a body to an endpoint, a model and its targets.
//!
//! It reads a request's body once, finds `model` and `stream` in it without building a tree, resolves the model by a
//! [`RouteTable`], and turns whatever is still an error below into the client's own error format: its error type is
//! [`Infallible`](std::convert::Infallible), so that any server can mount it.
//!
#![doc = include_str!("../../docs/layers/route.md")]

mod answer;
mod body;
mod condition;
pub(crate) mod content;
pub(crate) mod failures;
mod future;
mod keys;
mod layer;
pub(crate) mod parse;
mod record;
mod service;
mod table;
#[cfg(test)]
mod tests;

pub use body::ResponseBody;
pub use condition::{Condition, ErrorRate};
pub use future::ResponseFuture;
pub use keys::ClientKeys;
pub use layer::RouteLayer;
pub use service::Route;
pub use table::{InvalidRoutes, RouteTable, Rule};
