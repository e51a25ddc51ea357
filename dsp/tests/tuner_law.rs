//! The law of the tuner: plucked strings with stiffness and noise, from B0 to C8.
//!
//! `OSSICLE_TRIALS=10000` runs the long form.

use std::f64::consts::{PI, TAU};
use std::sync::atomic::{AtomicU64, Ordering};

use ossicle_dsp::tuner::{Note, Reading, Tuner};

const RATE_HZ: u32 = 48_000;

fn trials(short: u64) -> u64 {
    let asked = std::env::var("OSSICLE_TRIALS").ok();
    asked.map_or(short, |text| {
        text.parse().expect("OSSICLE_TRIALS is a number")
    })
}

/// What becomes of each trial, in their order: on all cores, each taking the next that is left.
fn all<T: Send>(count: u64, trial: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mine = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < count);
        std::iter::from_fn(mine)
            .map(|seed| (seed, trial(seed)))
            .collect::<Vec<_>>()
    };
    let mut done: Vec<(u64, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let done = threads.into_iter().map(|thread| thread.join());
        done.flat_map(|done| done.expect("no trial panics"))
            .collect()
    });
    done.sort_by_key(|(seed, _)| *seed);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.share()
    }

    /// Normal, with variance 1 (Box and Muller).
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.share()).ln()).sqrt() * (TAU * self.share()).cos()
    }
}

/// A plucked string: partial n of a string plucked at the share p of its length has the velocity
/// sin(n pi p) / n, decays the faster the higher it is, and lies at n f0 sqrt(1 + B n^2).
struct Pluck {
    first_hz: f64,
    stiffness: f64,
    place: f64,
    decay_s: f64,
    silence: usize,
}

impl Pluck {
    fn random(random: &mut Random, first_hz: f64) -> Self {
        Self {
            first_hz,
            // Even over the decades from 1e-6 to 1e-4.
            stiffness: 10f64.powf(random.between(-6.0, -4.0)),
            place: random.between(0.05, 0.5),
            decay_s: random.between(0.3, 2.5),
            silence: random.between(0.0, 2400.0) as usize,
        }
    }

    /// Silence, then `frames` of the string, with white noise 30 dB below its power throughout.
    fn sound(&self, random: &mut Random, frames: usize) -> Vec<f32> {
        let rate = f64::from(RATE_HZ);
        let mut string = vec![0.0; frames];
        for n in (1..=40).map(f64::from) {
            let b = self.stiffness;
            let hz = n * self.first_hz * ((1.0 + b * n * n) / (1.0 + b)).sqrt();
            if hz > 0.49 * rate {
                break;
            }
            let amplitude = (n * PI * self.place).sin() / n;
            let decay = (-(1.0 + 0.15 * n * n / (1.0 + 0.1 * n)) / (self.decay_s * rate)).exp();
            let (sin, cos) = (TAU * hz / rate).sin_cos();
            let phase = random.between(0.0, TAU);
            let (mut re, mut im) = (amplitude * phase.cos(), amplitude * phase.sin());
            for sample in &mut string {
                *sample += re;
                (re, im) = (decay * (re * cos - im * sin), decay * (re * sin + im * cos));
            }
        }
        let power = string.iter().map(|x| x * x).sum::<f64>() / frames as f64;
        let noise = (power / 1000.0).sqrt();
        let silence = std::iter::repeat_n(0.0, self.silence);
        let clean = silence.chain(string);
        clean
            .map(|x| (x + noise * random.normal()) as f32 * 0.2)
            .collect()
    }
}

fn readings(sound: &[f32]) -> Vec<Reading> {
    let mut readings = Vec::new();
    let mut tuner = Tuner::new(RATE_HZ);
    for piece in sound.chunks(480) {
        tuner.push(piece, &mut |reading| readings.push(reading));
    }
    readings
}

fn cents(got_hz: f64, want_hz: f64) -> f64 {
    1200.0 * (got_hz / want_hz).log2()
}

/// Low strings whose high partials are gone within a few periods, in curves that are no straight lines.
const HARD: [u64; 2] = [320, 7432];

/// Half a cent after 200 ms, and never another note: not even in the first reading.
#[test]
fn plucked_strings_are_read_to_half_a_cent() {
    let count = trials(16);
    let trial = |number: u64| {
        let beyond = number.checked_sub(count);
        let seed = beyond.map_or(number, |place| HARD[place as usize]);
        let mut random = Random(seed);
        // B0 is number 23, C8 108; up to half a semitone off.
        let first_hz = 440.0 * ((random.between(22.5, 108.5) - 69.0) / 12.0).exp2();
        let pluck = Pluck::random(&mut random, first_hz);
        let sound = pluck.sound(&mut random, 9600);
        let readings = readings(&sound);
        let off = readings
            .iter()
            .map(|reading| cents(reading.frequency_hz, first_hz));
        (seed, first_hz, off.collect::<Vec<f64>>())
    };
    let (mut worst, mut worst_first, mut sum) = (0.0f64, 0.0f64, 0.0);
    let (mut wrong, mut off_by_more) = (Vec::new(), Vec::new());
    for (seed, first_hz, off) in all(count + HARD.len() as u64, trial) {
        let [Some(first), Some(last)] = [off.first(), off.last()] else {
            wrong.push((seed, first_hz, f64::NAN));
            continue;
        };
        let other_note = off.iter().find(|off| off.abs() >= 50.0);
        wrong.extend(other_note.map(|off| (seed, first_hz, *off)));
        if last.abs() > 0.5 {
            off_by_more.push((seed, first_hz, *last));
        }
        worst = worst.max(last.abs());
        worst_first = worst_first.max(first.abs());
        sum += last * last;
    }
    let rms = (sum / (count as f64 + HARD.len() as f64)).sqrt();
    println!(
        "{count} plucks: at most {worst:.3} cents off after 200 ms, {rms:.4} rms, {} over half a \
         cent; the first reading at most {worst_first:.2}; {} of another note",
        off_by_more.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "another note, or none: {wrong:?}");
    assert!(off_by_more.is_empty(), "over half a cent: {off_by_more:?}");
}

/// The first reading of a low E comes within 35 ms of its beginning, however the string begins: among
/// the first hundred are stiff ones that repeat themselves badly (73) and ones whose power rises
/// twenty times within their first period (76, 94).
#[test]
fn a_low_e_is_read_within_35_ms() {
    let e2_hz = 440.0 * (-29f64 / 12.0).exp2();
    let count = trials(96);
    let trial = |seed| {
        let mut random = Random(0xe2 + seed);
        let first_hz = e2_hz * random.between(-0.5 / 12.0, 0.5 / 12.0).exp2();
        let pluck = Pluck::random(&mut random, first_hz);
        let sound = pluck.sound(&mut random, 1920);
        let first = readings(&sound).first().copied();
        first.map(|first| {
            let ms = (first.position as usize - pluck.silence) as f64 / 48.0;
            (ms, cents(first.frequency_hz, first_hz))
        })
    };
    let (mut worst, mut last, mut late) = (0.0f64, 0.0f64, Vec::new());
    let mut times = Vec::new();
    for (seed, first) in all(count, trial).into_iter().enumerate() {
        let Some((ms, off)) = first else {
            late.push((seed, f64::INFINITY));
            continue;
        };
        assert!(off.abs() < 20.0, "seed {seed}: {off} cents off");
        if ms > 35.0 {
            late.push((seed, ms));
        }
        times.push(ms);
        last = last.max(ms);
        worst = worst.max(off.abs());
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{count} low E: first reading after {:.1} ms (median), {last:.1} at most, {} after more \
         than 35 ms; at most {worst:.2} cents off",
        times[times.len() / 2],
        late.len()
    );
    assert!(late.is_empty(), "late: {late:?}");
}

#[test]
fn a_new_note_is_heard_soon_and_the_old_one_is_forgotten() {
    let mut random = Random(7);
    let mut sound = Vec::new();
    for hz in [110.0, 146.83] {
        let mut pluck = Pluck::random(&mut random, hz);
        pluck.silence = 0;
        sound.extend(pluck.sound(&mut random, 19_200));
    }
    let readings = readings(&sound);
    let late = |reading: &&Reading| reading.position > 19_200 + 4_800;
    let after: Vec<&Reading> = readings.iter().filter(late).collect();
    assert!(after.len() > 3);
    for reading in after {
        let off = cents(reading.frequency_hz, 146.83);
        assert!(off.abs() < 2.0, "{reading:?}: {off}");
    }
}

#[test]
fn the_cut_into_pieces_and_the_rate_do_not_matter() {
    let mut random = Random(3);
    let sound = Pluck::random(&mut random, 196.0).sound(&mut random, 9600);
    let whole = {
        let mut readings = Vec::new();
        Tuner::new(RATE_HZ).push(&sound, &mut |reading| readings.push(reading));
        readings
    };
    assert_eq!(whole, readings(&sound));
    // A sine at 192 kHz, which is thinned to 48 kHz.
    let sine: Vec<f32> = (0..38_400)
        .map(|n| (TAU * 329.6 * f64::from(n) / 192e3).sin() as f32)
        .collect();
    let mut last = None;
    Tuner::new(192_000).push(&sine, &mut |reading| last = Some(reading));
    let last = last.expect("a sine has a pitch");
    assert!(cents(last.frequency_hz, 329.6).abs() < 0.01, "{last:?}");
    assert_eq!(Note::nearest(last.frequency_hz, 440.0).name(), "E4");
}

#[test]
fn silence_noise_and_what_is_not_finite_are_no_notes() {
    assert_eq!(readings(&[0.0; 24_000]), []);
    let mut random = Random(1);
    let noise: Vec<f32> = (0..24_000).map(|_| random.normal() as f32 * 0.1).collect();
    assert_eq!(readings(&noise), []);
    assert_eq!(readings(&[f32::NAN; 9600]), []);
}
