//! One run of a law on the plant, and what came of it.

use super::plant::{Clock, Lateness, Random, Rate};

/// Nominal rate of both devices, in hertz.
pub const RATE_HZ: f64 = 48_000.0;
/// What counts as locked: millionths of the ratio, and frames of delay.
const LOCKED_PPM: f64 = 5.0;
const LOCKED_FRAMES: f64 = 1.0;
/// Latest start of the reader behind the writer, in nanoseconds.
const START_NS: f64 = 20e6;

/// A law that keeps a reader in step with a writer.
pub trait Law {
    /// The writer called with frames up to `end`.
    fn written(&mut self, end: u64, time_ns: u64);

    /// The reader called for frames up to `end`; `None` for silence.
    fn read(&mut self, end: u64, time_ns: u64, frames: u64) -> Option<Step>;

    /// The delay it aims at, in frames.
    fn target(&self) -> f64;
}

/// What a law read in a block.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Position behind the block, in the writer's frames.
    pub position: f64,
    /// Mean step within it.
    pub step: f64,
}

/// What is tried.
#[derive(Clone, Debug)]
pub struct Setting {
    pub seconds: f64,
    pub from: Rate,
    pub to: Rate,
    pub late: Lateness,
    /// Frames of a call of the writer, and of the reader.
    pub from_block: u64,
    pub block: u64,
    pub seed: u64,
    /// Where the steady state begins, in seconds.
    pub steady_s: f64,
    /// Whether the ratio's error is kept over time.
    pub traced: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// When ratio and delay were right for good, in seconds.
    pub lock_s: f64,
    /// When the ratio was, whatever the delay.
    pub ratio_lock_s: f64,
    /// In the steady state: error of the ratio, in millionths.
    pub rms_ppm: f64,
    /// Way of the delay from its least to its most, in frames.
    pub delay_pp: f64,
    /// Largest distance of the delay from where it should be, in frames.
    pub delay_off: f64,
    /// Longest delay, in frames.
    pub delay_most: f64,
    /// Blocks that wanted what was not there, once reading.
    pub short: u64,
    /// The ratio's error in millionths, after seconds.
    pub trace: Vec<(f64, f64)>,
}

/// A device's calls in true time.
struct Device<'a> {
    clock: Clock,
    late: &'a Lateness,
    floor: (f64, f64),
    started_ns: f64,
    /// End of the call that is due, in frames; when it is due, and when it comes.
    end: f64,
    due_ns: f64,
    comes_ns: f64,
}

impl Device<'_> {
    fn next(&mut self, block: f64, random: &mut Random) {
        self.end += block;
        self.due_ns = self.clock.time_ns(self.end);
        let comes_ns = self.late.comes(self.due_ns, random, &mut self.floor) + self.started_ns;
        self.comes_ns = comes_ns.max(self.comes_ns);
    }
}

/// A call of one of both devices.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    /// The writer's, with frames up to `end`.
    Written { end: u64, time_ns: u64 },
    /// The reader's, for frames up to `end`.
    Wanted {
        end: u64,
        time_ns: u64,
        /// In truth: where the writer is when this call is due, and the writer's frames per frame
        /// of the reader's.
        there: f64,
        step: f64,
    },
}

/// Goes through all calls in the order in which they come.
pub fn walk(setting: &Setting, mut called: impl FnMut(Call)) {
    let mut random = Random::new(setting.seed ^ 0xABCD);
    let (from_block, block) = (setting.from_block as f64, setting.block as f64);
    let device = |rate: &Rate, started_ns| Device {
        clock: Clock::new(RATE_HZ, rate.clone()),
        late: &setting.late,
        // The first change of a floor comes when both are locked.
        floor: (15e9, 0.0),
        started_ns,
        end: 0.0,
        due_ns: 0.0,
        comes_ns: 0.0,
    };
    let mut from = device(&setting.from, 0.0);
    let mut to = device(&setting.to, START_NS * random.unit());
    let mut truth = Clock::new(RATE_HZ, setting.from.clone());
    from.next(from_block, &mut random);
    to.next(block, &mut random);
    loop {
        if from.comes_ns <= to.comes_ns {
            called(Call::Written {
                end: from.end as u64,
                time_ns: from.comes_ns as u64,
            });
            from.next(from_block, &mut random);
            continue;
        }
        if to.comes_ns * 1e-9 > setting.seconds {
            break;
        }
        let there = truth.frame(to.due_ns + to.started_ns);
        called(Call::Wanted {
            end: to.end as u64,
            time_ns: to.comes_ns as u64,
            there,
            step: truth.speed() / to.clock.speed(),
        });
        to.next(block, &mut random);
    }
}

/// Runs `law`.
pub fn run(law: &mut dyn Law, setting: &Setting) -> Outcome {
    let mut out = Outcome::default();
    let (mut behind, mut blocks, mut squares) = (0.0, 0.0, 0.0);
    let (mut least, mut most) = (f64::MAX, f64::MIN);
    walk(setting, |call| {
        let (end, time_ns, there, step) = match call {
            Call::Written { end, time_ns } => {
                behind = end as f64;
                return law.written(end, time_ns);
            }
            Call::Wanted {
                end,
                time_ns,
                there,
                step,
            } => (end, time_ns, there, step),
        };
        let seconds = time_ns as f64 * 1e-9;
        let Some(read) = law.read(end, time_ns, setting.block) else {
            out.lock_s = seconds;
            out.ratio_lock_s = seconds;
            return;
        };
        let ppm = (read.step / step - 1.0) * 1e6;
        let delay = there - read.position;
        let off = (delay - law.target()).abs();
        out.short += u64::from(read.position > behind);
        if ppm.abs() > LOCKED_PPM {
            out.ratio_lock_s = seconds;
        }
        if setting.traced {
            out.trace.push((seconds, ppm));
        }
        if ppm.abs() > LOCKED_PPM || off > LOCKED_FRAMES {
            out.lock_s = seconds;
        }
        if seconds > setting.steady_s {
            blocks += 1.0;
            squares += ppm * ppm;
            least = least.min(delay);
            most = most.max(delay);
            out.delay_off = out.delay_off.max(off);
            out.delay_most = out.delay_most.max(delay);
        }
    });
    out.rms_ppm = (squares / blocks).sqrt();
    out.delay_pp = most - least;
    out
}
