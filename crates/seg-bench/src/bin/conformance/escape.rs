//! Octets as text: `\r \n \t \\ \xHH`, and printable ASCII as it is.

use core::fmt::Write;

use anyhow::bail;

/// Writes octets so that [`unescape`] gives them back.
pub(crate) fn escape(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(octet)),
            // Writing into a string does not fail.
            _ => drop(write!(text, "\\x{octet:02x}")),
        }
    }
    text
}

/// Reads octets. Text that needs no escape stands for its octets in UTF-8.
pub(crate) fn unescape(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        octets.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'\\') => b'\\',
            Some(b'x') => match (hex_digit(rest.next()), hex_digit(rest.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => bail!("`\\x` needs two hexadecimal digits"),
            },
            Some(other) => bail!("unknown escape `\\{}`", other.escape_ascii()),
            None => bail!("a lone backslash at the end"),
        });
    }
    Ok(octets)
}

fn hex_digit(octet: Option<u8>) -> Option<u8> {
    char::from(octet?).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_comes_back() -> anyhow::Result<()> {
        let octets: Vec<u8> = (0..=u8::MAX).collect();
        let text = escape(&octets);
        assert!(text.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{text}");
        assert_eq!(unescape(&text)?, octets);
        Ok(())
    }

    #[test]
    fn digits_may_be_of_either_case() -> anyhow::Result<()> {
        assert_eq!(unescape("\\xAb\\xaB")?, [0xab, 0xab]);
        Ok(())
    }

    #[test]
    fn a_broken_escape_is_an_error() {
        for text in ["\\", "\\x", "\\x1", "\\xg0", "\\x+1", "\\0", "\\R"] {
            assert!(unescape(text).is_err(), "{text}");
        }
    }
}
