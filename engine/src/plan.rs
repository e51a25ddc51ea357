//! The plan: what a chain compiles to, and the seats its nodes sit in.
//!
//! A plan is a list of steps over a pool of planes. Nodes live beside it, in seats with fixed
//! numbers, so that a node that is in the old and in the new plan simply goes on.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_dsp::node::{Node, Spec, Subnormals, Tail};

/// Names a node for as long as it is in the engine. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u64);

/// Most nodes a chain holds, the delays that align its paths included.
pub const MAX_NODES: usize = 256;
/// Seats of a processor: for a chain, the one it fades into, and the delays of the way there.
pub(crate) const SEATS: usize = 3 * MAX_NODES;

/// Planes side by side in the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) at: usize,
    pub(crate) planes: usize,
}

impl Run {
    /// Its first planes.
    pub(crate) fn first(self, planes: usize) -> Self {
        Self {
            at: self.at,
            planes: planes.min(self.planes),
        }
    }
}

/// One step of a plan. Runs of one step never overlap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// Runs the node in `seat`, in place.
    Process {
        seat: usize,
        run: Run,
        side: Option<Run>,
    },
    /// Copies planes.
    Copy { from: Run, to: Run },
    /// Silence.
    Clear { run: Run },
    /// Makes more channels of the first `have`: one goes to all, else the others are silent.
    Widen { run: Run, have: usize },
    /// Multiplies.
    Scale { run: Run, gain: f32 },
    /// Adds `gain` times `from`.
    Add { from: Run, to: Run, gain: f32 },
    /// `to` becomes `dry + wet (to - dry)`.
    Blend { dry: Run, to: Run, wet: f32 },
    /// `to` becomes the fade from `old` to it.
    Fade { old: Run, to: Run },
    /// Fades in from silence, or out into it.
    FadeIn { run: Run },
    /// See [`FadeIn`](Self::FadeIn).
    FadeOut { run: Run },
}

/// What the processor runs. The input lies in the first planes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// In the order they run.
    pub(crate) steps: Vec<Step>,
    /// Planes in the pool.
    pub(crate) planes: usize,
    pub(crate) channels_in: usize,
    /// Where the output lies.
    pub(crate) output: Run,
    pub(crate) latency_frames: u64,
    /// Room to reckon tails in, one for each plane.
    pub(crate) tails: Vec<Tail>,
}

/// A prepared node, ready to run.
pub(crate) struct Seat {
    pub(crate) id: NodeId,
    pub(crate) node: Box<dyn Node>,
    /// Channels the node was prepared for.
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    /// Frames processed since it was prepared or reset.
    pub(crate) since_reset: u64,
    pub(crate) keep_subnormals: bool,
    /// It panicked, and is passed by.
    pub(crate) is_broken: bool,
}

impl Seat {
    /// Prepares `node` for `spec`.
    pub(crate) fn prepare(
        id: NodeId,
        mut node: Box<dyn Node>,
        spec: &Spec,
    ) -> Result<Self, ossicle_dsp::node::PrepareError> {
        let shape = node.prepare(spec)?;
        let keep_subnormals = node.subnormals() == Subnormals::Kept;
        Ok(Self {
            id,
            node,
            channels_in: spec.channels,
            channels_out: shape.channels,
            since_reset: 0,
            keep_subnormals,
            is_broken: false,
        })
    }
}

impl Plan {
    /// How long the plan sounds after its input ends, with the parameters its nodes have now.
    ///
    /// # Real-time
    /// Safe.
    pub(crate) fn tail(&mut self, seats: &[Option<Seat>]) -> Tail {
        let tails = &mut self.tails;
        tails.fill(Tail::Frames(0));
        for step in &self.steps {
            match *step {
                Step::Process { seat, run, .. } => {
                    if let Some(seat) = seats[seat].as_ref().filter(|seat| !seat.is_broken) {
                        tails[run.at] = tails[run.at].then(seat.node.tail());
                    }
                }
                Step::Copy { from, to } => tails[to.at] = tails[from.at],
                Step::Clear { run } => tails[run.at] = Tail::Frames(0),
                Step::Add { from, to, .. }
                | Step::Blend { dry: from, to, .. }
                | Step::Fade { old: from, to } => {
                    tails[to.at] = longer(tails[to.at], tails[from.at]);
                }
                Step::Widen { .. } | Step::Scale { .. } => {}
                Step::FadeIn { .. } | Step::FadeOut { .. } => {}
            }
        }
        tails
            .get(self.output.at)
            .copied()
            .unwrap_or(Tail::Frames(0))
    }
}

fn longer(a: Tail, b: Tail) -> Tail {
    match (a, b) {
        (Tail::Frames(a), Tail::Frames(b)) => Tail::Frames(a.max(b)),
        _ => Tail::Endless,
    }
}
