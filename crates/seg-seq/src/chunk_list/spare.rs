//! Emptied blocks and directories of lists, kept for the next list.

use std::sync::Mutex;

use seg_pool::Segment;

use super::{Chunk, FIRST_LEN};

/// Spare blocks of each kind, and spare directories, that are kept: 2 MiB and 4 MiB of blocks.
const SPARE_FIRST_MAX: usize = 256;
const SPARE_MAX: usize = 64;

/// Emptied parts of lists that wait for their next use, by whatever thread.
struct Spare {
    first: Vec<Vec<Chunk>>,
    blocks: Vec<Vec<Chunk>>,
    directories: Vec<Vec<Vec<Chunk>>>,
}

static SPARE: Mutex<Spare> =
    Mutex::new(Spare { first: Vec::new(), blocks: Vec::new(), directories: Vec::new() });

impl Spare {
    fn kind(&mut self, len: usize) -> (&mut Vec<Vec<Chunk>>, usize) {
        if len == usize::from(FIRST_LEN) {
            (&mut self.first, SPARE_FIRST_MAX)
        } else {
            (&mut self.blocks, SPARE_MAX)
        }
    }
}

pub(super) fn take_directory() -> Vec<Vec<Chunk>> {
    let spare = SPARE.lock().ok().and_then(|mut spare| spare.directories.pop());
    spare.unwrap_or_default()
}

pub(super) fn give_directory(directory: Vec<Vec<Chunk>>) {
    if let Ok(mut spare) = SPARE.lock()
        && spare.directories.len() < SPARE_FIRST_MAX
    {
        spare.directories.push(directory);
    }
}

/// Returns an empty block whose capacity is just `len` chunks.
pub(super) fn take_block(len: u16) -> Vec<Chunk> {
    let len = usize::from(len);
    let spare = SPARE.lock().ok().and_then(|mut spare| spare.kind(len).0.pop());
    let block = spare.unwrap_or_else(|| Vec::with_capacity(len));
    // A list finds its chunks by the length of its blocks, and fills each up.
    assert_eq!(block.capacity(), len, "a new vector has more room than it was asked for");
    block
}

pub(super) fn give_block(mut block: Vec<Chunk>) {
    // Outside the lock: dropping segments gives them back to their pools.
    Segment::drop_all(block.drain(..).map(|chunk| chunk.segment));
    if let Ok(mut spare) = SPARE.lock() {
        let (blocks, max) = spare.kind(block.capacity());
        if blocks.len() < max {
            blocks.push(block);
        }
    }
}
