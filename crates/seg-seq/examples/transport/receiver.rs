//! Packets that came in, messages that are complete, and acknowledgements.

use seg_seq::{
    Datagram, FragmentId, PacketParts, Reassembler, ReassemblyErrorKind, ReplayWindow, Sequence,
};

use super::wire::{ACKNOWLEDGEMENT, Cipher, HEADER_BYTES, Header, TAG_BYTES};

/// Bytes of an acknowledgement with a bit for each of the last 1,024 numbers.
const BITS_BYTES: usize = 128;

/// An acknowledgement: header, those bits, tag.
pub(crate) const ACKNOWLEDGEMENT_BYTES: usize = HEADER_BYTES + BITS_BYTES + TAG_BYTES;

pub(crate) struct Receiver {
    came: ReplayWindow,
    acknowledgements: ReplayWindow,
    next_acknowledgement: u64,
    reassembler: Reassembler,
    /// Messages that are complete, with their numbers.
    pub(crate) complete: Vec<(u64, Sequence)>,
    /// Packets that were not the peer's, broken, or there before.
    pub(crate) refused: u64,
}

/// What came.
pub(crate) enum Received {
    /// A part of a message, perhaps one that came before: to be acknowledged.
    Fragment,
    Acknowledgement {
        highest: u64,
        datagram: Datagram,
    },
    /// Something that may be from anybody.
    Refused,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self {
            came: ReplayWindow::new(),
            acknowledgements: ReplayWindow::new(),
            next_acknowledgement: ACKNOWLEDGEMENT,
            reassembler: Reassembler::default(),
            complete: Vec::new(),
            refused: 0,
        }
    }

    /// Takes a packet: decrypts it where it lies and links its payload into its message.
    pub(crate) fn take(&mut self, datagram: Datagram, cipher: &Cipher) -> Received {
        let received = self.open(datagram, cipher).unwrap_or(Received::Refused);
        self.refused += u64::from(matches!(received, Received::Refused));
        received
    }

    fn open(&mut self, mut datagram: Datagram, cipher: &Cipher) -> Option<Received> {
        let mut parts = datagram.parts_mut(HEADER_BYTES, TAG_BYTES).ok()?;
        let header = Header::from_bytes(parts.header)?;
        let is_acknowledgement = header.number & ACKNOWLEDGEMENT != 0;
        let came = if is_acknowledgement { &mut self.acknowledgements } else { &mut self.came };
        if came.check(header.number).is_err() {
            self.refused += 1;
            return (!is_acknowledgement).then_some(Received::Fragment);
        }
        cipher.open(header, &mut parts).ok()?;
        if is_acknowledgement {
            came.insert(header.number).ok()?;
            return Some(Received::Acknowledgement { highest: header.message, datagram });
        }
        let Header { message, index, count, .. } = header;
        let mut payload = datagram.into_payload(HEADER_BYTES, TAG_BYTES).ok()?;
        match self.reassembler.push(FragmentId { message, index, count }, &mut payload) {
            Ok(complete) => self.complete.extend(complete.map(|bytes| (message, bytes))),
            Err(error) if error.kind() == ReassemblyErrorKind::Duplicate => {}
            // Not acknowledged, so it comes again when there is space for it.
            Err(_) => return None,
        }
        came.insert(header.number).ok()?;
        Some(Received::Fragment)
    }

    /// Makes an acknowledgement of all that came; `None` when nothing did.
    pub(crate) fn acknowledgement(
        &mut self,
        cipher: &Cipher,
    ) -> Option<[u8; ACKNOWLEDGEMENT_BYTES]> {
        let highest = self.came.highest()?;
        let header =
            Header { number: self.next_acknowledgement, message: highest, index: 0, count: 0 };
        self.next_acknowledgement += 1;
        let mut packet = [0; ACKNOWLEDGEMENT_BYTES];
        let (start, rest) = packet.split_at_mut(HEADER_BYTES);
        let (bits, tag) = rest.split_at_mut(BITS_BYTES);
        for (back, number) in (0..BITS_BYTES * 8).zip((0..=highest).rev()) {
            if self.came.contains(number) {
                bits[back / 8] |= 1 << (back % 8);
            }
        }
        cipher.seal(header, &mut PacketParts { header: start, payload: bits, tag }).ok()?;
        Some(packet)
    }
}

/// Returns whether an acknowledgement says that a packet came, so many numbers before the highest.
pub(crate) fn is_acknowledged(acknowledgement: &[u8], back: u64) -> bool {
    let bits = acknowledgement.get(HEADER_BYTES..).unwrap_or_default();
    let byte = usize::try_from(back / 8).ok().and_then(|index| bits.get(index));
    byte.is_some_and(|byte| byte >> (back % 8) & 1 == 1)
}
