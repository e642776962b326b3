//! What is sent: the workspace's own sources, or a file.

mod size;
mod sources;
mod text;

use core::fmt;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

pub use self::{
    size::{Size, SizeError},
    text::{Text, as_text},
};

/// Where the bytes to send come from.
///
/// # Examples
///
/// ```
/// use seg_bench::input::{Input, Size};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let bytes = Input::Sources("64KiB".parse::<Size>()?).load(1 << 20)?;
/// assert_eq!(bytes.len(), 65_536);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The workspace's `.rs`, `.toml` and `.md` files, sorted by path, one after the other, cut or
    /// repeated to this size.
    ///
    /// Always UTF-8: where the end would cut a character, spaces take its place.
    Sources(Size),
    /// The bytes of this file.
    File(PathBuf),
}

impl Default for Input {
    fn default() -> Self {
        Self::Sources(Size::DEFAULT)
    }
}

impl Input {
    /// Reads the input into memory: at least 1 byte, at most `bytes_max`.
    ///
    /// # Errors
    ///
    /// Returns an [`InputError`] when a file cannot be read or is empty, and when the input is larger than
    /// `bytes_max` or than the memory that the system gives.
    pub fn load(&self, bytes_max: u64) -> Result<Vec<u8>, InputError> {
        match self {
            Self::Sources(size) if size.bytes() > bytes_max => Err(InputError::too_large(size)),
            Self::Sources(size) => sources::repeated(*size),
            Self::File(path) => read_file(path, bytes_max),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sources(_) => f.write_str("the workspace's own sources"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

fn read_file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, InputError> {
    let failed = |error| InputError::unreadable(path, &error);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    if metadata.len() > bytes_max {
        return Err(InputError::too_large(path.display()));
    }
    let mut bytes = Vec::new();
    // A pipe or a device shows its length only at its end.
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(InputError::too_large(path.display()));
    }
    if bytes.is_empty() {
        return Err(InputError { message: format!("{} is empty", path.display()) });
    }
    Ok(bytes)
}

/// Why there is no input; one line for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    message: String,
}

impl InputError {
    fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self { message: format!("cannot read {}: {error}", path.display()) }
    }

    fn too_large(what: impl fmt::Display) -> Self {
        Self { message: format!("{what} is too large to hold in this system's memory") }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for InputError {}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const BYTES_MAX: u64 = 1 << 24;

    fn sources(size: &str) -> Vec<u8> {
        Input::Sources(size.parse().expect("a size"))
            .load(BYTES_MAX)
            .expect("sources that can be read")
    }

    #[test]
    fn every_size_is_met_exactly_and_is_utf8() {
        for size in ["1", "2", "1000", "65536", "8MiB"] {
            let bytes = sources(size);
            assert_eq!(bytes.len() as u64, size.parse::<Size>().expect("a size").bytes());
            assert!(core::str::from_utf8(&bytes).is_ok(), "{size}");
        }
    }

    #[test]
    fn a_smaller_input_begins_a_larger_one() {
        let small = sources("5000");
        assert_eq!(small[..4990], sources("50000")[..4990]);
    }

    #[test]
    fn a_size_beyond_the_room_is_refused_before_anything_is_read() {
        let error =
            Input::Sources("4097".parse().expect("a size")).load(4096).expect_err("too long");
        assert!(error.to_string().contains("too large to hold"), "{error}");
    }

    #[test]
    fn a_file_is_taken_as_it_is() {
        let path = std::env::temp_dir().join(format!("seg-bench-input-{}", std::process::id()));
        fs::write(&path, [0, 255, 10]).expect("a temporary file");
        let file = Input::File(path.clone());
        assert_eq!(file.load(3).expect("a readable file"), [0, 255, 10]);
        assert!(file.load(2).is_err());
        fs::write(&path, []).expect("a temporary file");
        assert!(file.load(3).expect_err("an empty file").to_string().ends_with("is empty"));
        fs::remove_file(&path).expect("the temporary file");
        assert!(file.load(3).expect_err("no file").to_string().starts_with("cannot read"));
    }

    #[test]
    fn a_directory_is_no_input() {
        assert!(Input::File(std::env::temp_dir()).load(BYTES_MAX).is_err());
    }
}
