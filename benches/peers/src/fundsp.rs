//! fundsp: a net whose backend is called with planes, as it asks.

use anyhow::{Result, ensure};
use fundsp::prelude32::{AudioUnit, BufferVec, MAX_BUFFER_SIZE, Net, NetBackend, lowpass_hz};

use crate::{Filters, Peer};

/// Pairs of state-variable filters in a row; frames are taken apart and put together here.
pub(crate) struct Graph {
    backend: NetBackend,
    input: BufferVec,
    output: BufferVec,
    /// The other end of the backend's channels.
    _net: Net,
}

impl Graph {
    /// # Errors
    /// When blocks are longer than fundsp's.
    pub(crate) fn new(filters: &Filters, max_block_frames: usize) -> Result<Self> {
        ensure!(
            max_block_frames <= MAX_BUFFER_SIZE,
            "blocks of {max_block_frames} frames, fundsp takes {MAX_BUFFER_SIZE}"
        );
        let mut net = Net::new(2, 2);
        for &corner_hz in &filters.corners_hz {
            let filter = || lowpass_hz(corner_hz, filters.quality);
            net.chain(Box::new(filter() | filter()));
        }
        net.set_sample_rate(f64::from(filters.sample_rate_hz));
        Ok(Self {
            backend: net.backend(),
            input: BufferVec::new(2),
            output: BufferVec::new(2),
            _net: net,
        })
    }
}

impl Peer for Graph {
    fn run(&mut self, input: &[f32], output: &mut [f32]) {
        let mut planes = self.input.buffer_mut();
        let (left, right) = (planes.channel_f32_mut(0), planes.channel_f32_mut(1));
        let (frames, _) = input.as_chunks();
        for ((left, right), frame) in left.iter_mut().zip(right).zip(frames) {
            [*left, *right] = *frame;
        }
        let mut filtered = self.output.buffer_mut();
        let size = frames.len();
        self.backend
            .process(size, &self.input.buffer_ref(), &mut filtered);
        let (left, right) = (filtered.channel_f32(0), filtered.channel_f32(1));
        let (frames, _) = output.as_chunks_mut();
        for ((left, right), frame) in left.iter().zip(right).zip(frames) {
            *frame = [*left, *right];
        }
    }
}
