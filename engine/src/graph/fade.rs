//! From the graph that runs to the graph that is wanted: one graph that holds both and fades from
//! one to the other, where they differ and nowhere else.
//!
//! What sits in the same seat in both runs once, and fades its inputs. So the sound of a path that
//! was not edited stays as it is, bit for bit.

use std::collections::{HashMap, HashSet};

use super::{Graph, Made, Op, Term, Value};
use crate::plan::NodeId;

/// A graph that fades.
#[derive(Debug)]
pub(crate) struct Fading {
    pub(crate) graph: Graph,
    /// Frames that what is new must run before it is heard: until then it gives less than it will.
    pub(crate) hold_frames: u64,
}

/// The graphs cannot run at once: a node (`None`: a delay) would come before itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tangled(pub(crate) Option<NodeId>);

/// Joins two graphs.
pub(crate) fn fade(old: &Graph, new: &Graph) -> Result<Fading, Tangled> {
    let mut joining = Joining {
        old_seats: seats(old),
        new_seats: seats(new),
        old,
        new,
        graph: Graph {
            latency_frames: new.latency_frames.max(old.latency_frames),
            leaving: new.leaving,
            ..Graph::default()
        },
        kept: HashMap::new(),
        under_way: Vec::new(),
        pairs: HashMap::new(),
        singles: HashMap::new(),
    };
    // The input comes first in every graph.
    let input = joining.graph.add(Op::Input, old.channels(0));
    debug_assert_eq!(input, 0);
    let output = joining.pair(old.output, new.output)?;
    joining.graph.output = output;
    let hold_frames = joining.hold_frames();
    Ok(Fading {
        graph: joining.graph,
        hold_frames,
    })
}

fn seats(graph: &Graph) -> HashMap<usize, Value> {
    let seat = |(value, made): (Value, &Made)| match made.op {
        Op::Node { seat, .. } | Op::Delay { seat, .. } => Some((seat, value)),
        _ => None,
    };
    graph.made.iter().enumerate().filter_map(seat).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Side {
    Old,
    New,
}

struct Joining<'a> {
    old: &'a Graph,
    new: &'a Graph,
    old_seats: HashMap<usize, Value>,
    new_seats: HashMap<usize, Value>,
    graph: Graph,
    /// What sits in both graphs, by seat.
    kept: HashMap<usize, Value>,
    /// Seats whose inputs are being made.
    under_way: Vec<(usize, Option<NodeId>)>,
    pairs: HashMap<(Value, Value), Value>,
    singles: HashMap<(Side, Value), Value>,
}

impl Joining<'_> {
    /// What is the old value at first and the new one at last.
    fn pair(&mut self, old: Value, new: Value) -> Result<Value, Tangled> {
        if let Some(&value) = self.pairs.get(&(old, new)) {
            return Ok(value);
        }
        let (was, is) = (&self.old.made[old], &self.new.made[new]);
        let channels = is.channels;
        let same_channels = was.channels == channels;
        let value = match (was.op.clone(), is.op.clone()) {
            (Op::Input, Op::Input) => 0,
            (
                Op::Node { seat: a, .. } | Op::Delay { seat: a, .. },
                Op::Node { seat: b, .. } | Op::Delay { seat: b, .. },
            ) if a == b => self.keep(a)?,
            (Op::Fit { input: a }, Op::Fit { input: b }) if same_channels => {
                let input = self.pair(a, b)?;
                self.make(Op::Fit { input }, channels)
            }
            (
                Op::Sum { place, terms: a },
                Op::Sum {
                    place: b_place,
                    terms: b,
                },
            ) if place == b_place && same_channels => {
                let terms = self.terms(&a, &b)?;
                self.make(Op::Sum { place, terms }, channels)
            }
            (
                Op::Mix {
                    id,
                    dry,
                    wet,
                    share,
                },
                Op::Mix {
                    id: new_id,
                    dry: new_dry,
                    wet: new_wet,
                    share: new_share,
                },
            ) if id == new_id && share.to_bits() == new_share.to_bits() && same_channels => {
                let (dry, wet) = (self.pair(dry, new_dry)?, self.pair(wet, new_wet)?);
                self.make(
                    Op::Mix {
                        id,
                        dry,
                        wet,
                        share,
                    },
                    channels,
                )
            }
            _ => {
                let (a, b) = (self.single(Side::Old, old)?, self.single(Side::New, new)?);
                self.fade_to(a, b)
            }
        };
        self.pairs.insert((old, new), value);
        Ok(value)
    }

    fn fade_to(&mut self, old: Value, new: Value) -> Value {
        if old == new {
            return old;
        }
        let channels = self.graph.channels(old).max(self.graph.channels(new));
        let (old, new) = (self.fit(old, channels), self.fit(new, channels));
        self.make(Op::Fade { old, new }, channels)
    }

    fn fit(&mut self, input: Value, channels: usize) -> Value {
        if self.graph.channels(input) == channels {
            return input;
        }
        self.make(Op::Fit { input }, channels)
    }

    /// What sits in both graphs: runs once, on inputs that fade.
    fn keep(&mut self, seat: usize) -> Result<Value, Tangled> {
        if let Some(&value) = self.kept.get(&seat) {
            return Ok(value);
        }
        if let Some(place) = self.under_way.iter().position(|(other, _)| *other == seat) {
            let knot = &self.under_way[place..];
            return Err(Tangled(knot.iter().rev().find_map(|(_, id)| *id)));
        }
        let (was, is) = (self.old_seats[&seat], self.new_seats[&seat]);
        let channels = self.new.made[is].channels;
        let (old_op, new_op) = (self.old.made[was].op.clone(), self.new.made[is].op.clone());
        let id = match new_op {
            Op::Node { id, .. } => Some(id),
            _ => None,
        };
        self.under_way.push((seat, id));
        let op = match (old_op, new_op) {
            (
                Op::Node {
                    input: a,
                    side: old_side,
                    ..
                },
                Op::Node {
                    seat,
                    id,
                    input: b,
                    side: new_side,
                    channels_in,
                    latency,
                },
            ) => {
                let input = self.pair(a, b)?;
                let side = match (old_side, new_side) {
                    (None, None) => None,
                    (Some(a), Some(b)) => Some(self.pair(a, b)?),
                    (Some(a), None) => {
                        let value = self.single(Side::Old, a)?;
                        let channels = self.graph.channels(value);
                        Some(self.make(Op::FadeOut { value }, channels))
                    }
                    (None, Some(b)) => {
                        let value = self.single(Side::New, b)?;
                        let channels = self.graph.channels(value);
                        Some(self.make(Op::FadeIn { value }, channels))
                    }
                };
                Op::Node {
                    seat,
                    id,
                    input,
                    side,
                    channels_in,
                    latency,
                }
            }
            (
                Op::Delay { input: a, .. },
                Op::Delay {
                    input: b, frames, ..
                },
            ) => {
                let input = self.pair(a, b)?;
                Op::Delay {
                    seat,
                    input,
                    frames,
                }
            }
            (_, op) => op,
        };
        self.under_way.pop();
        let value = self.graph.add(op, channels);
        self.kept.insert(seat, value);
        Ok(value)
    }

    /// A value of one of the graphs, on what both share.
    fn single(&mut self, side: Side, value: Value) -> Result<Value, Tangled> {
        if let Some(&made) = self.singles.get(&(side, value)) {
            return Ok(made);
        }
        let (graph, others) = match side {
            Side::Old => (self.old, &self.new_seats),
            Side::New => (self.new, &self.old_seats),
        };
        let Made { op, channels } = graph.made[value].clone();
        let made = match op {
            Op::Node { seat, .. } | Op::Delay { seat, .. } if others.contains_key(&seat) => {
                self.keep(seat)?
            }
            op => {
                let op = self.with_operands(side, op)?;
                self.make(op, channels)
            }
        };
        self.singles.insert((side, value), made);
        Ok(made)
    }

    fn with_operands(&mut self, side: Side, mut op: Op) -> Result<Op, Tangled> {
        match &mut op {
            Op::Input | Op::Silence | Op::Hush { .. } => {}
            Op::Node {
                input, side: key, ..
            } => {
                *input = self.single(side, *input)?;
                if let Some(key) = key {
                    *key = self.single(side, *key)?;
                }
            }
            Op::Delay { input, .. } | Op::Fit { input } => *input = self.single(side, *input)?,
            Op::Sum { terms, .. } => {
                for term in terms {
                    term.value = self.single(side, term.value)?;
                }
            }
            Op::Mix { dry, wet, .. } => {
                *dry = self.single(side, *dry)?;
                *wet = self.single(side, *wet)?;
            }
            Op::Fade { old, new } => {
                *old = self.single(side, *old)?;
                *new = self.single(side, *new)?;
            }
            Op::FadeIn { value } | Op::FadeOut { value } => *value = self.single(side, *value)?,
        }
        Ok(op)
    }

    /// The terms of a sum whose branches come and go; the order stays, since it decides the bits.
    fn terms(&mut self, old: &[Term], new: &[Term]) -> Result<Vec<Term>, Tangled> {
        let stays = |place| new.iter().any(|term: &Term| term.place == place);
        let mut terms = Vec::new();
        let mut left = old;
        for term in new {
            let before = left.iter().position(|old| old.place == term.place);
            let Some(before) = before else {
                if old.iter().all(|old| old.place != term.place) {
                    terms.push(self.coming(term)?);
                } else {
                    // Branches changed places.
                    let was = old.iter().find(|old| old.place == term.place);
                    self.staying(was, term, &mut terms)?;
                }
                continue;
            };
            for gone in left[..before].iter().filter(|old| !stays(old.place)) {
                terms.push(self.going(gone)?);
            }
            self.staying(Some(&left[before]), term, &mut terms)?;
            left = &left[before + 1..];
        }
        for gone in left.iter().filter(|old| !stays(old.place)) {
            terms.push(self.going(gone)?);
        }
        Ok(terms)
    }

    fn staying(
        &mut self,
        was: Option<&Term>,
        is: &Term,
        terms: &mut Vec<Term>,
    ) -> Result<(), Tangled> {
        match was {
            Some(was) if was.gain.to_bits() == is.gain.to_bits() => {
                let value = self.pair(was.value, is.value)?;
                terms.push(Term {
                    value,
                    ..is.clone()
                });
            }
            Some(was) => {
                terms.push(self.going(was)?);
                terms.push(self.coming(is)?);
            }
            None => terms.push(self.coming(is)?),
        }
        Ok(())
    }

    fn coming(&mut self, term: &Term) -> Result<Term, Tangled> {
        let value = self.single(Side::New, term.value)?;
        let channels = self.graph.channels(value);
        let value = self.make(Op::FadeIn { value }, channels);
        Ok(Term {
            value,
            ..term.clone()
        })
    }

    fn going(&mut self, term: &Term) -> Result<Term, Tangled> {
        let value = self.single(Side::Old, term.value)?;
        let channels = self.graph.channels(value);
        let value = self.make(Op::FadeOut { value }, channels);
        Ok(Term {
            value,
            ..term.clone()
        })
    }

    /// The value that is made this way, made once.
    fn make(&mut self, op: Op, channels: usize) -> Value {
        let made = Made { op, channels };
        if let Some(value) = self.graph.made.iter().position(|other| *other == made) {
            return value;
        }
        self.graph.made.push(made);
        self.graph.made.len() - 1
    }

    fn hold_frames(&self) -> u64 {
        let is_new = |seat: &usize| !self.old_seats.contains_key(seat);
        let mut holds: Vec<u64> = Vec::with_capacity(self.graph.made.len());
        for made in &self.graph.made {
            let operands = made.op.operands();
            let before = operands.iter().map(|&operand| holds[operand]).max();
            let own = match &made.op {
                Op::Node { seat, latency, .. } if is_new(seat) => *latency,
                Op::Delay { seat, frames, .. } if is_new(seat) => *frames,
                _ => 0,
            };
            holds.push(before.unwrap_or(0) + own);
        }
        holds.into_iter().max().unwrap_or(0)
    }
}

/// Seats of `graphs`, each once.
pub(crate) fn all_seats<'a>(graphs: impl IntoIterator<Item = &'a Graph>) -> HashSet<usize> {
    graphs.into_iter().flat_map(Graph::seats).collect()
}
