//! What one player does, by its own mathematics.

use ossicle::chain::Chain;
use ossicle::controller::{Controller, EditError};
use ossicle::dsp::block::{Block, Planes};
use ossicle::dsp::node::{Node, Spec, Tail};
use ossicle::sound::{FADE, FROM, GAIN, PAN, PLAY, Play, Sound, SoundPlayer};

use crate::rig::{
    RATE_HZ, Random, difference, ids, noise, ones, run, run_silence, series, sound, spec, unfaded,
};

#[test]
fn a_sound_is_added_bit_for_bit_from_its_frame_to_its_end() {
    // (channels of the chain in and out, seeds of the sound's planes, channel of the sound in each)
    for (channels, seeds, heard) in [
        ((1, 1), vec![1], vec![Some(0)]),
        ((2, 2), vec![1], vec![Some(0); 2]),
        ((5, 5), vec![1], vec![Some(0); 5]),
        ((2, 2), vec![1, 2], vec![Some(0), Some(1)]),
        ((4, 4), vec![1, 2], vec![Some(0), Some(1), None, None]),
        ((1, 2), vec![1, 2], vec![Some(0), Some(1)]),
        ((1, 3), vec![1, 2, 3], vec![Some(0), Some(1), Some(2)]),
    ] {
        let sound = sound(&seeds, 3000);
        let (mut controller, mut processor) = series([unfaded(sound.clone())], channels.0);
        let id = ids(&controller)[0];
        controller
            .set_value(id, PLAY, Play::Once.value(), 1234)
            .unwrap();
        let input = noise(9, 6000 * channels.0);
        let output = run(&mut processor, channels, &input, 77);
        let expected: Vec<f32> = (0..6000)
            .flat_map(|frame| {
                heard
                    .iter()
                    .enumerate()
                    .map(move |(channel, from)| (frame, channel, from))
            })
            .map(|(frame, channel, from)| {
                let passing = input[frame * channels.0 + channel.min(channels.0 - 1)];
                match (from, (1234..4234).contains(&frame)) {
                    (Some(from), true) => passing + sound.plane(*from)[frame - 1234],
                    _ => passing,
                }
            })
            .collect();
        assert_eq!(
            difference(&output, &expected),
            None,
            "{channels:?} {seeds:?}"
        );
    }
}

#[test]
fn a_loop_goes_on_from_the_first_frame_without_a_seam_until_it_is_stopped() {
    let sound = sound(&[1], 777);
    let player = unfaded(sound.clone())
        .with_value(FROM, 500.0 / 48.0)
        .unwrap();
    let (mut controller, mut processor) = series([player], 1);
    let id = ids(&controller)[0];
    controller
        .set_value(id, PLAY, Play::Loop.value(), 10)
        .unwrap();
    controller
        .set_value(id, PLAY, Play::Stop.value(), 9000)
        .unwrap();
    let output = run_silence(&mut processor, 10_000);
    let expected: Vec<f32> = (0..10_000)
        .map(|frame| match frame {
            10..9000 => sound.plane(0)[(500 + frame - 10) % 777],
            _ => 0.0,
        })
        .collect();
    assert_eq!(difference(&output, &expected), None);
}

#[test]
fn gain_and_pan_are_what_they_say() {
    for (gain_db, pan, factors) in [
        (0.0, 0.0, [1.0, 1.0]),
        (-20.0, 0.0, [0.1, 0.1]),
        (20.0, -100.0, [10.0, 0.0]),
        (0.0, 100.0, [0.0, 1.0]),
        // A third of the way: the far side has the cosine of 30 degrees.
        (-20.0, 100.0 / 3.0, [0.1 * 0.75f64.sqrt(), 0.1]),
        (-120.0, 0.0, [0.0, 0.0]),
    ] {
        let sound = sound(&[1, 2], 2000);
        let player = |gain_db, pan| {
            let player = unfaded(sound.clone()).with_value(GAIN, gain_db).unwrap();
            player
                .with_value(PAN, pan)
                .unwrap()
                .with_value(PLAY, Play::Loop.value())
                .unwrap()
        };
        let (mut controller, mut processor) = series([player(gain_db, pan)], 2);
        let set = run(&mut processor, (2, 2), &[0.0; 8000], 64);
        // Set while it runs, it glides there within 10 ms.
        let (mut moved, mut glided) = series([player(0.0, 0.0)], 2);
        let id = ids(&moved)[0];
        moved.set_value(id, GAIN, gain_db, 500).unwrap();
        moved.set_value(id, PAN, pan, 500).unwrap();
        let glided = run(&mut glided, (2, 2), &[0.0; 8000], 64);
        assert_eq!(difference(&glided[2 * 980..], &set[2 * 980..]), None);
        for frame in 0..4000 {
            for (channel, factor) in factors.iter().enumerate() {
                let played = f64::from(sound.plane(channel)[frame % 2000]);
                let heard = f64::from(set[2 * frame + channel]);
                assert!(
                    (heard - factor * played).abs() < 2e-6,
                    "{gain_db} {pan} frame {frame}"
                );
            }
        }
        assert!(controller.answer().is_none());
    }
}

/// Random changes of every parameter, each with its frame.
fn changes(random: &mut Random) -> Vec<(usize, f64, u64)> {
    let mut at = 0;
    (0..150)
        .map(|_| {
            at += random.below(150) as u64;
            let (number, value) = match random.below(8) {
                0 => (GAIN, random.below(40) as f64 - 30.0),
                1 => (PAN, random.below(201) as f64 - 100.0),
                2 => (FADE, random.below(1200) as f64 / 48.0),
                3 => (FROM, random.below(1100) as f64 / 48.0),
                _ => (PLAY, random.below(3) as f64),
            };
            (number, value, at)
        })
        .collect()
}

#[test]
fn any_cut_into_blocks_gives_the_same_bits() {
    for seed in 1..=12 {
        let mut random = Random(seed * 77);
        let changes = changes(&mut random);
        let input = noise(3, 2 * 14_000);
        let play = |max_block_frames: usize, block: usize| {
            let mut chain = Chain::new();
            chain.push_node(Box::new(SoundPlayer::new(sound(&[1, 2], 1000))));
            let spec = spec(2, max_block_frames);
            let (mut controller, mut processor) = Controller::new(chain, spec).unwrap();
            let id = ids(&controller)[0];
            for &(number, value, at) in &changes {
                controller.set_value(id, number, value, at).unwrap();
            }
            run(&mut processor, (2, 2), &input, block)
        };
        let whole = play(14_000, 14_000);
        assert!(difference(&whole, &input).is_some());
        for (max_block_frames, block) in [(1, 14_000), (7, 1000), (64, 64), (333, 100)] {
            let cut = play(max_block_frames, block);
            assert_eq!(
                difference(&cut, &whole),
                None,
                "seed {seed}, {max_block_frames}, {block}"
            );
        }
    }
}

/// Runs a node alone on silence.
fn run_node(node: &mut SoundPlayer, frames: usize) -> Vec<f32> {
    let mut samples = vec![0.0; frames];
    node.process(&mut Block {
        planes: Planes::new(&mut samples, frames, frames),
        side_chain: None,
        since_reset: 0,
    });
    samples
}

#[test]
fn a_reset_player_is_as_a_fresh_one_with_its_values() {
    let spec = Spec {
        sample_rate_hz: RATE_HZ,
        max_block_frames: 5000,
        channels: 1,
    };
    for play in [Play::Stop, Play::Once, Play::Loop] {
        let values = [
            (GAIN, -5.0),
            (PAN, 20.0),
            (FADE, 9.0),
            (FROM, 3.0),
            (PLAY, play.value()),
        ];
        let fresh = || SoundPlayer::new(sound(&[4], 2000));
        let mut used = fresh();
        used.prepare(&spec).unwrap();
        for (number, value) in values {
            used.set(number, value);
        }
        used.set(PLAY, Play::Once.value());
        run_node(&mut used, 313);
        used.set(PLAY, play.value());
        run_node(&mut used, 17);
        used.reset();
        let mut fresh = values.into_iter().fold(fresh(), |player, (number, value)| {
            player.with_value(number, value).unwrap()
        });
        fresh.prepare(&spec).unwrap();
        assert_eq!(used.tail(), fresh.tail());
        let (used, fresh) = (run_node(&mut used, 5000), run_node(&mut fresh, 5000));
        assert_eq!(difference(&used, &fresh), None, "{play:?}");
        assert_eq!(used.iter().any(|&heard| heard != 0.0), play != Play::Stop);
    }
}

#[test]
fn the_tail_is_what_is_left_to_be_played() {
    let (mut controller, mut processor) = series([unfaded(ones(2000))], 1);
    let id = ids(&controller)[0];
    assert_eq!(processor.tail(), Tail::Frames(0));
    controller
        .set_value(id, PLAY, Play::Once.value(), 0)
        .unwrap();
    run_silence(&mut processor, 600);
    assert_eq!(processor.tail(), Tail::Frames(1400));
    let rest = run_silence(&mut processor, 2000);
    assert_eq!(rest.iter().rposition(|&heard| heard != 0.0), Some(1399));
    assert_eq!(processor.tail(), Tail::Frames(0));
    controller.set_value(id, FADE, 10.0, 0).unwrap();
    controller
        .set_value(id, PLAY, Play::Loop.value(), 0)
        .unwrap();
    run_silence(&mut processor, 600);
    assert_eq!(processor.tail(), Tail::Endless);
    controller
        .set_value(id, PLAY, Play::Stop.value(), 0)
        .unwrap();
    run_silence(&mut processor, 100);
    assert_eq!(processor.tail(), Tail::Frames(380));
    let rest = run_silence(&mut processor, 1000);
    assert_eq!(rest.iter().rposition(|&heard| heard != 0.0), Some(379));
}

#[test]
fn a_start_behind_the_end_is_silence_and_ends_what_plays() {
    let (mut controller, mut processor) = series([unfaded(ones(2000))], 1);
    let id = ids(&controller)[0];
    controller
        .set_value(id, PLAY, Play::Loop.value(), 0)
        .unwrap();
    controller.set_value(id, FROM, 1e6, 0).unwrap();
    controller
        .set_value(id, PLAY, Play::Loop.value(), 500)
        .unwrap();
    let output = run_silence(&mut processor, 1000);
    assert_eq!(output.iter().rposition(|&heard| heard != 0.0), Some(499));
    let player = unfaded(ones(2000)).with_value(FROM, 2000.0 / 48.0).unwrap();
    let (mut controller, mut processor) = series([player], 1);
    let id = ids(&controller)[0];
    controller
        .set_value(id, PLAY, Play::Loop.value(), 0)
        .unwrap();
    assert_eq!(run_silence(&mut processor, 1000), [0.0; 1000]);
    let nothing = Sound::from_planes(vec![Vec::new()], RATE_HZ).unwrap();
    let (mut controller, mut processor) = series([unfaded(nothing)], 1);
    let id = ids(&controller)[0];
    controller
        .set_value(id, PLAY, Play::Loop.value(), 0)
        .unwrap();
    assert_eq!(run_silence(&mut processor, 1000), [0.0; 1000]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let prepare = |sample_rate_hz: u32, channels: usize| {
        let spec = Spec {
            sample_rate_hz,
            max_block_frames: 64,
            channels,
        };
        let refused = SoundPlayer::new(sound(&[1, 2, 3], 10)).prepare(&spec);
        refused.map_err(|error| error.to_string())
    };
    assert_eq!(
        prepare(44_100, 3),
        Err("sound_player does not run at 44100 Hz (allowed: 48000 to 48000 Hz)".to_owned())
    );
    assert_eq!(
        prepare(48_000, 2),
        Err(
            "sound_player takes 1, or at least as many as the sound has channels, not 2".to_owned()
        )
    );
    let loudness = |value| SoundPlayer::new(ones(1)).with_value(GAIN, value).err();
    assert!(loudness(24.0).is_none() && loudness(24.5).is_some());
    let (mut controller, _processor) = series([unfaded(ones(1))], 1);
    let id = ids(&controller)[0];
    let refused = controller.set_value(id, PLAY, 3.0, 0);
    assert!(matches!(refused, Err(EditError::Value(_))), "{refused:?}");
}
