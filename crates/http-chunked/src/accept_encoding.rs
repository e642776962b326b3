//! Which content codings a recipient takes (RFC 9110 §12.5.3).

use crate::content_coding::ContentCoding;

/// Weights are thousandths.
const WEIGHT_MAX: u16 = 1000;

/// What the `Accept-Encoding` fields of a request, or of a response, say.
///
/// Any value is read: an element that breaks the grammar, or names a coding that is not known here, says
/// nothing. Of two elements for one coding the first one counts. `x-gzip` is `gzip`.
///
/// # Examples
///
/// ```
/// use http_chunked::{AcceptEncoding, ContentCoding};
///
/// let preferred = [ContentCoding::Gzip, ContentCoding::Deflate];
/// let accepted = AcceptEncoding::from_fields([&b"deflate, gzip;q=0.5"[..]]);
/// assert_eq!(accepted.choose(&preferred), Some(ContentCoding::Deflate));
/// // Both are as welcome: the order of the sender decides.
/// let accepted = AcceptEncoding::from_fields([&b"deflate, gzip"[..]]);
/// assert_eq!(accepted.choose(&preferred), Some(ContentCoding::Gzip));
/// let accepted = AcceptEncoding::from_fields([&b"br;q=1, identity;q=0"[..]]);
/// assert_eq!(accepted.choose(&preferred), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AcceptEncoding {
    /// In the order of [`ContentCoding::ALL`].
    weights: [Option<u16>; ContentCoding::ALL.len()],
    /// That of `*`.
    others: Option<u16>,
    has_field: bool,
}

impl AcceptEncoding {
    /// Reads the values of all `Accept-Encoding` fields of a head.
    #[must_use]
    pub fn from_fields<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut accepted = Self::default();
        for value in values {
            accepted.has_field = true;
            value.split(|&octet| octet == b',').for_each(|element| accepted.read(element));
        }
        accepted
    }

    fn read(&mut self, element: &[u8]) {
        let mut parts = element.splitn(2, |&octet| octet == b';');
        let name = parts.next().unwrap_or_default().trim_ascii();
        let Some(weight) = parts.next().map_or(Some(WEIGHT_MAX), weight) else { return };
        let place = match name {
            b"*" => &mut self.others,
            _ => {
                let coding = ContentCoding::from_name(name);
                match ContentCoding::ALL.iter().position(|known| Some(*known) == coding) {
                    Some(index) => &mut self.weights[index],
                    None => return,
                }
            }
        };
        place.get_or_insert(weight);
    }

    /// Returns how welcome a coding is, from 0, which refuses it, to 1000; `None` when nothing is said about it.
    #[must_use]
    pub fn weight(&self, coding: ContentCoding) -> Option<u16> {
        let index = ContentCoding::ALL.iter().position(|known| *known == coding);
        index.and_then(|index| self.weights[index]).or(self.others)
    }

    /// Returns whether a message may be sent in a coding. Without a field all are accepted, and without a
    /// word about it [`Identity`](ContentCoding::Identity) is.
    #[must_use]
    pub fn accepts(&self, coding: ContentCoding) -> bool {
        let unsaid = !self.has_field || coding == ContentCoding::Identity;
        self.weight(coding).map_or(unsaid, |weight| weight > 0)
    }

    /// Chooses a coding to send a message in: the most welcome one of those that the sender has, and of several the first one.
    ///
    /// `preferred` is what the sender has, best first. It always has [`Identity`](ContentCoding::Identity), which comes
    /// last unless it is named: it is chosen when nothing else is accepted, and when there is no field, because a
    /// recipient that says nothing may know no coding. `None` when nothing is accepted: then the answer is a 406, or it disregards
    /// the field (RFC 9110 §12.5.3). A response that depends on the choice needs `Vary: Accept-Encoding`.
    #[must_use]
    pub fn choose(&self, preferred: &[ContentCoding]) -> Option<ContentCoding> {
        let mut best = (0, None);
        if self.has_field {
            for &coding in preferred.iter().chain(&[ContentCoding::Identity]) {
                let weight = self.weight(coding).unwrap_or(0);
                if weight > best.0 {
                    best = (weight, Some(coding));
                }
            }
        }
        let identity = ContentCoding::Identity;
        best.1.or_else(|| self.accepts(identity).then_some(identity))
    }
}

/// Reads what follows the first semicolon of an element: `q=` and a number from 0 to 1 of up to three decimals
/// (RFC 9110 §12.4.2), in thousandths.
fn weight(parameter: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', whole @ (b'0' | b'1'), rest @ ..] = parameter.trim_ascii() else {
        return None;
    };
    let decimals = match rest {
        [] => rest,
        [b'.', decimals @ ..] if decimals.len() <= 3 => decimals,
        _ => return None,
    };
    let mut weight = u16::from(whole - b'0');
    for index in 0..3 {
        let digit = decimals.get(index).copied().unwrap_or(b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        weight = 10 * weight + u16::from(digit - b'0');
    }
    (weight <= WEIGHT_MAX).then_some(weight)
}
