//! Tower layers that turn any `http` service stack into a gateway for large language models.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

pub mod auth;
pub mod body;
mod call;
#[cfg(feature = "client")]
pub mod client;
mod clock;
pub mod codec;
pub mod convert;
mod endpoint;
mod error;
mod format;
mod gateway;
mod glob;
mod headers;
pub mod models;
pub mod mount;
mod options;
pub mod provider;
mod random;
pub mod retry;
pub mod route;
pub mod settings;
pub mod target;
#[cfg(test)]
mod testing;
mod usage;

pub use auth::{AuthLayer, Credential};
pub use body::Payload;
pub use call::{Attempt, Call, CallOptions, Failure, FailureClass, Outcome};
pub use clock::Clock;
pub use convert::{ConvertLayer, LossReport};
pub use endpoint::{Endpoint, Format};
pub use error::{BodyError, BoxError, Error, ErrorClass};
pub use gateway::{Gateway, GatewayBuilder};
pub use models::ModelTable;
pub use mount::GatewayLayer;
pub use provider::Provider;
pub use retry::RetryLayer;
pub use route::{ClientKeys, RouteLayer, RouteTable, Rule};
pub use target::{Connection, InvalidConnection, Options, Target};
pub use usage::{Usage, UsageHandle};
