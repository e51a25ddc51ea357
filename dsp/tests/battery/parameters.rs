//! Parameters: their ends, their numbers, and those that wait until a node is prepared.

use ossicle_dsp::settings::Settings;

use super::rig::{Case, Cut, MAX_BLOCK_FRAMES, cases, channels_out, difference, run};
use super::whole;

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
