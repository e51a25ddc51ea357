//! What a meter is given: planar or interleaved samples, to be read.

use crate::block::Planes;
use crate::parts::finite::or_zero;

/// A stretch of sound to be measured.
///
/// # Examples
/// ```
/// use ossicle_dsp::meter::View;
/// let view = View::interleaved(&[0.1, -0.1, 0.2, -0.2], 2);
/// assert_eq!(view.frames(), 2);
/// assert_eq!(view.channel(1).collect::<Vec<_>>(), [-0.1, -0.2]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    samples: &'a [f32],
    channels: usize,
    frames: usize,
    /// From a channel to the next, and from a frame to the next.
    channel_stride: usize,
    frame_stride: usize,
}

impl<'a> View<'a> {
    /// Views whole frames of `channels` samples.
    ///
    /// # Panics
    /// When `channels` is 0 or `samples` is not a whole number of frames.
    #[must_use]
    pub fn interleaved(samples: &'a [f32], channels: usize) -> Self {
        assert!(channels > 0 && samples.len().is_multiple_of(channels));
        Self {
            samples,
            channels,
            frames: samples.len() / channels,
            channel_stride: 1,
            frame_stride: channels,
        }
    }

    /// Views planes of `frames` samples that begin `stride` samples apart.
    ///
    /// # Panics
    /// When `stride` is 0, `frames` is greater than `stride`, or `samples` is not a whole number of
    /// planes.
    #[must_use]
    pub fn planar(samples: &'a [f32], stride: usize, frames: usize) -> Self {
        assert!(stride > 0 && frames <= stride && samples.len().is_multiple_of(stride));
        Self {
            samples,
            channels: samples.len() / stride,
            frames,
            channel_stride: stride,
            frame_stride: 1,
        }
    }

    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The samples of one channel; what is not finite comes as 0.
    ///
    /// # Panics
    /// When there is no such channel.
    #[inline]
    pub fn channel(&self, channel: usize) -> impl Iterator<Item = f32> + 'a {
        assert!(channel < self.channels);
        let first = channel * self.channel_stride;
        let samples = self.samples.get(first..).unwrap_or(&[]);
        let all = samples.iter().step_by(self.frame_stride);
        all.take(self.frames).map(|&sample| or_zero(sample))
    }

    /// `frames` frames from frame `first` on.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn part(&self, first: usize, frames: usize) -> Self {
        assert!(first + frames <= self.frames);
        Self {
            samples: &self.samples[(first * self.frame_stride).min(self.samples.len())..],
            frames,
            ..*self
        }
    }
}

impl<'a> From<&'a Planes<'_>> for View<'a> {
    fn from(planes: &'a Planes<'_>) -> Self {
        planes.view()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn both_layouts_and_their_parts_show_the_same() {
        let planar = [1.0, 2.0, 3.0, 9.0, -1.0, -2.0, -3.0, 9.0];
        let interleaved = [1.0, -1.0, 2.0, -2.0, 3.0, -3.0];
        let views = [
            View::planar(&planar, 4, 3),
            View::interleaved(&interleaved, 2),
        ];
        for view in views {
            assert_eq!((view.channels(), view.frames()), (2, 3));
            let of = |view: View<'_>, channel| view.channel(channel).collect::<Vec<_>>();
            assert_eq!(of(view, 0), [1.0, 2.0, 3.0]);
            assert_eq!(of(view, 1), [-1.0, -2.0, -3.0]);
            assert_eq!(of(view.part(1, 2), 1), [-2.0, -3.0]);
            assert_eq!(of(view.part(3, 0), 1), [0.0; 0]);
        }
    }

    #[test]
    fn what_is_not_finite_is_silence() {
        let view = View::interleaved(&[f32::NAN, f32::INFINITY, -0.5], 1);
        assert_eq!(view.channel(0).collect::<Vec<_>>(), [0.0, 0.0, -0.5]);
    }
}
