//! Who imports whom inside this crate, as a picture, and that imports go down the layers.
//!
//! `cargo test -p seg-pool --test layers -- --nocapture` prints the picture.
#![cfg(not(miri))]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The layers, lowest first. A file at the top of `src` that is named nowhere here is of the last.
const LAYERS: &[&[&str]] = &[
    &["sync", "size"],
    &["limit"],
    &["memory"],
    &["slab"],
    &["cache"],
    &["shared"],
    &["thread"],
    &["segment"],
    &[],
];

/// Pairs of files that may import each other: two views of one thing, and a type with its guard.
const PAIRS: &[[&str; 2]] =
    &[["segment", "segment::segment_mut"], ["shared::arena", "shared::arena::guard"]];

/// The imports of each file, both by module path.
type Imports = BTreeMap<String, BTreeSet<String>>;

fn layer(module: &str) -> usize {
    let folder = module.split("::").next().expect("a first part");
    LAYERS.iter().position(|names| names.contains(&folder)).unwrap_or(LAYERS.len() - 1)
}

/// Reads the files under `folder`, whose modules are below `path`.
fn read(folder: &Path, path: &str, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("the sources") {
        let entry = entry.expect("an entry").path();
        let name = entry.file_stem().expect("a name").to_str().expect("ASCII").to_owned();
        let module = if path.is_empty() { name } else { format!("{path}::{name}") };
        if entry.is_dir() {
            read(&entry, &module, sources);
        } else if module != "lib" {
            let source = fs::read_to_string(&entry).expect("a source");
            let lines = source.lines().map(|line| line.split("//").next().unwrap_or(line));
            sources.insert(module, lines.flat_map(|line| [line, "\n"]).collect());
        }
    }
}

/// Returns the paths that a use tree, or a path in the code, names, and how much of it was read.
fn paths(tree: &str) -> (Vec<String>, usize) {
    let mut prefix = String::new();
    for (at, char) in tree.char_indices() {
        match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | ':' => prefix.push(char),
            '{' => {
                let (mut named, mut at) = (Vec::new(), at + 1);
                loop {
                    at +=
                        tree[at..].find(|c: char| !c.is_whitespace() && c != ',').expect("an end");
                    if tree[at..].starts_with('}') {
                        return (named, at + 1);
                    }
                    let (below, len) = paths(&tree[at..]);
                    named.extend(below.iter().map(|path| format!("{prefix}{path}")));
                    at += len.max(1);
                }
            }
            _ => return (vec![prefix], at),
        }
    }
    (vec![prefix], tree.len())
}

fn imports() -> Imports {
    let mut sources = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    let file_of = |path: &str| {
        let mut path = path;
        while !sources.contains_key(path) {
            path = path.rsplit_once("::")?.0;
        }
        Some(path.to_owned())
    };
    let of = |module: &String, source: &String| {
        // Within a file `super` is the file itself, for its tests and other inner modules.
        assert!(
            !source.contains("\nuse super::"),
            "{module}: imports start with `crate` or `self`"
        );
        let own = format!("{module}::");
        let named = [("crate::", ""), ("self::", &own)].into_iter().flat_map(|(word, root)| {
            source.match_indices(word).flat_map(move |(at, _)| {
                let (named, _) = paths(&source[at + word.len()..]);
                named.into_iter().map(move |path| format!("{root}{path}"))
            })
        });
        named.filter_map(|path| file_of(&path)).filter(|to| to != module).collect()
    };
    sources.iter().map(|(module, source)| (module.clone(), of(module, source))).collect()
}

#[test]
fn imports_go_down_the_layers_and_not_in_circles() {
    let imports = imports();
    assert!(imports.len() > 30, "the sources were found");
    let mut wrong = Vec::new();
    for (module, named) in &imports {
        let above: Vec<_> = named.iter().filter(|named| layer(named) > layer(module)).collect();
        if !above.is_empty() {
            wrong.push(format!("{module} imports from above: {above:?}"));
        }
    }
    let is_pair =
        |a: &str, b: &str| PAIRS.iter().any(|pair| pair.contains(&a) && pair.contains(&b));
    for start in imports.keys() {
        let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(module) = open.pop() {
            for next in imports[module].iter().filter(|next| !is_pair(module, next)) {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        if reached.contains(start) {
            wrong.push(format!("{start} is in a circle"));
        }
    }
    for level in (0..LAYERS.len()).rev() {
        let files = imports.iter().filter(|(module, _)| layer(module) == level);
        for (module, named) in files {
            let named: Vec<_> = named.iter().map(String::as_str).collect();
            println!("{level}  {module:<24} {}", named.join(" "));
        }
        println!();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn use_trees_are_read_to_their_ends() {
    let (named, _) = paths("{a::{self, B, c::D}, e::F,};");
    assert_eq!(named, ["a::self", "a::B", "a::c::D", "e::F"]);
    assert_eq!(paths("slab::Slab> {").0, ["slab::Slab"]);
}
