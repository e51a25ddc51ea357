//! Edits and parameter changes of a running chain: answered once each, on the frame they name.

use ossicle::chain::{Chain, LinkNode};
use ossicle::controller::{Controller, EditError};
use ossicle::dsp::block::Block;
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::{Kind, Parameter, Scale, Unit};
use ossicle::dsp::settings::Settings;
use ossicle::edit::{Answer, Outcome, Refusal, Ticket};
use ossicle::io::realtime::{self, AllocatorGuard};
use ossicle::processor::{Processor, ProcessorSpec};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

static ONES: [f32; 4000] = [1.0; 4000];

/// Multiplies by a factor that changes at once.
struct Factor(f32);

static FACTOR: [Parameter; 1] = [Parameter {
    id: "factor",
    name: "Factor",
    summary: "What every sample is multiplied by",
    unit: Unit::None,
    min: 0.0,
    max: 1.0,
    default: 1.0,
    scale: Scale::Linear,
    kind: Kind::Step,
}];

impl Node for Factor {
    fn parameters(&self) -> &'static [Parameter] {
        &FACTOR
    }
    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }
    fn reset(&mut self) {}
    fn process(&mut self, block: &mut Block<'_>) {
        for plane in block.planes.iter_mut() {
            plane.iter_mut().for_each(|sample| *sample *= self.0);
        }
    }
    fn set(&mut self, _number: usize, value: f64) {
        self.0 = value as f32;
    }
    fn latency_frames(&self) -> u64 {
        0
    }
    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}

fn factor(value: f32) -> LinkNode {
    LinkNode::Own(Box::new(Factor(value)))
}

fn spec(max_block_frames: usize) -> ProcessorSpec {
    ProcessorSpec {
        sample_rate_hz: 48_000,
        max_block_frames,
        channels_in: 1,
        channels_out: None,
        latency_budget_frames: 0,
    }
}

fn with_factor(value: f32, max_block_frames: usize) -> (Controller, Processor) {
    let mut chain = Chain::new();
    chain.push_node(Box::new(Factor(value)));
    Controller::new(chain, spec(max_block_frames)).unwrap()
}

/// Runs ones through the processor in calls of the given lengths.
fn run(processor: &mut Processor, calls: &[usize]) -> Vec<f32> {
    let mut out = Vec::new();
    for &frames in calls {
        let mut block = vec![0.0; frames];
        let ones = vec![1.0; frames];
        realtime::callback(|| processor.process(&ones, &mut block));
        out.extend(block);
    }
    out
}

fn answers(controller: &mut Controller) -> Vec<Answer> {
    std::iter::from_fn(|| controller.answer()).collect()
}

#[test]
fn a_change_happens_on_its_frame_however_the_stream_is_cut() {
    for (max_block_frames, calls) in [
        (1024, vec![30_000]),
        (64, vec![64; 469]),
        (7, vec![1000; 30]),
        (1, vec![10_000; 3]),
    ] {
        let (mut controller, mut processor) = with_factor(1.0, max_block_frames);
        let id = controller.nodes().next().unwrap().0;
        let ticket = controller.set_value(id, 0, 0.25, 12_345).unwrap();
        let out = run(&mut processor, &calls);
        assert_eq!(out.iter().position(|&sample| sample != 1.0), Some(12_345));
        assert!(out[12_345..].iter().all(|&sample| sample == 0.25));
        let outcome = Outcome::Applied { position: 12_345 };
        assert_eq!(answers(&mut controller), [Answer { ticket, outcome }]);
    }
}

#[test]
fn changes_of_one_frame_happen_in_the_order_they_were_sent() {
    let (mut controller, mut processor) = with_factor(1.0, 64);
    let id = controller.nodes().next().unwrap().0;
    for value in [0.5, 0.75, 0.25] {
        controller.set_value(id, 0, value, 100).unwrap();
    }
    controller.set_value(id, 0, 0.125, 50).unwrap();
    let out = run(&mut processor, &[200]);
    assert_eq!(
        (out[49], out[50], out[99], out[100]),
        (1.0, 0.125, 0.125, 0.25)
    );
    assert_eq!(answers(&mut controller).len(), 4);
}

fn edited(ticket: Ticket, position: u64, end: u64) -> Answer {
    let outcome = Outcome::Edited {
        position,
        end,
        latency_frames: 0,
    };
    Answer { ticket, outcome }
}

#[test]
fn an_edit_fades_from_what_was_to_what_will_be() {
    let (mut controller, mut processor) = with_factor(0.5, 128);
    run(&mut processor, &[1000]);
    let (_, ticket) = controller.insert(1, factor(0.5)).unwrap();
    let out = run(&mut processor, &[3000]);
    assert_eq!(answers(&mut controller), [edited(ticket, 1000, 1480)]);
    assert!(out[480..].iter().all(|&sample| sample == 0.25));
    // A raised cosine over 481 steps moves by at most pi / 2 / 481 of the way a frame.
    let steps = out.windows(2).map(|pair| pair[0] - pair[1]);
    let (least, largest) = steps.fold((1.0f32, 0.0f32), |(least, largest), step| {
        (least.min(step), largest.max(step))
    });
    assert!(
        least >= 0.0 && largest <= 0.25 * 3.2661e-3 * 1.001,
        "{least} to {largest}"
    );
}

#[test]
fn edits_during_a_fade_join_the_last_and_each_is_answered_once() {
    let (mut controller, mut processor) = with_factor(1.0, 64);
    run(&mut processor, &[64]);
    let (_, first) = controller.insert(1, factor(0.5)).unwrap();
    run(&mut processor, &[64]);
    let (gone, second) = controller.insert(2, factor(0.75)).unwrap();
    let (id, third) = controller.insert(2, factor(0.5)).unwrap();
    let change = controller.set_value(id, 0, 0.25, 0).unwrap();
    let fourth = controller.remove(gone).unwrap();
    run(&mut processor, &[64; 20]);
    // The fade from 64 to 544 is over; the others go out when its answer is read.
    assert_eq!(answers(&mut controller), [edited(first, 64, 544)]);
    let out = run(&mut processor, &[64; 20]);
    let position = 22 * 64;
    let superseded = |ticket| Answer {
        ticket,
        outcome: Outcome::Superseded {
            by: fourth,
            position,
        },
    };
    let mut got = answers(&mut controller);
    got.sort_by_key(|answer| answer.ticket);
    let applied = Outcome::Applied { position };
    let expected = [
        superseded(second),
        superseded(third),
        Answer {
            ticket: change,
            outcome: applied,
        },
        edited(fourth, position, position + 480),
    ];
    assert_eq!(got, expected);
    assert_eq!(out.last(), Some(&0.125));
}

#[test]
fn a_change_for_a_node_that_left_is_refused_and_said_so() {
    let (mut controller, mut processor) = with_factor(0.5, 64);
    let id = controller.nodes().next().unwrap().0;
    let late = controller.set_value(id, 0, 0.25, 5000).unwrap();
    controller.remove(id).unwrap();
    assert_eq!(
        controller.set_value(id, 0, 0.1, 0).unwrap_err(),
        EditError::NodeUnknown
    );
    let out = run(&mut processor, &[6000]);
    assert_eq!(out.last(), Some(&1.0));
    let outcome = Outcome::Refused {
        reason: Refusal::NodeGone,
        position: 5000,
    };
    assert_eq!(
        answers(&mut controller).last(),
        Some(&Answer {
            ticket: late,
            outcome
        })
    );
}

#[test]
fn a_thousand_edits_are_answered_once_each_and_reuse_seats() {
    let (mut controller, mut processor) = with_factor(1.0, 64);
    let mut sent = Vec::new();
    let mut got = Vec::new();
    for round in 0..1000usize {
        let nodes: Vec<_> = controller.nodes().map(|(id, _)| id).collect();
        let ticket = match round % 4 {
            0 => controller
                .insert(nodes.len() / 2, factor(1.0))
                .map(|(_, ticket)| ticket),
            1 => controller
                .replace(nodes[0], factor(1.0))
                .map(|(_, ticket)| ticket),
            2 => controller.move_to(nodes[nodes.len() - 1], 0),
            _ => controller.remove(nodes[nodes.len() - 1]),
        };
        sent.push(ticket.unwrap());
        run(&mut processor, &[48]);
        got.extend(answers(&mut controller).iter().map(|answer| answer.ticket));
    }
    for _ in 0..2 {
        run(&mut processor, &[48_000]);
        got.extend(answers(&mut controller).iter().map(|answer| answer.ticket));
    }
    assert_eq!(sent, got);
    assert_eq!(controller.nodes().count(), 1);
}

#[test]
fn without_room_for_answers_nothing_more_is_taken() {
    let (mut controller, mut processor) = with_factor(1.0, 64);
    let id = controller.nodes().next().unwrap().0;
    let mut sent = 0;
    // Nobody reads the answers: at last nothing more can be sent.
    let refused = loop {
        match controller.set_value(id, 0, 1.0, 0) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        if sent % 100 == 0 {
            run(&mut processor, &[16]);
        }
    };
    assert!(matches!(refused, EditError::Busy { .. }));
    let mut got = 0;
    while got < sent {
        run(&mut processor, &[16]);
        let now = answers(&mut controller).len();
        assert!(now > 0, "{got} of {sent} answered");
        got += now;
    }
    assert_eq!(got, sent);
}

#[test]
fn what_does_not_fit_the_table_never_leaves_the_control_side() {
    let (mut controller, _processor) = with_factor(1.0, 64);
    let id = controller.nodes().next().unwrap().0;
    for (number, value) in [(1, 0.5), (0, 1.5), (0, f64::NAN)] {
        let error = controller.set_value(id, number, value, 0).unwrap_err();
        let known = matches!(
            error,
            EditError::ParameterUnknown { .. } | EditError::Value(_)
        );
        assert!(known, "{error}");
    }
    let zero = ProcessorSpec {
        max_block_frames: 0,
        ..spec(64)
    };
    assert!(matches!(
        Controller::new(Chain::new(), zero).unwrap_err(),
        EditError::Zero { .. }
    ));
}

#[test]
fn a_node_whose_channels_change_is_made_anew_and_keeps_its_changes() {
    // Mono through a gain; then a pan in front of it makes the gain stereo.
    let chain = Chain::parse("gain:gain=-6dB").unwrap();
    let spec = ProcessorSpec {
        channels_out: Some(2),
        ..spec(64)
    };
    let (mut controller, mut processor) = Controller::new(chain, spec).unwrap();
    let gain = controller.nodes().next().unwrap().0;
    let mut run = |frames: usize| {
        let mut out = vec![0.0; 2 * frames];
        realtime::callback(|| processor.process(&ONES[..frames], &mut out));
        out
    };
    let change = controller.set(gain, "gain", "-120dB", 5000).unwrap();
    let pan = Settings::new(ossicle::dsp::registry::effect("pan").unwrap());
    let (_, edit) = controller.insert(0, LinkNode::Effect(pan)).unwrap();
    run(4000);
    let out = run(4000);
    let applied = Answer {
        ticket: change,
        outcome: Outcome::Applied { position: 5000 },
    };
    assert_eq!(answers(&mut controller), [edited(edit, 0, 480), applied]);
    assert_eq!(out.last(), Some(&0.0));
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn not_finite_output_becomes_silence() {
    let (_controller, mut processor) = with_factor(f32::INFINITY, 64);
    assert!(
        run(&mut processor, &[100])
            .iter()
            .all(|&sample| sample == 0.0)
    );
}

#[test]
fn of_two_channels_only_what_is_not_finite_is_silenced() {
    let spec = ProcessorSpec {
        channels_in: 2,
        ..spec(64)
    };
    let (_controller, mut processor) = Controller::new(Chain::new(), spec).unwrap();
    // Two blocks: in the first all are numbers, with a sum beyond the largest.
    let mut input: Vec<f32> = (0..200).map(|at| at as f32 - 90.0).collect();
    input[20..60].fill(f32::MAX);
    input[150] = f32::NAN;
    input[199] = f32::NEG_INFINITY;
    let mut output = vec![9.0; 200];
    processor.process(&input, &mut output);
    (input[150], input[199]) = (0.0, 0.0);
    assert_eq!(output, input);
}

#[test]
fn one_channel_goes_to_all_and_surplus_is_dropped() {
    let through = |channels_in: usize, channels_out: usize, input: &[f32]| {
        let spec = ProcessorSpec {
            sample_rate_hz: 48_000,
            max_block_frames: 64,
            channels_in,
            channels_out: Some(channels_out),
            latency_budget_frames: 0,
        };
        let (_controller, mut processor) = Controller::new(Chain::new(), spec).unwrap();
        let mut out = vec![9.0; input.len() / channels_in * channels_out];
        processor.process(input, &mut out);
        out
    };
    assert_eq!(through(1, 3, &[1.0, 2.0]), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    assert_eq!(through(3, 2, &[1.0, 2.0, 3.0]), [1.0, 2.0]);
    assert_eq!(through(2, 3, &[1.0, 2.0]), [1.0, 2.0, 0.0]);
}

#[test]
fn frames_that_were_lost_have_positions_too() {
    let (mut controller, mut processor) = with_factor(1.0, 64);
    let id = controller.nodes().next().unwrap().0;
    controller.set_value(id, 0, 0.5, 150).unwrap();
    controller.set_value(id, 0, 0.25, 1050).unwrap();
    run(&mut processor, &[100]);
    processor.skip(900);
    let out = run(&mut processor, &[100]);
    // The first is late by what was lost, the second on its frame.
    assert_eq!((out[0], out[49], out[50]), (0.5, 0.5, 0.25));
    let position = |answer: &Answer| match answer.outcome {
        Outcome::Applied { position } => position,
        other => panic!("{other:?}"),
    };
    let positions: Vec<u64> = answers(&mut controller).iter().map(position).collect();
    assert_eq!(positions, [1000, 1050]);
}

#[test]
fn both_ends_may_go_to_other_threads() {
    fn is_send<T: Send>() {}
    is_send::<Controller>();
    is_send::<Processor>();
}
