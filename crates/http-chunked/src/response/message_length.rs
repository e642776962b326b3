//! How long the body of a response is (RFC 9112 §6.3).

use core::ops::Range;

use super::{RequestMethod, head::Head};
use crate::{
    framing::Framing,
    response_error::ResponseErrorKind::{self, *},
};

/// Returns how the body ends; `None` when there is none, or when what follows is no body but
/// another protocol. On an error, the second part is where in the head the wrong value starts.
pub(super) fn message_length(
    head: &Head,
    request: RequestMethod,
) -> Result<Option<Framing>, (ResponseErrorKind, usize)> {
    // Rules 1 and 2: these have no body whatever their fields say.
    let is_success = matches!(head.status(), 200..=299);
    let is_bodiless = matches!(head.status(), 100..=199 | 204 | 304);
    if is_bodiless
        || request == RequestMethod::Head
        || (request == RequestMethod::Connect && is_success)
    {
        return Ok(None);
    }
    // Rule 3 allows to go on with the transfer coding; we do not. Rule 4 lets a response with
    // another last coding go until the connection closes; we cannot decode that one.
    if let Some(first) = head.places("transfer-encoding").next() {
        if head.version_minor() == 0 {
            return Err((TransferCodingInHttp10, first.start));
        }
        if let Some(length) = head.places("content-length").next() {
            return Err((LengthAndTransferCoding, length.start));
        }
        check_chunked(head)?;
        return Ok(Some(Framing::Chunked));
    }
    // Rules 5, 6 and 8.
    Ok(Some(content_length(head)?.map_or(Framing::UntilClose, Framing::Length)))
}

/// Checks that `chunked` is the one transfer coding.
fn check_chunked(head: &Head) -> Result<(), (ResponseErrorKind, usize)> {
    let mut chunked_seen = false;
    for place in head.places("transfer-encoding") {
        for element in elements(head, &place) {
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
fn content_length(head: &Head) -> Result<Option<u64>, (ResponseErrorKind, usize)> {
    let mut agreed = None;
    for place in head.places("content-length") {
        for element in elements(head, &place) {
            let length = decimal(element).ok_or((LengthInvalid, place.start))?;
            if agreed.is_some_and(|agreed| agreed != length) {
                return Err((LengthsDiffer, place.start));
            }
            agreed = Some(length);
        }
    }
    Ok(agreed)
}

/// The elements of a list, empty ones too: they are refused where they stand.
fn elements<'a>(head: &'a Head, place: &Range<usize>) -> impl Iterator<Item = &'a [u8]> {
    head.value(place.clone()).split(|&octet| octet == b',').map(<[u8]>::trim_ascii)
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
