//! What is asked for, and what was agreed on.

use seg_flate::{Contexts, Level, WindowBits};

use crate::role::Role;

/// How this end wants messages compressed.
///
/// A compressor's state takes about 370 KiB and a decompressor's 52 KiB. With takeover, the default,
/// each connection has its own from its first compressed message on; without, they are used by one
/// message after another, and an idle connection holds none. States that wait for the next message are
/// kept by [`Contexts`], which all connections share that are made with one configuration and its clones.
///
/// # Examples
///
/// ```
/// use ws_assemble::DeflateConfig;
///
/// let options = DeflateConfig::default().without_server_takeover().without_client_takeover();
/// ```
#[derive(Clone, Debug)]
pub struct DeflateConfig {
    pub(super) server: Side,
    pub(super) client: Side,
    pub(super) level: Level,
    pub(super) bytes_min: u64,
    pub(super) contexts: Contexts,
}

/// States that are kept between messages.
const CONTEXTS_BYTES_MAX: usize = 8 << 20;

/// What one end sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// Whether a message may refer back to those before.
    pub(super) takeover: bool,
    /// 8 to 15.
    pub(super) window_bits: u8,
}

impl Side {
    pub(super) const DEFAULT: Self = Self { takeover: true, window_bits: WindowBits::MAX.as_u8() };
}

impl DeflateConfig {
    /// Makes each message of the server a stream of its own: less memory, larger messages.
    #[must_use]
    pub const fn without_server_takeover(mut self) -> Self {
        self.server.takeover = false;
        self
    }

    /// Makes each message of the client a stream of its own. A client that knows nothing of this
    /// cannot be made to.
    #[must_use]
    pub const fn without_client_takeover(mut self) -> Self {
        self.client.takeover = false;
        self
    }

    /// Limits how far back the server's messages refer.
    #[must_use]
    pub const fn with_server_window(mut self, bits: WindowBits) -> Self {
        self.server.window_bits = bits.as_u8();
        self
    }

    /// Returns how far back the server's messages refer.
    #[must_use]
    pub const fn server_window(&self) -> WindowBits {
        window(self.server)
    }

    /// Limits how far back the client's messages refer, if the client can.
    #[must_use]
    pub const fn with_client_window(mut self, bits: WindowBits) -> Self {
        self.client.window_bits = bits.as_u8();
        self
    }

    /// Returns how far back the client's messages refer.
    #[must_use]
    pub const fn client_window(&self) -> WindowBits {
        window(self.client)
    }

    /// Sets how hard this end compresses. 6 by default.
    #[must_use]
    pub const fn with_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Returns how hard this end compresses.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Sets who keeps states between messages: one owner for several configurations, or one of another
    /// limit. 8 MiB by default.
    #[must_use]
    pub fn with_contexts(mut self, contexts: &Contexts) -> Self {
        self.contexts = contexts.clone();
        self
    }

    /// Returns who keeps states between messages, which can be asked how much that is, and trimmed.
    #[must_use]
    pub const fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    /// Sends shorter messages as they are. 64 bytes by default.
    #[must_use]
    pub const fn with_bytes_min(mut self, bytes: u64) -> Self {
        self.bytes_min = bytes;
        self
    }

    /// Returns the length from which on messages are compressed.
    #[must_use]
    pub const fn bytes_min(&self) -> u64 {
        self.bytes_min
    }
}

/// What was set for one end, never below the smallest window.
const fn window(side: Side) -> WindowBits {
    match WindowBits::new(side.window_bits) {
        Some(bits) => bits,
        None => WindowBits::MIN,
    }
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self {
            server: Side::DEFAULT,
            client: Side::DEFAULT,
            level: Level::DEFAULT,
            bytes_min: 64,
            contexts: Contexts::new(CONTEXTS_BYTES_MAX),
        }
    }
}

/// What both ends agreed on in the handshake.
#[derive(Clone, Debug)]
pub struct DeflateParams {
    pub(super) server: Side,
    pub(super) client: Side,
    /// Whether the offer named the server's window, so that the response has to.
    pub(super) names_server_window: bool,
    pub(super) level: Level,
    pub(super) bytes_min: u64,
    pub(super) contexts: Contexts,
}

impl DeflateParams {
    /// Returns whether the messages that `sender` sends may refer back to those before.
    #[must_use]
    pub const fn takeover(&self, sender: Role) -> bool {
        self.side(sender).takeover
    }

    /// Returns how far back the messages that `sender` sends refer, as a power of two: 8 to 15.
    #[must_use]
    pub const fn window_bits(&self, sender: Role) -> u8 {
        self.side(sender).window_bits
    }

    pub(super) const fn side(&self, sender: Role) -> Side {
        match sender {
            Role::Client => self.client,
            Role::Server => self.server,
        }
    }
}

/// Equal when what was agreed on is, whoever keeps the states.
impl PartialEq for DeflateParams {
    fn eq(&self, other: &Self) -> bool {
        let agreed = |params: &Self| {
            let Self { server, client, names_server_window, level, bytes_min, .. } = *params;
            (server, client, names_server_window, level, bytes_min)
        };
        agreed(self) == agreed(other)
    }
}

impl Eq for DeflateParams {}
