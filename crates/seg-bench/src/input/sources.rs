//! The workspace's own source files as one long text.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{InputError, Size};

/// Reads the sources and cuts or repeats them to `size`.
pub(super) fn repeated(size: Size) -> Result<Vec<u8>, InputError> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let text = concatenated(root).map_err(|error| InputError::unreadable(root, &error))?;
    if text.is_empty() {
        return Err(InputError { message: format!("{} holds no source files", root.display()) });
    }
    let len = size.len_in_memory();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| InputError::too_large(size))?;
    while bytes.len() < len {
        let rest = len - bytes.len();
        bytes.extend_from_slice(&text.as_bytes()[..rest.min(text.len())]);
    }
    mend_end(&mut bytes, &text);
    Ok(bytes)
}

/// Overwrites the beginning of a character that the end of `bytes` cuts.
fn mend_end(bytes: &mut [u8], text: &str) {
    let end = bytes.len() % text.len();
    let whole = text.floor_char_boundary(end);
    let cut = bytes.len() - (end - whole);
    bytes[cut..].fill(b' ');
}

fn concatenated(root: &Path) -> io::Result<String> {
    let mut paths = Vec::new();
    collect(root, &mut paths)?;
    paths.sort();
    let mut text = String::new();
    for path in paths {
        text.push_str(&fs::read_to_string(path)?);
    }
    Ok(text)
}

/// Lists source files, leaving out what is built and what is hidden.
fn collect(directory: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "target" || name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            collect(&path, paths)?;
        } else if kind.is_file()
            && path.extension().is_some_and(|extension| {
                ["rs", "toml", "md"].iter().any(|known| extension == *known)
            })
        {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_the_end_cuts_becomes_spaces() {
        let text = "aé€";
        let cases =
            [(1, "a"), (2, "a "), (3, "aé"), (4, "aé "), (5, "aé  "), (6, "aé€"), (8, "aé€a ")];
        for (len, want) in cases {
            let mut bytes: Vec<u8> = text.bytes().cycle().take(len).collect();
            mend_end(&mut bytes, text);
            assert_eq!(bytes, want.as_bytes(), "{len}");
        }
    }

    #[test]
    fn the_sources_are_those_of_the_workspace_in_order() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let text = concatenated(root).expect("sources that can be read");
        assert_eq!(text, concatenated(root).expect("sources that can be read"));
        assert!(text.contains("the_sources_are_those_of_the_workspace_in_order"));
        let mut paths = Vec::new();
        collect(root, &mut paths).expect("a workspace that can be listed");
        assert!(
            paths.iter().all(|path| !path.components().any(|part| part.as_os_str() == "target"))
        );
    }
}
