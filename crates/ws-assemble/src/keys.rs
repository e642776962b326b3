//! Keys that a peer cannot foresee (RFC 6455 section 10.3).

use core::fmt;

/// Masking keys from the system's random source, fetched 64 at a time.
pub struct MaskKeys {
    bytes: [u8; Self::BYTES],
    used: usize,
}

impl MaskKeys {
    const BYTES: usize = 256;

    /// Creates a source. Asks the system at the first key, not before.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; Self::BYTES], used: Self::BYTES }
    }

    /// Returns the next key.
    ///
    /// # Panics
    ///
    /// Panics when the system has no random source, which no supported one is without.
    pub fn next_key(&mut self) -> [u8; 4] {
        if self.used == Self::BYTES {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let key = core::array::from_fn(|index| self.bytes[self.used + index]);
        self.used += 4;
        key
    }
}

/// Returns the 16 random bytes of a handshake's key (RFC 6455 section 4.1).
///
/// # Panics
///
/// Panics when the system has no random source.
#[must_use]
pub fn random_nonce() -> [u8; 16] {
    let mut nonce = [0; 16];
    fill(&mut nonce);
    nonce
}

fn fill(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        panic!("no random source: {error}");
    }
}

impl Default for MaskKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MaskKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The keys to come stay secret.
        f.debug_struct("MaskKeys").finish_non_exhaustive()
    }
}
