//! actix-http's codec of requests, whose body it splits off the buffer.

use actix_http::{
    ServiceConfig,
    h1::{Codec, Message},
};
use bytes::{Bytes, BytesMut};
use tokio::{
    runtime::{self, Runtime},
    task::LocalSet,
};
use tokio_util::codec::Decoder;

use super::RECEIVE_BYTES;
use crate::compare::jobs::way::Way;

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(super) struct ActixCodec {
    wire: &'static [u8],
    config: ServiceConfig,
    /// Where the task of the config's clock is; it never runs.
    _clock: (LocalSet, Runtime),
}

impl ActixCodec {
    pub(super) fn new(wire: &'static [u8]) -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime without I/O");
        let tasks = LocalSet::new();
        let config = tasks.block_on(&runtime, async { ServiceConfig::default() });
        Self { wire, config, _clock: (tasks, runtime) }
    }
}

impl Way for ActixCodec {
    type Input = Vec<BytesMut>;
    type Output = Vec<Bytes>;

    fn input(&mut self) -> Vec<BytesMut> {
        self.wire.chunks(RECEIVE_BYTES).map(BytesMut::from).collect()
    }

    fn run(&mut self, received: Vec<BytesMut>) -> Vec<Bytes> {
        let mut codec = Codec::new(self.config.clone());
        let head = codec.decode(&mut BytesMut::from(HEAD)).expect("a valid head");
        assert!(matches!(head, Some(Message::Item(_))));
        let mut body = Vec::new();
        for mut piece in received {
            while let Some(Message::Chunk(Some(data))) =
                codec.decode(&mut piece).expect("a valid body")
            {
                body.push(data);
            }
        }
        body
    }

    fn output_len(body: &Vec<Bytes>) -> u64 {
        body.iter().map(|data| data.len() as u64).sum()
    }
}
