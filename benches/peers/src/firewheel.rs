//! Firewheel: a context whose processor is called as a device's backend would call it.

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use audioadapter_buffers::direct::InterleavedSlice;
use firewheel::backend::BackendProcessInfo;
use firewheel::channel_config::ChannelCount;
use firewheel::core::node::StreamStatus;
use firewheel::nodes::svf::SvfStereoNode;
use firewheel::processor::FirewheelProcessor;
use firewheel::{ActivateInfo, FirewheelConfig, FirewheelContext};

use crate::{Filters, Peer};

/// State-variable filters in a row between the graph's input and its output.
pub(crate) struct Graph {
    processor: FirewheelProcessor,
    sample_rate_hz: u32,
    /// Frames since the stream began.
    position: u64,
    /// The other end of the processor's channels.
    _context: FirewheelContext,
}

impl Graph {
    /// # Errors
    /// When Firewheel refuses the graph.
    pub(crate) fn new(filters: &Filters, max_block_frames: usize) -> Result<Self> {
        let mut context = FirewheelContext::new(FirewheelConfig {
            num_graph_inputs: ChannelCount::STEREO,
            num_graph_outputs: ChannelCount::STEREO,
            // A gate at the input, which no other side has.
            clamp_graph_inputs_below: None,
            ..FirewheelConfig::default()
        });
        let mut last = context.graph_in_node_id();
        for &corner_hz in &filters.corners_hz {
            let node = SvfStereoNode::from_lowpass(corner_hz, filters.quality);
            let node = context
                .add_node(node, None)
                .map_err(|error| anyhow!("{error}"))?;
            context.connect(last, node, &[(0, 0), (1, 1)], false)?;
            last = node;
        }
        let end = context.graph_out_node_id();
        context.connect(last, end, &[(0, 0), (1, 1)], false)?;
        let positive = |value: u32| NonZeroU32::new(value).context("zero is no size");
        let processor = context.activate(ActivateInfo {
            sample_rate: positive(filters.sample_rate_hz)?,
            max_block_frames: positive(max_block_frames.try_into()?)?,
            num_stream_in_channels: 2,
            num_stream_out_channels: 2,
            input_to_output_latency_seconds: 0.0,
        })?;
        Ok(Self {
            processor,
            sample_rate_hz: filters.sample_rate_hz,
            position: 0,
            _context: context,
        })
    }
}

impl Peer for Graph {
    fn run(&mut self, input: &[f32], output: &mut [f32]) {
        let frames = input.len() / 2;
        let seconds = self.position as f64 / f64::from(self.sample_rate_hz);
        let info = BackendProcessInfo {
            frames,
            process_timestamp: None,
            duration_since_stream_start: Duration::from_secs_f64(seconds),
            input_stream_status: StreamStatus::empty(),
            output_stream_status: StreamStatus::empty(),
            dropped_frames: 0,
            process_to_playback_delay: None,
        };
        let input = InterleavedSlice::new(input, 2, frames);
        let output = InterleavedSlice::new_mut(output, 2, frames);
        if let (Ok(input), Ok(mut output)) = (input, output) {
            self.processor.process(&input, &mut output, info);
        }
        self.position += frames as u64;
    }
}
