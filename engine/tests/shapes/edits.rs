//! Edits against a model of them: the old chain, the new one, and a raised cosine between.

use ossicle::chain::{Branch, Chain, Link, LinkNode};
use ossicle::edit::{Outcome, Ticket};
use ossicle::processor::fade_frames;

use crate::chains::{noise, run, start};
use crate::nodes::Late;

/// The answer to the only edit.
fn edited(controller: &mut ossicle::controller::Controller, ticket: Ticket) -> (usize, usize, u64) {
    let answer = controller.answer().unwrap();
    assert_eq!(answer.ticket, ticket);
    match answer.outcome {
        Outcome::Edited {
            position,
            end,
            latency_frames,
        } => (position as usize, end as usize, latency_frames),
        other => panic!("{other:?}"),
    }
}

/// `old`, then from `position` on the fade to `new`.
fn model(old: &[f32], new: &[f32], position: usize) -> Vec<f32> {
    let frames = fade_frames(48_000) as usize;
    let gain = |frame: usize| {
        let phase = core::f64::consts::PI * (frame + 1) as f64 / (frames + 1) as f64;
        (0.5 - 0.5 * libm::cos(phase)) as f32
    };
    (0..old.len())
        .map(|at| match at.checked_sub(position) {
            None => old[at],
            Some(frame) if frame < frames => old[at] + gain(frame) * (new[at] - old[at]),
            Some(_) => new[at],
        })
        .collect()
}

fn gain(level: &str) -> Chain {
    Chain::parse(&format!("gain:gain={level}")).unwrap()
}

/// The only link of a chain of one node.
fn node(chain: Chain) -> LinkNode {
    match chain.into_links().pop() {
        Some(Link::Node(link)) => link.node,
        other => panic!("{other:?}"),
    }
}

fn delayed(input: &[f32], frames: usize, factor: f32) -> Vec<f32> {
    let silence = core::iter::repeat_n(0.0, frames);
    silence
        .chain(input.iter().map(|sample| sample * factor))
        .take(input.len())
        .collect()
}

const HALF: f32 = 0.501_187_2;

#[test]
fn a_node_comes_and_goes_as_the_model_says_bit_for_bit() {
    let input = noise(12_000);
    for (block, latency) in [(64, 0), (7, 0), (1000, 100), (64, 100), (1, 33)] {
        let (mut controller, mut processor) = start(Chain::new(), 0);
        let mut output = run(&mut processor, &input[..1000], block);
        let (id, ticket) = controller.insert(0, Late::link(latency)).unwrap();
        output.extend(run(&mut processor, &input[1000..6000], block));
        let (position, end, told) = edited(&mut controller, ticket);
        // What delays must be full before it is heard.
        assert_eq!((position, end), (1000 + latency, 1480 + latency));
        assert_eq!(told, latency as u64);
        let ticket = controller.remove(id).unwrap();
        output.extend(run(&mut processor, &input[6000..], block));
        let (gone, _, told) = edited(&mut controller, ticket);
        assert_eq!((gone, told), (6000, 0));
        let late = delayed(&input, latency, 1.0);
        let expected = model(&model(&input, &late, position), &input, gone);
        assert!(output == expected, "block {block}, latency {latency}");
    }
}

/// Two branches: the second is what nobody edits.
fn two_branches(first: Chain, second: Chain) -> Chain {
    let branch = |chain| Branch {
        chain,
        level_db: 0.0,
    };
    let mut chain = Chain::new();
    chain
        .push(Link::Parallel(vec![branch(first), branch(second)]))
        .unwrap();
    chain
}

fn late(frames: usize) -> Chain {
    let mut chain = Chain::new();
    chain.push(Link::Node(Late::link(frames).into())).unwrap();
    chain
}

#[test]
fn a_path_that_is_not_edited_stays_bit_for_bit() {
    let input = noise(10_000);
    // The edited branch is silent, so that only the other is heard.
    let chain = two_branches(gain("-120dB"), late(40));
    let (mut controller, mut processor) = start(chain, 0);
    let mut output = run(&mut processor, &input[..2000], 64);
    let silent = controller.nodes().next().unwrap().0;
    controller.replace(silent, node(gain("-120dB"))).unwrap();
    output.extend(run(&mut processor, &input[2000..], 64));
    assert!(output == delayed(&input, 40, 1.0));
}

#[test]
fn within_the_budget_an_edit_that_delays_one_path_moves_no_other() {
    let input = noise(10_000);
    for budget in [0, 500] {
        let chain = two_branches(gain("-120dB"), late(40));
        let (mut controller, mut processor) = start(chain, budget);
        let mut output = run(&mut processor, &input[..2000], 64);
        let (_, ticket) = controller.insert(0, Late::link(300)).unwrap();
        output.extend(run(&mut processor, &input[2000..], 64));
        let (position, _, latency) = edited(&mut controller, ticket);
        let old = delayed(&input, 40.max(budget as usize), 1.0);
        if budget == 500 {
            assert_eq!(latency, 500);
            assert!(output == old, "moved");
        } else {
            // Without a budget all paths move, by a shift that is told.
            assert_eq!(latency, 300);
            assert!(output == model(&old, &delayed(&input, 300, 1.0), position));
        }
    }
}

#[test]
fn a_node_that_is_moved_keeps_its_state_and_never_stands_at_two_places() {
    let input = noise(12_000);
    let mut chain = gain("-6dB");
    chain.push(Link::Node(Late::link(50).into())).unwrap();
    let (mut controller, mut processor) = start(chain, 0);
    let mut output = run(&mut processor, &input[..3000], 64);
    let first = controller.nodes().next().unwrap().0;
    let ticket = controller.move_to(first, 1).unwrap();
    output.extend(run(&mut processor, &input[3000..], 64));
    let (position, end, latency) = edited(&mut controller, ticket);
    assert_eq!((position, latency), (3000, 50));
    let names: Vec<_> = controller.nodes().map(|(id, _)| id).collect();
    assert_eq!(names[1], first);
    // Two fades: the gain goes before the delay, and comes back behind it.
    let (with, without) = (delayed(&input, 0, HALF), delayed(&input, 0, 1.0));
    let gone = delayed(&model(&with, &without, position), 50, 1.0);
    let second = end - fade_frames(48_000) as usize;
    let expected = model(&gone, &delayed(&gone, 0, HALF), second);
    let first = (0..output.len()).find(|&at| output[at] != expected[at]);
    assert_eq!(first, None, "fades at {position} and {second}");
}

#[test]
fn bypass_keeps_the_latency_and_lets_the_node_run_on() {
    let input = noise(10_000);
    let mut chain = gain("-6dB");
    chain.push(Link::Node(Late::link(80).into())).unwrap();
    let (mut controller, mut processor) = start(chain, 0);
    let id = controller.nodes().next().unwrap().0;
    let mut output = run(&mut processor, &input[..2000], 64);
    let off = controller.bypass(id, true).unwrap();
    output.extend(run(&mut processor, &input[2000..5000], 64));
    let (position, _, latency) = edited(&mut controller, off);
    assert_eq!(latency, 80);
    let on = controller.bypass(id, false).unwrap();
    output.extend(run(&mut processor, &input[5000..], 64));
    let (back, _, _) = edited(&mut controller, on);
    // The fades are in front of the delay.
    let dry = delayed(&input, 0, 1.0);
    let wet = delayed(&input, 0, HALF);
    let expected = delayed(&model(&model(&wet, &dry, position), &wet, back), 80, 1.0);
    assert!(output == expected);
}

#[test]
fn a_removed_node_may_ring_out_and_leaves_when_it_is_silent() {
    let echo = "delay:time=100ms,feedback=50%,mix=100%";
    let (mut controller, mut processor) = start(Chain::parse(echo).unwrap(), 0);
    let id = controller.nodes().next().unwrap().0;
    let mut input = vec![0.0; 6 * 48_000];
    input[9_000] = 1.0;
    let mut output = run(&mut processor, &input[..10_000], 64);
    let ticket = controller.remove_ringing(id).unwrap();
    assert_eq!(controller.nodes().count(), 0);
    for piece in input[10_000..].chunks(480) {
        output.extend(run(&mut processor, piece, 64));
        while let Some(answer) = controller.answer() {
            assert_eq!(answer.ticket, ticket);
        }
    }
    // Echoes of the impulse, long after the node was taken out.
    assert_eq!((output[9_000 + 4_800], output[9_000 + 9_600]), (1.0, 0.5));
    assert_eq!(output[9_000 + 24_000], 0.0625);
    // In the end the sound passes as through an empty chain, and the seat is free again.
    let input = noise(2000);
    assert!(run(&mut processor, &input, 64) == input);
    assert!(controller.load_percent(id).is_none());
}

#[test]
fn a_node_rings_out_as_loud_and_as_late_as_it_was_heard() {
    let mut chain = late(1000);
    let text = "delay:time=100ms,feedback=50%,mix=100% ~ 25%";
    chain
        .push(Chain::parse(text).unwrap().into_links().remove(0))
        .unwrap();
    let (mut controller, mut processor) = start(chain, 0);
    let echo = controller.nodes().nth(1).unwrap().0;
    let mut input = vec![0.0; 60_000];
    input[9_000] = 1.0;
    let mut output = run(&mut processor, &input[..12_000], 64);
    controller.remove_ringing(echo).unwrap();
    output.extend(run(&mut processor, &input[12_000..], 64));
    let first = 10_000 + 4_800;
    assert_eq!((output[first], output[first + 4_800]), (0.25, 0.125));
    let heard = output[10_001..]
        .iter()
        .filter(|&&sample| sample != 0.0)
        .count();
    assert_eq!(heard, (60_000 - 10_001) / 4_800);
}

#[test]
fn a_node_with_a_side_chain_can_be_moved() {
    let input = noise(8_000);
    let mut chain = Chain::parse("send:bus=key").unwrap();
    let keyed = ossicle::chain::NodeLink {
        side_chain: Some("key".to_owned()),
        ..Late::with_side(30, 1).into()
    };
    chain.push(Link::Node(keyed)).unwrap();
    chain.push(gain("-6dB").into_links().remove(0)).unwrap();
    let (mut controller, mut processor) = start(chain, 0);
    let keyed = controller.nodes().next().unwrap().0;
    let mut output = run(&mut processor, &input[..2_000], 64);
    let ticket = controller.move_to(keyed, 1).unwrap();
    output.extend(run(&mut processor, &input[2_000..], 64));
    let (_, end, latency) = edited(&mut controller, ticket);
    assert_eq!(latency, 30);
    // The sound and the key add up: half and whole now, twice and then half before.
    let (was, is) = (delayed(&input, 30, 2.0 * HALF), delayed(&input, 30, 1.0));
    assert!(output[..2_000] == was[..2_000]);
    let last: Vec<f32> = (end..8_000).map(|at| is[at] * HALF + is[at]).collect();
    let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
    assert!(output[end + 30..].iter().zip(&last[30..]).all(near));
}

#[test]
fn a_chain_that_becomes_stereo_fades_on_every_channel() {
    let spec = ossicle::processor::ProcessorSpec {
        channels_out: Some(4),
        ..crate::chains::spec(0)
    };
    let made = ossicle::controller::Controller::new(Chain::new(), spec);
    let (mut controller, mut processor) = made.unwrap();
    let mut run = |frames: usize| {
        let mut output = vec![0.0; 4 * frames];
        processor.process(&vec![1.0; frames], &mut output);
        output
    };
    assert_eq!(run(100), [1.0; 400]);
    controller
        .insert(0, node(Chain::parse("pan").unwrap()))
        .unwrap();
    let output = run(2_000);
    for channel in 0..4 {
        let plane: Vec<f32> = output.iter().skip(channel).step_by(4).copied().collect();
        let largest = plane
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max);
        assert!(largest < 0.01, "a step of {largest} on channel {channel}");
        let expected = if channel < 2 { 0.707_106_77 } else { 0.0 };
        assert!(
            (plane[1_999] - expected).abs() < 1e-6,
            "channel {channel}: {}",
            plane[1_999]
        );
    }
}
