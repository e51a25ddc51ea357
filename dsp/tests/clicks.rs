//! Parameters that jump while a tone sounds: nothing is heard but the tone, and what the effect makes
//! of it before and after. Every effect of the registry, every parameter that may change while it runs.
//!
//! `OSSICLE_TRIALS` says how many random jumps each parameter makes.

#[path = "dynamics/rig.rs"]
mod rig;

use ossicle_dsp::parameter::{Parameter, Scale};
use ossicle_dsp::registry::EFFECTS;
use ossicle_dsp::settings::Effect;
use rig::{Random, Running, amplitude, click_dbfs, decibels, settings, sine, trials};

/// Besides defaults and presets: at work on a tone at -12 dBFS.
const AT_WORK: [&str; 8] = [
    "compressor:threshold=-30",
    "compressor:threshold=-30,attack=1,release=5",
    "compressor:threshold=-30,attack=1,release=5,detector=rms,look_ahead=2,link=50",
    OPEN,
    CLOSED,
    "de_esser:frequency=2000,threshold=-60",
    "de_esser:frequency=2000,threshold=-60,mode=wide,attack=5",
    "multiband_compressor:bands=6,b1_threshold=-40,b2_threshold=-40,b3_threshold=-40",
];

const OPEN: &str = "gate:threshold=-40,hysteresis=3";
const CLOSED: &str = "gate:threshold=-5,hysteresis=3,ratio=3,range=-30";

/// Every effect as it is, with each of its presets, and at work.
fn texts(effect: &Effect) -> Vec<String> {
    let presets = effect.presets.iter().map(|preset| preset.id);
    let named = presets.map(|preset| format!("{}:preset={preset}", effect.id));
    let at_work = AT_WORK
        .iter()
        .filter(|text| text.split(':').next() == Some(effect.id));
    let at_work = at_work.map(|text| (*text).to_owned());
    std::iter::once(effect.id.to_owned())
        .chain(named)
        .chain(at_work)
        .collect()
}

/// What is there before a jump, and 60 ms and 10 ms later.
const JUMPS: [usize; 3] = [24_000, 26_880, 27_360];
const FRAMES: usize = 34_000;
/// Frames in which the tone comes.
const SOFTLY: usize = 4800;
const LOUDEST_DBFS: f64 = -80.0;
/// Random jumps in the short form, three values each.
const SHORT: u64 = 2;

#[test]
fn a_parameter_that_jumps_does_not_click_over_80_dbfs() {
    let mut over = Vec::new();
    let mut tried = 0;
    for effect in EFFECTS {
        let mut loudest = f64::NEG_INFINITY;
        for text in texts(effect) {
            for (number, row) in effect.parameters.iter().enumerate() {
                if row.is_structural() || changes_the_sound(effect.id, &text, row) || again(row) {
                    continue;
                }
                let mut random = Random(number as u64);
                for _ in 0..trials(SHORT, 100) {
                    let values = JUMPS.map(|_| value(&text, number, row, &mut random));
                    let click = click(&text, number, values);
                    loudest = loudest.max(click);
                    tried += JUMPS.len();
                    if click >= LOUDEST_DBFS {
                        over.push(format!("{text}: {}={values:?}: {click:.1} dBFS", row.id));
                    }
                }
            }
        }
        println!("{:<24}{loudest:>8.1} dBFS", effect.id);
    }
    println!("{tried} jumps");
    assert!(over.is_empty(), "{over:#?}");
}

/// Bands beyond the third are the same again: they are tried in the long form only.
fn again(row: &Parameter) -> bool {
    let band = row.id.strip_prefix('b').and_then(|id| id.split('_').next());
    let band = band.and_then(|band| band.parse::<u32>().ok());
    trials(SHORT, 100) == SHORT && band.is_some_and(|band| band > 3)
}

/// Whether a jump of the parameter changes the sound itself as fast as a click, as it is asked to.
///
/// - What a compressor or gate with an attack of 1 ms or less listens to: the gain follows that as it
///   follows any other sound, wave by wave, and a gate opens and closes.
/// - Narrow notches that are swept over the tone: they take it away and let it return.
/// - A true-peak limiter with a look-ahead of 0.5 ms that is driven: it turns the gain down within it.
fn changes_the_sound(effect: &str, text: &str, row: &Parameter) -> bool {
    match (effect, row.id) {
        ("compressor", id) if text.contains("attack=1") => id.starts_with("key_"),
        ("gate", id) if text.ends_with("drum") => id.starts_with("key_"),
        ("parametric_eq", id) => text.ends_with("hum_off") && id.ends_with("_freq"),
        ("true_peak_limiter", "ceiling" | "input_gain") => text.ends_with("guard"),
        _ => false,
    }
}

/// What is heard of the jumps to `values` besides what is heard with each of them for itself, in dBFS; of
/// an output over full scale, in decibels of its peak.
fn click(text: &str, number: usize, values: [f64; 3]) -> f64 {
    let outputs = run(text, number, values);
    let mut worst = f64::NEG_INFINITY;
    for (channel, output) in outputs.iter().enumerate() {
        let peak = output.iter().fold(1.0, |most, x| x.abs().max(most));
        let heard = click_dbfs(&output[23_600..33_000]) - decibels(f64::from(peak));
        if heard <= LOUDEST_DBFS {
            continue;
        }
        let mut own = click_dbfs(&output[21_000..23_990]);
        for value in values {
            let steady = run_from(text, number, value);
            own = own.max(click_dbfs(&steady[channel][20_000..24_000]));
        }
        let more = amplitude(heard) - amplitude(own) / f64::from(peak);
        worst = worst.max(decibels(more.max(1e-9)));
    }
    worst
}

/// Both channels with jumps to these values.
fn run(text: &str, number: usize, values: [f64; 3]) -> [Vec<f32>; 2] {
    let mut running = Running::new(text, 48_000, 2, 64);
    let tone = tone(FRAMES);
    let mut outputs = [Vec::new(), Vec::new()];
    let mut begin = 0;
    let jumps = JUMPS
        .into_iter()
        .zip(values.map(Some))
        .chain([(FRAMES, None)]);
    for (end, value) in jumps {
        let mut part = [tone[begin..end].to_vec(), tone[begin..end].to_vec()];
        running.run(&mut part);
        for (output, part) in outputs.iter_mut().zip(part) {
            output.extend(part);
        }
        if let Some(value) = value {
            running.node.set(number, value);
        }
        begin = end;
    }
    outputs
}

/// 1 kHz at -12 dBFS that comes softly: its beginning comes back in echoes.
fn tone(frames: usize) -> Vec<f32> {
    let mut tone = sine(-12.0, 1.0 / 48.0, 0, frames);
    for (n, sample) in tone.iter_mut().take(SOFTLY).enumerate() {
        let phase = std::f64::consts::PI * n as f64 / SOFTLY as f64;
        *sample *= (0.5 - 0.5 * phase.cos()) as f32;
    }
    tone
}

/// With the value from the beginning.
fn run_from(text: &str, number: usize, value: f64) -> [Vec<f32>; 2] {
    let mut running = Running::new(text, 48_000, 2, 64);
    running.node.set(number, value);
    running.node.reset();
    let tone = tone(24_000);
    let mut planes = [tone.clone(), tone];
    running.run(&mut planes);
    planes
}

/// A value of the whole range, but for what changes the sound itself as fast as a click.
fn value(text: &str, number: usize, row: &Parameter, random: &mut Random) -> f64 {
    let now = settings(text).value(number);
    match row.scale {
        // Below and above the tone a gate stays as it is.
        _ if row.id == "threshold" && text == CLOSED => random.between(-8.0, 0.0),
        _ if row.id == "threshold" && text.starts_with("gate") => random.between(-80.0, -16.0),
        // Shorter releases do not hold a peak for half a period: the gain follows the wave.
        _ if row.id.ends_with("release") && !row.id.starts_with("auto") => {
            random.ratio(row.min.max(2.5), row.max)
        }
        // A tape whose speed changes transposes: not further than by an octave.
        _ if row.id == "time" && text.starts_with("delay") => {
            (now + random.between(-35.0, 35.0)).max(row.min)
        }
        // A steep filter that sweeps over the tone cuts it off as fast as it goes by.
        _ if row.id.ends_with("_freq") && text.starts_with("parametric_eq") => {
            (now * random.ratio(0.7, 1.4)).min(row.max).max(row.min)
        }
        Scale::Choices(names) => (random.bits() % names.len() as u64) as f64,
        Scale::Logarithmic => random.ratio(row.min, row.max).clamp(row.min, row.max),
        Scale::Linear => random.between(row.min, row.max),
    }
}

#[test]
fn the_measure_sees_a_click() {
    let mut tone = sine(-12.0, 1.0 / 48.0, 0, 4000);
    assert!(click_dbfs(&tone) < -105.0, "{}", click_dbfs(&tone));
    // A corner of the gain: 6 dB more within 10 ms, in a straight line.
    for (n, sample) in tone.iter_mut().enumerate().skip(2000) {
        *sample *= 1.0 + ((n - 2000) as f32 / 480.0).min(1.0);
    }
    let click = click_dbfs(&tone);
    assert!(click > -80.0 && click < -50.0, "{click}");
}
