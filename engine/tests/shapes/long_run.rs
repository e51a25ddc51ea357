//! A long run with an edit ten times a second, against a model of it, frame by frame.
//!
//! `OSSICLE_SECONDS` sets its length; `cargo xtask realtime` runs ten minutes.

use ossicle::chain::{Chain, LinkNode};
use ossicle::edit::{Outcome, Ticket};
use ossicle::plan::NodeId;
use ossicle::processor::fade_frames;

use xtask::bar;

use crate::chains::{Random, run, start};
use crate::nodes::Late;

/// Frames between two edits.
const EVERY: usize = 4_800;
const PIECE: usize = 480;

fn seconds() -> usize {
    let asked = std::env::var("OSSICLE_SECONDS").ok();
    asked.map_or(20, |text| text.parse().unwrap())
}

/// A node of the model, one sample at a time.
enum Model {
    Factor(f32),
    Late { line: Vec<f32>, place: usize },
}

impl Model {
    fn next(&mut self, sample: f32) -> f32 {
        match self {
            Self::Factor(factor) => sample * *factor,
            Self::Late { line, place } => {
                if line.is_empty() {
                    return sample;
                }
                let late = core::mem::replace(&mut line[*place], sample);
                *place = (*place + 1) % line.len();
                late
            }
        }
    }
}

/// A node as the engine gets it, and as the model has it, with its latency.
fn draw(random: &mut Random) -> (LinkNode, Model, usize) {
    if random.below(2) == 0 {
        let frames = random.below(60);
        let line = vec![0.0; frames];
        return (Late::link(frames), Model::Late { line, place: 0 }, frames);
    }
    let db = -(random.below(12) as f64);
    let chain = Chain::parse(&format!("gain:gain={db}dB")).unwrap();
    let factor = libm::pow(10.0, db / 20.0) as f32;
    match chain.into_links().pop() {
        Some(ossicle::chain::Link::Node(link)) => (link.node, Model::Factor(factor), 0),
        other => panic!("{other:?}"),
    }
}

/// What stands in one place of the model's chain.
enum Place {
    Steady(Model),
    /// From one to the other; what is not there passes the sound on.
    Fading {
        old: Option<Model>,
        new: Option<Model>,
        /// Frames of the fade that are done; negative while what is new gets ready.
        done: i64,
    },
}

struct Chained {
    places: Vec<Place>,
    gains: Vec<f32>,
}

impl Chained {
    fn next(&mut self, mut sample: f32) -> f32 {
        for place in &mut self.places {
            sample = match place {
                Place::Steady(node) => node.next(sample),
                Place::Fading { old, new, done } => {
                    let was = old.as_mut().map_or(sample, |node| node.next(sample));
                    let is = new.as_mut().map_or(sample, |node| node.next(sample));
                    *done += 1;
                    match usize::try_from(*done - 1) {
                        Ok(frame) => was + self.gains[frame] * (is - was),
                        Err(_) => was,
                    }
                }
            };
        }
        self.settle();
        sample
    }

    fn settle(&mut self) {
        let frames = self.gains.len() as i64;
        let over = |place: &Place| matches!(place, Place::Fading { done, .. } if *done == frames);
        let Some(at) = self.places.iter().position(over) else {
            return;
        };
        match self.places.remove(at) {
            Place::Fading { new: Some(new), .. } => self.places.insert(at, Place::Steady(new)),
            Place::Fading { .. } | Place::Steady(_) => {}
        }
    }

    /// The node at a place, which is steady.
    fn take(&mut self, at: usize) -> Model {
        match self.places.remove(at) {
            Place::Steady(node) => node,
            Place::Fading { .. } => panic!("two fades at once"),
        }
    }
}

/// Sixteen poles of a high-pass at 3.8 kHz: two Butterworth filters of order 8 in a row.
struct HighPass(Vec<([f64; 5], [f64; 2])>);

impl HighPass {
    fn new() -> Self {
        let omega = core::f64::consts::TAU * 3_800.0 / 48_000.0;
        let section = |pole: usize| {
            let q = 0.5 / (core::f64::consts::PI * (2 * pole + 1) as f64 / 16.0).cos();
            let (alpha, cos) = (omega.sin() / (2.0 * q), omega.cos());
            let (b, a0) = ((1.0 + cos) / 2.0, 1.0 + alpha);
            let terms = [
                b / a0,
                -2.0 * b / a0,
                b / a0,
                -2.0 * cos / a0,
                (1.0 - alpha) / a0,
            ];
            (terms, [0.0; 2])
        };
        Self((0..8).map(|n| section(n % 4)).collect())
    }

    fn next(&mut self, sample: f64) -> f64 {
        self.0
            .iter_mut()
            .fold(sample, |x, ([b0, b1, b2, a1, a2], [s1, s2])| {
                let y = *b0 * x + *s1;
                *s1 = *b1 * x - *a1 * y + *s2;
                *s2 = *b2 * x - *a2 * y;
                y
            })
    }
}

#[test]
fn every_edit_of_a_long_run_is_as_the_model_says_and_does_not_click() {
    let frames = seconds() * 48_000;
    let tone = |at: usize| (core::f64::consts::TAU * (at % 48) as f64 / 48.0).sin() as f32;
    let fade = fade_frames(48_000) as usize;
    let gain = |frame: usize| {
        let phase = core::f64::consts::PI * (frame + 1) as f64 / (fade + 1) as f64;
        (0.5 - 0.5 * libm::cos(phase)) as f32
    };
    let mut model = Chained {
        places: Vec::new(),
        gains: (0..fade).map(gain).collect(),
    };
    let (mut controller, mut processor) = start(Chain::new(), 0);
    let mut random = Random(11);
    let mut ids: Vec<NodeId> = Vec::new();
    let mut sent: Option<(Ticket, usize)> = None;
    let (mut high, mut residual) = (HighPass::new(), 0.0f64);
    let mut edits = 0;
    for begin in (0..frames).step_by(PIECE) {
        if begin % EVERY == 0 {
            let at = random.below(ids.len() + 1);
            let (link, node, latency) = draw(&mut random);
            let (hold, ticket) = if at == ids.len() || (ids.len() < 12 && random.below(2) == 0) {
                let (id, ticket) = controller.insert(at, link).unwrap();
                ids.insert(at, id);
                let fading = (None, Some(node));
                model.places.insert(at, fading_place(fading, latency));
                (latency, ticket)
            } else if random.below(2) == 0 {
                let ticket = controller.remove(ids.remove(at)).unwrap();
                let fading = (Some(model.take(at)), None);
                model.places.insert(at, fading_place(fading, 0));
                (0, ticket)
            } else {
                let (id, ticket) = controller.replace(ids[at], link).unwrap();
                ids[at] = id;
                let fading = (Some(model.take(at)), Some(node));
                model.places.insert(at, fading_place(fading, latency));
                (latency, ticket)
            };
            sent = Some((ticket, begin + hold));
            edits += 1;
        }
        let input: Vec<f32> = (begin..begin + PIECE).map(tone).collect();
        let output = run(&mut processor, &input, 1 + random.below(PIECE));
        for (at, (&output, &input)) in output.iter().zip(&input).enumerate() {
            assert_eq!(
                output,
                model.next(input),
                "frame {}, edit {edits}",
                begin + at
            );
            let above = high.next(f64::from(output)).abs();
            // The tone itself begins with a step of its slope.
            if begin > 4_800 {
                residual = residual.max(above);
            }
        }
        if let Some(answer) = controller.answer() {
            let (ticket, position) = sent.take().unwrap();
            assert_eq!(answer.ticket, ticket);
            let Outcome::Edited { position: told, .. } = answer.outcome else {
                panic!("{answer:?}");
            };
            assert_eq!(told as usize, position);
        }
    }
    let residual_db = 20.0 * residual.log10();
    println!(
        "{edits} edits in {} s: residual above 4 kHz {residual_db:.1} dBFS",
        seconds()
    );
    let name =
        format!("{edits} edits as the model says, bit for bit; residual above 4 kHz, -85 dBFS");
    bar::tell(
        &name,
        &format!("{residual_db:.1} dBFS"),
        residual_db <= -85.0,
    );
    assert!(residual_db <= -85.0, "{residual_db:.1} dBFS");
}

fn fading_place((old, new): (Option<Model>, Option<Model>), latency: usize) -> Place {
    Place::Fading {
        old,
        new,
        done: -(latency as i64),
    }
}
