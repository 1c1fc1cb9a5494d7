//! Limits, clocks and retry rules, with the defaults of the contract.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Bounds on what clients and providers may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// A request's body, in bytes. Default: 32 MiB.
    pub request_body: usize,
    /// An answer that is not a stream, in bytes, as far as it is held in memory. Default: 64 MiB.
    pub response_body: usize,
    /// An error answer of a provider, in bytes; what is longer is cut. Default: 64 KiB.
    pub error_body: usize,
    /// One event of a stream, and what a conversion holds back of a stream, in bytes. Default: 16 MiB.
    pub event: usize,
    /// Nesting of a request's JSON. At most and by default 128.
    pub json_depth: usize,
    /// Members of one JSON object of a request. Default: 65536.
    pub members: usize,
    /// A model's name, in bytes. Default: 256.
    pub model_id: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body: 32 * MIB,
            response_body: 64 * MIB,
            error_body: 64 * KIB,
            event: 16 * MIB,
            json_depth: 128,
            members: 65536,
            model_id: 256,
        }
    }
}

/// How long the gateway waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Between two pieces of a client's request body. Default: 10 s.
    pub request_idle: Duration,
    /// For a client's request body in all. Default: 60 s.
    pub request_body: Duration,
    /// For a connection to a provider; used by the client that the `client` feature makes. Default: 3 s.
    pub connect: Duration,
    /// For the head of an answer that is not a stream. Default: 600 s.
    pub first_byte: Duration,
    /// For the first event of a stream. Default: 60 s.
    pub first_byte_stream: Duration,
    /// Between two pieces of an answer. Default: 300 s.
    pub idle: Duration,
    /// For a call in all, retries and streaming included. Default: 30 min.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            request_idle: Duration::from_secs(10),
            request_body: Duration::from_secs(60),
            connect: Duration::from_secs(3),
            first_byte: Duration::from_secs(600),
            first_byte_stream: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            total: Duration::from_secs(30 * 60),
        }
    }
}

/// When a call is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetrySettings {
    /// Further calls in all, over all targets. Default: 2.
    pub max_retries: u32,
    /// The first wait. Default: 500 ms; it doubles with each further one.
    pub backoff_min: Duration,
    /// The longest wait. Default: 8 s.
    pub backoff_max: Duration,
    /// The longest wait that a provider may ask for; an answer that asks for more is returned as it is. Default: 30 s.
    pub retry_after_cap: Duration,
    /// Whether a call that may have been processed is sent again. Default: true, as both vendors' SDKs do.
    pub ambiguous: bool,
    /// Retries that a connection may see per hundred of its calls that succeed. Default: 20.
    pub budget_percent: u32,
    /// Retries per second that a connection may always see, over a window of ten seconds. Default: 10.
    pub budget_floor: u32,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max_retries: 2,
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(8),
            retry_after_cap: Duration::from_secs(30),
            ambiguous: true,
            budget_percent: 20,
            budget_floor: 10,
        }
    }
}

/// What to do with fields whose loss changes the meaning, where a target can do without them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lossy {
    /// Answer 400 and name the field.
    #[default]
    Reject,
    /// Drop the field and report it.
    Drop,
}

/// How answers are converted and relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvertSettings {
    /// What to do with fields whose loss changes the meaning. Default: reject.
    pub lossy: Lossy,
    /// Whether to answer 400 to whatever would be dropped. Default: false.
    pub strict: bool,
    /// Whether a stream's head is held until its first event that is neither comment nor ping, so that an error there
    /// becomes a plain error answer, which can be retried. Default: true.
    pub peek: bool,
    /// How often a converted stream that is silent gets a comment or ping. Default: never.
    pub keep_alive: Option<Duration>,
}

impl Default for ConvertSettings {
    fn default() -> Self {
        Self {
            lossy: Lossy::Reject,
            strict: false,
            peek: true,
            keep_alive: None,
        }
    }
}
