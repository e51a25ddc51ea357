//! The audio of one `process` call: planes of equal length, side by side in one slice.

use crate::meter::View;

/// The planes of a block, to be read and written in place.
///
/// Plane `c` holds the samples of channel `c`. All planes lie in one slice, `stride` samples apart,
/// so that a block of any length is a view and never a copy.
#[derive(Debug)]
pub struct Planes<'a> {
    samples: &'a mut [f32],
    channels: usize,
    stride: usize,
    frames: usize,
}

impl<'a> Planes<'a> {
    /// Views `samples` as planes of `frames` samples that begin `stride` samples apart.
    ///
    /// The number of channels is `samples.len() / stride`.
    ///
    /// # Panics
    /// When `stride` is 0, `frames` is greater than `stride`, or `samples` is not a whole number of
    /// planes.
    pub fn new(samples: &'a mut [f32], stride: usize, frames: usize) -> Self {
        assert!(stride > 0, "planes must have a length");
        let channels = samples.len() / stride;
        Self::with_channels(samples, channels, stride, frames)
    }

    /// As [`new`](Self::new), without its division: for blocks of a few frames.
    ///
    /// # Panics
    /// When `frames` is greater than `stride`, or `samples` is not `channels` planes.
    #[inline]
    pub fn with_channels(
        samples: &'a mut [f32],
        channels: usize,
        stride: usize,
        frames: usize,
    ) -> Self {
        assert!(frames <= stride && samples.len() == channels * stride);
        Self {
            samples,
            channels,
            stride,
            frames,
        }
    }

    /// Number of planes.
    #[inline]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of frames in the block.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The samples of one channel.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn plane(&self, channel: usize) -> &[f32] {
        &self.samples[channel * self.stride..][..self.frames]
    }

    /// The samples of one channel, to be written.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn plane_mut(&mut self, channel: usize) -> &mut [f32] {
        &mut self.samples[channel * self.stride..][..self.frames]
    }

    /// The planes as a meter sees them.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::planar(self.samples, self.stride, self.frames)
    }

    /// Two different planes at once: `(first, second)`, in the order of their channels.
    ///
    /// # Panics
    /// When `first >= second` or there is no such channel.
    pub fn pair_mut(&mut self, first: usize, second: usize) -> (&mut [f32], &mut [f32]) {
        assert!(first < second);
        let (low, high) = self.samples.split_at_mut(second * self.stride);
        (
            &mut low[first * self.stride..][..self.frames],
            &mut high[..self.frames],
        )
    }

    /// All planes in turn.
    #[inline]
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let (stride, frames) = (self.stride, self.frames);
        let mut rest = &mut *self.samples;
        (0..self.channels).map(move |_| {
            let (plane, behind) = core::mem::take(&mut rest).split_at_mut(stride);
            rest = behind;
            &mut plane[..frames]
        })
    }

    /// All planes in turn, to be read.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.channels).map(|channel| self.plane(channel))
    }
}

/// Planes that may only be read: a side-chain.
#[derive(Clone, Copy, Debug)]
pub struct SidePlanes<'a> {
    samples: &'a [f32],
    stride: usize,
    frames: usize,
}

impl<'a> SidePlanes<'a> {
    /// Views `samples` as in [`Planes::new`].
    ///
    /// # Panics
    /// As [`Planes::new`].
    pub fn new(samples: &'a [f32], stride: usize, frames: usize) -> Self {
        assert!(stride > 0 && frames <= stride && samples.len().is_multiple_of(stride));
        Self {
            samples,
            stride,
            frames,
        }
    }

    /// Number of planes.
    pub fn channels(&self) -> usize {
        self.samples.len() / self.stride
    }

    /// The samples of one channel.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn plane(&self, channel: usize) -> &'a [f32] {
        &self.samples[channel * self.stride..][..self.frames]
    }
}

/// What a node sees in one `process` call.
#[derive(Debug)]
pub struct Block<'a> {
    /// As many planes as the larger of the node's channels in and out. On entry the first
    /// `channels_in` hold the input; on return the first `channels_out` hold the output.
    pub planes: Planes<'a>,
    /// The side-chain, when the node asked for one and the chain connects it.
    pub side_chain: Option<SidePlanes<'a>>,
    /// Frames the node has processed since it was prepared or reset, before this block.
    ///
    /// Whatever happens every so many frames (a coefficient update, an FFT hop) is anchored to this
    /// count and never to the start of a block.
    pub since_reset: u64,
}

impl Block<'_> {
    /// Number of frames in the block, at least 1.
    pub fn frames(&self) -> usize {
        self.planes.frames()
    }
}
