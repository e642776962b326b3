//! The octet classes that the grammar is written in (RFC 9110 §5.6, RFC 5234 appendix B).

/// An octet of `token`: what field and extension names are made of (RFC 9110 §5.6.2).
const TOKEN: u8 = 1;
/// An octet inside a quoted string that needs no backslash (RFC 9110 §5.6.4).
const QUOTED: u8 = 2;
/// An octet of a field value, and what a backslash may quote: HTAB, SP, VCHAR, obs-text.
const TEXT: u8 = 4;

const CLASSES: [u8; 256] = classes();
const HEX: [u8; 256] = hex_digits();

/// What [`hex_value`] returns for an octet that is no digit.
pub(crate) const NOT_HEX: u8 = 0xff;

/// Returns whether `octet` may stand in a token.
pub(crate) const fn is_token(octet: u8) -> bool {
    CLASSES[octet as usize] & TOKEN != 0
}

/// Returns whether `octet` may stand in a quoted string as it is.
pub(crate) const fn is_quoted(octet: u8) -> bool {
    CLASSES[octet as usize] & QUOTED != 0
}

/// Returns whether `octet` may stand in a field value, or after a backslash.
pub(crate) const fn is_text(octet: u8) -> bool {
    CLASSES[octet as usize] & TEXT != 0
}

/// Returns whether `octet` is whitespace of the grammar: SP or HTAB, nothing else.
pub(crate) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Returns the value of a hexadecimal digit, or [`NOT_HEX`].
pub(crate) const fn hex_value(octet: u8) -> u8 {
    HEX[octet as usize]
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let visible = octet > 0x20 && octet != 0x7f;
        if visible || octet == 0x20 || octet == 0x09 {
            table[octet] |= TEXT;
            if octet != 0x22 && octet != 0x5c {
                table[octet] |= QUOTED;
            }
        }
        octet += 1;
    }
    let token = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut index = 0;
    while index < token.len() {
        table[token[index] as usize] |= TOKEN;
        index += 1;
    }
    table
}

const fn hex_digits() -> [u8; 256] {
    let mut table = [NOT_HEX; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value as usize] as usize] = value;
        table[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_octets_are_the_visible_ones_without_delimiters() {
        for octet in 0..=u8::MAX {
            let delimiter = b"\"(),/:;<=>?@[\\]{}".contains(&octet);
            assert_eq!(is_token(octet), octet.is_ascii_graphic() && !delimiter, "{octet:#x}");
        }
    }

    #[test]
    fn quoted_and_text_octets_follow_the_ranges_of_the_grammar() {
        for octet in 0..=u8::MAX {
            let quoted = matches!(octet, b'\t' | b' ' | 0x21 | 0x23..=0x5b | 0x5d..=0x7e | 0x80..);
            let text = matches!(octet, b'\t' | b' ' | 0x21..=0x7e | 0x80..);
            assert_eq!((is_quoted(octet), is_text(octet)), (quoted, text), "{octet:#x}");
        }
    }

    #[test]
    fn hexadecimal_digits_have_the_value_that_std_gives_them() {
        for octet in 0..=u8::MAX {
            let expected = char::from(octet).to_digit(16).map_or(NOT_HEX.into(), |value| value);
            assert_eq!(u32::from(hex_value(octet)), expected, "{octet:#x}");
        }
    }
}
