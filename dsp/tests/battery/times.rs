//! Latency and tail, measured from outside.

use ossicle_dsp::node::Tail;
use ossicle_dsp::registry::EFFECTS;

use super::rig::cases;
use super::whole;

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
