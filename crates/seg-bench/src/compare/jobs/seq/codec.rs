//! Length-prefixed messages out of a receive buffer: read, look at the length, split, hand on.

use core::hint::black_box;
use std::io::{self, Read};

use anyhow::ensure;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use seg_pool::{Pool, SegmentMut};
use seg_seq::{SegmentedBuf, Sequence};
use tokio_util::codec::{Decoder, LengthDelimitedCodec};

use super::{MIB, payload};
use crate::compare::{Contender, Job, Kind, jobs::socket::pieces};

/// Bytes that a read of a socket gives at most.
const READ_BYTES: usize = 16_384;

const LENGTH_BYTES: usize = 4;

pub(super) fn jobs() -> Vec<Job> {
    vec![
        codec("seq/codec_64b", 64, 2_048),
        codec("seq/codec_1k", 1 << 10, 256),
        codec("seq/codec_64k", 64 << 10, 16),
        codec("seq/codec_4m", 4 * MIB, 2),
    ]
}

/// Several messages, each after its length.
fn wire(len: usize, count: usize) -> Vec<u8> {
    let body = payload(len);
    let length = u32::try_from(len).expect("a short message").to_be_bytes();
    [&length[..], &body].concat().repeat(count)
}

/// A socket that gives as much as is asked for, but for a limit.
struct Socket<'a>(&'a [u8]);

impl Read for Socket<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let len = target.len().min(READ_BYTES).min(self.0.len());
        let mut target = &mut target[..len];
        pieces(&self.0[..len]).for_each(|piece| target.put_slice(piece));
        self.0.advance(len);
        Ok(len)
    }
}

fn segmented(received: &mut SegmentedBuf, wire: &[u8], mut sink: impl FnMut(Sequence)) {
    let mut socket = Socket(wire);
    while let Ok(1..) = received.fill_from(&mut socket) {
        while let Some(length) = received.peek() {
            let len = u64::from(u32::from_be_bytes(length));
            if received.len() < LENGTH_BYTES as u64 + len {
                break;
            }
            sink(received.split_range(LENGTH_BYTES as u64..LENGTH_BYTES as u64 + len));
        }
    }
}

/// Returns the next whole message, splitting it from the buffer.
fn next_of(received: &mut BytesMut) -> Option<BytesMut> {
    let length = received.first_chunk().copied()?;
    let len = usize::try_from(u32::from_be_bytes(length)).ok()?;
    if received.len() < LENGTH_BYTES + len {
        received.reserve(LENGTH_BYTES + len - received.len());
        return None;
    }
    received.advance(LENGTH_BYTES);
    Some(received.split_to(len))
}

/// Reads into the spare part, as `tokio::io::AsyncReadExt::read_buf` does.
fn read_buf(received: &mut BytesMut, source: &mut &[u8]) -> usize {
    if received.capacity() == received.len() {
        received.reserve(READ_BYTES);
    }
    let len = source.len().min(READ_BYTES).min(received.capacity() - received.len());
    pieces(&source[..len]).for_each(|piece| received.put_slice(piece));
    source.advance(len);
    len
}

fn contiguous(received: &mut BytesMut, mut wire: &[u8], mut sink: impl FnMut(Bytes)) {
    while read_buf(received, &mut wire) > 0 {
        while let Some(message) = next_of(received) {
            sink(message.freeze());
        }
    }
}

fn delimited(
    codec: &mut LengthDelimitedCodec,
    received: &mut BytesMut,
    mut wire: &[u8],
    mut sink: impl FnMut(Bytes),
) {
    while read_buf(received, &mut wire) > 0 {
        while let Ok(Some(message)) = codec.decode(received) {
            sink(message.freeze());
        }
    }
}

/// A segment read into and cut by hand: what a buffer of segments could cost at least where messages
/// are short.
fn by_hand(pool: &Pool, mut wire: &[u8], mut sink: impl FnMut(seg_pool::Segment)) {
    let mut segment: Option<SegmentMut> = None;
    while !wire.is_empty() {
        let mut fresh = pool.take(READ_BYTES);
        if let Some(rest) = segment.take() {
            fresh.extend_from_slice(&rest);
        }
        let count = wire.len().min(fresh.spare_len());
        pieces(&wire[..count]).for_each(|piece| fresh.extend_from_slice(piece));
        wire.advance(count);
        while let Some(&length) = fresh.first_chunk() {
            let len = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if fresh.len() < LENGTH_BYTES + len {
                break;
            }
            sink(fresh.freeze_range(LENGTH_BYTES..LENGTH_BYTES + len));
        }
        segment = Some(fresh);
    }
}

fn codec(name: &str, len: usize, count: usize) -> Job {
    let wire = wire(len, count);
    let body = payload(len);
    let pool = Pool::new();
    let (ours, hand, plain, framed) = (wire.clone(), wire.clone(), wire.clone(), wire.clone());
    let (checked, other, third) = (wire.clone(), wire.clone(), wire.clone());
    let (expected, also, again) = (body.clone(), body.clone(), body);
    let mut received = SegmentedBuf::new(&pool);
    let mut buffer = BytesMut::new();
    let mut delimited_buffer = BytesMut::new();
    let mut delimiter = LengthDelimitedCodec::builder().max_frame_length(8 * MIB).new_codec();
    let job = Job::new(name, (len * count) as u64)
        .with(
            Contender::new(Kind::Ours, "SegmentedBuf", move || {
                segmented(&mut received, &ours, |message| drop(black_box(message)));
            })
            .checked(move || {
                let mut found = 0;
                segmented(&mut SegmentedBuf::new(&Pool::new()), &checked, |message| {
                    found += usize::from(message == expected);
                });
                ensure!(found == count, "{found} messages of {count}");
                Ok(())
            }),
        )
        .with(
            Contender::new(Kind::Peer, "BytesMut", move || {
                contiguous(&mut buffer, &plain, |message| drop(black_box(message)));
            })
            .checked(move || {
                let mut found = 0;
                contiguous(&mut BytesMut::new(), &other, |message| {
                    found += usize::from(message == also);
                });
                ensure!(found == count, "{found} messages of {count}");
                Ok(())
            }),
        )
        .with(
            Contender::new(Kind::Peer, "LengthDelimitedCodec", move || {
                delimited(&mut delimiter, &mut delimited_buffer, &framed, |message| {
                    drop(black_box(message));
                });
            })
            .checked(move || {
                let mut codec =
                    LengthDelimitedCodec::builder().max_frame_length(8 * MIB).new_codec();
                let mut found = 0;
                delimited(&mut codec, &mut BytesMut::new(), &third, |message| {
                    found += usize::from(message == again);
                });
                ensure!(found == count, "{found} messages of {count}");
                Ok(())
            }),
        );
    if len + LENGTH_BYTES > READ_BYTES {
        return job;
    }
    job.with(Contender::new(Kind::Floor, "SegmentMut, by hand", move || {
        by_hand(&pool, &hand, |message| drop(black_box(message)));
    }))
}
