//! What the fields of a message say about the length of its body (RFC 9112 §6.3).

use crate::{
    fields::FieldLines,
    framing::Framing,
    head_error::HeadErrorKind::{self, *},
};

/// Returns the framing that the fields declare; `None` when they declare none. On an error, the
/// second part is where in the head the wrong value starts.
pub(crate) fn declared_framing(
    fields: &FieldLines,
    version_minor: u8,
) -> Result<Option<Framing>, (HeadErrorKind, usize)> {
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
fn check_chunked(fields: &FieldLines) -> Result<(), (HeadErrorKind, usize)> {
    let mut chunked_seen = false;
    for place in fields.places("transfer-encoding") {
        for element in fields.elements(&place) {
            if chunked_seen {
                return Err((ChunkedNotLast, place.start));
            }
            chunked_seen = element.eq_ignore_ascii_case(b"chunked");
            // Another coding in front of `chunked` is legal, but not known here.
            if !chunked_seen {
                return Err((TransferCodingUnsupported, place.start));
            }
        }
    }
    Ok(())
}

/// Returns the one length that all fields and all their elements agree on.
fn content_length(fields: &FieldLines) -> Result<Option<u64>, (HeadErrorKind, usize)> {
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
