//! What a row needs of a protocol.

use serde::Serialize;

use super::progress::Progress;
use crate::digest::Digest;

/// A connection that can be asked for the message, again and again.
pub(super) trait Receive {
    /// A whole message.
    type Message;

    /// Asks for the message and receives it whole.
    fn receive(&mut self, progress: &Progress) -> anyhow::Result<Self::Message>;

    /// Reads the message where it lies, without flattening it.
    fn digest(message: &Self::Message) -> Digest;
}

/// How a message is put together from what was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Assembly {
    /// Received segments are linked.
    Segmented,
    /// Received bytes are copied into one buffer that grows.
    Contiguous,
}

impl Assembly {
    /// Both, in the order of the table.
    pub const ALL: [Self; 2] = [Self::Segmented, Self::Contiguous];

    /// Returns the name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segmented => "segmented",
            Self::Contiguous => "contiguous",
        }
    }
}
