//! `Buf` beside `bytes::Bytes`: the same calls, values and errors.

use bytes::{Buf, Bytes};
use proptest::prelude::*;
use seg_pool::{Pool, Segment, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

#[derive(Clone, Debug)]
enum Step {
    U8,
    U16,
    U32Le,
    U64,
    Int(usize),
    CopyToSlice(usize),
    CopyToBytes(usize),
    Advance(usize),
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let len = 0..60_usize;
    prop_oneof![
        Just(Step::U8),
        Just(Step::U16),
        Just(Step::U32Le),
        Just(Step::U64),
        (1..9_usize).prop_map(Step::Int),
        len.clone().prop_map(Step::CopyToSlice),
        len.clone().prop_map(Step::CopyToBytes),
        len.clone().prop_map(Step::Advance),
        len.prop_map(Step::Take),
    ]
}

/// Does one step; what came out, as text.
fn outcome(step: &Step, buf: &mut impl Buf) -> String {
    let rest = buf.remaining();
    let text = match *step {
        Step::U8 => format!("{:?}", buf.try_get_u8()),
        Step::U16 => format!("{:?}", buf.try_get_u16()),
        Step::U32Le => format!("{:?}", buf.try_get_u32_le()),
        Step::U64 => format!("{:?}", buf.try_get_u64()),
        Step::Int(len) => format!("{:?}", buf.try_get_int(len)),
        Step::CopyToSlice(len) => {
            let mut target = vec![0; len];
            format!("{:?} {target:?}", buf.try_copy_to_slice(&mut target))
        }
        Step::CopyToBytes(len) => format!("{:?}", buf.copy_to_bytes(len.min(rest))),
        Step::Advance(len) => {
            buf.advance(len.min(rest));
            String::new()
        }
        Step::Take(len) => {
            let mut taken = Vec::new();
            bytes::BufMut::put(&mut taken, buf.take(len));
            format!("{taken:?}")
        }
    };
    format!("{text}, {} left, {}", buf.remaining(), buf.has_remaining())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sequences_and_buffers_are_consumed_like_bytes(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..30),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut bytes = Bytes::from(parts.concat());
        let mut sequence: Sequence =
            parts.iter().map(|part| Segment::from(Bytes::copy_from_slice(part))).collect();
        let pool = Pool::builder().segment_size(SegmentSize::B256).build();
        let mut buf = SegmentedBuf::new(&pool);
        for (index, part) in parts.iter().enumerate() {
            if index % 3 == 0 {
                buf.push(Segment::from(Bytes::copy_from_slice(part)));
            } else {
                buf.extend_from_slice(part);
            }
        }
        for step in &steps {
            let expected = outcome(step, &mut bytes);
            prop_assert_eq!(&outcome(step, &mut sequence), &expected);
            prop_assert_eq!(&outcome(step, &mut buf), &expected);
        }
        prop_assert_eq!(&sequence, &bytes);
        prop_assert_eq!(buf.freeze(), bytes);
    }
}
