//! A response that comes in pieces: what a client waits for, whoever answers.

use super::{
    HandshakeError, HandshakeErrorKind, UpgradeResponse, grammar::is_status_line, head::Head,
    head_reader::HeadReader, refused_body::RefusedBody,
};

/// The longest start of a refusal's body that is kept by default, in bytes.
const BODY_BYTES_MAX: usize = 4 << 10;

/// The most interim responses that are skipped, such as 103 (RFC 9110 section 15.2).
pub(super) const INTERIM_MAX: usize = 8;

/// Reads a response, and what comes with one that refuses. Looks at each byte once.
#[derive(Clone, Debug)]
pub(super) struct ResponseReader {
    pub(super) heads: HeadReader,
    interim_count: usize,
    refused: Option<(Head, RefusedBody)>,
    pub(super) body_bytes_max: usize,
    failed: Option<HandshakeError>,
}

impl ResponseReader {
    pub(super) const fn new() -> Self {
        Self {
            heads: HeadReader::new(),
            interim_count: 0,
            refused: None,
            body_bytes_max: BODY_BYTES_MAX,
            failed: None,
        }
    }

    /// Takes what belongs to the response from the front of `received`. The head of one whose status
    /// `grants` what was asked for goes to `check`; one that refuses is an error once its body has
    /// come. The same error comes back from then on.
    pub(super) fn push<T>(
        &mut self,
        received: &mut &[u8],
        grants: impl Fn(&str) -> bool,
        check: impl FnOnce(Head) -> Result<T, HandshakeError>,
    ) -> Result<Option<T>, HandshakeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let read = self.read(received, grants);
        let checked = read.and_then(|head| head.map(check).transpose());
        checked.inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// Returns what the end of the stream means: the server refused, and its body ends with the
    /// stream, or the response is truncated.
    pub(super) fn finish(self) -> HandshakeError {
        match (self.failed, self.refused) {
            (Some(error), _) => error,
            (None, Some(refused)) => refusal(refused),
            (None, None) => HandshakeError::truncated(self.heads.len()),
        }
    }

    fn read(
        &mut self,
        received: &mut &[u8],
        grants: impl Fn(&str) -> bool,
    ) -> Result<Option<Head>, HandshakeError> {
        while self.refused.is_none() {
            let Some(head) = self.heads.read(received, is_status_line)? else { return Ok(None) };
            match head.start_line()[1] {
                status if grants(status) => return Ok(Some(head)),
                // Nobody asked for another protocol, and no other response follows that status.
                status if status.starts_with('1') && status != "101" => {
                    self.interim_count += 1;
                    if self.interim_count > INTERIM_MAX {
                        let kind = HandshakeErrorKind::TooManyInterim;
                        return Err(head.error(kind, status.as_bytes()));
                    }
                }
                _ => {
                    let body = RefusedBody::new(&head);
                    self.refused = Some((head, body));
                }
            }
        }
        let Some((head, mut body)) = self.refused.take() else { return Ok(None) };
        if body.read(received, self.body_bytes_max) {
            return Err(refusal((head, body)));
        }
        self.refused = Some((head, body));
        Ok(None)
    }
}

fn refusal((head, body): (Head, RefusedBody)) -> HandshakeError {
    HandshakeError::refused(UpgradeResponse {
        head,
        #[cfg(feature = "deflate")]
        deflate: None,
        body: body.bytes,
    })
}
