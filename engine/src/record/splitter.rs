//! Finds where a take is split.

use std::collections::VecDeque;

use super::config::Split;

/// Finds the places of a split, all before any sound behind them is written.
#[derive(Debug)]
pub(super) struct Splitter {
    rule: Rule,
    /// Frames looked at.
    position: u64,
    /// Places found, in order.
    places: VecDeque<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    None,
    Every(u64),
    Pause {
        /// Largest magnitude of silence.
        most: f32,
        /// Frames that make a pause.
        frames: u64,
        /// Frames of silence so far.
        silent: u64,
        /// Something was heard since the last split.
        heard: bool,
    },
}

impl Splitter {
    pub(super) fn new(split: Option<Split>, sample_rate_hz: u32) -> Self {
        let rule = match split {
            Some(Split::Every(moment)) => Rule::Every(moment.frames(sample_rate_hz).max(1)),
            Some(Split::Silence { below_db, seconds }) => Rule::Pause {
                most: 10f64.powf(below_db / 20.0) as f32,
                frames: ((seconds * f64::from(sample_rate_hz)).round() as u64).max(1),
                silent: 0,
                heard: false,
            },
            Some(Split::Bytes(_)) | None => Rule::None,
        };
        Self {
            rule,
            position: 0,
            places: VecDeque::new(),
        }
    }

    /// Looks at the frames that follow.
    pub(super) fn look(&mut self, interleaved: &[f32], channels: usize) {
        let first = self.position;
        self.position += (interleaved.len() / channels) as u64;
        let Rule::Pause {
            most,
            frames,
            silent,
            heard,
        } = &mut self.rule
        else {
            return;
        };
        for (position, frame) in (first..).zip(interleaved.chunks_exact(channels)) {
            // What is no number is no silence either.
            if frame.iter().all(|sample| sample.abs() < *most) {
                *silent += 1;
                if *heard && *silent == *frames {
                    *heard = false;
                    self.places.push_back(position + 1);
                }
            } else {
                (*silent, *heard) = (0, true);
            }
        }
    }

    /// Passes over frames that were lost.
    pub(super) fn pass(&mut self, frames: u64) {
        self.position += frames;
    }

    /// Where the file that begins at `first` ends at the latest, as far as is known; `u64::MAX`
    /// for nowhere.
    pub(super) fn end_of(&mut self, first: u64) -> u64 {
        while self.places.front().is_some_and(|place| *place <= first) {
            self.places.pop_front();
        }
        match self.rule {
            // Counted from the take's start: a file that began elsewhere, on another disk, ends
            // where it would have.
            Rule::Every(frames) => (first / frames + 1).saturating_mul(frames),
            _ => self.places.front().copied().unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Moment;

    #[test]
    fn every_so_often_is_counted_from_the_start() {
        let mut splitter = Splitter::new(Some(Split::Every(Moment::Seconds(0.5))), 1000);
        let ends = [0, 499, 500, 777].map(|first| splitter.end_of(first));
        assert_eq!(ends, [500, 500, 1000, 1000]);
        assert_eq!(Splitter::new(None, 1000).end_of(5), u64::MAX);
    }

    #[test]
    fn a_pause_splits_once_where_it_is_long_enough_however_the_sound_is_cut() {
        // Two channels at 1000 Hz; silence is below 0.01; a pause has 5 frames.
        let rule = Split::Silence {
            below_db: -40.0,
            seconds: 0.005,
        };
        let mut sound = vec![0.0f32; 2 * 20]; // silence at the start is no pause
        sound.extend([0.5, 0.0]); // frame 20
        sound.extend([0.0, 0.009].repeat(4)); // four are too few
        sound.extend([0.0, -0.02]); // frame 25
        sound.extend([0.0, 0.0].repeat(30)); // a pause at 26 + 5
        sound.extend([f32::NAN, 0.0]); // frame 56
        sound.extend([0.0, 0.0].repeat(9)); // a pause at 57 + 5
        for piece in [2, 6, 14, 1000] {
            let mut splitter = Splitter::new(Some(rule), 1000);
            sound
                .chunks(piece)
                .for_each(|piece| splitter.look(piece, 2));
            assert_eq!(splitter.end_of(0), 31, "{piece}");
            assert_eq!(splitter.end_of(31), 62, "{piece}");
            assert_eq!(splitter.end_of(62), u64::MAX, "{piece}");
        }
        // Lost frames are no silence, and do not end it.
        let mut splitter = Splitter::new(Some(rule), 1000);
        splitter.look(&[0.5; 2], 2);
        splitter.look(&[0.0; 6], 2);
        splitter.pass(1000);
        splitter.look(&[0.0; 4], 2);
        assert_eq!(splitter.end_of(0), 1006);
    }
}
