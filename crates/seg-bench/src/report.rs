//! `docs/bench`: a comparison as a page with tables and pictures.

mod bars;
mod job;
mod page;
mod pictures;

use std::{fs, path::Path};

use anyhow::Context as _;

use self::job::Layer;
use crate::record::Record;

/// The demo's picture, which lies there already.
const MEMORY: &str = "memory.svg";

/// Writes `README.md` and a picture a layer to `directory`, and the record as `comparison.json`.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write(record: &Record, directory: &Path) -> anyhow::Result<()> {
    let layers = Layer::all_of(&record.rows);
    for layer in &layers {
        save(directory, &layer.picture_name(), &pictures::of_layer(layer))?;
    }
    let memory = Some(MEMORY).filter(|name| directory.join(name).exists());
    save(directory, "README.md", &page::write(record, &layers, memory))?;
    save(directory, "comparison.json", &record.to_json()?)
}

fn save(directory: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = directory.join(name);
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&path, text))
        .with_context(|| format!("cannot write {}", path.display()))
}
