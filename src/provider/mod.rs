//! The providers, one file each: what they want of a request, and how they answer.

pub(crate) mod anthropic;
pub(crate) mod bedrock;
pub(crate) mod chat_profile;
mod gemini;
mod groq;
mod openai;
mod openai_compatible;
pub(crate) mod path;
mod perplexity;
pub(crate) mod spec;

use std::fmt;
use std::str::FromStr;

use crate::endpoint::Endpoint;
use spec::{Cell, Spec};

/// Declares the providers: for each its name in code, and the facts about it.
macro_rules! providers {
    ($($(#[$doc:meta])* $name:ident => $spec:expr,)*) => {
        /// A provider that the gateway can speak to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Provider {
            $($(#[$doc])* $name,)*
        }

        impl Provider {
            /// Every provider.
            pub const ALL: [Self; [$(stringify!($name)),*].len()] = [$(Self::$name),*];

            pub(crate) fn spec(self) -> &'static Spec {
                match self {
                    $(Self::$name => &$spec,)*
                }
            }
        }
    };
}

// A new provider is a file beside this one and an entry here.
providers! {
    /// OpenAI.
    OpenAi => openai::SPEC,
    /// Anthropic.
    Anthropic => anthropic::SPEC,
    /// Google Gemini.
    Gemini => gemini::SPEC,
    /// Groq.
    Groq => groq::SPEC,
    /// Perplexity.
    Perplexity => perplexity::SPEC,
    /// AWS Bedrock, Converse API.
    AwsBedrock => bedrock::CONVERSE,
    /// AWS Bedrock, InvokeModel API with Anthropic bodies.
    AwsBedrockInvoke => bedrock::INVOKE,
    /// Any other server with an OpenAI-compatible `/chat/completions`.
    OpenAiCompatible => openai_compatible::SPEC,
}

impl Provider {
    /// The id used in configurations and headers.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.spec().id
    }

    /// Whether this version of the gateway can serve `endpoint` from this provider.
    #[must_use]
    pub fn serves(self, endpoint: Endpoint) -> bool {
        self.spec().cell(endpoint) != Cell::Unavailable
    }

    /// Where the provider lives, unless a connection must say so.
    #[must_use]
    pub fn default_base_url(self) -> Option<&'static str> {
        self.spec().base_url
    }

    /// Whether a connection to this provider must have a credential.
    #[must_use]
    pub fn needs_key(self) -> bool {
        self.spec().needs_key
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.id() == id)
            .ok_or(UnknownProvider)
    }
}

/// A provider id that is none of [`Provider::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownProvider;

impl fmt::Display for UnknownProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown provider; known are")?;
        for (at, provider) in Provider::ALL.into_iter().enumerate() {
            f.write_str(if at == 0 { " " } else { ", " })?;
            f.write_str(provider.id())?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownProvider {}
