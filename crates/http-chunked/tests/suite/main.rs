//! The crate from outside: case files, the grammar written a second time, random input.

mod accept_encoding;
mod assembler;
mod case;
mod case_files;
mod chunked_writer;
#[cfg(feature = "tokio-util")]
mod codec;
mod content;
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[path = "../../../seg-pool/tests/harness/counting.rs"]
mod counting;
mod cut;
mod encoder;
mod extensions;
mod finish;
mod grammar;
mod head_writer;
mod heads;
mod held;
#[cfg(feature = "http-body")]
mod http_bodies;
#[cfg(feature = "http")]
mod http_types;
#[cfg(all(feature = "http-body", feature = "tokio"))]
mod hyper_peers;
mod incoming;
mod limits;
mod memory;
mod messages;
mod outcome;
mod properties;
mod request;
mod request_head;
mod response;
mod response_head;
#[cfg(feature = "tower")]
mod tower_layers;
