//! The processor's edges: interleaved frames in, interleaved frames out, guarded.

use std::sync::atomic::Ordering::Relaxed;

use super::fade::Ramp;
use super::{CAREFUL_CALLS, Processor};

impl Processor {
    pub(super) fn load(&mut self, input: &[f32], frames: usize) {
        let channels = self.plan.channels_in;
        if channels == 1 {
            self.pool[..frames].copy_from_slice(input);
            return;
        }
        if channels == 2 {
            let (left, right) = self.pool.split_at_mut(self.max_block_frames);
            let pairs = left[..frames].iter_mut().zip(&mut right[..frames]);
            for ((left, right), frame) in pairs.zip(input.as_chunks().0) {
                [*left, *right] = *frame;
            }
            return;
        }
        let planes = self
            .pool
            .chunks_exact_mut(self.max_block_frames)
            .take(channels);
        for (channel, plane) in planes.enumerate() {
            for (sample, frame) in plane.iter_mut().zip(input.chunks_exact(channels)) {
                *sample = frame[channel];
            }
        }
    }

    /// Guards against values that are not finite, and fits channels.
    pub(super) fn unload(&mut self, output: &mut [f32], frames: usize) {
        if !self.unload_stereo(output, frames) {
            self.unload_any(output, frames);
        }
        self.splice.run(output, &self.ramp);
    }

    /// Two planes to two channels in one pass; false where that is not what is asked, or a sample
    /// may not be finite.
    fn unload_stereo(&mut self, output: &mut [f32], frames: usize) -> bool {
        if (self.plan.output.planes, self.channels_out) != (2, 2) {
            return false;
        }
        let stride = self.max_block_frames;
        let (left, right) = self.pool[self.plan.output.at * stride..].split_at(stride);
        let Some(peaks) = interleave(&left[..frames], &right[..frames], output) else {
            return false;
        };
        for (channel, peak) in peaks.into_iter().enumerate() {
            self.counters.note_peak(channel, peak);
        }
        true
    }

    fn unload_any(&mut self, output: &mut [f32], frames: usize) {
        let (first, have, want) = (
            self.plan.output.at,
            self.plan.output.planes,
            self.channels_out,
        );
        let stride = self.max_block_frames;
        let planes = self.pool[first * stride..].chunks_exact_mut(stride);
        let mut not_finite = 0;
        for (channel, plane) in planes.take(have.min(want)).enumerate() {
            let plane = &mut plane[..frames];
            let (peak, replaced) = guard(plane);
            not_finite += replaced;
            let heard_on = if have == 1 {
                0..want
            } else {
                channel..channel + 1
            };
            heard_on.for_each(|channel| self.counters.note_peak(channel, peak));
        }
        if not_finite > 0 {
            let counter = &self.counters.not_finite_samples;
            counter.fetch_add(not_finite, Relaxed);
            self.careful_calls = CAREFUL_CALLS;
        }
        let source = |channel: usize| if have == 1 { 0 } else { channel };
        let plane = |channel: usize| &self.pool[(first + channel) * stride..][..frames];
        if want == 1 {
            output.copy_from_slice(plane(0));
        } else if want == 2 && have <= 2 {
            let pairs = plane(0).iter().zip(plane(source(1)));
            for (frame, (&left, &right)) in output.chunks_exact_mut(2).zip(pairs) {
                (frame[0], frame[1]) = (left, right);
            }
        } else {
            for channel in 0..want {
                let heard = (source(channel) < have).then(|| plane(source(channel)));
                for (at, frame) in output.chunks_exact_mut(want).enumerate() {
                    frame[channel] = heard.map_or(0.0, |plane| plane[at]);
                }
            }
        }
    }
}

/// Covers a break in the sound: the last frame before it fades into what follows.
pub(super) struct Splice {
    /// The last frame that went out.
    last: Vec<f32>,
    /// The one that fades.
    held: Vec<f32>,
    /// Frames of the fade that are done.
    done: usize,
    frames: usize,
}

impl Splice {
    pub(super) fn new(channels: usize, frames: usize) -> Self {
        Self {
            last: vec![0.0; channels],
            held: vec![0.0; channels],
            done: frames,
            frames,
        }
    }

    /// The sound breaks in this block.
    pub(super) fn begin(&mut self) {
        self.held.copy_from_slice(&self.last);
        self.done = 0;
    }

    fn run(&mut self, output: &mut [f32], ramp: &Ramp) {
        let channels = self.last.len();
        if self.done < self.frames {
            let frames = (output.len() / channels).min(self.frames - self.done);
            let gains = ramp.gains(self.done as u64, frames);
            for (frame, gain) in output.chunks_exact_mut(channels).zip(gains) {
                for (sample, held) in frame.iter_mut().zip(&self.held) {
                    *sample = held + gain * (*sample - held);
                }
            }
            self.done += frames;
        }
        if let Some(frame) = output.rchunks_exact(channels).next() {
            self.last.copy_from_slice(frame);
        }
    }
}

/// Samples of a plane that are looked at side by side.
const LANES: usize = 8;

/// The largest magnitude in each lane, and a sum that is finite only if all samples are.
struct Level {
    peaks: [f32; LANES],
    sums: [f32; LANES],
}

impl Level {
    fn new() -> Self {
        Self {
            peaks: [0.0; LANES],
            sums: [0.0; LANES],
        }
    }

    #[inline]
    fn note(&mut self, lane: usize, sample: f32) {
        let magnitude = sample.abs();
        let peak = &mut self.peaks[lane];
        *peak = if magnitude > *peak { magnitude } else { *peak };
        self.sums[lane] += magnitude;
    }

    /// The largest magnitude, where the sum shows that all samples are finite. Samples near the
    /// largest number may add up to infinity although they are.
    fn peak(self) -> Option<f32> {
        let is_finite = self.sums.iter().all(|sum| sum.is_finite());
        is_finite.then(|| self.peaks.into_iter().fold(0.0, f32::max))
    }
}

/// Interleaves two planes; returns the largest magnitude of each, or `None` where one may hold what
/// is not finite.
fn interleave(left: &[f32], right: &[f32], output: &mut [f32]) -> Option<[f32; 2]> {
    let (mut on_left, mut on_right) = (Level::new(), Level::new());
    let (lefts, last_left) = left.as_chunks::<LANES>();
    let (rights, last_right) = right.as_chunks::<LANES>();
    let (frames, _) = output.as_chunks_mut::<2>();
    let (groups, last_frames) = frames.as_chunks_mut::<LANES>();
    for ((left, right), frames) in lefts.iter().zip(rights).zip(groups) {
        for lane in 0..LANES {
            on_left.note(lane, left[lane]);
            on_right.note(lane, right[lane]);
            frames[lane] = [left[lane], right[lane]];
        }
    }
    let rest = last_left.iter().zip(last_right).zip(last_frames);
    for (lane, ((&left, &right), frame)) in rest.enumerate() {
        on_left.note(lane, left);
        on_right.note(lane, right);
        *frame = [left, right];
    }
    Some([on_left.peak()?, on_right.peak()?])
}

/// Replaces what is not finite by silence; returns the largest magnitude and how many samples were
/// replaced.
fn guard(plane: &mut [f32]) -> (f32, u64) {
    let mut peak = 0.0f32;
    let mut all_finite = true;
    for sample in plane.iter() {
        let magnitude = sample.abs();
        all_finite &= magnitude <= f32::MAX;
        peak = if magnitude > peak { magnitude } else { peak };
    }
    if all_finite {
        return (peak, 0);
    }
    let mut replaced = 0;
    peak = 0.0;
    for sample in plane.iter_mut() {
        if sample.is_finite() {
            peak = peak.max(sample.abs());
        } else {
            *sample = 0.0;
            replaced += 1;
        }
    }
    (peak, replaced)
}

#[cfg(test)]
mod tests {
    use super::{LANES, interleave};

    /// Planes of so many frames whose peaks, 0.75 and 1.5, are negative and anywhere.
    fn planes(frames: usize, peak_at: usize) -> [Vec<f32>; 2] {
        [0.75, 1.5].map(|peak| {
            let sample = |at| match at == peak_at {
                true => -peak,
                false => peak * (at as f32 / frames as f32 - 0.5),
            };
            (0..frames).map(sample).collect()
        })
    }

    #[test]
    fn planes_of_any_length_are_interleaved_with_their_peaks() {
        for frames in 1..=3 * LANES + 1 {
            for peak_at in 0..frames {
                let [left, right] = planes(frames, peak_at);
                let mut output = vec![f32::NAN; 2 * frames];
                let peaks = interleave(&left, &right, &mut output);
                assert_eq!(peaks, Some([0.75, 1.5]), "{peak_at} of {frames}");
                for (at, frame) in output.chunks_exact(2).enumerate() {
                    assert_eq!(frame, [left[at], right[at]], "{at} of {frames}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_found_wherever_it_is() {
        for frames in 1..=3 * LANES + 1 {
            for (at, bad) in (0..2 * frames).zip([f32::NAN, f32::NEG_INFINITY].iter().cycle()) {
                let [mut left, mut right] = planes(frames, 0);
                let plane = if at < frames { &mut left } else { &mut right };
                plane[at % frames] = *bad;
                let mut output = vec![0.0; 2 * frames];
                let peaks = interleave(&left, &right, &mut output);
                assert_eq!(peaks, None, "{bad} at {at} of {frames}");
            }
        }
    }
}
