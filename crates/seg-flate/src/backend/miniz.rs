//! `miniz_oxide` as an engine.

use miniz_oxide::{
    DataFormat, MZError, MZFlush, MZStatus,
    inflate::stream::{InflateState, MinReset, inflate},
};

use super::{Corrupt, Progress};

pub(crate) struct Engine(Box<InflateState>);

impl Engine {
    pub(super) fn new() -> Self {
        Self(InflateState::new_boxed(DataFormat::Raw))
    }

    pub(super) fn reset(&mut self) {
        self.0.reset_as(MinReset);
    }

    pub(super) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, Corrupt> {
        let result = inflate(&mut self.0, input, output, MZFlush::None);
        let (consumed, produced) = (result.bytes_consumed, result.bytes_written);
        match result.status {
            Ok(status) => {
                Ok(Progress { consumed, produced, is_end: status == MZStatus::StreamEnd })
            }
            // Nothing could move: the caller brings more input or more room.
            Err(MZError::Buf) => Ok(Progress { consumed, produced, is_end: false }),
            Err(_) => Err(Corrupt { consumed, produced }),
        }
    }
}
