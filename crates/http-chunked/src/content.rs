//! What the data of a body is encoded with.

use core::ops::Range;
use std::fmt;

use seg_flate::{Format, InflateErrorKind, Inflater, Status};
use seg_pool::Segment;
use seg_seq::SegmentedBuf;

use crate::{body_error::BodyErrorKind, gather::Gather};

/// A content coding that can be decoded (RFC 9110 §8.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentCoding {
    /// None.
    #[default]
    Identity,
    /// `gzip` or `x-gzip`: one or more gzip members (RFC 1952).
    Gzip,
    /// `deflate`: a zlib stream (RFC 1950), or bare DEFLATE as some servers send it.
    Deflate,
}

impl ContentCoding {
    /// Reads the value of a `Content-Encoding` field: a list of codings, in any case, of which one
    /// may be other than `identity`. `None` when it has another coding, more of them, or is no
    /// list.
    ///
    /// # Examples
    ///
    /// ```
    /// use http_chunked::ContentCoding;
    ///
    /// assert_eq!(ContentCoding::from_field(b"GZip"), Some(ContentCoding::Gzip));
    /// assert_eq!(ContentCoding::from_field(b"gzip, br"), None);
    /// ```
    #[must_use]
    pub fn from_field(value: &[u8]) -> Option<Self> {
        let mut found = Self::Identity;
        for name in value.split(|&octet| octet == b',') {
            let coding = Self::from_name(name.trim_ascii())?;
            found = found.and_then(coding)?;
        }
        Some(found)
    }

    /// Joins two codings; `None` when both have to be undone.
    pub(crate) fn and_then(self, next: Self) -> Option<Self> {
        match (self, next) {
            (one, Self::Identity) => Some(one),
            (Self::Identity, other) => Some(other),
            _ => None,
        }
    }

    fn from_name(name: &[u8]) -> Option<Self> {
        const NAMES: [(&str, ContentCoding); 4] = [
            ("identity", ContentCoding::Identity),
            ("gzip", ContentCoding::Gzip),
            ("x-gzip", ContentCoding::Gzip),
            ("deflate", ContentCoding::Deflate),
        ];
        let found = NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        found.map(|&(_, coding)| coding)
    }

    const fn format(self) -> Option<Format> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some(Format::Gzip),
            Self::Deflate => Some(Format::Deflate),
        }
    }
}

/// The decoding of one body's data after another. Its state is kept from body to body.
#[derive(Default)]
pub(crate) struct Content {
    coding: ContentCoding,
    inflater: Option<Inflater>,
    /// Where decoded bytes appear before they are kept: only its tail segment stays from run to
    /// run, so that decoded bytes follow each other in it.
    decoded: Option<SegmentedBuf>,
}

impl Content {
    /// Starts another body. Allocates the decoder's state when it needs one for the first time.
    pub(crate) fn reset(&mut self, coding: ContentCoding, gather: &Gather, bytes_max: u64) {
        self.coding = coding;
        self.decoded = None;
        if let Some(format) = coding.format() {
            self.decoded = Some(SegmentedBuf::new(gather.pool()));
            match &mut self.inflater {
                Some(inflater) => inflater.reset(format),
                None => {
                    let limits = seg_flate::Limits::default().output_bytes_max(bytes_max);
                    self.inflater = Some(Inflater::new(format, limits));
                }
            }
        }
    }

    /// Decodes a run of data and keeps what comes out. Returns how much of the run was acceptable
    /// and why not more; `None` when there is nothing to decode.
    pub(crate) fn keep_run(
        &mut self,
        gather: &mut Gather,
        received: &Segment,
        run: &Range<usize>,
    ) -> Option<(usize, Option<BodyErrorKind>)> {
        let (Some(inflater), Some(decoded)) = (&mut self.inflater, &mut self.decoded) else {
            return None;
        };
        let mut rest = &received[run.clone()];
        let result = inflater.push(&mut rest, decoded);
        gather.keep_own(decoded.split());
        let refused = match result {
            Ok(Status::NeedInput) => None,
            Ok(Status::End) if rest.is_empty() => None,
            Ok(Status::End) => Some(BodyErrorKind::ContentTrailing),
            Err(error) => Some(match error.kind() {
                InflateErrorKind::OutputTooLong => BodyErrorKind::TooLong,
                InflateErrorKind::PoolExhausted(_) => BodyErrorKind::PoolExhausted,
                _ => BodyErrorKind::Content(error),
            }),
        };
        Some((run.len() - rest.len(), refused))
    }

    /// Says that the data is complete. No data at all is no data, in every coding: servers send
    /// that.
    pub(crate) fn finish(&mut self) -> Result<(), BodyErrorKind> {
        match &mut self.inflater {
            Some(inflater) if self.decoded.is_some() && inflater.consumed() > 0 => {
                inflater.finish().map_err(BodyErrorKind::Content)
            }
            _ => Ok(()),
        }
    }

    /// Gives the room for more back to the pool.
    pub(crate) fn release(&mut self) {
        if let Some(decoded) = &mut self.decoded {
            decoded.clear();
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("coding", &self.coding).finish_non_exhaustive()
    }
}
