//! The battery: what every node promises, checked for every effect of the registry.
//!
//! Each effect runs with its defaults and with random settings, at several channel counts, with
//! parameters that change on the way. A failure names the effect, the seed and the settings.

#[path = "battery/allocator.rs"]
mod allocator;
#[path = "battery/rig.rs"]
mod rig;
#[path = "battery/subnormal.rs"]
mod subnormal;

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Subnormals, Tail};
use ossicle_dsp::registry::EFFECTS;
use ossicle_dsp::settings::Settings;
use rig::{Case, Cut, MAX_BLOCK_FRAMES, cases, channels_out, difference, run, run_keyed};

const FRAMES: usize = 9000;

fn whole(case: &Case, input: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut node = case.node().expect("the case was prepared before");
    run(
        &mut *node,
        channels_out(case),
        input,
        &mut Cut::Every(1000),
        &[],
    )
}

#[test]
fn the_output_does_not_depend_on_the_cut_into_blocks() {
    for case in cases() {
        let mut random = case.random();
        let mut input = random.noise(case.channels, FRAMES, 1.5);
        for plane in &mut input {
            // What happens near silence must not depend on the cut either.
            plane[3000..5000].fill(0.0);
            plane[5000..7000]
                .iter_mut()
                .for_each(|sample| *sample *= 1e-29);
        }
        let events = case.events(&mut random, FRAMES);
        let mut cuts: Vec<Cut> = [1, 2, 3, 64, 257, 4096].map(Cut::Every).into();
        cuts.push(Cut::Random(random));
        let outputs = cuts.iter_mut().map(|cut| {
            let mut node = case.node().expect("the case was prepared before");
            run(&mut *node, channels_out(&case), &input, cut, &events)
        });
        let outputs: Vec<_> = outputs.collect();
        for output in &outputs[1..] {
            if let Some(difference) = difference(&outputs[0], output) {
                panic!("{}: {difference}", case.name());
            }
        }
    }
}

#[test]
fn with_a_side_chain_the_output_does_not_depend_on_the_cut_and_stays_finite() {
    let mut keyed = std::collections::BTreeSet::new();
    for case in cases() {
        let node = case.node().expect("the case was prepared before");
        let wanted = node.side_chain_channels();
        if wanted == 0 {
            continue;
        }
        keyed.insert(case.effect.id);
        let mut random = case.random();
        let input = random.noise(case.channels, FRAMES, 1.0);
        let mut key = random.noise(wanted, FRAMES, 1.5);
        for plane in &mut key {
            plane[2000..4000].fill(0.0);
            plane[5000..5003].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::MAX]);
        }
        let events = case.events(&mut random, FRAMES);
        let mut cuts: Vec<Cut> = [1, 64, 300].map(Cut::Every).into();
        cuts.push(Cut::Random(random));
        let outputs = cuts.iter_mut().map(|cut| {
            let mut node = case.node().expect("the case was prepared before");
            run_keyed(
                &mut *node,
                channels_out(&case),
                [&input, &key],
                cut,
                &events,
            )
        });
        let outputs: Vec<_> = outputs.collect();
        for output in &outputs[1..] {
            if let Some(difference) = difference(&outputs[0], output) {
                panic!("{}: {difference}", case.name());
            }
        }
        let bad = outputs[0].iter().flatten().position(|y| !y.is_finite());
        assert_eq!(bad, None, "{}", case.name());
    }
    assert!(
        keyed.contains("compressor"),
        "only {keyed:?} take a side-chain"
    );
}

#[test]
fn reset_equals_fresh() {
    for case in cases() {
        let mut random = case.random();
        let input = random.noise(case.channels, FRAMES, 1.0);
        let events = case.events(&mut random, FRAMES);
        let channels = channels_out(&case);
        let mut used = case.node().expect("the case was prepared before");
        run(&mut *used, channels, &input, &mut Cut::Every(333), &events);
        // A change on the very last frame is still to be begun.
        let last = case.events(&mut random, FRAMES);
        last.iter()
            .take(1)
            .for_each(|event| used.set(event.number, event.value));
        used.reset();
        let mut fresh = case.settings.create().expect("the settings were checked");
        fresh
            .prepare(&case.spec())
            .expect("the case was prepared before");
        for event in events.iter().chain(last.iter().take(1)) {
            fresh.set(event.number, event.value);
        }
        fresh
            .prepare(&case.spec())
            .expect("no value depends on the rate here");
        let (used, fresh) = [used, fresh]
            .map(|mut node| run(&mut *node, channels, &input, &mut Cut::Every(512), &[]))
            .into();
        if let Some(difference) = difference(&used, &fresh) {
            panic!("{}: {difference}", case.name());
        }
    }
}

#[test]
fn an_impulse_leaves_after_the_latency_and_not_before() {
    const AT: usize = 100;
    for case in cases() {
        let latency = case
            .node()
            .expect("the case was prepared before")
            .latency_frames() as usize;
        let mut input = vec![vec![0.0; AT + latency + 500]; case.channels];
        // Different in each channel: sums and differences are no silence.
        for (channel, plane) in input.iter_mut().enumerate() {
            plane[AT] = 0.5 / (channel + 1) as f32;
        }
        for (channel, plane) in whole(&case, &input).iter().enumerate() {
            let first = plane.iter().position(|&sample| sample != 0.0);
            let early = first.is_some_and(|first| first < AT + latency);
            assert!(!early, "{}: channel {channel} at {first:?}", case.name());
            // Random settings may silence an effect; its defaults let the sound through.
            let through = case.seed == 0;
            assert!(
                !through || first == Some(AT + latency),
                "{}: channel {channel} at {first:?}, latency {latency}",
                case.name()
            );
        }
    }
}

#[test]
fn after_its_tail_a_node_is_120_db_down() {
    // Longer tails are the same formula with other numbers.
    const LONGEST: u64 = 150_000;
    const SOUND: usize = 6000;
    let mut checked = std::collections::BTreeSet::new();
    for case in cases() {
        let node = case.node().expect("the case was prepared before");
        let Tail::Frames(tail @ ..=LONGEST) = node.tail() else {
            continue;
        };
        checked.insert(case.effect.id);
        // Half of the signal pushes in one direction: what gathers, gathers.
        let mut input = case.random().noise(case.channels, SOUND, 0.5);
        for plane in &mut input {
            plane.iter_mut().for_each(|sample| *sample += 0.5);
            plane.resize(SOUND + tail as usize + 5000, 0.0);
        }
        for (channel, plane) in whole(&case, &input).iter().enumerate() {
            let loud = plane[SOUND + tail as usize..]
                .iter()
                .position(|y| y.abs() > 1e-6);
            assert_eq!(
                loud,
                None,
                "{}: channel {channel}, tail {tail}",
                case.name()
            );
        }
    }
    assert_eq!(checked.len(), EFFECTS.len(), "checked only {checked:?}");
}

#[test]
fn what_is_not_finite_does_not_stay() {
    for case in cases() {
        let mut input = case.random().noise(case.channels, FRAMES, 1.0);
        for (channel, plane) in input.iter_mut().enumerate() {
            plane[1000 + channel] = f32::NAN;
            plane[1500] = f32::INFINITY;
            plane[1501] = f32::NEG_INFINITY;
        }
        let latency = case
            .node()
            .expect("the case was prepared before")
            .latency_frames() as usize;
        let came_in = |frame: usize| {
            let frame = frame.wrapping_sub(latency);
            frame == 1500 || frame == 1501 || (1000..1000 + case.channels).contains(&frame)
        };
        for plane in whole(&case, &input) {
            let bad = plane
                .iter()
                .enumerate()
                .find(|(at, y)| !y.is_finite() && !came_in(*at));
            assert_eq!(bad, None, "{}", case.name());
        }
    }
}

#[test]
fn finite_in_is_finite_out_however_large() {
    for case in cases() {
        let mut random = case.random();
        let mut input = random.noise(case.channels, FRAMES, 1.0);
        for sample in input.iter_mut().flatten() {
            *sample = match random.below(4) {
                0 => f32::MAX,
                1 => f32::MIN,
                _ => *sample * 10.0_f32.powi(random.below(77) as i32 - 38),
            };
        }
        for plane in &mut input {
            plane[4000..6000].fill(f32::MAX);
            plane[6000..].fill(0.01);
        }
        let events = case.events(&mut random, FRAMES);
        let mut node = case.node().expect("the case was prepared before");
        let cut = &mut Cut::Every(1000);
        for plane in run(&mut *node, channels_out(&case), &input, cut, &events) {
            let bad = plane.iter().position(|y| !y.is_finite());
            assert_eq!(bad, None, "{}", case.name());
        }
    }
}

#[test]
fn no_subnormal_number_is_left_after_silence() {
    // Very soft, so that what decays without being flushed is subnormal within the silence.
    const PEAK: f32 = 1e-24;
    const SOUND: usize = 3000;
    const SILENCE: usize = 70_000;
    for case in cases() {
        let node = case.node().expect("the case was prepared before");
        if node.subnormals() == Subnormals::Kept {
            continue;
        }
        let mut input = case.random().noise(case.channels, SOUND, PEAK);
        input
            .iter_mut()
            .for_each(|plane| plane.resize(SOUND + SILENCE, 0.0));
        for plane in whole(&case, &input) {
            let left = plane[SOUND..].iter().position(|y| y.is_subnormal());
            assert_eq!(left, None, "{}", case.name());
        }
    }
}

#[test]
fn running_allocates_and_frees_nothing() {
    for case in cases() {
        let mut random = case.random();
        let events = case.events(&mut random, FRAMES);
        let input = random.noise(case.channels.max(channels_out(&case)), 512, 1.0);
        let mut samples = input.concat();
        let mut node = case.node().expect("the case was prepared before");
        let calls = allocator::calls(|| {
            for (turn, event) in events.iter().enumerate() {
                node.set(event.number, event.value);
                let planes = Planes::new(&mut samples, 512, 512);
                let since_reset = turn as u64 * 512;
                node.process(&mut Block {
                    planes,
                    side_chain: None,
                    since_reset,
                });
            }
            node.reset();
            let _ = (node.latency_frames(), node.tail(), node.subnormals());
        });
        assert_eq!(calls, 0, "{}", case.name());
    }
}

#[test]
fn the_allocator_guard_sees_an_allocation() {
    assert_eq!(
        allocator::calls(|| drop(std::hint::black_box(Box::new(1)))),
        2
    );
}

#[test]
fn every_parameter_runs_at_its_ends_and_its_default() {
    for case in cases().iter().filter(|case| case.seed == 0) {
        let input = case.random().noise(case.channels, 600, 1.0);
        for (number, row) in case.effect.parameters.iter().enumerate() {
            for value in [row.min, row.max, row.default] {
                let mut settings = Settings::new(case.effect);
                settings
                    .set(number, value)
                    .expect("the ends are within the range");
                let with = Case {
                    effect: case.effect,
                    settings,
                    channels: case.channels,
                    seed: 0,
                };
                let output = whole(&with, &input);
                assert!(
                    output.iter().flatten().all(|y| y.is_finite()),
                    "{}",
                    with.name()
                );
                let mut node = case.node().expect("the case was prepared before");
                node.set(number, value);
                let cut = &mut Cut::Every(64);
                let output = run(&mut *node, channels_out(case), &input, cut, &[]);
                assert!(
                    output.iter().flatten().all(|y| y.is_finite()),
                    "{}",
                    with.name()
                );
            }
        }
    }
}

#[test]
fn a_number_that_is_not_in_the_table_is_ignored() {
    for case in cases() {
        let input = case.random().noise(case.channels, MAX_BLOCK_FRAMES, 1.0);
        let mut node = case.node().expect("the case was prepared before");
        node.set(case.effect.parameters.len(), 1.0);
        node.set(usize::MAX, 1.0);
        let cut = &mut Cut::Every(1000);
        let output = run(&mut *node, channels_out(&case), &input, cut, &[]);
        assert_eq!(
            difference(&whole(&case, &input), &output),
            None,
            "{}",
            case.name()
        );
    }
}

#[test]
fn no_subnormal_number_stays_in_the_state() {
    const SOUND: usize = 3000;
    const SILENCE: usize = 70_000;
    for case in cases() {
        // The softer sound decays through the subnormal numbers within the silence.
        for peak in [1.0, 1e-36] {
            let mut node = case.node().expect("the case was prepared before");
            if node.subnormals() == Subnormals::Kept {
                continue;
            }
            let channels = channels_out(&case);
            let mut input = case.random().noise(case.channels, SOUND, peak);
            input
                .iter_mut()
                .for_each(|plane| plane.resize(SOUND + SILENCE, 0.0));
            run(&mut *node, channels, &input, &mut Cut::Every(1000), &[]);
            let mut samples = vec![0.0; case.channels.max(channels) * 256];
            let met = subnormal::met(|| {
                let planes = Planes::new(&mut samples, 256, 256);
                let since_reset = (SOUND + SILENCE) as u64;
                node.process(&mut Block {
                    planes,
                    side_chain: None,
                    since_reset,
                });
            });
            assert!(!met, "{}: after a sound of {peak:e}", case.name());
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_processor_says_when_it_meets_a_subnormal_number() {
    let half = |x: f32| std::hint::black_box(std::hint::black_box(x) * 0.5);
    assert!(subnormal::met(|| assert!(half(1e-40) > 0.0)));
    assert!(!subnormal::met(|| assert!(half(1e-30) > 0.0)));
}

#[test]
fn structural_parameters_stay_until_a_node_is_prepared() {
    for case in cases() {
        let mut random = case.random();
        let input = random.noise(case.channels, 3000, 1.0);
        let mut node = case.node().expect("the case was prepared before");
        for (number, row) in case.effect.parameters.iter().enumerate() {
            if row.is_structural() {
                node.set(number, row.min);
                node.set(number, row.max);
            }
        }
        let cut = &mut Cut::Every(1000);
        let output = run(&mut *node, channels_out(&case), &input, cut, &[]);
        let untouched = whole(&case, &input);
        assert_eq!(difference(&untouched, &output), None, "{}", case.name());
    }
}
