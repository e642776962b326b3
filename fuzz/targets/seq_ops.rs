//! Operations on a buffer and a sequence, each against a plain vector.
#![no_main]

use std::io::{BufRead, Read, Seek, SeekFrom};

use libfuzzer_sys::fuzz_target;
use seg_pool::{Pool, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

/// Numbers out of the input; 0 when it is used up.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()])) % end.max(1)
    }

    fn slice(&mut self, len: usize) -> &'a [u8] {
        let (slice, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        slice
    }
}

fn same(sequence: &Sequence, model: &[u8]) {
    assert_eq!(sequence.len(), model.len() as u64);
    assert_eq!(*sequence, *model);
    assert!(sequence.chunks().all(|chunk| !chunk.is_empty()));
    assert_eq!(sequence.to_vec(), model);
}

fuzz_target!(|input: &[u8]| {
    let mut script = Script(input);
    let size = [SegmentSize::B256, SegmentSize::K1][usize::from(script.byte() % 2)];
    let pool = Pool::builder().segment_size(size).build();
    let mut buf = SegmentedBuf::new(&pool);
    let mut model: Vec<u8> = Vec::new();
    let mut kept: Vec<(Sequence, Vec<u8>)> = Vec::new();
    while !script.0.is_empty() {
        match script.byte() % 11 {
            0 => {
                let len = script.below(600);
                let bytes = script.slice(len);
                buf.extend_from_slice(bytes);
                model.extend_from_slice(bytes);
            }
            1 => {
                let bytes = vec![script.byte(); script.below(2_000)];
                buf.extend_from_slice(&bytes);
                model.extend_from_slice(&bytes);
            }
            2 => {
                let at = script.below(model.len() + 1);
                let rest = model.split_off(at);
                let front = core::mem::replace(&mut model, rest);
                kept.push((buf.split_to(at as u64), front));
            }
            3 => kept.push((buf.split(), core::mem::take(&mut model))),
            4 => kept.push((buf.sequence(), model.clone())),
            5 => {
                if let Some((sequence, bytes)) = kept.pop() {
                    buf.append(sequence);
                    model.extend_from_slice(&bytes);
                }
            }
            6 => {
                if let Some((sequence, bytes)) = kept.last() {
                    let start = script.below(bytes.len() + 1);
                    let end = start + script.below(bytes.len() - start + 1);
                    let slice = sequence.slice(start as u64..end as u64);
                    let bytes = bytes[start..end].to_vec();
                    kept.push((slice, bytes));
                }
            }
            7 => {
                if let Some((sequence, bytes)) = kept.last_mut() {
                    let at = script.below(bytes.len() + 1);
                    let back = (sequence.split_off(at as u64), bytes.split_off(at));
                    kept.push(back);
                }
            }
            8 => {
                if let Some((sequence, bytes)) = kept.last_mut() {
                    let len = script.below(bytes.len() + 10);
                    sequence.truncate(len as u64);
                    bytes.truncate(len);
                }
            }
            9 => {
                if let Some((sequence, bytes)) = kept.last() {
                    let mut ours = sequence.as_reader();
                    let mut theirs = std::io::Cursor::new(bytes);
                    let seek = SeekFrom::Start(script.below(bytes.len() + 5) as u64);
                    assert_eq!(ours.seek(seek).ok(), theirs.seek(seek).ok());
                    let (mut line, mut other) = (Vec::new(), Vec::new());
                    let until = script.byte();
                    ours.read_until(until, &mut line).expect("memory");
                    theirs.read_until(until, &mut other).expect("memory");
                    assert_eq!(line, other);
                    let mut exact = vec![0; script.below(700)];
                    let mut model = exact.clone();
                    assert_eq!(
                        ours.read_exact(&mut exact).is_ok(),
                        theirs.read_exact(&mut model).is_ok()
                    );
                    assert_eq!(exact.is_empty(), model.is_empty());
                }
            }
            _ => drop(kept.pop()),
        }
        kept.truncate(20);
        same(&buf.sequence(), &model);
        if let Some((sequence, bytes)) = kept.last() {
            same(sequence, bytes);
        }
    }
    for (sequence, bytes) in &kept {
        same(sequence, bytes);
    }
    drop((buf, kept));
    assert_eq!(pool.stats().in_use_bytes(), 0);
});
