//! What the fields of a message say about the length of its body (RFC 9112 §6.3).

use super::{FieldLines, HeadErrorKind::*, Refusal};
use crate::framing::Framing;

/// Empty list elements that a `Transfer-Encoding` may have, which mean nothing (RFC 9110 §5.6.1.2).
const EMPTY_ELEMENTS_MAX: usize = 16;

/// Returns the framing that the fields declare; `None` when they declare none. On an error, the
/// second part is where in the head the wrong value starts.
pub(super) fn declared_framing(
    fields: &FieldLines,
    version_minor: u8,
) -> Result<Option<Framing>, Refusal> {
    // Rule 3 allows to go on with the transfer coding; we do not. Rule 4 lets a response with
    // another last coding go until the connection closes; we cannot decode that one.
    if let Some(first) = fields.places("transfer-encoding").next() {
        if version_minor == 0 {
            return Err((TransferCodingInHttp10, first.start));
        }
        if let Some(length) = fields.places("content-length").next() {
            return Err((LengthAndTransferCoding, length.start));
        }
        check_chunked(fields)?;
        return Ok(Some(Framing::Chunked));
    }
    Ok(content_length(fields)?.map(Framing::Length))
}

/// Checks that `chunked` is the one transfer coding.
fn check_chunked(fields: &FieldLines) -> Result<(), Refusal> {
    let (mut chunked_seen, mut empty, mut last) = (false, 0, 0);
    for place in fields.places("transfer-encoding") {
        last = place.start;
        for element in fields.elements(&place) {
            if element.is_empty() && empty < EMPTY_ELEMENTS_MAX {
                empty += 1;
                continue;
            }
            if chunked_seen {
                return Err((ChunkedNotLast, place.start));
            }
            chunked_seen = element.eq_ignore_ascii_case(b"chunked");
            // Another coding before `chunked` is legal, but not known here.
            if !chunked_seen {
                return Err((TransferCodingUnsupported, place.start));
            }
        }
    }
    chunked_seen.then_some(()).ok_or((ChunkedNotLast, last))
}

/// Returns the one length that all fields and all their elements agree on. An empty element is refused,
/// as RFC 9110 §8.6 allows: it is where two parties could find different lengths.
fn content_length(fields: &FieldLines) -> Result<Option<u64>, Refusal> {
    let mut agreed = None;
    for place in fields.places("content-length") {
        for element in fields.elements(&place) {
            let length = decimal(element).ok_or((LengthInvalid, place.start))?;
            if agreed.is_some_and(|agreed| agreed != length) {
                return Err((LengthsDiffer, place.start));
            }
            agreed = Some(length);
        }
    }
    Ok(agreed)
}

/// Reads `1*DIGIT` up to 2^63 - 1.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &digit| {
        let digit = char::from(digit).to_digit(10)?;
        let value = value.checked_mul(10)?.checked_add(digit.into())?;
        i64::try_from(value).is_ok().then_some(value)
    })
}
