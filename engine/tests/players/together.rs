//! Several players in one chain, and in a session beside an input.

use std::sync::Arc;
use std::time::Duration;

use ossicle::chain::{Branch, Chain, Link, LinkNode};
use ossicle::controller::Controller;
use ossicle::edit::Outcome;
use ossicle::io::device::HostKind;
use ossicle::io::device::sim::{Blocks, Lateness, Sim, SimDevice};
use ossicle::io::realtime;
use ossicle::session::{Session, SessionConfig};
use ossicle::sound::{PLAY, Play, SoundPlayer};

use crate::rig::{difference, ids, noise, run, series, sound, spec, unfaded};

/// The sound that passes beside players that stand alone in their branches.
fn beside(players: Vec<SoundPlayer>) -> Chain {
    let own = |player: SoundPlayer| {
        let mut chain = Chain::new();
        chain
            .push(Link::Node(LinkNode::Own(Box::new(player.alone())).into()))
            .unwrap();
        Branch {
            chain,
            level_db: 0.0,
        }
    };
    let mut branches = vec![Branch::default()];
    branches.extend(players.into_iter().map(own));
    let mut chain = Chain::new();
    chain.push(Link::Parallel(branches)).unwrap();
    chain
}

/// Starts of three sounds of 5000 frames.
const STARTS: [u64; 3] = [0, 1003, 4999];

/// What is heard of the input and the three sounds: added in any order, so not to the bit.
fn expected(input: &[f32]) -> Vec<f64> {
    let mut sums: Vec<f64> = input.iter().map(|&sample| f64::from(sample)).collect();
    for (seed, &start) in (10..).zip(&STARTS) {
        let sound = sound(&[seed], 5000);
        for (frame, &sample) in sums[2 * start as usize..].chunks_mut(2).zip(sound.plane(0)) {
            frame.iter_mut().for_each(|sum| *sum += f64::from(sample));
        }
    }
    sums
}

fn three() -> Vec<SoundPlayer> {
    (10..13).map(|seed| unfaded(sound(&[seed], 5000))).collect()
}

fn play(controller: &mut Controller) {
    for (id, at) in ids(controller).into_iter().zip(STARTS) {
        controller
            .set_value(id, PLAY, Play::Once.value(), at)
            .unwrap();
    }
}

#[test]
fn several_play_at_once_in_series_and_in_branches() {
    let input = noise(3, 2 * 11_000);
    let expected = expected(&input);
    let in_branches = Controller::new(beside(three()), spec(2, 64)).unwrap();
    for (mut controller, mut processor) in [series(three(), 2), in_branches] {
        play(&mut controller);
        let output = run(&mut processor, (2, 2), &input, 100);
        for (place, (heard, sum)) in output.iter().zip(&expected).enumerate() {
            let error = (f64::from(*heard) - sum).abs();
            assert!(error < 1e-6, "sample {place}: {heard} for {sum}");
        }
        let answers: Vec<Outcome> = std::iter::from_fn(|| controller.answer())
            .map(|answer| answer.outcome)
            .collect();
        assert_eq!(
            answers,
            STARTS.map(|position| Outcome::Applied { position })
        );
    }
}

#[test]
fn a_stereo_sound_in_a_branch_beside_a_mono_input_makes_two_channels() {
    let chain = beside(vec![unfaded(sound(&[1, 2], 500))]);
    let (mut controller, mut processor) = Controller::new(chain, spec(1, 64)).unwrap();
    let id = ids(&controller)[0];
    controller
        .set_value(id, PLAY, Play::Once.value(), 0)
        .unwrap();
    let input = noise(3, 1000);
    let output = run(&mut processor, (1, 2), &input, 100);
    let sound = sound(&[1, 2], 500);
    for frame in 0..1000 {
        for channel in 0..2 {
            let played = sound.plane(channel).get(frame).copied().unwrap_or(0.0);
            assert_eq!(
                output[2 * frame + channel],
                input[frame] + played,
                "frame {frame}"
            );
        }
    }
}

#[test]
fn a_session_plays_sounds_beside_its_input_as_the_processor_alone_does() {
    let samples = Arc::new(noise(3, 2 * 11_000));
    let (mut controller, mut processor) = Controller::new(beside(three()), spec(2, 64)).unwrap();
    play(&mut controller);
    let alone = run(&mut processor, (2, 2), &samples, 11_000);
    for blocks in [Blocks::Fixed(64), Blocks::Random { max: 3000 }] {
        let sim = Sim::new(7);
        let source = samples.clone();
        let card = SimDevice {
            blocks,
            lateness: vec![Lateness::Uniform { max_ns: 500_000 }],
            ..SimDevice::new("card", 2, 2)
        };
        sim.plug(card.with_source(move |frame, channel| {
            source
                .get(frame as usize * 2 + channel)
                .copied()
                .unwrap_or(0.0)
        }))
        .unwrap();
        let config = SessionConfig {
            host: Some(HostKind::Sim),
            ..SessionConfig::live(beside(three()))
        };
        let mut session = Session::start_with(config, &mut |_, request| sim.open(request)).unwrap();
        play(session.controller());
        sim.run_for(Duration::from_millis(400));
        let played = sim.played("card");
        assert_eq!(difference(&played[..alone.len()], &alone), None);
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}
