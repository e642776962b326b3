//! WebSocket frames unmasked, validated and assembled in place, segment by segment (RFC 6455).
//!
//! A [`Decoder`] takes received segments and gives [`Event`]s: whole messages whose payload still
//! lies where it was received, unmasked in place, checked for UTF-8 on the way and linked. It reads
//! no socket. A [`Session`] adds the rest of a connection: answers, output, the closing handshake.
//! `Connection`, with the feature `tokio`, puts a stream to it, and so does [`blocking::Connection`].
//!
//! ```text
//!                       Decoder
//!  received      ┌───────────────────┐
//!  SegmentMut ──▶│ header ▶ unmask ▶ │──▶ Message: Sequence, or one slice when asked for
//!                │ UTF-8  ▶ link     │──▶ Ping, Pong, Close
//!                └───────────────────┘
//!  Message ──▶ encode_message ──▶ SegmentedBuf ──▶ vectored write
//! ```
//!
//! # Example
//!
//! ```
//! use seg_pool::Pool;
//! use ws_assemble::{Decoder, Event, Role};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A client's masked "Hello" (RFC 6455 section 5.7).
//! let frame = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
//! let mut received = Pool::new().try_take(16_384)?;
//! received.extend_from_slice(&frame);
//!
//! let mut decoder = Decoder::new(Role::Server);
//! let Some(Event::Message(message)) = decoder.decode(&mut received)? else { panic!("a message") };
//! assert_eq!(message.as_str(), Some("Hello"));
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `random` (default): masking keys and nonces from the system's random source.
//! - `tokio`: connections over tokio's `AsyncRead` and `AsyncWrite`.
//! - `deflate`: compressed messages (RFC 7692).
//! - `http`: handshakes from and to the types of the `http` crate.
//! - `hyper`, `http2`, `axum`: connections that hyper and axum open, over streams of HTTP/2 too.
//! - `rustls`: `connect_url` for `wss` and `ws`, over TLS by rustls.
//! - `tracing`: events, target `ws_assemble`: a request refused or a handshake failed, close frames with
//!   their codes, a rule broken, a limit met, a stream that failed, waiting for memory.
//! - `futures`: `Stream` and `Sink` for connections and their halves.
//! - `portable`: no SIMD of our own in masking and UTF-8, and no unsafe code in this crate.
// docs.rs sets this, with a nightly compiler: each item then says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(feature = "portable", forbid(unsafe_code))]

// What lies where.
//
// header, mask, utf8, opcode, close_code   one thing of RFC 6455 each
// decoder/, open_message, message          frames from received segments, linked into messages
// encode, deflate/                         frames of messages; permessage-deflate
// handshake/                               opening, without I/O: head, request, acceptance, refusal, response
// session/                                 a connection without its stream: what is open, owed, unsent, and why it ended
// connection/, blocking                    the bytes between a session and its stream: tokio, and std's `Read + Write`
// adapters/                                handshakes of HTTP libraries

#[cfg(feature = "http")]
mod adapters;
#[cfg(feature = "random")]
pub mod blocking;
#[cfg(feature = "random")]
mod broadcast;
mod close_code;
mod close_frame;
#[cfg(feature = "random")]
#[cfg_attr(
    not(feature = "tokio"),
    expect(dead_code, unreachable_pub, reason = "the blocking connection needs a part of it")
)]
mod connection;
mod connection_error;
mod control;
mod decode_error;
mod decoder;
#[cfg(feature = "deflate")]
mod deflate;
mod encode;
#[cfg(feature = "random")]
mod events;
mod handshake;
mod header;
#[cfg(feature = "random")]
mod keys;
mod limits;
mod mask;
mod message;
mod opcode;
mod open_message;
#[cfg(feature = "random")]
mod part;
mod quoted_string;
mod read_into;
mod role;
#[cfg(feature = "random")]
mod session;
#[cfg(feature = "random")]
mod sync;
mod url;
mod utf8;

#[cfg(feature = "axum")]
pub use adapters::WebSocketUpgrade;
#[cfg(feature = "hyper")]
pub use adapters::{UpgradeFuture, on_upgrade, upgrade, upgrade_with};
#[cfg(feature = "random")]
pub use broadcast::Broadcast;
pub use close_code::CloseCode;
pub use close_frame::{CloseFrame, PeerClose, REASON_BYTES_MAX};
#[cfg(feature = "tokio")]
pub use connection::{
    Connection, Incoming, MessagePart, MessageWriter, ReadHalf, WriteHalf, accept, accept_with,
    connect, open_tunnel,
};
#[cfg(feature = "rustls")]
pub use connection::{UrlStream, connect_url, connect_url_with, tls_config};
pub use connection_error::ConnectionError;
pub use control::ControlPayload;
pub use decode_error::{DecodeError, DecodeErrorKind};
pub use decoder::{Decoder, Event};
#[cfg(feature = "deflate")]
pub use deflate::{DeflateConfig, DeflateParams, MessageCompressor};
pub use encode::{encode_control, encode_frame, encode_message};
pub use handshake::{
    Acceptance, ClientHandshake, FIELDS_MAX, HandshakeError, HandshakeErrorKind, Refusal,
    ServerHandshake, TunnelHandshake, UpgradeRequest, UpgradeResponse,
};
pub use header::{CONTROL_BYTES_MAX, HEADER_BYTES_MAX, Header};
#[cfg(feature = "random")]
pub use keys::{MaskKeys, random_nonce};
pub use limits::Limits;
pub use mask::{mask, unmask_text};
pub use message::{Message, MessageKind};
pub use opcode::Opcode;
#[cfg(feature = "random")]
pub use part::Part;
pub use read_into::{ReadFrameInto, ReadInto};
pub use role::Role;
#[cfg(feature = "deflate")]
pub use seg_flate::{Contexts, Level, WindowBits};
/// How messages are put together: received segments are unmasked in place and linked, without a copy
/// or an allocation, or their payload is copied into one growing buffer.
pub use seg_seq::Assembly;
#[cfg(feature = "random")]
pub use session::{Counters, Heartbeat, Outgoing, Session, Traffic, Wants};
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;
pub use url::WebSocketUrl;
pub use utf8::Utf8Validator;

/// The examples of the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
