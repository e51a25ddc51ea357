//! Runs the steps of a plan.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use ossicle_dsp::block::{Block, Planes, SidePlanes};
use ossicle_dsp::node::Node;
use rtrb::Producer;

use super::float_mode::FlushToZero;
use crate::edit::{FaultKind, FaultReport, NodeFault};
use crate::plan::{Run, Seat, Step};

/// The planes that steps work on.
pub(super) struct Pool<'a> {
    pub(super) samples: &'a mut [f32],
    /// Samples from the beginning of one plane to that of the next.
    pub(super) stride: usize,
    pub(super) frames: usize,
}

impl Pool<'_> {
    fn span(&self, run: Run) -> core::ops::Range<usize> {
        run.at * self.stride..(run.at + run.planes) * self.stride
    }

    fn each(&mut self, run: Run, mut work: impl FnMut(&mut [f32])) {
        let (span, stride, frames) = (self.span(run), self.stride, self.frames);
        for plane in self.samples[span].chunks_exact_mut(stride) {
            work(&mut plane[..frames]);
        }
    }

    /// Both runs; they do not overlap.
    fn both(&mut self, from: Run, to: Run) -> (&[f32], &mut [f32]) {
        let (read, write) = (self.span(from), self.span(to));
        if read.start < write.start {
            let (low, high) = self.samples.split_at_mut(write.start);
            (&low[read], &mut high[..write.end - write.start])
        } else {
            let (low, high) = self.samples.split_at_mut(read.start);
            (&high[..read.end - read.start], &mut low[write])
        }
    }

    fn pairs(&mut self, from: Run, to: Run, mut work: impl FnMut(&[f32], &mut [f32])) {
        let (stride, frames) = (self.stride, self.frames);
        let (read, write) = self.both(from, to);
        let planes = read
            .chunks_exact(stride)
            .zip(write.chunks_exact_mut(stride));
        for (read, write) in planes {
            work(&read[..frames], &mut write[..frames]);
        }
    }
}

/// Where a fade is during a block.
#[derive(Clone, Copy)]
pub(super) enum FadeAt<'a> {
    /// It has not begun, or there is none: only what was is heard.
    Before,
    /// How much of the new is heard, frame by frame.
    During(&'a [f32]),
}

/// Where faults and times of nodes go.
pub(super) struct Watch<'a> {
    pub(super) faults: &'a mut Producer<FaultReport>,
    pub(super) untold: &'a mut u64,
    pub(super) position: u64,
    /// What each seat takes in picoseconds for a frame, 0 where it was not measured yet.
    pub(super) costs: &'a [AtomicU64],
    /// A node panicked in this block.
    pub(super) broke: bool,
}

impl Watch<'_> {
    /// Calls a node beside its sound; one that panics is passed by from then on.
    pub(super) fn guard(&mut self, seat: &mut Seat, call: impl FnOnce(&mut dyn Node)) {
        if seat.is_broken {
            return;
        }
        let node = seat.node.as_mut();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| call(node))) {
            self.panicked(seat, payload);
        }
    }

    fn panicked(&mut self, seat: &mut Seat, payload: Box<dyn core::any::Any + Send>) {
        seat.is_broken = true;
        self.broke = true;
        self.tell(seat, FaultKind::Panicked, Some(payload));
    }

    fn tell(
        &mut self,
        seat: &Seat,
        kind: FaultKind,
        payload: Option<Box<dyn core::any::Any + Send>>,
    ) {
        let fault = NodeFault {
            node: seat.id,
            kind,
            position: self.position,
        };
        let report = FaultReport { fault, payload };
        if let Err(rtrb::PushError::Full(report)) = self.faults.push(report) {
            // Better lost than freed here.
            core::mem::forget(report);
            *self.untold += 1;
        }
    }
}

/// Runs all steps on a block. `CAREFUL`: what each node takes is measured, and what is not finite
/// found where it arises.
pub(super) fn run<const CAREFUL: bool>(
    steps: &[Step],
    seats: &mut [Option<Seat>],
    pool: &mut Pool<'_>,
    fade: FadeAt<'_>,
    mode: &FlushToZero,
    watch: &mut Watch<'_>,
) {
    for step in steps {
        match *step {
            Step::Process { seat, run, side } => {
                if let Some(content) = &mut seats[seat] {
                    process::<CAREFUL>(seat, content, run, side, pool, mode, watch);
                }
            }
            Step::Copy { from, to } => pool.pairs(from, to, |from, to| to.copy_from_slice(from)),
            Step::Clear { run } => pool.each(run, |plane| plane.fill(0.0)),
            Step::Widen { run, have } => widen(pool, run, have),
            Step::Scale { run, gain } => {
                pool.each(run, |plane| {
                    plane.iter_mut().for_each(|sample| *sample *= gain)
                });
            }
            Step::Add {
                from,
                to,
                gain: 1.0,
            } => pool.pairs(from, to, |from, to| {
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }),
            Step::Add { from, to, gain } => pool.pairs(from, to, |from, to| {
                to.iter_mut()
                    .zip(from)
                    .for_each(|(to, from)| *to += gain * from);
            }),
            Step::Blend { dry, to, wet: 0.0 } => {
                pool.pairs(dry, to, |dry, to| to.copy_from_slice(dry));
            }
            Step::Blend { dry, to, wet } => pool.pairs(dry, to, |dry, to| {
                to.iter_mut()
                    .zip(dry)
                    .for_each(|(to, dry)| *to = dry + wet * (*to - dry));
            }),
            Step::Fade { old, to } => match fade {
                FadeAt::Before => pool.pairs(old, to, |old, to| to.copy_from_slice(old)),
                FadeAt::During(gains) => pool.pairs(old, to, |old, to| {
                    for ((to, old), gain) in to.iter_mut().zip(old).zip(gains) {
                        *to = old + gain * (*to - old);
                    }
                }),
            },
            Step::FadeIn { run } => match fade {
                FadeAt::Before => pool.each(run, |plane| plane.fill(0.0)),
                FadeAt::During(gains) => pool.each(run, |plane| {
                    plane
                        .iter_mut()
                        .zip(gains)
                        .for_each(|(sample, gain)| *sample *= gain);
                }),
            },
            Step::FadeOut { run } => match fade {
                FadeAt::Before => {}
                FadeAt::During(gains) => pool.each(run, |plane| {
                    plane
                        .iter_mut()
                        .zip(gains)
                        .for_each(|(sample, gain)| *sample *= 1.0 - gain);
                }),
            },
        }
    }
}

fn widen(pool: &mut Pool<'_>, run: Run, have: usize) {
    for plane in have..run.planes {
        let to = Run {
            at: run.at + plane,
            planes: 1,
        };
        if have == 1 {
            pool.pairs(run.first(1), to, |from, to| to.copy_from_slice(from));
        } else {
            pool.each(to, |plane| plane.fill(0.0));
        }
    }
}

#[inline]
fn process<const CAREFUL: bool>(
    number: usize,
    seat: &mut Seat,
    run: Run,
    side: Option<Run>,
    pool: &mut Pool<'_>,
    mode: &FlushToZero,
    watch: &mut Watch<'_>,
) {
    let (stride, frames) = (pool.stride, pool.frames);
    if seat.is_broken {
        // Passed by, with as many channels as it would give.
        if seat.channels_out > seat.channels_in {
            widen(pool, run.first(seat.channels_out), seat.channels_in);
        }
        return;
    }
    let began = CAREFUL.then(Instant::now);
    let came_finite = !CAREFUL || is_finite(pool, run.first(seat.channels_in));
    let (planes, side_chain) = match side {
        None => {
            let span = pool.span(run);
            (&mut pool.samples[span], None)
        }
        Some(side) => {
            let (side, planes) = pool.both(side, run);
            (planes, Some(SidePlanes::new(side, stride, frames)))
        }
    };
    let mut block = Block {
        planes: Planes::with_channels(planes, run.planes, stride, frames),
        side_chain,
        since_reset: seat.since_reset,
    };
    let node = &mut seat.node;
    let mut work = || catch_unwind(AssertUnwindSafe(|| node.process(&mut block)));
    let done = if seat.keep_subnormals {
        mode.kept(work)
    } else {
        work()
    };
    seat.since_reset += frames as u64;
    if let Err(payload) = done {
        watch.panicked(seat, payload);
        pool.each(run, |plane| plane.fill(0.0));
        return;
    }
    if CAREFUL {
        if came_finite && !is_finite(pool, run.first(seat.channels_out)) {
            pool.each(run, |plane| plane.fill(0.0));
            seat.since_reset = 0;
            watch.tell(seat, FaultKind::NotFinite, None);
            watch.guard(seat, |node| node.reset());
        }
        if let (Some(began), Some(cost)) = (began, watch.costs.get(number)) {
            let ps = began.elapsed().as_nanos() as u64 * 1000;
            cost.store(ps / frames.max(1) as u64 + 1, Relaxed);
        }
    }
}

fn is_finite(pool: &mut Pool<'_>, run: Run) -> bool {
    let mut finite = true;
    pool.each(run, |plane| {
        finite &= plane
            .iter()
            .fold(true, |all, sample| all & (sample.abs() <= f32::MAX));
    });
    finite
}
