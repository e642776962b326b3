//! ureq's protocol: a response whose body is copied out of the received buffers.

use ureq_proto::{
    client::{Call, RecvResponseResult, SendRequestResult, state::RecvBody},
    http::Request,
};

use super::RECEIVE_BYTES;
use crate::compare::jobs::way::Way;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(super) struct UreqCall(pub(super) &'static [u8]);

impl UreqCall {
    /// A call whose response was read up to its body.
    fn call() -> Call<RecvBody> {
        let request = Request::get("http://a.test/").body(()).expect("a valid request");
        let mut call = Call::new(request).expect("a valid request").proceed();
        call.write(&mut [0; 1024]).expect("1 KiB are enough");
        let Ok(Some(SendRequestResult::RecvResponse(mut call))) = call.proceed() else {
            unreachable!("a request without a body was sent")
        };
        call.try_response(HEAD, true).expect("a valid head");
        match call.proceed() {
            Some(RecvResponseResult::RecvBody(call)) => call,
            _ => unreachable!("the response has a body"),
        }
    }
}

impl Way for UreqCall {
    type Input = Vec<Vec<u8>>;
    type Output = Vec<u8>;

    fn input(&mut self) -> Vec<Vec<u8>> {
        self.0.chunks(RECEIVE_BYTES).map(<[u8]>::to_vec).collect()
    }

    fn run(&mut self, received: Vec<Vec<u8>>) -> Vec<u8> {
        let (mut call, mut body, mut filled) = (Self::call(), Vec::new(), 0);
        // What the call left, before what comes next.
        let mut carry = Vec::new();
        for piece in received {
            carry.extend_from_slice(&piece);
            let mut taken = 0;
            loop {
                if body.len() - filled < RECEIVE_BYTES {
                    body.resize(filled + RECEIVE_BYTES.max(filled), 0);
                }
                let (consumed, produced) =
                    call.read(&carry[taken..], &mut body[filled..]).expect("a valid body");
                taken += consumed;
                filled += produced;
                if consumed == 0 && produced == 0 {
                    break;
                }
            }
            carry.drain(..taken);
        }
        body.truncate(filled);
        body
    }

    fn output_len(body: &Vec<u8>) -> u64 {
        body.len() as u64
    }
}
