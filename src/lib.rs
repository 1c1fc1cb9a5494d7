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

mod body;
pub mod codec;
pub mod convert;
mod endpoint;
mod format;
mod glob;
pub mod models;
pub mod provider;
pub mod target;
mod usage;

pub use body::Payload;
pub use endpoint::{Endpoint, Format};
pub use provider::Provider;
pub use usage::{Usage, UsageHandle};
