//! The battery: what every node promises, checked for every effect of the registry.
//!
//! Each effect runs with its defaults and with random settings, at several channel counts, with
//! parameters that change on the way. A failure names the effect, the seed and the settings.

#[path = "battery/allocator.rs"]
mod allocator;
#[path = "battery/numbers.rs"]
mod numbers;
#[path = "battery/parameters.rs"]
mod parameters;
#[path = "battery/rig.rs"]
mod rig;
#[path = "battery/subnormal.rs"]
mod subnormal;
#[path = "battery/times.rs"]
mod times;

use ossicle_dsp::block::{Block, Planes};
use rig::{Case, Cut, cases, channels_out, difference, run, run_keyed};

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
