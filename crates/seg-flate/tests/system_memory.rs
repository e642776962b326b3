//! What a decoder does when the system has no memory for its window.
#![cfg(all(
    feature = "zstd",
    target_os = "linux",
    target_pointer_width = "64",
    not(miri),
    not(seg_heap)
))]

use std::{env, process::Command};

use seg_flate::{Decode, InflateErrorKind, Limits, Status, ZstdDecoder};
use seg_pool::{Cause, Pool};
use seg_seq::SegmentedBuf;

/// Says to the test that its address space is limited.
const LIMITED: &str = "SEG_FLATE_TEST_LIMITED";

const ADDRESS_SPACE_KIB: usize = 4 << 20;
const OTHERS_BYTES: usize = 3 << 30;
const WINDOW_BYTES: usize = 2 << 30;

#[test]
fn a_window_that_the_system_refuses_is_out_of_memory_and_the_same_call_goes_on() {
    if env::var_os("SEG_TEST_RUNNER").is_some_and(|runner| !runner.is_empty()) {
        // An emulated system cannot start a program: what emulates this one has to.
        return;
    }
    if env::var_os(LIMITED).is_none() {
        let script = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\"");
        let program = env::current_exe().expect("a path");
        let run = Command::new("sh").args(["-c", &script]).arg(program).env(LIMITED, "").output();
        let run = run.expect("a shell");
        return assert!(run.status.success(), "{run:?}");
    }
    let others = Vec::<u8>::with_capacity(OTHERS_BYTES);
    // A frame with the largest window, and "hello" in a block that is not compressed.
    let (header, block) = (b"\x28\xb5\x2f\xfd\x00\xa8", b"\x29\x00\x00hello");
    let limits = Limits::default().with_window_bytes_max(WINDOW_BYTES);
    let (mut decoder, mut output) = (ZstdDecoder::new(limits), SegmentedBuf::new(&Pool::new()));
    let mut input = &header[..];
    for _ in 0..2 {
        let refusal = decoder.push(&mut input, &mut output).expect_err("the others have it");
        let InflateErrorKind::OutOfMemory(error) = refusal.kind() else { panic!("{refusal}") };
        assert_eq!((error.cause(), error.requested_bytes()), (Cause::System, WINDOW_BYTES));
    }
    drop(others);
    assert_eq!(decoder.push(&mut input, &mut output), Ok(Status::NeedInput));
    assert_eq!(decoder.push(&mut &block[..], &mut output), Ok(Status::NeedInput));
    assert_eq!((decoder.finish(), input), (Ok(()), &[][..]));
    assert_eq!(output.freeze(), b"hello");
}
