//! A small gunzip: decodes files, or standard input, to standard output in constant memory.
//!
//! `cargo run --release --example gunzip -- [FILE...]`

use core::error::Error;
use std::{
    env,
    fs::File,
    io::{self, Read, Write},
    process::ExitCode,
};

use seg_flate::{Decode, Format, Inflater, Limits, Status};
use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;

/// Decodes one gzip stream of any number of members.
fn gunzip(
    inflater: &mut Inflater,
    pool: &Pool,
    input: &mut dyn Read,
    output: &mut dyn Write,
) -> Result<(), Box<dyn Error>> {
    inflater.reset(Format::Gzip);
    let mut decoded = SegmentedBuf::new(pool);
    loop {
        let mut received = pool.try_take(16_384)?;
        if received.read_from(&mut *input)? == 0 {
            return Ok(inflater.finish()?);
        }
        let status = inflater.push(&mut &received[..], &mut decoded);
        // What was decoded before an error is good, and goes out as gzip does it.
        for chunk in decoded.split().chunks() {
            output.write_all(chunk)?;
        }
        if status? == Status::End {
            return Ok(());
        }
    }
}

fn main() -> ExitCode {
    let pool = Pool::new();
    let limits = Limits::default().with_output_bytes_max(u64::MAX);
    let mut inflater = Inflater::new(Format::Gzip, limits).with_output_segments(SegmentSize::K64);
    let mut output = io::stdout().lock();
    let mut is_failed = false;
    let mut decode = |name: &str, input: io::Result<Box<dyn Read>>| {
        let decoded = match input {
            Ok(mut input) => gunzip(&mut inflater, &pool, &mut *input, &mut output),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = decoded {
            eprintln!("gunzip: {name}: {error}");
            is_failed = true;
        }
    };
    let mut names = env::args_os().skip(1).peekable();
    if names.peek().is_none() {
        decode("standard input", Ok(Box::new(io::stdin().lock())));
    }
    for name in names {
        let input = File::open(&name).map(|file| Box::new(file) as Box<dyn Read>);
        decode(&name.to_string_lossy(), input);
    }
    if is_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
