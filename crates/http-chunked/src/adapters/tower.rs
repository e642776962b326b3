//! Layers of tower that decode bodies under limits, and that encode them.

mod compress;
mod decompress;
mod decompress_request;

use ::http::{HeaderMap, header};
use seg_flate::Contexts;
use seg_pool::Pool;

pub use self::{
    compress::{CompressFuture, CompressLayer, CompressService},
    decompress::{DecompressFuture, DecompressLayer, DecompressService},
    decompress_request::{
        DecompressRequestFuture, DecompressRequestLayer, DecompressRequestService,
    },
};
use super::http_body::decompress::Decompress;
use crate::{body::BodyLimits, content_coding::ContentCodings};

/// The codings that are asked for.
const ACCEPTED: &str = match (cfg!(feature = "brotli"), cfg!(feature = "zstd")) {
    (false, false) => "gzip, deflate",
    (true, false) => "gzip, deflate, br",
    (false, true) => "gzip, deflate, zstd",
    (true, true) => "gzip, deflate, br, zstd",
};

/// What bodies are decoded with.
#[derive(Clone, Debug)]
struct DecodeConfig {
    limits: BodyLimits,
    contexts: Contexts,
    pool: Pool,
}

impl DecodeConfig {
    fn new(limits: BodyLimits, pool: &Pool) -> Self {
        Self { limits, contexts: Contexts::default(), pool: pool.clone() }
    }

    /// Wraps a body, and takes out of its fields what is not true of the decoded one. Where a coding is
    /// not known, or nothing is to be decoded, nothing is changed.
    fn wrap<B>(&self, headers: &mut HeaderMap, is_decoded: bool, body: B) -> DecodedBody<B> {
        let codings = if is_decoded { ContentCodings::from_headers(headers) } else { None };
        let is_known = codings.is_some();
        let codings = codings.unwrap_or_default();
        if !codings.is_identity() {
            headers.remove(header::CONTENT_ENCODING);
            headers.remove(header::CONTENT_LENGTH);
        }
        let body = Decompress::new(body, codings, self.limits, &self.contexts, &self.pool);
        DecodedBody { body, is_known }
    }
}

struct DecodedBody<B> {
    body: Decompress<B>,
    /// Whether its codings were to be undone, and are all known.
    is_known: bool,
}
