//! Heads that are sent.

use core::{error::Error, fmt};

use seg_pool::{OutOfMemory, Pool};
use seg_seq::{SegmentedBuf, Sequence};

use super::{Head, StartLine};
use crate::{
    framing::Framing,
    octet::{is_text, is_token},
};

/// The fields that say how a body ends: [`HeadWriter::finish`] writes them, nobody else.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// The fields that are for one connection, beside those that `Connection` names (RFC 9110 §7.6.1).
/// `Trailer` is not one of them, but says what the framing may drop.
const CONNECTION: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"];

/// Writes the head of a message, refusing what would be read as something else: an octet that ends a
/// line, a name that is no token, and fields that say how the body ends. Those are written by
/// [`finish`](Self::finish), from the [`Framing`] that the body is then sent with.
///
/// # Examples
///
/// ```
/// use http_chunked::{Framing, HeadWriteErrorKind, HeadWriter};
/// use seg_pool::Pool;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut writer = HeadWriter::response(&Pool::new(), 200, b"OK")?;
/// writer.field("Content-Type", b"text/plain")?;
/// let injected = writer.field("X", b"a\r\nSet-Cookie: b").expect_err("two fields in one");
/// assert_eq!((injected.kind(), injected.offset()), (HeadWriteErrorKind::Value, 1));
/// let head = writer.finish(Some(Framing::Length(5)))?;
/// assert_eq!(head, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HeadWriter {
    output: SegmentedBuf,
    /// Of a response.
    status: Option<u16>,
}

impl HeadWriter {
    /// Starts the head of a request, of HTTP/1.1. Takes a segment from `pool`.
    ///
    /// # Errors
    ///
    /// A [`HeadWriteError`] when the method is no token, or the target has an octet that is not
    /// visible ASCII or is `#`.
    pub fn request(pool: &Pool, method: &str, target: &str) -> Result<Self, HeadWriteError> {
        check(method.as_bytes(), is_token, HeadWriteErrorKind::Method)?;
        let is_target = |octet: u8| octet.is_ascii_graphic() && octet != b'#';
        check(target.as_bytes(), is_target, HeadWriteErrorKind::Target)?;
        let mut writer = Self { output: SegmentedBuf::new(pool), status: None };
        writer.write(&[method.as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\n"])?;
        Ok(writer)
    }

    /// Starts the head of a response, of HTTP/1.1. Takes a segment from `pool`.
    ///
    /// # Errors
    ///
    /// A [`HeadWriteError`] when the status has not three digits, or the reason has a control
    /// character.
    pub fn response(pool: &Pool, status: u16, reason: &[u8]) -> Result<Self, HeadWriteError> {
        if !(100..=999).contains(&status) {
            return Err(HeadWriteError { kind: HeadWriteErrorKind::Status, offset: 0 });
        }
        if let Some(offset) = reason.iter().position(|&octet| !is_text(octet)) {
            return Err(HeadWriteError::at(HeadWriteErrorKind::Reason, offset));
        }
        let mut writer = Self { output: SegmentedBuf::new(pool), status: Some(status) };
        let line = format!("HTTP/1.1 {status} ");
        writer.write(&[line.as_bytes(), reason, b"\r\n"])?;
        Ok(writer)
    }

    /// Appends a field.
    ///
    /// # Errors
    ///
    /// A [`HeadWriteError`] when the name is no token, the value has a control character, or the field
    /// says how the body ends. Nothing is appended then.
    pub fn field(&mut self, name: &str, value: &[u8]) -> Result<&mut Self, HeadWriteError> {
        check(name.as_bytes(), is_token, HeadWriteErrorKind::Name)?;
        if let Some(offset) = value.iter().position(|&octet| !is_text(octet)) {
            return Err(HeadWriteError::at(HeadWriteErrorKind::Value, offset));
        }
        if is_any_of(name, &FRAMING) {
            return Err(HeadWriteError::at(HeadWriteErrorKind::Framing, 0));
        }
        self.write(&[name.as_bytes(), b": ", value, b"\r\n"])?;
        Ok(self)
    }

    /// Appends the fields of a head that was received, as a proxy passes it on: without those that
    /// are for one connection or say how the body ends (RFC 9110 §7.6.1).
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](HeadWriteErrorKind::OutOfMemory). Nothing is appended then.
    pub fn forward<L: StartLine>(&mut self, head: &Head<L>) -> Result<&mut Self, HeadWriteError> {
        let len = self.output.len();
        for (name, value) in head.fields() {
            let is_for_one = is_any_of(name, &CONNECTION) || head.has_element("connection", name);
            if !is_for_one && !is_any_of(name, &FRAMING) {
                self.field(name, value).map(drop).inspect_err(|_| self.output.truncate(len))?;
            }
        }
        Ok(self)
    }

    /// Ends the head, with the fields of the body's framing, and takes it out. The writer is empty
    /// then.
    ///
    /// `None` is for a message without a body: nothing is written about it. `UntilClose` writes
    /// `Connection: close`. Responses of status 1xx and 204 have no framing, whatever is given (RFC
    /// 9112 §6.1, RFC 9110 §8.6). Do not send [`Chunked`](Framing::Chunked) to a client of HTTP/1.0.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](HeadWriteErrorKind::OutOfMemory); the head can be finished again.
    pub fn finish(&mut self, framing: Option<Framing>) -> Result<Sequence, HeadWriteError> {
        let is_bodiless = matches!(self.status, Some(100..=199 | 204));
        match framing.filter(|_| !is_bodiless) {
            None => self.write(&[b"\r\n"])?,
            Some(Framing::Chunked) => self.write(&[b"Transfer-Encoding: chunked\r\n\r\n"])?,
            Some(Framing::UntilClose) => self.write(&[b"Connection: close\r\n\r\n"])?,
            Some(Framing::Length(len)) => {
                self.write(&[format!("Content-Length: {len}\r\n\r\n").as_bytes()])?;
            }
        }
        let head = self.output.split();
        self.output.clear();
        Ok(head)
    }

    /// Appends all parts or none.
    fn write(&mut self, parts: &[&[u8]]) -> Result<(), HeadWriteError> {
        let len = self.output.len();
        for part in parts {
            if let Err(error) = self.output.try_extend_from_slice(part) {
                self.output.truncate(len);
                return Err(HeadWriteError::at(HeadWriteErrorKind::OutOfMemory(error), 0));
            }
        }
        Ok(())
    }
}

/// Checks that there are octets, all of one class.
fn check(
    octets: &[u8],
    belongs: impl Fn(u8) -> bool,
    kind: HeadWriteErrorKind,
) -> Result<(), HeadWriteError> {
    match octets.iter().position(|&octet| !belongs(octet)) {
        Some(offset) => Err(HeadWriteError::at(kind, offset)),
        None if octets.is_empty() => Err(HeadWriteError::at(kind, 0)),
        None => Ok(()),
    }
}

fn is_any_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A part of a head that must not be sent, and where it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadWriteError {
    kind: HeadWriteErrorKind,
    offset: u64,
}

/// The reason in a [`HeadWriteError`]. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadWriteErrorKind {
    /// The method is no token (RFC 9110 §9.1).
    Method,
    /// The target is empty or has an octet that no target has (RFC 9112 §3.2).
    Target,
    /// The status code has not three digits (RFC 9110 §15).
    Status,
    /// The reason has a control character (RFC 9112 §4).
    Reason,
    /// The name of a field is no token (RFC 9110 §5.1).
    Name,
    /// The value of a field has an octet that no value has (RFC 9110 §5.5).
    Value,
    /// The field says how the body ends, which [`HeadWriter::finish`] does.
    Framing,
    /// The pool has no segment left. Nothing is lost, and the same call goes on when there is memory.
    OutOfMemory(OutOfMemory),
}

impl HeadWriteError {
    const fn at(kind: HeadWriteErrorKind, offset: usize) -> Self {
        Self { kind, offset: offset as u64 }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> HeadWriteErrorKind {
        self.kind
    }

    /// Returns the octets of the part before the one that was refused.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for HeadWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            HeadWriteErrorKind::Method => "method is no token",
            HeadWriteErrorKind::Target => "request target is malformed",
            HeadWriteErrorKind::Status => "status code has not three digits",
            HeadWriteErrorKind::Reason => "reason holds a control character",
            HeadWriteErrorKind::Name => "field name is no token",
            HeadWriteErrorKind::Value => "field value holds a control character",
            HeadWriteErrorKind::Framing => {
                "`finish` writes the fields that say how the body ends, not the caller"
            }
            HeadWriteErrorKind::OutOfMemory(_) => return f.write_str("out of memory"),
        };
        write!(f, "{what} at byte {}", self.offset)
    }
}

impl Error for HeadWriteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            HeadWriteErrorKind::OutOfMemory(error) => Some(error),
            _ => None,
        }
    }
}
