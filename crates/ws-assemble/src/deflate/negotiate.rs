//! The extension's parameters (RFC 7692 section 7.1).

use core::fmt::Write as _;

use super::config::{DeflateConfig, DeflateParams, Side};
use crate::quoted_string::unquoted;

const NAME: &str = "permessage-deflate";
const WINDOW_BITS_MAX: u8 = 15;

/// One element of `Sec-WebSocket-Extensions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parameters {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    /// Without a value: the client can limit its window to whatever the server wants.
    client_bits: Option<Option<u8>>,
}

impl Parameters {
    /// Reads an element; `None` when it is another extension, or when a parameter is unknown,
    /// doubled or has a value that it must not have (sections 7.1.1 and 7.1.2).
    fn parse(element: &[u8]) -> Option<Self> {
        let mut parts = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        if !parts.next()?.eq_ignore_ascii_case(NAME.as_bytes()) {
            return None;
        }
        let mut found = Self::default();
        for part in parts {
            let (name, value) = match part.iter().position(|&byte| byte == b'=') {
                Some(at) => (part[..at].trim_ascii(), Some(part[at + 1..].trim_ascii())),
                None => (part, None),
            };
            let is_new = match (name.to_ascii_lowercase().as_slice(), value) {
                (b"server_no_context_takeover", None) => {
                    !core::mem::replace(&mut found.server_no_takeover, true)
                }
                (b"client_no_context_takeover", None) => {
                    !core::mem::replace(&mut found.client_no_takeover, true)
                }
                (b"server_max_window_bits", Some(value)) => {
                    found.server_bits.replace(window_bits(value)?).is_none()
                }
                (b"client_max_window_bits", None) => found.client_bits.replace(None).is_none(),
                (b"client_max_window_bits", Some(value)) => {
                    found.client_bits.replace(Some(window_bits(value)?)).is_none()
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(found)
    }
}

/// Reads 8 to 15, without leading zeroes, plain or quoted.
fn window_bits(value: &[u8]) -> Option<u8> {
    match *unquoted(value)? {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

/// Returns what a client offers.
pub(crate) fn offer(config: &DeflateConfig) -> String {
    let mut offer = NAME.to_owned();
    if !config.server.takeover {
        offer += "; server_no_context_takeover";
    }
    if !config.client.takeover {
        offer += "; client_no_context_takeover";
    }
    if config.server.window_bits < WINDOW_BITS_MAX {
        let _ = write!(offer, "; server_max_window_bits={}", config.server.window_bits);
    }
    // Without a value: whatever the server wants.
    offer += "; client_max_window_bits";
    if config.client.window_bits < WINDOW_BITS_MAX {
        let _ = write!(offer, "={}", config.client.window_bits);
    }
    offer
}

/// Chooses among what a client offers, the first that this end can do.
pub(crate) fn respond<'a>(
    offers: impl Iterator<Item = &'a [u8]>,
    config: &DeflateConfig,
) -> Option<DeflateParams> {
    let offered = offers.into_iter().find_map(Parameters::parse)?;
    let DeflateConfig { server, client, level, bytes_min, ref contexts } = *config;
    let server = Side {
        takeover: server.takeover && !offered.server_no_takeover,
        window_bits: server.window_bits.min(offered.server_bits.unwrap_or(WINDOW_BITS_MAX)),
    };
    let client = Side {
        takeover: client.takeover && !offered.client_no_takeover,
        // A client that does not offer this cannot do it.
        window_bits: match offered.client_bits {
            None => WINDOW_BITS_MAX,
            Some(bits) => client.window_bits.min(bits.unwrap_or(WINDOW_BITS_MAX)),
        },
    };
    let names_server_window = offered.server_bits.is_some();
    let contexts = contexts.clone();
    Some(DeflateParams { server, client, names_server_window, level, bytes_min, contexts })
}

/// Returns what a server answers.
pub(crate) fn response_value(agreed: &DeflateParams) -> String {
    let mut value = NAME.to_owned();
    if !agreed.server.takeover {
        value += "; server_no_context_takeover";
    }
    if !agreed.client.takeover {
        value += "; client_no_context_takeover";
    }
    // An offer that names it is accepted by naming it, the largest window too (section 7.1.2.1).
    if agreed.names_server_window || agreed.server.window_bits < WINDOW_BITS_MAX {
        let _ = write!(value, "; server_max_window_bits={}", agreed.server.window_bits);
    }
    if agreed.client.window_bits < WINDOW_BITS_MAX {
        let _ = write!(value, "; client_max_window_bits={}", agreed.client.window_bits);
    }
    value
}

/// Checks what a server answered to [`offer`]; `None` when it grants what was not asked for.
pub(crate) fn accept_response(element: &[u8], config: &DeflateConfig) -> Option<DeflateParams> {
    let found = Parameters::parse(element)?;
    let DeflateConfig { server, client, level, bytes_min, ref contexts } = *config;
    // A server that was asked for a smaller window and leaves it out has not agreed; neither has
    // one that keeps what it was asked to drop (sections 7.1.1.1 and 7.1.2.1).
    let server_bits = found.server_bits.unwrap_or(WINDOW_BITS_MAX);
    if server_bits > server.window_bits || (!server.takeover && !found.server_no_takeover) {
        return None;
    }
    let client_bits = match found.client_bits {
        Some(None) => return None,
        Some(Some(bits)) => bits.min(client.window_bits),
        None => client.window_bits,
    };
    Some(DeflateParams {
        server: Side { takeover: !found.server_no_takeover, window_bits: server_bits },
        client: Side {
            takeover: client.takeover && !found.client_no_takeover,
            window_bits: client_bits,
        },
        names_server_window: found.server_bits.is_some(),
        level,
        bytes_min,
        contexts: contexts.clone(),
    })
}
