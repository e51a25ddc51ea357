//! The graphic equaliser: at each centre the level that its slider says, measured from outside.
//!
//! `OSSICLE_TRIALS` says how many random settings are tried.

use std::f64::consts::PI;

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Node, Spec, Tail};
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

const RATE_HZ: f64 = 48_000.0;
/// Nominal centres of thirds of an octave, as the sliders are named.
const NAMES: [u32; 31] = [
    20, 25, 31, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600,
    2000, 2500, 3150, 4000, 5000, 6300, 8000, 10_000, 12_500, 16_000, 20_000,
];
/// Number of bands, the first third and the thirds between two bands.
const LAYOUTS: [(usize, usize, usize); 3] = [(10, 2, 3), (15, 1, 2), (31, 0, 1)];

fn trials() -> usize {
    let asked = std::env::var("OSSICLE_TRIALS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(2)
}

fn node(values: &str, sample_rate_hz: u32) -> Result<Box<dyn Node>, String> {
    let mut settings = Settings::new(effect("graphic_eq").unwrap());
    for pair in values.split(',').filter(|pair| !pair.is_empty()) {
        let (parameter, text) = pair.split_once('=').unwrap();
        settings
            .set_text(parameter, text)
            .map_err(|error| error.to_string())?;
    }
    let mut node = settings.create().map_err(|error| error.to_string())?;
    let spec = Spec {
        sample_rate_hz,
        max_block_frames: 1 << 17,
        channels: 1,
    };
    node.prepare(&spec).map_err(|error| error.to_string())?;
    Ok(node)
}

/// The sliders as a chain has them.
fn text(layout: (usize, usize, usize), levels_db: &[f64]) -> String {
    let (bands, first, step) = layout;
    let mut text = format!("bands={bands}");
    for (third, level) in (first..31).step_by(step).zip(levels_db) {
        text += &format!(",g{}={level}dB", NAMES[third]);
    }
    text
}

/// The exact centre: 1 kHz times a power of 10^(1/10).
fn centre_hz(third: usize) -> f64 {
    1000.0 * 10f64.powf((third as f64 - 17.0) / 10.0)
}

/// The level at each frequency, from the impulse response, by Goertzel's recursion.
fn levels(node: &mut dyn Node, frequencies_hz: &[f64]) -> Vec<f64> {
    // Long enough for the lowest band to ring out.
    let mut samples = vec![0.0; 1 << 16];
    samples[0] = 1.0;
    let frames = samples.len();
    node.process(&mut Block {
        planes: Planes::new(&mut samples, frames, frames),
        side_chain: None,
        since_reset: 0,
    });
    let level = |hz: &f64| {
        let turn = 2.0 * PI * hz / RATE_HZ;
        let (mut s1, mut s2) = (0.0, 0.0);
        for &x in &samples {
            (s1, s2) = (f64::from(x) + 2.0 * turn.cos() * s1 - s2, s1);
        }
        let power = s1 * s1 + s2 * s2 - 2.0 * turn.cos() * s1 * s2;
        10.0 * power.log10()
    };
    frequencies_hz.iter().map(level).collect()
}

fn worst_at_centres(layout: (usize, usize, usize), levels_db: &[f64]) -> (f64, f64) {
    let centres: Vec<f64> = (layout.1..31).step_by(layout.2).map(centre_hz).collect();
    let mut node = node(&text(layout, levels_db), RATE_HZ as u32).unwrap();
    let got = levels(&mut *node, &centres);
    let off = got.iter().zip(levels_db).zip(&centres);
    off.map(|((got, want), hz)| ((got - want).abs(), *hz))
        .fold(
            (0.0, 0.0),
            |most, off| if off.0 > most.0 { off } else { most },
        )
}

/// Numbers from a seed (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[test]
fn up_and_down_in_turn_is_exact_at_every_centre() {
    // The bar is 1 dB at +-12 dB; peaks without the solver are off by more than 6 dB.
    for layout in LAYOUTS {
        for first in [12.0, -12.0] {
            let mut levels_db = vec![first; layout.0];
            levels_db
                .iter_mut()
                .skip(1)
                .step_by(2)
                .for_each(|level| *level = -first);
            let (off, hz) = worst_at_centres(layout, &levels_db);
            println!("{} bands, {first} dB first: {off} dB at {hz} Hz", layout.0);
            assert!(off < 0.05, "{} bands: {off} dB at {hz} Hz", layout.0);
        }
    }
}

#[test]
fn any_sliders_are_exact_at_every_centre() {
    let mut random = Random(7);
    let mut most = 0.0;
    for trial in 0..trials() {
        for layout in LAYOUTS {
            let levels_db: Vec<f64> = (0..layout.0)
                .map(|_| match trial % 2 {
                    0 => 24.0 * random.share() - 12.0,
                    _ => [-12.0, 12.0][(random.share() * 2.0) as usize],
                })
                .collect();
            let (off, hz) = worst_at_centres(layout, &levels_db);
            most = f64::max(most, off);
            assert!(off < 0.05, "{levels_db:?}: {off} dB at {hz} Hz");
        }
    }
    println!("at most {most} dB");
}

#[test]
fn all_sliders_at_one_level_are_a_flat_line() {
    for layout in LAYOUTS {
        let mut node = node(&text(layout, &vec![12.0; layout.0]), RATE_HZ as u32).unwrap();
        let between: Vec<f64> = (layout.1..30)
            .step_by(layout.2)
            .map(|third| (centre_hz(third) * centre_hz((third + layout.2).min(30))).sqrt())
            .filter(|&hz| hz < 17_000.0 && (layout.0 == 31 || hz < 15_000.0))
            .collect();
        for (hz, level) in between.iter().zip(levels(&mut *node, &between)) {
            assert!(
                (level - 12.0).abs() < 1.5,
                "{} bands at {hz} Hz: {level} dB",
                layout.0
            );
        }
    }
}

#[test]
fn flat_sliders_pass_bit_for_bit_and_have_no_tail() {
    let mut node = node("bands=31", 48_000).unwrap();
    assert_eq!(node.tail(), Tail::Frames(0));
    let input: Vec<f32> = (0..2000u32)
        .map(|n| f32::from_bits(n.wrapping_mul(2_654_435_761) & 0xbfff_ffff))
        .collect();
    let mut samples = input.clone();
    node.process(&mut Block {
        planes: Planes::new(&mut samples, 2000, 2000),
        side_chain: None,
        since_reset: 0,
    });
    assert!(
        samples
            .iter()
            .zip(&input)
            .all(|(a, b)| a.to_bits() == b.to_bits())
    );
}

#[test]
fn a_slider_that_is_not_there_is_refused_by_name() {
    let message = node("bands=10,g25=3dB", 48_000).err().unwrap();
    assert_eq!(message, "graphic_eq: g25 is not used with bands=10");
    assert!(node("bands=15,g25=3dB", 48_000).is_ok());
    assert!(node("bands=10,g25=0dB", 48_000).is_ok());
    let message = node("g20000=3dB", 32_000).err().unwrap();
    assert!(
        message.contains("g20000=3 is out of range at 32000 Hz"),
        "{message}"
    );
    assert!(node("g12500=3dB", 32_000).is_ok());
}
