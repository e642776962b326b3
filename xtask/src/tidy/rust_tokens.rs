//! Words and signs of Rust source, without comments and without what stands inside quotes.

/// A word, or one punctuation character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// Counted from 1.
    pub(super) line: usize,
}

/// Splits source that compiles into tokens.
///
/// It knows just enough of the grammar never to take a comment or a literal for code; numbers come
/// out as words.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let skipped = skipped_len(rest);
        let len = if skipped > 0 { skipped } else { word_len(rest).max(first.len_utf8()) };
        let (text, after) = rest.split_at(len);
        if skipped == 0 && !first.is_whitespace() {
            tokens.push(Token { text, line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

fn word_len(source: &str) -> usize {
    source.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(source.len())
}

/// Returns the length of the comment or literal that `source` starts with, or 0.
fn skipped_len(source: &str) -> usize {
    if source.starts_with("//") {
        source.find('\n').unwrap_or(source.len())
    } else if source.starts_with("/*") {
        block_comment_len(source)
    } else if source.starts_with('\'') {
        character_len(source)
    } else {
        string_len(source)
    }
}

/// Block comments nest.
fn block_comment_len(source: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < source.len() {
        let rest = &source.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    source.len()
}

/// A character literal; 0 for a lifetime.
fn character_len(source: &str) -> usize {
    let inside = &source[1..];
    if inside.starts_with('\\') {
        // The escaped character may be a quote itself, so the search starts behind it.
        return inside[2..].find('\'').map_or(source.len(), |end| end + 4);
    }
    let Some(first) = inside.chars().next() else { return 0 };
    let closing = 1 + first.len_utf8();
    if source[closing..].starts_with('\'') { closing + 1 } else { 0 }
}

/// A string literal with its prefix: `""`, `b""`, `c""`, `r#""#` and their mixtures.
fn string_len(source: &str) -> usize {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let hashes = if prefix.ends_with('r') { "#" } else { "" };
        source
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.trim_start_matches(hashes).starts_with('"'))
    });
    let Some(prefix) = prefix else { return 0 };
    let quoted = &source[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = quoted.bytes().take_while(|&byte| byte == b'#').count();
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = &quoted[hashes + 1..];
        return inside
            .find(&end)
            .map_or(source.len(), |at| prefix.len() + hashes + 1 + at + end.len());
    }
    let mut escaped = false;
    for (at, byte) in quoted.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return prefix.len() + at + 1,
            _ => {}
        }
    }
    source.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        let cases: &[(&str, &[&str])] = &[
            ("a // unsafe\nb", &["a", "b"]),
            ("a /* x /* unsafe */ y */ b", &["a", "b"]),
            (r#"f("unsafe \" unsafe", 1)"#, &["f", "(", ",", "1", ")"]),
            (r##"r#"unsafe " unsafe"# ; br"\" x"##, &[";", "x"]),
            (r"'\'' unsafe", &["unsafe"]),
            (r"'\u{1F600}' x", &["x"]),
            ("'a' 'b", &["'", "b"]),
            ("b'\"' x", &["b", "x"]),
            (
                "fn f<'a>(x: &'a str)",
                &["fn", "f", "<", "'", "a", ">", "(", "x", ":", "&", "'", "a", "str", ")"],
            ),
            ("for_r\"x\" y", &["for_r", "y"]),
            ("r#type", &["r", "#", "type"]),
            ("'é' é", &["é"]),
            ("\"never closed", &[]),
            ("/* never closed", &[]),
        ];
        for (source, want) in cases {
            assert_eq!(words(source), *want, "{source}");
        }
    }

    #[test]
    fn lines_count_through_comments_and_strings() {
        let lines: Vec<_> =
            tokens("a\n/* \n */ b \"\n\n\" c").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 5]);
    }
}
