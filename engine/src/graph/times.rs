//! Aligns paths that meet.
//!
//! Every value has a time: the frames by which it is later than the input. Values that meet are
//! delayed to the same time, and to the latest that the chain's latency allows: then an edit of one
//! path moves no other, as long as it fits into the latency budget.

use std::collections::HashMap;

use super::build::Supply;
use super::{Graph, Op, Value};
use crate::controller::EditError;

/// The same graph with the delays that bring values together in time.
pub(super) fn align_times(
    loose: &Graph,
    budget_frames: u64,
    supply: &mut impl Supply,
) -> Result<Graph, EditError> {
    let (earliest, latest) = times(loose, budget_frames);
    let latency_frames = latest[loose.output];
    let mut aligning = Aligning {
        graph: Graph {
            latency_frames: latency_frames.max(earliest[loose.output]),
            leaving: loose.leaving,
            ..Graph::default()
        },
        placed: vec![(0, Some(0)); loose.made.len()],
        delayed: HashMap::new(),
        supply,
    };
    for (value, &latest) in latest.iter().enumerate() {
        // The input is always there; what leads nowhere is left out.
        if latest != u64::MAX || value == 0 {
            aligning.place(loose, value, latest)?;
        }
    }
    aligning.graph.output = aligning.at(loose.output, Some(latency_frames))?;
    Ok(aligning.graph)
}

/// The earliest time of each value, and the latest that keeps the latency; `MAX` for values that
/// lead nowhere.
fn times(graph: &Graph, budget_frames: u64) -> (Vec<u64>, Vec<u64>) {
    let mut earliest: Vec<u64> = Vec::with_capacity(graph.made.len());
    for made in &graph.made {
        let operands = made.op.operands();
        let from = operands.iter().map(|&operand| earliest[operand]).max();
        earliest.push(from.unwrap_or(0) + own_latency(&made.op));
    }
    let mut latest = vec![u64::MAX; graph.made.len()];
    latest[graph.output] = earliest[graph.output].max(budget_frames);
    for (value, made) in graph.made.iter().enumerate().rev() {
        if latest[value] == u64::MAX {
            continue;
        }
        let time = latest[value] - own_latency(&made.op);
        for operand in made.op.operands() {
            latest[operand] = latest[operand].min(time);
        }
    }
    (earliest, latest)
}

fn own_latency(op: &Op) -> u64 {
    match op {
        Op::Node { latency, .. } => *latency,
        Op::Delay { frames, .. } => *frames,
        _ => 0,
    }
}

struct Aligning<'a, S> {
    graph: Graph,
    /// Each value of the loose graph in the aligned one, with its time; silence has none.
    placed: Vec<(Value, Option<u64>)>,
    delayed: HashMap<(Value, u64), Value>,
    supply: &'a mut S,
}

impl<S: Supply> Aligning<'_, S> {
    fn place(&mut self, loose: &Graph, value: Value, latest: u64) -> Result<(), EditError> {
        let made = &loose.made[value];
        let channels = made.channels;
        let (op, time) = match made.op.clone() {
            Op::Input => (Op::Input, Some(0)),
            Op::Node {
                seat,
                id,
                input,
                side,
                channels_in,
                latency,
            } => {
                let (input, side, time) = match side {
                    None => (self.placed[input].0, None, self.placed[input].1),
                    Some(side) => {
                        let time = Some(latest - latency);
                        (self.at(input, time)?, Some(self.at(side, time)?), time)
                    }
                };
                let op = Op::Node {
                    seat,
                    id,
                    input,
                    side,
                    channels_in,
                    latency,
                };
                (op, Some(time.unwrap_or(0) + latency))
            }
            Op::Delay { input, frames, .. } => {
                let time = self.placed[input].1.map(|time| time + frames);
                let delayed = self.delay(self.placed[input].0, frames)?;
                self.placed[value] = (delayed, time);
                return Ok(());
            }
            Op::Fit { input } => {
                let (input, time) = self.placed[input];
                (Op::Fit { input }, time)
            }
            Op::Sum { place, mut terms } => {
                for term in &mut terms {
                    term.value = self.at(term.value, Some(latest))?;
                }
                (Op::Sum { place, terms }, Some(latest))
            }
            Op::Mix {
                id,
                dry,
                wet,
                share,
            } => {
                let (dry, wet) = (self.at(dry, Some(latest))?, self.at(wet, Some(latest))?);
                (
                    Op::Mix {
                        id,
                        dry,
                        wet,
                        share,
                    },
                    Some(latest),
                )
            }
            Op::Hush { input } => (Op::Silence, self.placed[input].1),
            op => (op, None),
        };
        self.placed[value] = (self.graph.add(op, channels), time);
        Ok(())
    }

    /// The value at a time.
    fn at(&mut self, value: Value, time: Option<u64>) -> Result<Value, EditError> {
        let (value, has) = self.placed[value];
        match (has, time) {
            (Some(has), Some(time)) => self.delay(value, time - has),
            _ => Ok(value),
        }
    }

    fn delay(&mut self, input: Value, frames: u64) -> Result<Value, EditError> {
        if frames == 0 {
            return Ok(input);
        }
        if let Some(&delayed) = self.delayed.get(&(input, frames)) {
            return Ok(delayed);
        }
        let channels = self.graph.channels(input);
        let seat = self.supply.delay(self.graph.key(input), frames, channels)?;
        let delayed = self.graph.add(
            Op::Delay {
                seat,
                input,
                frames,
            },
            channels,
        );
        self.delayed.insert((input, frames), delayed);
        Ok(delayed)
    }
}
