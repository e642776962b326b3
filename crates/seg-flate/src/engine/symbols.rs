//! Symbols near the end of the input or of the output.

use super::{
    code::{Codes, DISTANCES_BITS, END, EXCEPTIONAL, LITERAL, LITERALS_BITS, SECOND},
    fast::{self, Output, Stop},
    source::Source,
    window::Window,
};

/// A match, or what is left of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Match {
    pub(super) len: usize,
    pub(super) distance: usize,
}

/// Decodes symbols until one of the reasons. What does not fit of a match goes to `rest`.
pub(super) fn decode(
    source: &mut Source<'_>,
    codes: &Codes,
    window: &Window,
    output: &mut Output<'_>,
    rest: &mut Match,
) -> Stop {
    loop {
        if !rest.copy(window, output) {
            return Stop::NeedOutput;
        }
        if let Some(stop) = fast::decode(source, codes, window, output) {
            return stop;
        }
        // After the end of the input are zeroes, which do no harm: what is used up is looked at.
        source.refill();
        let literal = Symbol::look_up(&codes.literals, LITERALS_BITS, source.bits);
        if source.count < literal.used {
            return Stop::NeedInput;
        }
        if literal.entry & EXCEPTIONAL != 0 {
            source.skip(literal.used);
            return if literal.entry & END != 0 { Stop::BlockEnd } else { Stop::Corrupt };
        }
        let Some(place) = output.bytes.get_mut(output.len) else { return Stop::NeedOutput };
        if literal.entry & LITERAL != 0 {
            *place = fast::literal(literal.entry);
            output.len += 1;
            source.skip(literal.used);
            continue;
        }
        let after = source.bits >> literal.used;
        let distance = Symbol::look_up(&codes.distances, DISTANCES_BITS, after);
        if source.count < literal.used + distance.used {
            return Stop::NeedInput;
        }
        let found = Match { len: literal.value(source.bits), distance: distance.value(after) };
        source.skip(literal.used + distance.used);
        let is_invalid = distance.entry & EXCEPTIONAL != 0;
        if is_invalid || found.distance > output.len + window.len() {
            return Stop::Corrupt;
        }
        *rest = found;
    }
}

/// An entry that is looked up.
struct Symbol {
    entry: u32,
    /// Bits that the first table took, when it named a second one.
    skipped: u32,
    /// All bits that are used up.
    used: u32,
}

impl Symbol {
    fn look_up(table: &[u32], first_bits: u32, bits: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "less than the table has entries")]
        let entry = table[(bits & ((1 << first_bits) - 1)) as usize];
        if entry & EXCEPTIONAL == 0 || entry & SECOND == 0 {
            return Self { entry, skipped: 0, used: entry & 0xff };
        }
        let skipped = entry & 0xff;
        let entry = table[fast::second(entry, bits >> skipped)];
        Self { entry, skipped, used: skipped + (entry & 0xff) }
    }

    const fn value(&self, bits: u64) -> usize {
        fast::value(self.entry, bits >> self.skipped)
    }
}

impl Match {
    /// Copies what there is output for; returns whether it was all.
    fn copy(&mut self, window: &Window, output: &mut Output<'_>) -> bool {
        let len = self.len.min(output.bytes.len() - output.len);
        if len > 0 {
            let mut to = output.len;
            output.len += len;
            if self.distance > to {
                let back = self.distance - to;
                to += window.copy(back, &mut output.bytes[to..output.len]);
            }
            if to < output.len {
                fast::copy(output.bytes, to, self.distance, output.len - to);
            }
            self.len -= len;
        }
        self.len == 0
    }
}
