//! What goes into a node and what is left in it: numbers that are not finite, huge or subnormal.

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::Subnormals;

use super::rig::{Cut, cases, channels_out, run};
use super::subnormal;
use super::{FRAMES, whole};

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
