//! AWS event streams, the `application/vnd.amazon.eventstream` format: a push parser and a writer.
//!
//! A frame is a prelude (its length, that of its headers, and a CRC-32 of both), typed headers, a payload, and a CRC-32 of
//! it all; integers are big-endian. Source: the Smithy specification, "Amazon Event Stream", and AWS's own SDKs.
//!
//! ```
//! use bytes::BytesMut;
//! use tower_llm_gateway::codec::event_stream::{Decoder, Message, encode_event};
//!
//! let mut wire = BytesMut::new();
//! encode_event("messageStart", br#"{"role":"assistant"}"#, &mut wire)?;
//!
//! let mut decoder = Decoder::new(16 * 1024 * 1024);
//! let mut seen = 0;
//! for mut input in wire.chunks(50) {
//!     while let Some(frame) = decoder.next(&mut input)? {
//!         let Message::Event { name, payload } = frame.message() else { continue };
//!         assert_eq!((name, payload), ("messageStart", &br#"{"role":"assistant"}"#[..]));
//!         seen += 1;
//!     }
//! }
//! assert_eq!(seen, 1);
//! assert!(decoder.is_between_frames());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decoder;
mod encoder;
mod error;
mod header;
mod message;

pub use decoder::{Decoder, Frame, LARGEST_FRAME};
pub use encoder::{Unencodable, encode, encode_error, encode_event, encode_exception};
pub use error::FrameError;
pub use header::{Headers, Value};
pub use message::Message;
