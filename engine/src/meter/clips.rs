//! How often a channel was at full scale.

use ossicle_dsp::meter::View;

/// The largest number of 16 bits: what converters give at full scale, and never more.
const FULL_SCALE: f32 = 32_767.0 / 32_768.0;

/// Counts runs of samples at full scale.
#[derive(Clone, Debug)]
pub(super) struct Clips {
    /// For each channel the count, and whether its last sample was at full scale.
    channels: Vec<(u64, bool)>,
}

impl Clips {
    pub(super) fn new(channels: usize) -> Self {
        Self {
            channels: vec![(0, false); channels],
        }
    }

    pub(super) fn push(&mut self, view: &View<'_>) {
        for (number, (count, was_full)) in self.channels.iter_mut().enumerate() {
            for sample in view.channel(number) {
                let is_full = sample.abs() >= FULL_SCALE;
                *count += u64::from(is_full && !*was_full);
                *was_full = is_full;
            }
        }
    }

    pub(super) fn count(&self, channel: usize) -> u64 {
        self.channels.get(channel).map_or(0, |(count, _)| *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_samples_at_full_scale_is_one_clip_however_it_is_cut() {
        let full = 32_767.0 / 32_768.0;
        let samples = [
            0.5, full, -1.0, 1.5, 0.5, -full, 0.999_9, 1.0, 0.0, 0.0, full, full,
        ];
        for piece in [1, 2, 5, 12] {
            let mut clips = Clips::new(1);
            for samples in samples.chunks(piece) {
                clips.push(&View::interleaved(samples, 1));
            }
            assert_eq!(clips.count(0), 4, "pieces of {piece}");
        }
    }
}
