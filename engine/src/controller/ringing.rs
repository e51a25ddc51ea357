//! Nodes that were removed and ring out.

use std::collections::HashSet;

use ossicle_dsp::node::{Spec, Tail};

use super::{Controller, EditError, tree};
use crate::edit::Ticket;
use crate::flight::log::Operation;
use crate::graph::build::Item;
use crate::plan::NodeId;
use crate::processor::fade_frames;

/// Longest that a removed node rings out, in seconds.
const RING_OUT_S: u64 = 30;

/// How long a node may ring out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ringing {
    tail_frames: u64,
    pub(super) since: Option<u64>,
}

impl Controller {
    /// Takes a node out and lets it ring out: it gets silence, and what it gives is still added, as
    /// loud as it was, until its tail is over, for half a minute at most.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn remove_ringing(&mut self, node: NodeId) -> Result<Ticket, EditError> {
        let (place, back) = (self.ids.place(), self.ids.place());
        let items = self.changed_at(node, &mut |list, at| {
            let gain = match &list[at] {
                Item::Node(node) if !node.bypassed => node.wet,
                _ => 0.0,
            };
            if gain == 0.0 {
                list.remove(at);
                return;
            }
            list[at] = Item::Ringing {
                place,
                back,
                id: node,
                gain,
            };
        })?;
        let tail_frames = self.tail_frames(node);
        let since = None;
        self.ringing.insert(node, Ringing { tail_frames, since });
        let operation = Operation::RemoveRinging { node: node.0 };
        let sent = self.edit(items, Vec::new(), operation);
        if sent.is_err() {
            self.ringing.remove(&node);
        }
        sent
    }

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
