//! Effects that listen to a side-chain, from the written chain to the sound.

use ossicle::chain::Chain;
use ossicle::controller::Controller;
use ossicle::dsp::block::{Block, Planes, SidePlanes};
use ossicle::dsp::node::Spec;
use ossicle::dsp::registry::effect;
use ossicle::dsp::settings::Settings;
use ossicle::processor::ProcessorSpec;

const FRAMES: usize = 6000;
const SETTINGS: &str = "threshold=-30dBFS,ratio=8,attack=1ms,release=20ms";

/// Noise that is soft, loud and soft again.
fn noise(seed: u32) -> Vec<f32> {
    let sample = |n: u32| {
        let bits = (n.wrapping_add(seed)).wrapping_mul(2_654_435_761) >> 8;
        let white = bits as f32 / (1 << 23) as f32 - 1.0;
        white * if (2000..4000).contains(&n) { 0.9 } else { 0.01 }
    };
    (0..FRAMES as u32).map(sample).collect()
}

/// What the engine makes of `input` by the chain, in calls of `block` frames.
fn by_chain(chain: Chain, input: &[Vec<f32>], block: usize) -> Vec<Vec<f32>> {
    let spec = ProcessorSpec {
        sample_rate_hz: 48_000,
        max_block_frames: 64,
        channels_in: input.len(),
        channels_out: None,
        latency_budget_frames: 0,
    };
    let (_controller, mut processor) = Controller::new(chain, spec).unwrap();
    let channels = processor.channels_out();
    let mut output = vec![Vec::new(); channels];
    for begin in (0..FRAMES).step_by(block) {
        let end = FRAMES.min(begin + block);
        let interleaved: Vec<f32> = (begin..end)
            .flat_map(|frame| input.iter().map(move |plane| plane[frame]))
            .collect();
        let mut made = vec![0.0; (end - begin) * channels];
        processor.process(&interleaved, &mut made);
        for frame in made.chunks(channels) {
            for (plane, sample) in output.iter_mut().zip(frame) {
                plane.push(*sample);
            }
        }
    }
    output
}

/// What the node alone makes of `sound` with `key` beside it.
fn by_hand(id: &str, values: &str, sound: &[Vec<f32>], key: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut settings = Settings::new(effect(id).unwrap());
    for value in values.split(',') {
        let (parameter, value) = value.split_once('=').unwrap();
        settings.set_text(parameter, value).unwrap();
    }
    let mut node = settings.create().unwrap();
    node.prepare(&Spec {
        sample_rate_hz: 48_000,
        max_block_frames: FRAMES,
        channels: sound.len(),
    })
    .unwrap();
    assert_eq!(node.side_chain_channels(), sound.len());
    let (mut samples, key) = (sound.concat(), key.concat());
    node.process(&mut Block {
        planes: Planes::new(&mut samples, FRAMES, FRAMES),
        side_chain: Some(SidePlanes::new(&key, FRAMES, FRAMES)),
        since_reset: 0,
    });
    samples.chunks(FRAMES).map(<[f32]>::to_vec).collect()
}

/// `plane` so many frames later.
fn later(plane: &[f32], frames: usize) -> Vec<f32> {
    let mut later = vec![0.0; frames];
    later.extend_from_slice(&plane[..FRAMES - frames]);
    later
}

/// The chain as text and as a file, in several cuts, makes `want` bit for bit.
fn assert_makes(text: &str, input: &[Vec<f32>], want: &[Vec<f32>]) {
    for block in [1, 17, 64, 1000] {
        let chain = Chain::parse(text).unwrap();
        let again = Chain::from_toml(&chain.to_toml().unwrap()).unwrap();
        for chain in [chain, again] {
            assert!(
                by_chain(chain, input, block) == want,
                "block {block}: {text}"
            );
        }
    }
}

#[test]
fn a_node_hears_what_was_sent_before_it_was_changed() {
    // The key is the input; the sound is 40 dB softer, which would not be turned down by itself.
    let input = [noise(1), noise(2)];
    let soft: Vec<Vec<f32>> = input
        .iter()
        .map(|plane| plane.iter().map(|sample| sample * 0.01).collect())
        .collect();
    for id in ["compressor", "gate"] {
        let want = by_hand(id, SETTINGS, &soft, &input);
        assert!(want != soft, "{id} does nothing");
        let text = format!("send:bus=key | gain:gain=-40dB | {id}:{SETTINGS} < key");
        assert_makes(&text, &input, &want);
    }
}

#[test]
fn sound_and_key_are_in_step_whatever_the_way_of_the_key() {
    // The key is 3 ms late, and silent where it would be heard itself; so the sound waits for it.
    let input = [noise(3)];
    let late = [later(&input[0], 144)];
    let want = by_hand("compressor", SETTINGS, &late, &late);
    let text = format!(
        "( compressor:ratio=1,look_ahead=3ms | send:bus=key * -120dB ; ) | compressor:{SETTINGS} < key"
    );
    assert_makes(&text, &input, &want);
}

#[test]
fn a_mono_key_is_the_key_of_all_channels() {
    let input = [noise(4)];
    let half = std::f64::consts::FRAC_1_SQRT_2 as f32;
    let spread: Vec<f32> = input[0].iter().map(|sample| sample * half).collect();
    let both = [spread.clone(), spread];
    let keys = [input[0].clone(), input[0].clone()];
    let want = by_hand("compressor", SETTINGS, &both, &keys);
    let text = format!("send:bus=key | pan:pan=0% | compressor:{SETTINGS} < key");
    assert_makes(&text, &input, &want);
}

#[test]
fn without_a_side_chain_a_node_hears_itself() {
    let input = [noise(5)];
    let want = by_hand("compressor", SETTINGS, &input, &input);
    assert_makes(&format!("compressor:{SETTINGS}"), &input, &want);
}

#[test]
fn an_effect_that_takes_no_side_chain_says_so() {
    let chain = Chain::parse("send:bus=key | gain < key").unwrap();
    let spec = ProcessorSpec {
        sample_rate_hz: 48_000,
        max_block_frames: 64,
        channels_in: 1,
        channels_out: None,
        latency_budget_frames: 0,
    };
    let refused = Controller::new(chain, spec).err().unwrap().to_string();
    assert!(
        refused.contains("side-chain") && refused.contains("key"),
        "{refused}"
    );
}
