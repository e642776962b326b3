//! What the data of a body is encoded with.

use seg_flate::{Contexts, Decode, DeflateError, Encode, Flush, Format, Inflater, Level};
use seg_pool::SegmentSize;
use seg_seq::SegmentedBuf;

use crate::head::{FieldLines, HeadErrorKind};

/// A content coding (RFC 9110 §8.4.1). More variants may come.
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
    /// `br`: a Brotli stream (RFC 7932). Not together with other codings.
    #[cfg(feature = "brotli")]
    Brotli,
    /// `zstd`: Zstandard frames (RFC 8878) whose windows have at most 8 MiB (RFC 9659). Not together with
    /// other codings.
    #[cfg(feature = "zstd")]
    Zstd,
}

impl ContentCoding {
    /// Every coding that is compiled in.
    pub const ALL: &'static [Self] = &[
        Self::Identity,
        Self::Gzip,
        Self::Deflate,
        #[cfg(feature = "brotli")]
        Self::Brotli,
        #[cfg(feature = "zstd")]
        Self::Zstd,
    ];

    /// Returns the name that `Content-Encoding` has for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            #[cfg(feature = "brotli")]
            Self::Brotli => "br",
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
        }
    }

    /// Reads the name of a coding, in any case; `None` when it is not known.
    ///
    /// # Examples
    ///
    /// ```
    /// use http_chunked::ContentCoding;
    ///
    /// assert_eq!(ContentCoding::from_name(b"GZip"), Some(ContentCoding::Gzip));
    /// assert_eq!(ContentCoding::from_name(b"compress"), None);
    /// ```
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let name = if name.eq_ignore_ascii_case(b"x-gzip") { b"gzip" } else { name };
        let mut all = Self::ALL.iter().copied();
        all.find(|coding| name.eq_ignore_ascii_case(coding.name().as_bytes()))
    }

    /// Creates what encodes a body in this coding; `None` for [`Identity`](Self::Identity), and for DEFLATE
    /// without the features `zlib-rs` and `miniz_oxide`. `contexts` keep its state when it is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "zlib-rs")] {
    /// use http_chunked::{BodyAssembler, ContentCoding, Framing};
    /// use seg_flate::{Contexts, Encode, Flush, Level};
    /// use seg_pool::Pool;
    /// use seg_seq::SegmentedBuf;
    ///
    /// let (pool, contexts) = (Pool::new(), Contexts::new(1 << 20));
    /// let coding = ContentCoding::Gzip;
    /// let mut encoder = coding.encoder(Level::DEFAULT, &contexts).expect("it is compiled in");
    /// let mut encoded = SegmentedBuf::new(&pool);
    /// encoder.push(&mut &b"hello"[..], Flush::Finish, &mut encoded)?;
    ///
    /// let framing = Framing::Length(encoded.len());
    /// let mut assembler = BodyAssembler::new(&pool, framing).with_content_coding(coding);
    /// let mut received = encoded.freeze().chunks().next().expect("it is short").clone();
    /// assembler.push(&mut received)?;
    /// assert_eq!(assembler.take_body().bytes(), b"hello");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[cfg_attr(
        not(any(feature = "zlib-rs", feature = "miniz_oxide", feature = "zstd")),
        expect(unused_variables, reason = "identity needs neither, Brotli only the level")
    )]
    pub fn encoder(self, level: Level, contexts: &Contexts) -> Option<ContentEncoder> {
        match self {
            #[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
            Self::Gzip | Self::Deflate => {
                let format = if self == Self::Gzip { Format::Gzip } else { Format::Zlib };
                let deflater = seg_flate::Deflater::new(format, level).with_contexts(contexts);
                Some(ContentEncoder(Encoder::Deflate(deflater)))
            }
            #[cfg(feature = "brotli")]
            Self::Brotli => {
                let encoder = seg_flate::BrotliEncoder::new(level);
                Some(ContentEncoder(Encoder::Brotli(encoder)))
            }
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                let encoder = seg_flate::ZstdEncoder::new(level).with_contexts(contexts);
                Some(ContentEncoder(Encoder::Zstd(encoder)))
            }
            _ => None,
        }
    }

    /// Creates what decodes a body in this coding; `None` for [`Identity`](Self::Identity). `contexts` keep its
    /// state when it is dropped.
    pub(crate) fn decoder(
        self,
        limits: seg_flate::Limits,
        contexts: &Contexts,
    ) -> Option<ContentDecoder> {
        let inflater = |format| {
            let inflater = Inflater::new(format, limits).with_output_segments(SegmentSize::K64);
            Some(ContentDecoder::Inflate(inflater.with_contexts(contexts)))
        };
        match self {
            Self::Identity => None,
            Self::Gzip => inflater(Format::Gzip),
            Self::Deflate => inflater(Format::Deflate),
            #[cfg(feature = "brotli")]
            Self::Brotli => Some(ContentDecoder::Brotli(seg_flate::BrotliDecoder::new(limits))),
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                let decoder = seg_flate::ZstdDecoder::new(limits);
                Some(ContentDecoder::Zstd(decoder.with_contexts(contexts)))
            }
        }
    }

    /// The largest window that a body may need, whatever the limits are.
    pub(crate) const fn window_bytes_max(self) -> usize {
        match self {
            #[cfg(feature = "zstd")]
            Self::Zstd => 8 << 20,
            _ => usize::MAX,
        }
    }

    /// Returns whether a few bytes can become very many, and those not bit by bit. What such a
    /// coding makes must not wait in memory for another to take it.
    const fn is_alone(self) -> bool {
        match self {
            Self::Identity | Self::Gzip | Self::Deflate => false,
            #[cfg(feature = "brotli")]
            Self::Brotli => true,
            #[cfg(feature = "zstd")]
            Self::Zstd => true,
        }
    }
}

/// Encodes one body in a [`ContentCoding`]; made by [`encoder`](ContentCoding::encoder). Lies where it is put: it needs no allocation
/// of its own.
#[derive(Debug)]
pub struct ContentEncoder(Encoder);

/// One variant for each coding that can be encoded with the features that are compiled in.
#[derive(Debug)]
enum Encoder {
    #[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
    Deflate(seg_flate::Deflater),
    #[cfg(feature = "brotli")]
    Brotli(seg_flate::BrotliEncoder),
    #[cfg(feature = "zstd")]
    Zstd(seg_flate::ZstdEncoder),
}

impl ContentEncoder {
    fn as_encode(&self) -> &dyn Encode {
        match self.0 {
            #[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
            Encoder::Deflate(ref encoder) => encoder,
            #[cfg(feature = "brotli")]
            Encoder::Brotli(ref encoder) => encoder,
            #[cfg(feature = "zstd")]
            Encoder::Zstd(ref encoder) => encoder,
        }
    }

    fn as_encode_mut(&mut self) -> &mut dyn Encode {
        match self.0 {
            #[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
            Encoder::Deflate(ref mut encoder) => encoder,
            #[cfg(feature = "brotli")]
            Encoder::Brotli(ref mut encoder) => encoder,
            #[cfg(feature = "zstd")]
            Encoder::Zstd(ref mut encoder) => encoder,
        }
    }
}

impl Encode for ContentEncoder {
    fn push(
        &mut self,
        input: &mut &[u8],
        flush: Flush,
        output: &mut SegmentedBuf,
    ) -> Result<(), DeflateError> {
        self.as_encode_mut().push(input, flush, output)
    }

    fn consumed(&self) -> u64 {
        self.as_encode().consumed()
    }

    fn produced(&self) -> u64 {
        self.as_encode().produced()
    }
}

/// Decodes one body in a coding.
#[derive(Debug)]
pub(crate) enum ContentDecoder {
    Inflate(Inflater),
    #[cfg(feature = "brotli")]
    Brotli(seg_flate::BrotliDecoder),
    #[cfg(feature = "zstd")]
    Zstd(seg_flate::ZstdDecoder),
}

impl ContentDecoder {
    pub(crate) fn as_decode(&mut self) -> &mut dyn Decode {
        match self {
            Self::Inflate(decoder) => decoder,
            #[cfg(feature = "brotli")]
            Self::Brotli(decoder) => decoder,
            #[cfg(feature = "zstd")]
            Self::Zstd(decoder) => decoder,
        }
    }
}

/// The codings of one body, in the order they were applied; the last is undone first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContentCodings {
    /// None of the first `len` is the identity, all of the others are.
    list: [ContentCoding; Self::MAX],
    len: usize,
}

impl ContentCodings {
    /// The most codings that one body may have.
    pub const MAX: usize = 4;

    /// Reads the value of a `Content-Encoding` field: a list of names, in any case; `identity` and
    /// empty elements (RFC 9110 §5.6.1.2) add nothing. `None` when a name is not known, there are
    /// too many, or `br` or `zstd` is not alone.
    ///
    /// # Examples
    ///
    /// ```
    /// use http_chunked::{ContentCoding, ContentCodings};
    ///
    /// let codings = ContentCodings::from_field(b"deflate, gzip").expect("both are known");
    /// assert_eq!(codings.as_slice(), [ContentCoding::Deflate, ContentCoding::Gzip]);
    /// assert_eq!(ContentCodings::from_field(b"gzip, compress"), None);
    /// ```
    #[must_use]
    pub fn from_field(value: &[u8]) -> Option<Self> {
        let mut codings = Self::default();
        for name in value.split(|&octet| octet == b',') {
            codings.push_name(name.trim_ascii())?;
        }
        Some(codings)
    }

    /// Returns the codings, in the order they were applied.
    #[must_use]
    pub fn as_slice(&self) -> &[ContentCoding] {
        &self.list[..self.len]
    }

    /// Returns whether the body is not encoded.
    #[must_use]
    pub const fn is_identity(&self) -> bool {
        self.len == 0
    }

    /// Reads all `Content-Encoding` fields; at most `most` codings. On an error, the second part is
    /// where in the head the value starts that goes too far.
    pub(crate) fn from_fields(
        fields: &FieldLines,
        most: usize,
    ) -> Result<Self, (HeadErrorKind, usize)> {
        let mut codings = Self::default();
        for place in fields.places("content-encoding") {
            for name in fields.elements(&place) {
                codings
                    .push_name(name)
                    .filter(|()| codings.len <= most)
                    .ok_or((HeadErrorKind::ContentCodingUnsupported, place.start))?;
            }
        }
        Ok(codings)
    }

    fn push_name(&mut self, name: &[u8]) -> Option<()> {
        if name.is_empty() { Some(()) } else { self.push(ContentCoding::from_name(name)?) }
    }

    fn push(&mut self, coding: ContentCoding) -> Option<()> {
        if coding != ContentCoding::Identity {
            let is_alone = coding.is_alone() || self.list[0].is_alone();
            if is_alone && self.len > 0 {
                return None;
            }
            *self.list.get_mut(self.len)? = coding;
            self.len += 1;
        }
        Some(())
    }
}

impl From<ContentCoding> for ContentCodings {
    fn from(coding: ContentCoding) -> Self {
        let len = usize::from(coding != ContentCoding::Identity);
        let mut list = [ContentCoding::Identity; Self::MAX];
        list[0] = coding;
        Self { list, len }
    }
}
