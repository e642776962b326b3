//! The header fields of a message.

use core::{fmt, iter::FusedIterator, ops::Range, str};

use seg_pool::Segment;

use crate::octet::is_blank;

/// The octets of a head whose field lines were checked; fields are found in them when asked for.
#[derive(Clone)]
pub(crate) struct FieldLines {
    octets: Segment,
    /// Where the field lines start.
    start: usize,
}

impl FieldLines {
    /// Creates the lines after the first one of `octets`.
    pub(crate) fn new(octets: Segment) -> Self {
        let line_end = octets.iter().position(|&octet| octet == b'\n');
        Self { start: line_end.map_or(octets.len(), |end| end + 1), octets }
    }

    /// Returns the octets of the whole head.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(crate) fn iter(&self) -> Fields<'_> {
        Fields { octets: &self.octets, at: self.start }
    }

    /// Returns where the values of all fields of that name lie.
    pub(crate) fn places(&self, name: &str) -> impl Iterator<Item = Range<usize>> {
        let mut fields = self.iter();
        core::iter::from_fn(move || fields.next_place())
            .filter(move |(found, _)| {
                self.octets[found.clone()].eq_ignore_ascii_case(name.as_bytes())
            })
            .map(|(_, value)| value)
    }

    pub(crate) fn find_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.places(name).map(|place| &self.octets[place])
    }

    pub(crate) fn value(&self, place: Range<usize>) -> &[u8] {
        &self.octets[place]
    }

    /// The elements of a list, empty ones too.
    pub(crate) fn elements(&self, place: &Range<usize>) -> impl Iterator<Item = &[u8]> {
        self.octets[place.clone()].split(|&octet| octet == b',').map(<[u8]>::trim_ascii)
    }

    /// Returns whether a field that is a list has an element; case does not matter.
    pub(crate) fn has_element(&self, name: &str, element: &str) -> bool {
        let mut elements = self.find_all(name).flat_map(|value| value.split(|&o| o == b','));
        elements.any(|found| found.trim_ascii().eq_ignore_ascii_case(element.as_bytes()))
    }
}

impl fmt::Debug for FieldLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldLines").field("count", &self.iter().count()).finish_non_exhaustive()
    }
}

/// Names and values of the fields of a [`Head`](crate::Head).
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    /// Where the next name and value lie. The lines were checked by the parser.
    fn next_place(&mut self) -> Option<(Range<usize>, Range<usize>)> {
        let line = &self.octets[self.at..];
        let end = line.iter().position(|&octet| octet == b'\r')?;
        let colon = line[..end].iter().position(|&octet| octet == b':')?;
        let (start, mut value) = (self.at, self.at + colon + 1..self.at + end);
        while !value.is_empty() && is_blank(self.octets[value.start]) {
            value.start += 1;
        }
        while !value.is_empty() && is_blank(self.octets[value.end - 1]) {
            value.end -= 1;
        }
        self.at += end + 2;
        Some((start..start + colon, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.next_place()?;
        Some((str::from_utf8(&self.octets[name]).ok()?, &self.octets[value]))
    }
}

impl FusedIterator for Fields<'_> {}
