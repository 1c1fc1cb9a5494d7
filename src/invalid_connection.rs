//! What can be wrong with a connection.

use std::fmt;

use crate::auth::InvalidCredential;

/// Why a connection cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidConnection {
    /// The name is empty or has other characters than letters, digits, `.`, `_` and `-`.
    Name,
    /// The provider has no URL of its own.
    NoBaseUrl,
    /// The base URL is not an absolute `http` or `https` URL without user, query and fragment.
    BaseUrl,
    /// The region is not a region's name, or the provider has no regions.
    Region,
    /// It is not known in which region the provider is.
    NoRegion,
    /// The region is another one than the base URL's.
    RegionOfHost,
    /// The provider wants a key.
    NoCredential,
    /// The key cannot stand in a header.
    Credential(InvalidCredential),
    /// The header of this name cannot be sent.
    Header(String),
    /// The limit of this name is zero.
    Capacity(&'static str),
}

impl fmt::Display for InvalidConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => {
                f.write_str("a connection's name takes letters, digits, '.', '_' and '-'")
            }
            Self::NoBaseUrl => f.write_str("this provider needs a base_url"),
            Self::BaseUrl => f.write_str(
                "base_url must be an absolute http or https URL without user, query and fragment",
            ),
            Self::Region => f.write_str(
                "region must be the name of an AWS region, for a provider that has regions",
            ),
            Self::NoRegion => {
                f.write_str("this provider needs a region, such as AWS_REGION in the environment")
            }
            Self::RegionOfHost => f.write_str("region is another one than base_url is in"),
            Self::NoCredential => f.write_str("this provider needs a key"),
            Self::Credential(error) => error.fmt(f),
            Self::Capacity(key) => write!(f, "{key} must not be zero"),
            Self::Header(name) => write!(f, "the header {name:?} cannot be sent"),
        }
    }
}

impl std::error::Error for InvalidConnection {}

impl From<InvalidCredential> for InvalidConnection {
    fn from(error: InvalidCredential) -> Self {
        Self::Credential(error)
    }
}
