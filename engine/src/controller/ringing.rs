//! Nodes that were removed and ring out.

use std::collections::HashSet;

use ossicle_dsp::node::{Spec, Tail};

use super::{Controller, tree};
use crate::plan::NodeId;
use crate::processor::fade_frames;

/// Longest that a removed node rings out, in seconds.
const RING_OUT_S: u64 = 30;

impl Controller {
    /// Takes nodes out that have rung out.
    pub(super) fn end_ringing(&mut self) {
        if self.ringing.is_empty() {
            return;
        }
        let position = self.position();
        let over: HashSet<NodeId> = self
            .ringing
            .iter()
            .filter(|(_, ringing)| {
                let end = ringing.since.map(|since| since + ringing.tail_frames);
                end.is_some_and(|end| end <= position)
            })
            .map(|(id, _)| *id)
            .collect();
        if over.is_empty() {
            return;
        }
        let mut items = self.items.clone();
        tree::forget_ringing(&mut items, &|id| over.contains(&id));
        if self.want(items, Vec::new()).is_ok() {
            self.ringing.retain(|id, _| !over.contains(id));
        }
    }

    /// How long a node rings, with the values it has now and to be safe a fade longer.
    pub(super) fn tail_frames(&self, id: NodeId) -> u64 {
        let longest = RING_OUT_S * u64::from(self.spec.sample_rate_hz);
        let tail = self.nodes.get(&id).and_then(|held| {
            let mut node = held.settings.as_ref()?.create().ok()?;
            let spec = Spec {
                sample_rate_hz: self.spec.sample_rate_hz,
                max_block_frames: self.spec.max_block_frames,
                channels: held.facts().channels_out,
            };
            node.prepare(&spec).ok()?;
            Some(node.tail())
        });
        let frames = match tail {
            Some(Tail::Frames(frames)) => frames.min(longest),
            Some(Tail::Endless) | None => longest,
        };
        frames + fade_frames(self.spec.sample_rate_hz)
    }
}
