//! How fast and how well two devices on two clocks are kept in step: the bridge's loop on a plant
//! of two devices in virtual time, 100 seeds each, the 95th of them told; and beside the laws of
//! others, 12 seeds each.
//!
//! `drift [--seeds N]`; exits with 1 where a bar does not hold. `drift --plot FILE.png` draws how
//! one seed of each law goes.

mod compare;
mod laws;
mod notch;
mod ours;
mod plant;
mod plot;
mod sound;
mod trial;

use std::path::Path;
use std::process::ExitCode;

use ossicle::dsp::clock::Learned;
use plant::{Lateness, Random, Rate};
use trial::{Outcome, Setting, run};

/// Seeds of each trial unless told.
const SEEDS: u64 = 100;
/// Seeds beside other laws, which take long.
const COMPARED: u64 = 12;
/// Seeds of what is heard, each at both ends of its offset.
const HEARD: u64 = 10;
/// Largest constant offset between the clocks, in millionths.
const OFFSET_PPM: f64 = 2000.0;
/// The same between cards as they are sold.
const CARDS_PPM: f64 = 80.0;
/// Of the seeds this part is at most as bad as what is told.
const QUANTILE: f64 = 0.95;

/// A bar: the most a figure may be.
struct Bar {
    name: &'static str,
    figure: fn(&Outcome) -> f64,
    most: f64,
    unit: &'static str,
}

const fn lock(most: f64) -> Bar {
    Bar {
        name: "lock",
        figure: |outcome| outcome.lock_s,
        most,
        unit: "s",
    }
}

const fn ratio(most: f64) -> Bar {
    Bar {
        name: "ratio rms from 120 s on",
        figure: |outcome| outcome.rms_ppm,
        most,
        unit: "ppm",
    }
}

const fn delay(most: f64) -> Bar {
    Bar {
        name: "delay peak to peak from 120 s on",
        figure: |outcome| outcome.delay_pp,
        most,
        unit: "frame",
    }
}

const fn distance(most: f64) -> Bar {
    Bar {
        name: "delay from its target from 120 s on",
        figure: |outcome| outcome.delay_off,
        most,
        unit: "frame",
    }
}

const fn longest(most: f64) -> Bar {
    Bar {
        name: "longest delay from 120 s on",
        figure: |outcome| outcome.delay_most,
        most,
        unit: "frames",
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let seeds = match words.as_slice() {
        [] => SEEDS,
        ["--seeds", count] if count.parse::<u64>().is_ok_and(|seeds| seeds > 0) => {
            count.parse().unwrap_or(SEEDS)
        }
        ["--plot", file] => {
            return match plot::draw(Path::new(file)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("cannot write {file}: {error}");
                    ExitCode::FAILURE
                }
            };
        }
        _ => {
            eprintln!("drift [--seeds N] or drift --plot FILE.png, N at least 1");
            return ExitCode::from(2);
        }
    };
    let constant = |ppm: f64| Rate {
        constant: ppm,
        ..Rate::default()
    };
    let ramp = |ppm: f64| Rate {
        constant: ppm,
        ramp: 0.05,
    };
    let falling = |ppm: f64| Rate {
        constant: ppm,
        ramp: -0.05,
    };
    let uniform = |us: f64| Lateness::Uniform(us * 1e3);
    let floors = Lateness::Floors {
        most_ns: 50e3,
        high_ns: 300e3,
        each_s: 60.0,
    };
    let mut table = Table {
        seeds,
        block: 256,
        missed: 0,
    };
    println!("{seeds} seeds, the {:.0}th of 100 told", QUANTILE * 100.0);
    table.tell(
        "late by 50 us",
        &uniform(50.0),
        constant,
        &[lock(1.2), ratio(0.05), delay(0.05)],
    );
    table.tell(
        "late by 500 us",
        &uniform(500.0),
        constant,
        &[lock(4.0), ratio(f64::INFINITY), delay(f64::INFINITY)],
    );
    table.tell(
        "late by 2 ms",
        &uniform(2000.0),
        constant,
        &[lock(8.0), ratio(0.25), delay(0.25)],
    );
    table.tell(
        "50 us, rate rising by 0.05 ppm/s",
        &uniform(50.0),
        ramp,
        &[distance(0.2)],
    );
    table.tell(
        "50 us, rate falling by 0.05 ppm/s",
        &uniform(50.0),
        falling,
        &[distance(0.2)],
    );
    table.tell(
        "50 us, floor jumps by up to 300 us each minute",
        &floors,
        constant,
        &[lock(1.2)],
    );
    table.tell(
        "the same, of cards as they are",
        &floors,
        |ppm| Rate {
            constant: CARDS_PPM / OFFSET_PPM * ppm,
            ..Rate::default()
        },
        &[lock(1.2)],
    );
    // Known to within what a quarter of an hour at another temperature does.
    let learned = |error| {
        Some(Learned {
            from_error: error + 0.3e-6,
            to_error: -0.3e-6,
            margin_frames: 8.0,
        })
    };
    for late_us in [500.0, 2000.0] {
        table.tell(
            &format!("{late_us} us, rate rising by 0.05 ppm/s"),
            &uniform(late_us),
            ramp,
            &[distance(0.2)],
        );
    }
    table.tell_knowing(
        "50 us, drift known from before",
        &uniform(50.0),
        constant,
        learned,
        &[lock(0.1)],
    );
    // What the mathematics allow: two blocks that were late, each by no more than in one of 10,000
    // calls, and 8 frames.
    for (late_us, block) in [(50.0, 64), (50.0, 256), (500.0, 256), (2000.0, 256)] {
        let late_frames = 0.9999 * late_us * 1e-6 * trial::RATE_HZ;
        table.block = block;
        table.tell(
            &format!("{late_us} us, blocks of {block}"),
            &uniform(late_us),
            constant,
            &[longest(block as f64 + 32.0 + 2.0 * late_frames + 8.0)],
        );
    }
    table.missed += sound::tell(seeds.min(HEARD), QUANTILE);
    let compared = seeds.min(COMPARED);
    table.missed += compare::tell("at 100 ppm", compared, |_| 100.0);
    table.missed += compare::tell("at up to 2000 ppm", compared, offset_ppm);
    if table.missed > 0 {
        eprintln!("{} bars do not hold", table.missed);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// An offset between the clocks.
fn offset_ppm(random: &mut Random) -> f64 {
    OFFSET_PPM * (2.0 * random.unit() - 1.0)
}

struct Table {
    seeds: u64,
    /// Frames of a block of both devices.
    block: u64,
    missed: u32,
}

impl Table {
    /// Runs all seeds of a setting and tells its bars.
    fn tell(&mut self, name: &str, late: &Lateness, from: fn(f64) -> Rate, bars: &[Bar]) {
        self.tell_knowing(name, late, from, |_| None, bars);
    }

    /// The same where something is known from before, given the offset in parts.
    fn tell_knowing(
        &mut self,
        name: &str,
        late: &Lateness,
        from: fn(f64) -> Rate,
        learned: fn(f64) -> Option<Learned>,
        bars: &[Bar],
    ) {
        let outcomes: Vec<Outcome> = (0..self.seeds)
            .map(|seed| {
                let ppm = offset_ppm(&mut Random::new(seed + 1000));
                let setting = Setting {
                    seconds: 200.0,
                    from: from(ppm),
                    to: Rate::default(),
                    late: late.clone(),
                    from_block: self.block,
                    block: self.block,
                    seed,
                    steady_s: 120.0,
                    traced: false,
                };
                run(&mut ours::Ours::new(learned(ppm * 1e-6)), &setting)
            })
            .collect();
        let short: u64 = outcomes.iter().map(|outcome| outcome.short).sum();
        println!("{name} ({short} blocks short of frames)");
        for bar in bars {
            let mut figures: Vec<f64> = outcomes.iter().map(bar.figure).collect();
            figures.sort_by(f64::total_cmp);
            let index = (figures.len() as f64 * QUANTILE).ceil() as usize;
            let (middle, told) = (figures[figures.len() / 2], figures[index.max(1) - 1]);
            let holds = told <= bar.most;
            self.missed += u32::from(!holds);
            let bound = if bar.most.is_finite() {
                format!("at most {}", bar.most)
            } else {
                "told".to_owned()
            };
            let verdict = if holds { "" } else { "  MISSED" };
            println!(
                "  {:36} {told:8.3} {} ({bound}; median {middle:.3}){verdict}",
                bar.name, bar.unit
            );
        }
    }
}
