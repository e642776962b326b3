//! The window against a set of all numbers that came.

use std::collections::HashSet;

use proptest::prelude::*;
use seg_seq::{ReplayErrorKind, ReplayWindow};

const CASES: u32 = if cfg!(miri) { 4 } else { 512 };

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_number_is_taken_once(
        start in prop_oneof![Just(0), any::<u64>()],
        steps in prop::collection::vec(
            prop_oneof![-3..4_i64, -1_100..1_100_i64, any::<i64>()],
            1..200,
        ),
    ) {
        let (mut window, mut model) = (ReplayWindow::new(), HashSet::new());
        let (mut number, mut highest) = (start, None);
        for step in steps {
            number = number.wrapping_add_signed(step);
            let expected = match highest {
                Some(highest) if number <= highest && highest - number >= ReplayWindow::NUMBERS => {
                    Err(ReplayErrorKind::TooOld)
                }
                _ if model.contains(&number) => Err(ReplayErrorKind::Duplicate),
                _ => Ok(()),
            };
            prop_assert_eq!(window.contains(number), expected == Err(ReplayErrorKind::Duplicate));
            prop_assert_eq!(window.check(number).map_err(|error| error.kind()), expected);
            let inserted = window.insert(number);
            prop_assert_eq!(inserted.map_err(|error| error.kind()), expected);
            if let Err(error) = inserted {
                prop_assert_eq!(error.number(), number);
                prop_assert!(error.to_string().contains(&number.to_string()));
            } else {
                model.insert(number);
                highest = highest.max(Some(number));
            }
            prop_assert_eq!(window.highest(), highest);
        }
    }
}
