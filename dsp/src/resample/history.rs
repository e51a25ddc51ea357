//! The last frames that came, addressed by their absolute index.

use alloc::vec::Vec;

use crate::parts::silence::silence;

/// Samples between two planes beyond their length: five cache lines, so that the same frame of
/// several channels does not fall into the same set of the cache.
const PAD_SAMPLES: usize = 80;

/// The last frames of a stream, planar, each window of them contiguous.
///
/// Each plane is a ring that stands in memory twice, one behind the other; a window that begins in
/// the first never needs to wrap.
#[derive(Clone, Debug)]
pub struct History {
    planes: Vec<f32>,
    channels: usize,
    /// Frames of the ring, a power of two.
    capacity: usize,
    begin: u64,
    end: u64,
}

impl History {
    /// An empty history that begins at index 0 and keeps the last `frames`, rounded up to a power
    /// of two, of so many channels.
    ///
    /// # Panics
    /// When `channels` or `frames` is 0.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new(channels: usize, frames: usize) -> Self {
        assert!(channels > 0, "a history of no channels");
        assert!(frames > 0, "a history of no frames");
        let capacity = frames.next_power_of_two();
        Self {
            planes: silence(channels * (2 * capacity + PAD_SAMPLES)),
            channels,
            capacity,
            begin: 0,
            end: 0,
        }
    }

    /// Channels of a frame.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Frames that are kept at most.
    #[must_use]
    pub fn capacity_frames(&self) -> usize {
        self.capacity
    }

    /// Index of the oldest frame that can be read.
    #[must_use]
    pub fn begin(&self) -> u64 {
        self.begin
    }

    /// Index behind the last frame written.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Appends frames, interleaved; a part of a frame at the end is ignored.
    ///
    /// # Real-time
    /// Safe.
    pub fn write(&mut self, interleaved: &[f32]) {
        let frames = interleaved.len() / self.channels;
        // What would be overwritten by the same call is not written.
        let kept = frames.min(self.capacity);
        self.advance((frames - kept) as u64);
        let mut rest = &interleaved[(frames - kept) * self.channels..frames * self.channels];
        while !rest.is_empty() {
            let place = self.place(self.end);
            let run = (rest.len() / self.channels).min(self.capacity - place);
            let (now, later) = rest.split_at(run * self.channels);
            for channel in 0..self.channels {
                let capacity = self.capacity;
                let samples = now[channel..].iter().step_by(self.channels);
                let plane = self.plane_mut(channel);
                for (kept, &sample) in plane[place..place + run].iter_mut().zip(samples) {
                    *kept = sample;
                }
                plane.copy_within(place..place + run, place + capacity);
            }
            self.advance(run as u64);
            rest = later;
        }
    }

    /// Appends so many frames of silence, in time that grows with no more than what is kept.
    ///
    /// # Real-time
    /// Safe.
    pub fn write_silence(&mut self, frames: u64) {
        let mut rest = frames.min(self.capacity as u64) as usize;
        self.advance(frames - rest as u64);
        while rest > 0 {
            let place = self.place(self.end);
            let run = rest.min(self.capacity - place);
            for channel in 0..self.channels {
                let capacity = self.capacity;
                let plane = self.plane_mut(channel);
                plane[place..place + run].fill(0.0);
                plane[place + capacity..place + capacity + run].fill(0.0);
            }
            self.advance(run as u64);
            rest -= run;
        }
    }

    /// Forgets all frames; the next one written has this index.
    ///
    /// # Real-time
    /// Safe.
    pub fn restart_at(&mut self, index: u64) {
        (self.begin, self.end) = (index, index);
    }

    /// The `frames` samples of a channel from `index` on, which must be there.
    #[inline(always)]
    pub(super) fn window(&self, channel: usize, index: u64, frames: usize) -> &[f32] {
        let begin = channel * self.stride() + self.place(index);
        &self.planes[begin..begin + frames]
    }

    #[inline(always)]
    fn place(&self, index: u64) -> usize {
        index as usize & (self.capacity - 1)
    }

    #[inline(always)]
    fn stride(&self) -> usize {
        2 * self.capacity + PAD_SAMPLES
    }

    fn plane_mut(&mut self, channel: usize) -> &mut [f32] {
        let stride = self.stride();
        &mut self.planes[channel * stride..][..2 * self.capacity]
    }

    fn advance(&mut self, frames: u64) {
        self.end = self.end.saturating_add(frames);
        let oldest = self.end.saturating_sub(self.capacity as u64);
        self.begin = self.begin.max(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sample of a channel at an index, no two alike within the tests.
    fn sample(channel: usize, index: u64) -> f32 {
        index as f32 + 100_000.0 * channel as f32
    }

    fn frames(channels: usize, indexes: core::ops::Range<u64>) -> Vec<f32> {
        indexes
            .flat_map(|index| (0..channels).map(move |channel| sample(channel, index)))
            .collect()
    }

    #[test]
    fn every_window_is_contiguous_and_holds_its_frames() {
        for channels in [1, 2, 3] {
            let mut history = History::new(channels, 64);
            let mut end = 0;
            // Lengths that cut the ring everywhere, and one longer than all of it.
            for length in [1, 63, 64, 17, 5, 200, 31, 65, 7] {
                history.write(&frames(channels, end..end + length));
                end += length;
                assert_eq!(history.end(), end);
                assert_eq!(history.begin(), end.saturating_sub(64));
                for begin in history.begin()..end {
                    for channel in 0..channels {
                        let window = history.window(channel, begin, (end - begin) as usize);
                        for (got, index) in window.iter().zip(begin..) {
                            assert_eq!(*got, sample(channel, index), "frame {index}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn lost_frames_are_silence_however_many() {
        for lost in [0, 1, 40, 64, 65, u64::from(u32::MAX) + 3] {
            let mut history = History::new(2, 64);
            history.write(&frames(2, 1..51));
            history.write_silence(lost);
            let end = 50 + lost;
            history.write(&[5.0, 6.0]);
            assert_eq!(history.end(), end + 1);
            assert_eq!(history.begin(), (end + 1).saturating_sub(64));
            for channel in 0..2 {
                let all = (history.end() - history.begin()) as usize;
                let window = history.window(channel, history.begin(), all);
                for (got, index) in window.iter().zip(history.begin()..) {
                    let want = match index {
                        _ if index < 50 => sample(channel, index + 1),
                        _ if index < end => 0.0,
                        _ => 5.0 + channel as f32,
                    };
                    assert_eq!(*got, want, "frame {index} after {lost} lost");
                }
            }
        }
    }

    #[test]
    fn a_restart_forgets_what_was() {
        let mut history = History::new(1, 64);
        history.write(&[1.0; 100]);
        history.restart_at(7_000);
        assert_eq!((history.begin(), history.end()), (7_000, 7_000));
        history.write(&[2.0; 10]);
        assert_eq!((history.begin(), history.end()), (7_000, 7_010));
        assert_eq!(history.window(0, 7_000, 10), [2.0; 10]);
    }
}
