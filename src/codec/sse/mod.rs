//! Server-sent events, the `text/event-stream` format of the WHATWG HTML standard, section 9.2: a push parser and a
//! writer.
//!
//! ```
//! use tower_llm_gateway::codec::sse::Decoder;
//!
//! let mut decoder = Decoder::new(16 * 1024 * 1024);
//! let mut seen = Vec::new();
//! for mut input in [&b"event: ping\nda"[..], b"ta: {}\n\n: comment\n\n"] {
//!     while let Some(event) = decoder.next(&mut input)? {
//!         seen.push((event.name.to_owned(), event.data.to_vec()));
//!     }
//! }
//! assert_eq!(seen, [("ping".to_owned(), b"{}".to_vec())]);
//! assert!(decoder.is_between_events());
//! # Ok::<(), tower_llm_gateway::codec::sse::EventTooLarge>(())
//! ```

mod decoder;
mod writer;

pub use decoder::{Decoder, Event, EventTooLarge};
pub use writer::{EventWriter, comment};
