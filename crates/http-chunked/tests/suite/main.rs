//! The crate from outside: case files, the grammar written a second time, random input.

mod assembler;
mod case;
mod case_files;
mod content;
mod cut;
mod extensions;
mod grammar;
mod limits;
mod outcome;
mod properties;
mod response;
mod response_head;
