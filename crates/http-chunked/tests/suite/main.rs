//! The crate from outside: case files, the grammar written a second time, random input.

mod assembler;
mod case;
mod case_files;
mod chunked_writer;
#[cfg(feature = "tokio-util")]
mod codec;
mod content;
mod cut;
mod encoder;
mod extensions;
mod finish;
mod grammar;
mod heads;
mod held;
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
