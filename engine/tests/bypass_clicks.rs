//! Effects that are passed by, heard again, and heard in part while a tone sounds: nothing is heard but
//! the tone, and what the effect makes of it. Every effect of the registry, with each of its presets.

#[path = "../../dsp/tests/dynamics/rig.rs"]
mod rig;

use ossicle::chain::Chain;
use ossicle::controller::Controller;
use ossicle::dsp::registry::EFFECTS;
use ossicle::plan::NodeId;
use ossicle::processor::{Processor, ProcessorSpec};
use rig::{amplitude, click_dbfs, decibels, sine};

/// Besides defaults and presets: at work on a tone at -12 dBFS.
const AT_WORK: [&str; 6] = [
    "compressor:threshold=-30,attack=1,release=5",
    "gate:threshold=-5,hysteresis=3,ratio=3,range=-30",
    "de_esser:frequency=2000,threshold=-60",
    "multiband_compressor:bands=6,b1_threshold=-40,b2_threshold=-40,b3_threshold=-40",
    "gain:polarity=inverted",
    "delay:time=20.5ms,mix=100%",
];
const CHANNELS: usize = 2;
const BLOCK: usize = 64;
/// Frames before the first change, and from each change to the next: some come within a fade.
const BEFORE: usize = 24_000;
const CHANGES: [(Change, usize); 6] = [
    (Change::Bypass(true), 2400),
    (Change::Bypass(false), 2400),
    (Change::Bypass(true), 192),
    (Change::Bypass(false), 2400),
    (Change::Wet(0.3), 2400),
    (Change::Wet(1.0), 2400),
];

#[derive(Clone, Copy)]
enum Change {
    Bypass(bool),
    Wet(f64),
}

/// Both channels: the left one of what comes out.
fn run(processor: &mut Processor, tone: &[f32], left: &mut Vec<f32>) {
    for tone in tone.chunks(BLOCK) {
        let input: Vec<f32> = tone.iter().flat_map(|&x| [x; CHANNELS]).collect();
        let mut output = vec![0.0; input.len()];
        processor.process(&input, &mut output);
        left.extend(output.iter().step_by(CHANNELS));
    }
}

/// What is heard of the changes, besides what is heard of the effect before, in dBFS.
fn click(text: &str) -> f64 {
    let spec = ProcessorSpec {
        sample_rate_hz: 48_000,
        max_block_frames: BLOCK,
        channels_in: CHANNELS,
        channels_out: Some(CHANNELS),
        latency_budget_frames: 0,
    };
    let (mut controller, mut processor) =
        Controller::new(Chain::parse(text).unwrap(), spec).unwrap();
    let id: NodeId = controller.nodes().next().unwrap().0;
    let frames = BEFORE + CHANGES.iter().map(|(_, frames)| frames).sum::<usize>();
    let mut tone = sine(-12.0, 1.0 / 48.0, 0, frames);
    // It comes softly: its beginning comes back in echoes.
    for (n, sample) in tone.iter_mut().take(4800).enumerate() {
        *sample *= (0.5 - 0.5 * (std::f64::consts::PI * n as f64 / 4800.0).cos()) as f32;
    }
    let mut output = Vec::new();
    run(&mut processor, &tone[..BEFORE], &mut output);
    for (change, frames) in CHANGES {
        match change {
            Change::Bypass(bypassed) => controller.bypass(id, bypassed).unwrap(),
            Change::Wet(wet) => controller.set_wet(id, wet).unwrap(),
        };
        let begin = output.len();
        run(&mut processor, &tone[begin..begin + frames], &mut output);
        while controller.answer().is_some() {}
    }
    let peak = output.iter().fold(1.0, |most: f32, x| x.abs().max(most));
    let heard = amplitude(click_dbfs(&output[BEFORE - 400..]));
    let own = amplitude(click_dbfs(&output[BEFORE - 4000..BEFORE]));
    decibels((heard - own).max(1e-9) / f64::from(peak))
}

#[test]
fn bypass_and_the_share_that_is_heard_do_not_click_over_80_dbfs() {
    let mut over = Vec::new();
    let mut loudest = f64::NEG_INFINITY;
    for effect in EFFECTS {
        let presets = effect.presets.iter().map(|preset| preset.id);
        let named = presets.map(|preset| format!("{}:preset={preset}", effect.id));
        let at_work = AT_WORK
            .iter()
            .filter(|text| text.split(':').next() == Some(effect.id));
        let texts = std::iter::once(effect.id.to_owned()).chain(named);
        for text in texts.chain(at_work.map(|text| (*text).to_owned())) {
            let click = click(&text);
            loudest = loudest.max(click);
            if click >= -80.0 {
                over.push(format!("{text}: {click:.1} dBFS"));
            }
        }
    }
    println!("bypass and share: at most {loudest:.1} dBFS besides the tone");
    assert!(over.is_empty(), "{over:#?}");
}
