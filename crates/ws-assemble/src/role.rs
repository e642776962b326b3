//! The ends of a connection.

/// Which end of a connection this is: clients mask what they send, servers do not (RFC 6455
/// section 5.1). There is no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// This end sent the handshake's request.
    Client,
    /// This end answered it.
    Server,
}

impl Role {
    /// Returns whether the frames that this end receives must be masked.
    #[must_use]
    pub const fn receives_masked(self) -> bool {
        matches!(self, Self::Server)
    }
}
