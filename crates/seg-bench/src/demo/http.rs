//! The message as the body of an HTTP/1.1 response.

use core::net::SocketAddr;

use anyhow::{Context, ensure};
use http_chunked::{
    BodyLimits, Contexts, MessageLimits, MessageStep, RequestMethod, Response, ResponseReader,
};
use seg_pool::{Pool, Segment};

use super::{Assembly, Receive, progress::Progress, wire::Wire};
use crate::digest::Digest;

/// A connection that is kept from request to request.
pub(super) struct Client {
    wire: Wire,
    reader: ResponseReader,
    request: String,
}

impl Client {
    /// Connects, to ask for `target` later.
    pub(super) fn connect(
        address: SocketAddr,
        target: &str,
        assembly: Assembly,
        body_bytes_max: u64,
        pool: &Pool,
    ) -> anyhow::Result<Self> {
        let limits =
            MessageLimits::new().with_body(BodyLimits::new().with_body_bytes_max(body_bytes_max));
        // One decoder's state waits for the next response.
        let contexts = Contexts::new(1 << 20);
        let reader = ResponseReader::new(pool)
            .with_assembly(assembly.into())
            .with_limits(limits)
            .with_contexts(&contexts);
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\n\r\n");
        Ok(Self { wire: Wire::connect(address, pool)?, reader, request })
    }

    /// Reads on until the response is complete; returns what came after it.
    fn read_response(&mut self, progress: &Progress) -> anyhow::Result<Segment> {
        while let Some(received) = self.wire.receive(progress)? {
            let mut received = received.freeze();
            loop {
                match self.reader.push(&mut received)? {
                    MessageStep::NeedMore => break,
                    MessageStep::Head => self.check_head()?,
                    MessageStep::Interim => {}
                    MessageStep::End => return Ok(received),
                }
            }
        }
        // A body may go until the connection is closed; any other is truncated then.
        self.reader.finish()?;
        Ok(Segment::default())
    }

    fn check_head(&self) -> anyhow::Result<()> {
        let status = self.reader.head().map(|head| head.status());
        ensure!(
            status == Some(200),
            "the origin answered with status {}",
            status.unwrap_or_default()
        );
        Ok(())
    }
}

impl Receive for Client {
    type Message = Response;

    fn receive(&mut self, progress: &Progress) -> anyhow::Result<Response> {
        self.reader.expect_answer_to(RequestMethod::Other);
        self.wire.send(self.request.as_bytes())?;
        let rest = self.read_response(progress)?;
        ensure!(rest.is_empty(), "the origin sent {} bytes after the response", rest.len());
        self.wire.rest_until_asked();
        self.reader.take_message().context("the response has no head")
    }

    fn digest(message: &Response) -> Digest {
        Digest::of_chunks(message.body().sequence().chunks().map(|chunk| &**chunk))
    }
}

impl From<Assembly> for http_chunked::Assembly {
    fn from(assembly: Assembly) -> Self {
        match assembly {
            Assembly::Segmented => Self::Segmented,
            Assembly::Contiguous => Self::Contiguous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::wire::tests::serve_once, *};

    fn receive(response: &'static [u8], assembly: Assembly) -> anyhow::Result<Response> {
        let pool = Pool::new();
        let mut client = Client::connect(serve_once(response), "/plain", assembly, 10, &pool)?;
        client.receive(&Progress::start())
    }

    #[test]
    fn a_whole_response_is_received() {
        let wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        for assembly in Assembly::ALL {
            let response = receive(wire, assembly).expect("a whole response");
            assert_eq!(Client::digest(&response), Digest::of_chunks([b"hello".as_slice()]));
        }
    }

    #[test]
    fn what_is_not_the_whole_message_is_an_error() {
        let cases: &[(&str, &[u8])] = &[
            ("nothing", b""),
            ("half a head", b"HTTP/1.1 200 OK\r\nTransfer-Enc"),
            ("half a body", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"),
            ("no last chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            ("a bad chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
            ("too much", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nB\r\nhello world\r\n0\r\n\r\n"),
            ("more than the message", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"),
            ("no message", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        ];
        for assembly in Assembly::ALL {
            for (name, wire) in cases {
                assert!(receive(wire, assembly).is_err(), "{name}, {}", assembly.name());
            }
        }
    }
}
