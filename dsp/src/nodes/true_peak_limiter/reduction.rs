//! From peaks to a gain that is in time: the path that channels share when they are linked.
//!
//! All of it counts the reduction 1 - gain. Required is w = 1 - c/p; the largest w of a span falls
//! with the release, is rounded up to whole steps, and is smoothed by two boxes that together are
//! shorter than the span. Every value that the boxes take for a frame is therefore at least what
//! that frame requires, and so is their mean. Whole steps make the running sums exact: nothing
//! gathers in them, however long they run.

use crate::parts::fading::{Fade, Fading, Larger};
use crate::parts::moving_max::MovingMax;
use crate::parts::true_peak::{GROUP, MAX_FRAMES};
use crate::parts::vectors::Eight;
use crate::parts::window::{Window, copy};

/// Required on top, so that the roundings of gain and product stay below the ceiling: 0.000 002 dB.
///
/// p (c/p (1 + u) - 4u)(1 + u) <= c for p >= c, where u = 2^-24 is the rounding of a number.
const MARGIN: f32 = 1.0 / (1 << 22) as f32;
/// Adding and subtracting it rounds a number from 0 to 1 to whole steps of 2^-24.
const TO_STEPS: f64 = 1.5 * (1_u64 << 28) as f64;
const STEP: f64 = 1.0 / (1 << 24) as f64;
/// Frames between the first and the last whose requirement all values in the boxes hold.
const MARGIN_FRAMES: usize = 2;

/// The shortest look-ahead.
pub(super) const MIN_LOOK_AHEAD_FRAMES: usize = 8;

/// The reduction that a peak `p` requires under the ceiling `c`.
#[inline(always)]
pub(super) fn required(peak: f32, ceiling: f32) -> f32 {
    let reduction = (1.0 - ceiling / peak) + MARGIN;
    let reduction = if reduction < 1.0 { reduction } else { 1.0 };
    if peak > ceiling { reduction } else { 0.0 }
}

/// Span, release and boxes.
#[derive(Clone, Debug)]
pub(super) struct Reduction {
    span: MovingMax,
    falling: Fading<Larger>,
    first: BoxSum,
    second: BoxSum,
    /// One divided by the steps of both boxes.
    mean: f64,
    gains: Window<f32>,
}

impl Reduction {
    /// A gain of 1, with boxes of together `look_ahead_frames`.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub(super) fn new(look_ahead_frames: usize) -> Self {
        let frames = look_ahead_frames.max(MIN_LOOK_AHEAD_FRAMES);
        let (first, second) = (frames / 2, frames - frames / 2);
        let mut new = Self {
            span: MovingMax::new(frames + 1, 0.0),
            falling: Fading::REST,
            first: BoxSum::new(first),
            second: BoxSum::new(second),
            mean: 1.0 / (first * second) as f64,
            gains: Window::new(2 * MAX_FRAMES),
        };
        new.span.set_window(frames + 1);
        new.clear();
        new
    }

    /// Frames from the first frame of an interval to the frame for which its gain comes out.
    pub(super) fn latency_frames(look_ahead_frames: usize) -> usize {
        look_ahead_frames.max(MIN_LOOK_AHEAD_FRAMES) + 1 - MARGIN_FRAMES
    }

    pub(super) fn clear(&mut self) {
        self.span.clear();
        self.falling = Fading::REST;
        self.first.clear();
        self.second.clear();
        self.gains.clear();
        self.gains.append(MAX_FRAMES).fill(1.0);
        self.gains.append(MAX_FRAMES).fill(1.0);
    }

    /// To be called with the release so far before there is another.
    pub(super) fn settle(&mut self, release: &Fade) {
        self.falling.settle(release);
    }

    /// Takes what is required of each frame, and what is held in each group.
    #[inline(always)]
    pub(super) fn run<E: Eight>(&mut self, required: &mut [f32], held: &[f32], release: &Fade) {
        self.span.process(required);
        // The peak is at least what goes in, so it needs no look at that again.
        let groups = required.as_chunks::<GROUP>().0.iter().zip(held);
        let at_least = groups.map(|(own, &held)| E::splat(held).or_larger(E::load(own)));
        let mut falling = [[0.0; GROUP]; MAX_FRAMES / GROUP];
        let mut places = falling.iter_mut();
        self.falling.run(release, at_least, |fallen| {
            if let Some(place) = places.next() {
                fallen.store(place);
            }
        });
        let mut steps = [0.0; MAX_FRAMES];
        let steps = &mut steps[..required.len()];
        for (step, &falling) in steps.iter_mut().zip(falling.as_flattened()) {
            let exact = f64::from(falling);
            let exact = if exact > STEP / 2.0 { exact } else { 0.0 };
            let nearest = (exact + TO_STEPS) - TO_STEPS;
            *step = if nearest < exact {
                nearest + STEP
            } else {
                nearest
            };
        }
        self.first.run(steps);
        self.second.run(steps);
        let gains = self.gains.append(steps.len());
        for (gain, &sum) in gains.iter_mut().zip(&*steps) {
            *gain = (1.0 - sum * self.mean) as f32;
        }
    }

    /// The last gains, the first of `count` having come `age` frames ago.
    #[inline(always)]
    pub(super) fn gains(&self, age: usize, count: usize) -> &[f32] {
        self.gains.since(age, count)
    }
}

/// The sum of the last values.
#[derive(Clone, Debug)]
struct BoxSum {
    length: usize,
    sum: f64,
    values: Window<f64>,
}

impl BoxSum {
    fn new(length: usize) -> Self {
        Self {
            length,
            sum: 0.0,
            values: Window::new(length + MAX_FRAMES),
        }
    }

    fn clear(&mut self) {
        self.sum = 0.0;
        self.values.clear();
    }

    #[inline(always)]
    fn run(&mut self, values: &mut [f64]) {
        let count = values.len();
        copy(self.values.append(count), values);
        let leaving = self.values.since(self.length + count, count);
        let mut sum = self.sum;
        for (value, &leaving) in values.iter_mut().zip(leaving) {
            sum += *value - leaving;
            *value = sum;
        }
        self.sum = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::vectors::{Vectors, Work};

    /// A group that is taken.
    struct Taking<'a> {
        reduction: &'a mut Reduction,
        required: [f32; GROUP],
        release: &'a Fade,
    }

    impl Work for Taking<'_> {
        type Output = ();

        #[inline(always)]
        fn run<E: Eight>(mut self) {
            let Self {
                reduction, release, ..
            } = self;
            reduction.run::<E>(&mut self.required, &[0.0], release);
        }
    }

    /// The gains for `required`, and from which of them on they belong to it.
    fn gains(look_ahead: usize, all: &[f32]) -> (alloc::vec::Vec<f32>, usize) {
        let mut reduction = Reduction::new(look_ahead);
        let mut gains = alloc::vec::Vec::new();
        let release = &Fade::new(0.99);
        for required in all.chunks_exact(GROUP) {
            Vectors::detect().run(Taking {
                reduction: &mut reduction,
                required: core::array::from_fn(|place| required[place]),
                release,
            });
            gains.extend_from_slice(reduction.gains(GROUP, GROUP));
        }
        (gains, Reduction::latency_frames(look_ahead))
    }

    #[test]
    fn the_gain_is_never_above_what_a_frame_or_its_neighbours_require() {
        for look_ahead in [8, 24, 72, 73, 480] {
            let all: alloc::vec::Vec<f32> = (0..4000_u32)
                .map(|n| {
                    let noise = n.wrapping_mul(2_654_435_761) >> 8;
                    let share = noise as f32 / (1 << 24) as f32;
                    if noise % 50 == 0 { share } else { 0.0 }
                })
                .collect();
            let (gains, latency) = gains(look_ahead, &all);
            for (n, gain) in gains.iter().enumerate().skip(latency + 1) {
                for required in &all[n - latency - 1..=n - latency + 1] {
                    // Exactly, but for the rounding of the gain to single precision.
                    let most = (1.0 - f64::from(*required)) * (1.0 + f64::from(f32::EPSILON) / 2.0);
                    assert!(
                        f64::from(*gain) <= most,
                        "{look_ahead}, {n}: {gain} over {most}"
                    );
                }
            }
        }
    }

    #[test]
    fn after_the_release_the_gain_is_one_again_exactly() {
        let mut all = [0.0; 8000];
        all[100] = 0.9;
        let (gains, latency) = gains(72, &all);
        assert!(gains[100 + latency] < 0.100_001);
        assert_eq!(gains[7999], 1.0);
    }

    #[test]
    fn what_is_required_keeps_the_product_under_the_ceiling() {
        // Near the ceiling and far above it, where the roundings of gain and product show.
        for step in 0..200_000_u32 {
            let ceiling = 0.1 + 0.9 * (step % 997) as f32 / 997.0;
            let over = 1.0 + f32::EPSILON * (step % 64) as f32 + (step / 64) as f32 * 0.03;
            let peak = ceiling * over;
            let gain = (1.0 - f64::from(required(peak, ceiling))) as f32;
            assert!(
                peak * gain <= ceiling,
                "{peak} times {gain} is over {ceiling}"
            );
        }
    }
}
