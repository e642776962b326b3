//! Text in three pieces against `core::str::from_utf8`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_assemble::Utf8Validator;

fuzz_target!(|input: &[u8]| {
    let [first, second, text @ ..] = input else { return };
    let mut cuts = [*first, *second].map(|part| text.len() * usize::from(part) / 255);
    cuts.sort_unstable();
    let pieces = [0..cuts[0], cuts[0]..cuts[1], cuts[1]..text.len()];
    let mut validator = Utf8Validator::new();
    let refused = pieces.into_iter().find_map(|piece| {
        validator.push(&text[piece.clone()]).err().map(|index| piece.start + index)
    });
    match core::str::from_utf8(text) {
        Ok(_) => assert!(refused.is_none() && validator.is_complete()),
        // The last character is cut short.
        Err(error) if error.error_len().is_none() => {
            assert!(refused.is_none() && !validator.is_complete());
        }
        Err(error) => {
            // The first byte that no text can have after those before it.
            let start = error.valid_up_to();
            let spoiled = (start..text.len()).find(|&at| {
                core::str::from_utf8(&text[start..=at])
                    .is_err_and(|error| error.error_len().is_some())
            });
            assert!(spoiled.is_some() && refused == spoiled);
        }
    }
});
