//! The demo's command line.
#![allow(missing_docs, unreachable_pub, reason = "xflags generates the types")]

use std::path::PathBuf;

use crate::input::{Input, Size};

xflags::xflags! {
    /// Receive real messages over loopback through both assemblies, and show what that cost.
    cmd demo {
        /// Send this file.
        optional --file path: PathBuf
        /// Send the workspace's own sources, cut or repeated to this size: 65536, 64KiB, 64MiB.
        optional --size bytes: Size
        /// Write the table's rows as a list of objects, too.
        optional --json path: PathBuf
        /// Draw live memory over the course of two of the messages, as SVG.
        optional --plot path: PathBuf
    }
}

impl Demo {
    /// Returns what to send.
    ///
    /// # Errors
    ///
    /// Returns an error when both a file and a size are named.
    pub fn input(&self) -> xflags::Result<Input> {
        match (&self.file, self.size) {
            (Some(_), Some(_)) => {
                Err(xflags::Error::new("`--file` and `--size` exclude each other"))
            }
            (Some(path), None) => Ok(Input::File(path.clone())),
            (None, size) => Ok(Input::Sources(size.unwrap_or(Size::DEFAULT))),
        }
    }
}
