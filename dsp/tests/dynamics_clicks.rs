//! Parameters that jump while a tone sounds: nothing is heard but the tone.
//!
//! `OSSICLE_TRIALS` says how many random settings are tried.

#[path = "dynamics/rig.rs"]
mod rig;

use ossicle_dsp::parameter::{Parameter, Scale};
use ossicle_dsp::registry::effect;
use rig::{Random, Running, click_dbfs, sine, trials};

/// At work on a tone at -12 dBFS.
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

/// Whether a jump of the parameter changes what is listened to. A gain with an attack of 1 ms
/// follows that as it follows any other sound, wave by wave, and a gate opens and closes.
fn changes_the_key(row: &Parameter) -> bool {
    row.id.starts_with("key_")
}

fn value(text: &str, row: &Parameter, random: &mut Random) -> f64 {
    match row.scale {
        // Below and above the tone the gate stays as it is.
        _ if row.id == "threshold" && text == OPEN => random.between(-80.0, -16.0),
        _ if row.id == "threshold" && text == CLOSED => random.between(-8.0, 0.0),
        // Shorter releases do not hold a peak for half a period: the gain follows the wave.
        _ if row.id.ends_with("release") && !row.id.starts_with("auto") => {
            random.ratio(2.5, row.max)
        }
        Scale::Choices(names) => (random.bits() % names.len() as u64) as f64,
        Scale::Logarithmic => random.ratio(row.min, row.max).clamp(row.min, row.max),
        // Not so much make-up that the tone leaves the full scale.
        Scale::Linear => random.between(row.min, row.max.min(12.0)),
    }
}

#[test]
fn a_parameter_that_jumps_does_not_click_over_80_dbfs() {
    for text in AT_WORK {
        let (id, _) = text.split_once(':').unwrap();
        for (number, row) in effect(id).unwrap().parameters.iter().enumerate() {
            let follows = text.contains("attack=1") || id == "gate";
            if row.is_structural() || follows && changes_the_key(row) {
                continue;
            }
            let mut random = Random(number as u64);
            for _ in 0..trials(4, 100) {
                let mut running = Running::new(text, 48_000, 1, 64);
                let tone = sine(-12.0, 1.0 / 48.0, 0, 24_000);
                // What is there in full swing, and 60 ms and 10 ms later.
                let mut output = running.mono(&tone[..9600]);
                running.node.set(number, value(text, row, &mut random));
                output.extend(running.mono(&tone[9600..12_480]));
                running.node.set(number, value(text, row, &mut random));
                output.extend(running.mono(&tone[12_480..12_960]));
                running.node.set(number, value(text, row, &mut random));
                output.extend(running.mono(&tone[12_960..]));
                let click = click_dbfs(&output[8000..20_000]);
                assert!(click < -80.0, "{}: {click:.1} dBFS: {text}", row.id);
            }
        }
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
