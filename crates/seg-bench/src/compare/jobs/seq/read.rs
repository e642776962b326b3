//! Reading, seeking and searching, beside the same on one slice.

use core::hint::black_box;
use std::{
    io::{BufReader, Cursor, Read, Seek, SeekFrom},
    time::Instant,
};

use anyhow::ensure;
use buf_list::BufList;
use bytes::{Buf, Bytes};
use memchr::memmem;
use seg_seq::{Reader, Sequence};
use serde_json::Value;

use super::{MIB, in_segments, payload};
use crate::compare::{Contender, Job, Kind};

const SEGMENT_BYTES: usize = 16_384;

/// Distinct segments of a long sequence, whose memory repeats: 64 MiB.
const DISTINCT_SEGMENTS: usize = 4_096;

pub(super) fn jobs() -> Vec<Job> {
    vec![
        read_4k(),
        copy_to_slice(),
        sum_bytes(),
        read_byte(),
        json_from_reader(),
        parse(),
        seek_random("seq/seek_random_1m", 64),
        seek_random("seq/seek_random_1g", 65_536),
        seek_random("seq/seek_random_4g", 262_144),
        find_byte(),
        find_needle(),
    ]
}

/// Reads all of it through a buffer.
fn drain(reader: &mut impl Read, target: &mut [u8]) -> u64 {
    let mut count = 0;
    while let Ok(read @ 1..) = reader.read(target) {
        count += read as u64;
        black_box(&mut *target);
    }
    count
}

fn read_4k() -> Job {
    let bytes = payload(MIB);
    let message = in_segments(&bytes);
    let checked = (message.clone(), bytes.clone());
    let (mut ours, mut theirs) = (vec![0; 4_096], vec![0; 4_096]);
    Job::new("seq/read_4k", MIB as u64)
        .with(
            Contender::new(Kind::Ours, "Reader", move || {
                black_box(drain(&mut message.as_reader(), &mut ours));
            })
            .checked(move || {
                let mut all = Vec::new();
                checked.0.as_reader().read_to_end(&mut all)?;
                ensure!(all == checked.1);
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Floor, "Cursor<&[u8]>", move || {
            black_box(drain(&mut Cursor::new(&bytes[..]), &mut theirs));
        }))
}

/// Reads all of it byte by byte, as parsers do that know no buffer.
fn read_byte() -> Job {
    fn sum(reader: &mut impl Read) -> u64 {
        let (mut sum, mut byte) = (0, [0]);
        while let Ok(1) = reader.read(&mut byte) {
            sum += u64::from(byte[0]);
        }
        sum
    }
    let bytes = payload(64 << 10);
    let message = in_segments(&bytes);
    let (checked, buffered) = (message.clone(), message.clone());
    let expected: u64 = bytes.iter().map(|&byte| u64::from(byte)).sum();
    Job::new("seq/read_byte", bytes.len() as u64)
        .with(
            Contender::new(Kind::Ours, "Reader", move || {
                black_box(sum(&mut black_box(&message).as_reader()));
            })
            .checked(move || {
                ensure!(sum(&mut checked.as_reader()) == expected);
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Peer, "Reader in a BufReader", move || {
            black_box(sum(&mut BufReader::new(black_box(&buffered).as_reader())));
        }))
        .with(Contender::new(Kind::Floor, "Cursor", move || {
            black_box(sum(&mut Cursor::new(black_box(&bytes[..]))));
        }))
}

/// Parses a list of records, of numbers and of text.
fn json_from_reader() -> Job {
    let record = |index: u64| {
        serde_json::json!({
            "id": index, "name": format!("record {index}"), "tags": ["one", "two"], "ratio": 0.5
        })
    };
    let value = Value::Array((0..1_000).map(record).collect());
    let bytes = value.to_string().into_bytes();
    let message = in_segments(&bytes);
    let (checked, buffered) = (message.clone(), message.clone());
    Job::new("seq/json_from_reader", bytes.len() as u64)
        .with(
            Contender::new(Kind::Ours, "Reader", move || {
                drop(black_box(serde_json::from_reader::<_, Value>(message.as_reader())));
            })
            .checked(move || {
                ensure!(serde_json::from_reader::<_, Value>(checked.as_reader())? == value);
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Peer, "Reader in a BufReader", move || {
            let reader = BufReader::new(buffered.as_reader());
            drop(black_box(serde_json::from_reader::<_, Value>(reader)));
        }))
        .with(Contender::new(Kind::Floor, "from_slice", move || {
            drop(black_box(serde_json::from_slice::<Value>(&bytes)));
        }))
}

/// Consumes a message in parts of 1,400 bytes.
fn copy_to_slice() -> Job {
    fn consume<T: Buf>(mut source: T, target: &mut [u8; 1_400]) -> T {
        while source.remaining() >= target.len() {
            source.copy_to_slice(target);
            black_box(&mut *target);
        }
        source
    }
    let bytes = payload(MIB);
    let message = in_segments(&bytes);
    let contiguous = Bytes::from(bytes.clone());
    let (whole, more) = (message.clone(), bytes.clone());
    let (mut target, mut other) = (vec![0; MIB], vec![0; MIB]);
    let checked = message.clone();
    Job::new("seq/copy_to_slice", MIB as u64)
        .with(Contender::with_setup(
            Kind::Ours,
            "Sequence, by 1,400",
            move || message.clone(),
            |source| consume(source, &mut [0; 1_400]),
        ))
        .with(Contender::with_setup(
            Kind::Floor,
            "Bytes, by 1,400",
            move || contiguous.clone(),
            |source| consume(source, &mut [0; 1_400]),
        ))
        .with(
            Contender::new(Kind::Ours, "Sequence, copy_range of all", move || {
                whole.copy_range(.., &mut target);
                black_box(&mut target);
            })
            .checked(move || {
                let mut target = vec![0; MIB];
                checked.copy_range(.., &mut target);
                ensure!(checked == target);
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Floor, "slice, all", move || {
            other.copy_from_slice(&more);
            black_box(&mut other);
        }))
}

fn sum_bytes() -> Job {
    fn sum(bytes: &[u8]) -> u64 {
        bytes.iter().map(|&byte| u64::from(byte)).sum()
    }
    let bytes = payload(MIB);
    let message = in_segments(&bytes);
    let (checked, expected) = (message.clone(), sum(&bytes));
    let total = |message: &Sequence| message.chunks().map(|chunk| sum(chunk)).sum::<u64>();
    Job::new("seq/sum_bytes", MIB as u64)
        .with(
            Contender::new(Kind::Ours, "Sequence::chunks", move || {
                black_box(total(black_box(&message)));
            })
            .checked(move || {
                ensure!(total(&checked) == expected);
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Floor, "slice", move || {
            black_box(sum(black_box(&bytes)));
        }))
}

/// Reads records of a length, a type and so many bytes that are skipped.
fn parse() -> Job {
    let mut bytes = Vec::new();
    while bytes.len() < MIB - 64 {
        let len = (bytes.len() % 50).to_le_bytes()[0];
        bytes.extend([0, len, 0, 0, 0, 1]);
        bytes.resize(bytes.len() + usize::from(len), len);
    }
    fn records(reader: &mut Reader<'_>) -> u64 {
        let mut sum = 0;
        while let Ok(len) = reader.read_u16_be() {
            let Ok(kind) = reader.read_u32_be() else { break };
            sum += u64::from(len) + u64::from(kind);
            if reader.skip(len.into()).is_err() {
                break;
            }
        }
        sum
    }
    fn records_of(mut source: &[u8]) -> u64 {
        let mut sum = 0;
        while let Ok(len) = source.try_get_u16() {
            let Ok(kind) = source.try_get_u32() else { break };
            sum += u64::from(len) + u64::from(kind);
            if source.remaining() < len.into() {
                break;
            }
            source.advance(len.into());
        }
        sum
    }
    let message = in_segments(&bytes);
    let consumed = message.clone();
    let (checked, expected) = (message.clone(), records_of(&bytes));
    let len = bytes.len() as u64;
    Job::new("seq/parse_records", len)
        .with(
            Contender::new(Kind::Ours, "Reader", move || {
                black_box(records(&mut black_box(&message).as_reader()));
            })
            .checked(move || {
                ensure!(records(&mut checked.as_reader()) == expected);
                Ok(())
            }),
        )
        .with(Contender::with_setup(
            Kind::Ours,
            "Sequence as Buf",
            move || consumed.clone(),
            |mut source| {
                let mut sum = 0;
                while let Ok(len) = source.try_get_u16() {
                    sum += u64::from(len) + u64::from(source.get_u32());
                    source.advance(len.into());
                }
                (sum, source)
            },
        ))
        .with(Contender::new(Kind::Floor, "slice", move || {
            black_box(records_of(black_box(&bytes)));
        }))
}

/// Hops all over a length: seeks, reads a line of the cache, and goes on from what it holds, as who
/// follows an index does.
fn hop(reader: &mut (impl Read + Seek), state: &mut u64, len: u64) {
    let mut line = [0; 8];
    let offset = SeekFrom::Start((*state >> 20) % len);
    let read = reader.seek(offset).and_then(|_| reader.read(&mut line));
    black_box(read.is_ok());
    *state = state.wrapping_add(u64::from(line[0] & 1));
    *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
}

/// The floor reads as much memory as the sequence shows, which repeats beyond 64 MiB.
fn seek_random(name: &str, segments: usize) -> Job {
    let distinct = segments.min(DISTINCT_SEGMENTS);
    let bytes = payload(distinct * SEGMENT_BYTES);
    let once = in_segments(&bytes);
    let message: Sequence = once.chunks().cloned().cycle().take(segments).collect();
    let checked = message.clone();
    let ends = (bytes[..8].to_vec(), bytes[bytes.len() - 8..].to_vec());
    let len = message.len();
    let mut owned = message.clone().into_reader();
    let (mut ours, mut own, mut theirs) = (1, 1, 1);
    let parts: Vec<Bytes> = bytes.chunks(SEGMENT_BYTES).map(Bytes::copy_from_slice).collect();
    let parts: BufList = parts.into_iter().cycle().take(segments).collect();
    let mut list = buf_list::Cursor::new(parts);
    let mut listed = 1;
    let mut cursor = Cursor::new(bytes);
    let cursor_len = cursor.get_ref().len() as u64;
    Job::new(name, 0)
        .with(
            Contender::timed(Kind::Ours, "Reader", move |count| {
                let mut reader = message.as_reader();
                let start = Instant::now();
                (0..count).for_each(|_| hop(&mut reader, &mut ours, len));
                start.elapsed()
            })
            .checked(move || {
                ensure!(checked.starts_with(&ends.0) && checked.ends_with(&ends.1));
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Peer, "buf_list::Cursor", move || {
            hop(&mut list, &mut listed, len);
        }))
        .with(Contender::new(Kind::Ours, "Reader that owns", move || {
            hop(&mut owned, &mut own, len);
        }))
        .with(Contender::new(Kind::Floor, "Cursor, up to 64 MiB", move || {
            hop(&mut cursor, &mut theirs, cursor_len);
        }))
}

fn find_byte() -> Job {
    let mut bytes = vec![b'.'; MIB];
    bytes[MIB - 3] = b'!';
    let message = in_segments(&bytes);
    let checked = message.clone();
    Job::new("seq/find_byte", MIB as u64)
        .with(
            Contender::new(Kind::Ours, "Sequence::position", move || {
                black_box(black_box(&message).position(b'!'));
            })
            .checked(move || {
                ensure!(checked.position(b'!') == Some(MIB as u64 - 3));
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Floor, "memchr, one slice", move || {
            black_box(memchr::memchr(b'!', black_box(&bytes)));
        }))
}

fn find_needle() -> Job {
    const NEEDLE: &[u8] = b"\r\n--boundary-7MA4YWxkTrZu0gW";
    let mut bytes = payload(MIB);
    bytes[MIB - NEEDLE.len() - 3..][..NEEDLE.len()].copy_from_slice(NEEDLE);
    let message = in_segments(&bytes);
    let checked = message.clone();
    Job::new("seq/find_needle", MIB as u64)
        .with(
            Contender::new(Kind::Ours, "Sequence::find", move || {
                black_box(black_box(&message).find(NEEDLE));
            })
            .checked(move || {
                ensure!(checked.find(NEEDLE) == Some((MIB - NEEDLE.len() - 3) as u64));
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Floor, "memmem, one slice", move || {
            black_box(memmem::find(black_box(&bytes), NEEDLE));
        }))
}
