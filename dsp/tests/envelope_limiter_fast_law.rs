//! The fast mode of the envelope limiter beside the recursion in double precision.
//!
//! `OSSICLE_TRIALS` sets the number of random settings and signals.

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Node, Spec};
use ossicle_dsp::registry;
use ossicle_dsp::settings::Settings;

const LINE_SAMPLES: usize = 30;

/// Numbers from a seed (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Near 1 as often as far from it: 1 - 10^-x with x from 0 to 5.
    fn factor(&mut self) -> f32 {
        (1.0 - 10.0_f64.powf(-5.0 * self.share())) as f32
    }

    /// Noise that swells and falls, within -1 to 1, with silence between.
    fn signal(&mut self, frames: usize) -> Vec<f32> {
        let period = 200 + self.bits() as usize % 3000;
        let levels = [self.share(), 1.0, 0.0, self.share()];
        (0..frames)
            .map(|n| ((self.share() * 2.0 - 1.0) * levels[n / period % 4]) as f32)
            .collect()
    }
}

struct Setting {
    attack: f32,
    release: f32,
    threshold: f32,
}

impl Setting {
    fn random(random: &mut Random) -> Self {
        Self {
            attack: random.factor(),
            release: random.factor(),
            threshold: random.share() as f32,
        }
    }

    fn node(&self, mode: &str, link: &str, channels: usize) -> Box<dyn Node> {
        let effect = registry::effect("envelope_limiter").expect("it is in the registry");
        let mut settings = Settings::new(effect);
        for (parameter, text) in [
            ("attack_coeff", self.attack.to_string()),
            ("release_coeff", self.release.to_string()),
            ("threshold", self.threshold.to_string()),
            ("delay_samples", LINE_SAMPLES.to_string()),
            ("mode", mode.to_string()),
            ("link", link.to_string()),
        ] {
            settings.set_text(parameter, &text).expect("it is allowed");
        }
        let mut node = settings.create().expect("the values go together");
        let spec = Spec {
            sample_rate_hz: 48_000,
            max_block_frames: 4096,
            channels,
        };
        node.prepare(&spec).expect("any rate is allowed");
        node
    }

    /// The definition in double precision, for coefficients in single precision.
    fn exact(&self, input: &[f32]) -> Vec<f64> {
        let [a, r, t] = [self.attack, self.release, self.threshold].map(f64::from);
        let (mut e, mut g) = (0.0_f64, 1.0);
        let delayed = (0..input.len()).map(|n| {
            let before = n.checked_sub(LINE_SAMPLES - 1);
            before.map_or(0.0, |before| f64::from(input[before]))
        });
        let gains = input.iter().map(|&x| {
            e = f64::from(x).abs().max(e * r);
            let target = if e > t { (1.0 + t) - e } else { 1.0 };
            g = g * a + target * (1.0 - a);
            g
        });
        gains.zip(delayed).map(|(g, x)| g * x).collect()
    }
}

fn run(
    node: &mut dyn Node,
    input: &[Vec<f32>],
    mut length: impl FnMut() -> usize,
) -> Vec<Vec<f32>> {
    let frames = input[0].len();
    let mut output = input.to_vec();
    let mut at = 0;
    while at < frames {
        let count = length().min(frames - at);
        let mut samples: Vec<f32> = Vec::new();
        for plane in &output {
            samples.extend_from_slice(&plane[at..at + count]);
        }
        node.process(&mut Block {
            planes: Planes::with_channels(&mut samples, input.len(), count, count),
            side_chain: None,
            since_reset: at as u64,
        });
        for (plane, samples) in output.iter_mut().zip(samples.chunks(count)) {
            plane[at..at + count].copy_from_slice(samples);
        }
        at += count;
    }
    output
}

fn trials() -> u64 {
    let asked = std::env::var("OSSICLE_TRIALS").map(|text| text.parse());
    asked.map_or(40, |trials| trials.expect("OSSICLE_TRIALS is a number"))
}

#[test]
fn the_fast_mode_is_never_further_from_double_precision_than_the_exact_one_and_a_millionth() {
    let mut worst = [0.0_f64; 2];
    for seed in 0..trials() {
        let mut random = Random(seed);
        let setting = Setting::random(&mut random);
        // Nine: eight side by side, and one along time.
        let channels = [1, 2, 9][seed as usize % 3];
        let input: Vec<_> = (0..channels).map(|_| random.signal(6000)).collect();
        let [exact, fast] = ["exact", "fast"].map(|mode| {
            run(
                &mut *setting.node(mode, "independent", channels),
                &input,
                || 64,
            )
        });
        for (channel, input) in input.iter().enumerate() {
            let model = setting.exact(input);
            for (n, model) in model.iter().enumerate() {
                let [serial, fast] =
                    [&exact, &fast].map(|y| (f64::from(y[channel][n]) - model).abs());
                assert!(
                    fast <= serial + 1e-6,
                    "seed {seed}, channel {channel}, sample {n}: {fast:e}, serial {serial:e}"
                );
                worst = [worst[0].max(serial), worst[1].max(fast)];
            }
        }
    }
    println!("largest errors: serial {:e}, fast {:e}", worst[0], worst[1]);
}

#[test]
fn eight_channels_side_by_side_have_the_exact_bits() {
    let mut random = Random(1);
    for _ in 0..10 {
        let setting = Setting::random(&mut random);
        let input: Vec<_> = (0..16).map(|_| random.signal(2000)).collect();
        let [exact, fast] = ["exact", "fast"]
            .map(|mode| run(&mut *setting.node(mode, "independent", 16), &input, || 100));
        assert!(exact == fast);
    }
}

#[test]
fn the_cut_into_blocks_does_not_show_linked_or_not() {
    let mut random = Random(2);
    for link in ["independent", "linked"] {
        for channels in [1, 3, 8, 11] {
            let setting = Setting::random(&mut random);
            let input: Vec<_> = (0..channels).map(|_| random.signal(3000)).collect();
            let whole = run(&mut *setting.node("fast", link, channels), &input, || 3000);
            for cut in [1, 3, 64, 67] {
                let cut_up = run(&mut *setting.node("fast", link, channels), &input, || cut);
                assert!(whole == cut_up, "{link}, {channels} channels, cut {cut}");
            }
            let mut lengths = Random(3);
            let length = || 1 + lengths.bits() as usize % 200;
            let cut_up = run(&mut *setting.node("fast", link, channels), &input, length);
            assert!(
                whole == cut_up,
                "{link}, {channels} channels, cut at random"
            );
        }
    }
}

/// As [`Setting::node`], by times instead of factors: then the threshold glides.
fn timed(mode: &str, link: &str, channels: usize) -> Box<dyn Node> {
    let effect = registry::effect("envelope_limiter").expect("it is in the registry");
    let mut settings = Settings::new(effect);
    for (parameter, text) in [("mode", mode), ("link", link)] {
        settings.set_text(parameter, text).expect("it is allowed");
    }
    let mut node = settings.create().expect("the values go together");
    let spec = Spec {
        sample_rate_hz: 48_000,
        max_block_frames: 4096,
        channels,
    };
    node.prepare(&spec).expect("any rate is allowed");
    node
}

#[test]
fn a_threshold_that_glides_is_the_same_in_every_cut_and_in_both_modes() {
    let threshold = registry::effect("envelope_limiter")
        .and_then(|effect| {
            effect
                .parameters
                .iter()
                .position(|row| row.id == "threshold")
        })
        .expect("it has a threshold");
    let mut random = Random(5);
    for link in ["independent", "linked"] {
        for channels in [1, 3, 8, 11] {
            // It is set at a frame that is in no group's place, and glides for 2880.
            let input: Vec<_> = (0..channels).map(|_| random.signal(5000)).collect();
            let [before, after] = [0..1003, 1003..5000].map(|part| {
                input
                    .iter()
                    .map(|x| x[part.clone()].to_vec())
                    .collect::<Vec<_>>()
            });
            let moved = |mode, cut: usize| {
                let mut node = timed(mode, link, channels);
                let first = run(&mut *node, &before, || cut);
                node.set(threshold, 0.2);
                let then = run(&mut *node, &after, || cut);
                let join = |(first, then): (Vec<f32>, Vec<f32>)| [first, then].concat();
                first.into_iter().zip(then).map(join).collect::<Vec<_>>()
            };
            let [exact, fast] = ["exact", "fast"].map(|mode| {
                let whole = moved(mode, 4096);
                for cut in [1, 64, 67] {
                    assert!(
                        whole == moved(mode, cut),
                        "{mode}, {link}, {channels}: {cut}"
                    );
                }
                whole
            });
            let both = exact.iter().flatten().zip(fast.iter().flatten());
            let apart = both.fold(0.0f32, |most, (x, y)| most.max((x - y).abs()));
            // Single precision's own error, and the fast mode's.
            assert!(apart < 4e-6, "{link}, {channels} channels: {apart:e}");
        }
    }
}

#[test]
fn linked_channels_have_the_gain_of_the_largest() {
    let mut random = Random(4);
    let setting = Setting::random(&mut random);
    let loud = random.signal(4000);
    let soft: Vec<f32> = loud.iter().map(|x| x * 0.25).collect();
    let output = run(
        &mut *setting.node("fast", "linked", 2),
        &[loud, soft],
        || 64,
    );
    assert!(
        output[0]
            .iter()
            .zip(&output[1])
            .all(|(a, b)| a * 0.25 == *b)
    );
}
