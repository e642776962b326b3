//! How the body of a response ends, by the request as well as by the fields (RFC 9112 §6.3).

use super::head::ResponseHead;
use crate::{declared_framing::declared_framing, framing::Framing, head_error::HeadErrorKind};

/// What matters of the request that a response answers (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RequestMethod {
    /// `HEAD`: the response has no body, whatever it says.
    Head,
    /// `CONNECT`: what follows a success is a tunnel.
    Connect,
    /// Any other.
    #[default]
    Other,
}

/// Returns how the body ends (RFC 9112 §6.3); `None` when there is none, or when what follows is no
/// body but another protocol. On an error, the second part is where in the head the wrong value
/// starts.
pub(super) fn message_length(
    head: &ResponseHead,
    request: RequestMethod,
) -> Result<Option<Framing>, (HeadErrorKind, usize)> {
    // Rules 1 and 2: these have no body whatever their fields say.
    let is_success = matches!(head.status(), 200..=299);
    let is_bodiless = matches!(head.status(), 100..=199 | 204 | 304);
    if is_bodiless
        || request == RequestMethod::Head
        || (request == RequestMethod::Connect && is_success)
    {
        return Ok(None);
    }
    // Rule 8 is for what no other one is for.
    let declared = declared_framing(head.lines(), head.version_minor())?;
    Ok(Some(declared.unwrap_or(Framing::UntilClose)))
}
