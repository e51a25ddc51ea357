//! From a graph to the steps of a plan, over as few planes as its values need.

use ossicle_dsp::node::Tail;

use super::{Graph, Op, Value};
use crate::plan::{Plan, Run, Step};

/// Turns a graph into a plan.
pub(crate) fn lower(graph: &Graph, channels_in: usize) -> Plan {
    let mut lowering = Lowering::new(graph);
    for value in 0..graph.made.len() {
        if lowering.uses[value] > 0 {
            lowering.make(value);
        }
    }
    let output = lowering.runs[graph.output];
    Plan {
        steps: lowering.steps,
        planes: lowering.planes.max(channels_in),
        channels_in,
        output: output.first(graph.channels(graph.output)),
        latency_frames: graph.latency_frames,
        tails: vec![Tail::Frames(0); lowering.planes.max(1)],
    }
}

struct Lowering<'a> {
    graph: &'a Graph,
    steps: Vec<Step>,
    /// How often each value is still needed; 0 for one that nothing leads from.
    uses: Vec<usize>,
    /// Planes each value needs for what becomes of it in place.
    widths: Vec<usize>,
    runs: Vec<Run>,
    free: Vec<Run>,
    planes: usize,
}

impl<'a> Lowering<'a> {
    fn new(graph: &'a Graph) -> Self {
        let count = graph.made.len();
        let mut uses = vec![0; count];
        let mut widths: Vec<usize> = graph.made.iter().map(|made| made.channels).collect();
        uses[graph.output] = 1;
        for value in (0..count).rev() {
            if uses[value] == 0 {
                continue;
            }
            if let Op::Node { channels_in, .. } = graph.made[value].op {
                widths[value] = widths[value].max(channels_in);
            }
            for operand in graph.made[value].op.operands() {
                uses[operand] += 1;
                widths[operand] = widths[operand].max(widths[value]);
            }
        }
        Self {
            graph,
            steps: Vec::new(),
            uses,
            widths,
            runs: vec![Run::default(); count],
            free: Vec::new(),
            planes: 0,
        }
    }

    fn make(&mut self, value: Value) {
        let graph = self.graph;
        let channels = graph.channels(value);
        let width = self.widths[value];
        let run = match &graph.made[value].op {
            // The first value of every graph: it gets the first planes.
            Op::Input => self.allocate(width),
            Op::Silence | Op::Hush { .. } => {
                let run = self.allocate(width);
                let silent = run.first(channels);
                self.steps.push(Step::Clear { run: silent });
                run
            }
            &Op::Node {
                seat,
                input,
                side,
                channels_in,
                ..
            } => {
                let side_run = side.map(|side| self.runs[side].first(graph.channels(side)));
                let run = self.take(input, width);
                self.steps.push(Step::Process {
                    seat,
                    run: run.first(channels.max(channels_in)),
                    side: side_run,
                });
                side.into_iter().for_each(|side| self.release(side));
                run
            }
            &Op::Delay { seat, input, .. } => {
                let run = self.take(input, width);
                self.steps.push(Step::Process {
                    seat,
                    run: run.first(channels),
                    side: None,
                });
                run
            }
            &Op::Fit { input } => {
                let have = graph.channels(input);
                let run = self.take(input, width);
                if have < channels {
                    self.steps.push(Step::Widen {
                        run: run.first(channels),
                        have,
                    });
                }
                run
            }
            Op::Sum { terms, .. } => {
                let run = self.take(terms[0].value, width);
                let to = run.first(channels);
                if terms[0].gain != 1.0 {
                    let gain = terms[0].gain;
                    self.steps.push(Step::Scale { run: to, gain });
                }
                for term in &terms[1..] {
                    let from = self.runs[term.value].first(channels);
                    let gain = term.gain;
                    self.steps.push(Step::Add { from, to, gain });
                    self.release(term.value);
                }
                run
            }
            &Op::Mix {
                dry, wet, share, ..
            } => {
                let run = self.take(wet, width);
                self.steps.push(Step::Blend {
                    dry: self.runs[dry].first(channels),
                    to: run.first(channels),
                    wet: share,
                });
                self.release(dry);
                run
            }
            &Op::Fade { old, new } => {
                let run = self.take(new, width);
                self.steps.push(Step::Fade {
                    old: self.runs[old].first(channels),
                    to: run.first(channels),
                });
                self.release(old);
                run
            }
            &Op::FadeIn { value: faded } => {
                let run = self.take(faded, width);
                let step = Step::FadeIn {
                    run: run.first(channels),
                };
                self.steps.push(step);
                run
            }
            &Op::FadeOut { value: faded } => {
                let run = self.take(faded, width);
                let step = Step::FadeOut {
                    run: run.first(channels),
                };
                self.steps.push(step);
                run
            }
        };
        self.runs[value] = run;
    }

    /// The run of a value, to be overwritten: its own if nothing else needs it, else a copy.
    fn take(&mut self, value: Value, width: usize) -> Run {
        let run = self.runs[value];
        self.uses[value] -= 1;
        let is_last = self.uses[value] == 0;
        if is_last && run.planes >= width {
            return run;
        }
        let copy = self.allocate(width);
        let channels = self.graph.channels(value).min(width);
        self.steps.push(Step::Copy {
            from: run.first(channels),
            to: copy.first(channels),
        });
        if is_last {
            self.free(run);
        }
        copy
    }

    /// A value was used without being overwritten.
    fn release(&mut self, value: Value) {
        self.uses[value] -= 1;
        if self.uses[value] == 0 {
            self.free(self.runs[value]);
        }
    }

    fn allocate(&mut self, planes: usize) -> Run {
        let fits = |run: &Run| run.planes >= planes;
        if let Some(place) = self.free.iter().position(fits) {
            let run = self.free[place];
            if run.planes == planes {
                self.free.remove(place);
            } else {
                self.free[place] = Run {
                    at: run.at + planes,
                    planes: run.planes - planes,
                };
            }
            return run.first(planes);
        }
        let run = Run {
            at: self.planes,
            planes,
        };
        self.planes += planes;
        run
    }

    fn free(&mut self, run: Run) {
        let place = self.free.partition_point(|free| free.at < run.at);
        self.free.insert(place, run);
        // Neighbours grow together.
        let mut merged: Vec<Run> = Vec::with_capacity(self.free.len());
        for run in self.free.drain(..) {
            match merged.last_mut() {
                Some(last) if last.at + last.planes == run.at => last.planes += run.planes,
                _ => merged.push(run),
            }
        }
        self.free = merged;
    }
}
