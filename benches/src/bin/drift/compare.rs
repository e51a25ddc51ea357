//! Our loop beside those of others.

use super::laws::{AlsaIn, Camilla, PipeWire, Zita};
use super::ours::Ours;
use super::plant::{Lateness, Random, Rate};
use super::trial::{Law, Outcome, Setting, run};

/// Long enough for the slowest; the steady state is its end.
const SECONDS: f64 = 600.0;
const STEADY_S: f64 = SECONDS - 120.0;
/// What was not right for as long at the end never was.
const HELD_S: f64 = 60.0;
/// Times our loop is at least faster than the fastest of them, and has less residual than that one.
const FASTER: f64 = 4.0;
const LESS: f64 = 10.0;

/// A law and where it runs.
pub struct Entry {
    pub name: &'static str,
    pub law: fn() -> Box<dyn Law>,
    /// Frames by which the writer's count grows.
    pub from_block: u64,
}

/// All laws; ours first. Those that go by the fill get a count as fine as they need, and once as
/// fine as ours gets.
pub const ENTRIES: [Entry; 7] = [
    Entry {
        name: "ours",
        law: || Box::new(Ours::new(None)),
        from_block: 256,
    },
    Entry {
        name: "zita-ajbridge",
        law: || Box::new(Zita::new()),
        from_block: 256,
    },
    Entry {
        name: "PipeWire, steps of 6",
        law: || Box::new(PipeWire::new()),
        from_block: 6,
    },
    Entry {
        name: "PipeWire, steps of 48",
        law: || Box::new(PipeWire::new()),
        from_block: 48,
    },
    Entry {
        name: "CamillaDSP, steps of 48",
        law: || Box::new(Camilla::new()),
        from_block: 48,
    },
    Entry {
        name: "CamillaDSP, steps of 256",
        law: || Box::new(Camilla::new()),
        from_block: 256,
    },
    Entry {
        name: "alsa_in, steps of 6",
        law: || Box::new(AlsaIn::new()),
        from_block: 6,
    },
];

/// Runs a law against an offset in millionths.
pub fn try_one(entry: &Entry, ppm: f64, seed: u64, traced: bool) -> Outcome {
    let setting = Setting {
        seconds: SECONDS,
        from: Rate {
            constant: ppm,
            ..Rate::default()
        },
        to: Rate::default(),
        late: Lateness::Uniform(50e3),
        from_block: entry.from_block,
        block: 256,
        seed,
        steady_s: STEADY_S,
        traced,
    };
    run((entry.law)().as_mut(), &setting)
}

/// What came of a law's seeds.
struct Figures {
    lock_s: Spread,
    rms_ppm: Spread,
}

struct Spread {
    middle: f64,
    worst: f64,
}

impl Spread {
    fn new(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self {
            middle: figures[figures.len() / 2],
            worst: figures[figures.len() - 1],
        }
    }
}

/// Tells all laws and returns how many bars do not hold; the worst seeds are compared, as
/// elsewhere.
pub fn tell(name: &str, seeds: u64, offset: fn(&mut Random) -> f64) -> u32 {
    println!("beside others, late by 50 us, {name}, {seeds} seeds of {SECONDS} s");
    println!("  law                       to +-5 ppm (worst)   ratio rms (worst)");
    let figures = ENTRIES.map(|entry| {
        let outcomes: Vec<Outcome> = (0..seeds)
            .map(|seed| try_one(&entry, offset(&mut Random::new(seed + 1000)), seed, false))
            .collect();
        let lock = |outcome: &Outcome| {
            let held = outcome.ratio_lock_s < SECONDS - HELD_S;
            if held {
                outcome.ratio_lock_s
            } else {
                f64::INFINITY
            }
        };
        let figures = Figures {
            lock_s: Spread::new(outcomes.iter().map(lock).collect()),
            rms_ppm: Spread::new(outcomes.iter().map(|outcome| outcome.rms_ppm).collect()),
        };
        println!(
            "  {:25} {:>8} ({:>8}) {:>9.3} ppm ({:.3})",
            entry.name,
            seconds(figures.lock_s.middle),
            seconds(figures.lock_s.worst),
            figures.rms_ppm.middle,
            figures.rms_ppm.worst,
        );
        figures
    });
    let [ours, others @ ..] = figures;
    let by_lock = |a: &&Figures, b: &&Figures| a.lock_s.worst.total_cmp(&b.lock_s.worst);
    let Some(fastest) = others.iter().min_by(by_lock) else {
        return 0;
    };
    bar(
        "faster than the fastest",
        fastest.lock_s.worst / ours.lock_s.worst,
        FASTER,
    ) + bar(
        "less residual than that one",
        fastest.rms_ppm.worst / ours.rms_ppm.worst,
        LESS,
    )
}

fn seconds(figure: f64) -> String {
    if figure.is_finite() {
        format!("{figure:.2} s")
    } else {
        "never".to_owned()
    }
}

fn bar(name: &str, times: f64, least: f64) -> u32 {
    let holds = times >= least;
    let verdict = if holds { "" } else { "  MISSED" };
    println!("  {name:28} {times:6.1} times (at least {least}){verdict}");
    u32::from(!holds)
}
