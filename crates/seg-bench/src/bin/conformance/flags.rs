//! The command line.
#![allow(missing_docs, unreachable_pub, reason = "xflags generates the types")]

use core::str::FromStr;
use std::path::PathBuf;

xflags::xflags! {
    /// Run the rows of a case file through both assemblies and every cut into two pieces.
    cmd conformance {
        /// What the rows are: `chunked` bodies.
        required suite: Suite
        /// One JSON object a line: name, bytes_escaped and perhaps what to expect.
        required file: PathBuf
        /// Write the outcome of each row as a list of objects.
        optional --json path: PathBuf
    }
}

/// What the rows of a file are.
#[derive(Clone, Copy, Debug)]
pub enum Suite {
    Chunked,
}

impl FromStr for Suite {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "chunked" => Ok(Self::Chunked),
            _ => Err(format!("no such suite: {name}")),
        }
    }
}
