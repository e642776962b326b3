//! Why the demo ends without a table.

use core::fmt;

/// An error and whose it is. Prints as one line.
#[derive(Debug)]
pub enum Failure {
    /// The user asked for what cannot be: a bad path, a size too large.
    Usage(anyhow::Error),
    /// Something broke on the way: a port, the peers' process, a stream.
    Broken(anyhow::Error),
}

impl Failure {
    /// Returns a usage failure.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }

    /// Returns the process's exit code: 2 for usage, 1 for all else.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Broken(_) => 1,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Usage(error) | Self::Broken(error)) = self;
        let text = format!("{error:#}");
        // Some causes bring their own line breaks.
        let mut lines = text.lines().map(str::trim);
        f.write_str(lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| write!(f, " {line}"))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn every_failure_is_one_line() {
        let error = anyhow!("first\n  second").context("above");
        assert_eq!(Failure::from(error).to_string(), "above: first second");
    }

    #[test]
    fn only_usage_has_code_two() {
        assert_eq!(Failure::usage(anyhow!("bad size")).exit_code(), 2);
        assert_eq!(Failure::from(anyhow!("no port")).exit_code(), 1);
    }
}
