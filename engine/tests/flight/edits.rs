//! Edits and changes in a flight.

use std::time::Duration;

use ossicle::chain::{Chain, LinkNode};
use ossicle::dsp::block::Block;
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::Parameter;
use ossicle::flight::{Command, Flight, FlightError, Stopped};
use ossicle::io::device::sim::{Blocks, Sim, SimDevice};
use ossicle::io::file::AudioFile;
use ossicle::io::realtime;
use ossicle::session::SessionConfig;

use crate::{CHAIN, card, edited, ids, link, noise, replayed_whole, start};

#[test]
fn a_run_with_edits_of_every_kind_is_replayed_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    for blocks in [
        Blocks::Fixed(64),
        Blocks::List(vec![441, 480, 7]),
        Blocks::Random { max: 6000 },
    ] {
        let sim = Sim::new(11);
        sim.plug(card(blocks)).unwrap();
        let config = SessionConfig::live(Chain::parse(CHAIN).unwrap());
        let mut session = edited(&sim, config, 60);
        let dump = session.dump_flight(folder.path()).unwrap();
        session.stop().unwrap();
        let flight = replayed_whole(&dump);
        let (mut edits, mut sets) = (0, 0);
        for command in flight.commands() {
            match command {
                Command::Edit { taken, .. } => edits += usize::from(taken.is_some()),
                Command::Set { at, .. } => sets += usize::from(at.is_some()),
                _ => {}
            }
        }
        assert!(
            edits >= 12 && sets >= 20,
            "{edits} edits and {sets} changes"
        );
        // What was written is what was played.
        let mut file = AudioFile::open(dump.join("replay.wav")).unwrap();
        let mut heard = vec![0.0f32; 1 << 20];
        let frames = file.read(&mut heard).unwrap();
        let played = sim.played("card");
        // The end of the session is faded behind the chain.
        let same = (frames - 1024) * 2;
        let wrong = (0..same).find(|&at| heard[at].to_bits() != played[at].to_bits());
        assert_eq!(wrong, None);
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn changes_of_nodes_that_are_made_anew_are_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::new(3);
    let card = SimDevice {
        blocks: Blocks::Fixed(128),
        ..SimDevice::new("card", 1, 2)
    };
    sim.plug(card.with_source(noise)).unwrap();
    let chain = "delay:time=5ms,feedback=30% | gain:gain=-6dB | delay:time=9ms,feedback=50%";
    let config = SessionConfig::live(Chain::parse(chain).unwrap());
    let mut session = start(&sim, config);
    sim.run_for(Duration::from_millis(50));
    for turn in 0..6 {
        let position = session.report().frames;
        let controller = session.controller();
        let nodes = ids(controller);
        let gain = nodes[nodes.len() - 2];
        // Sent before the edits, and in effect behind the first, or in its fade.
        let late = position + [2000, 300, 900][turn % 3];
        controller.set(gain, "gain", "-3dB", late).unwrap();
        controller.bypass(nodes[0], turn % 2 == 0).unwrap();
        // Waits for the edit before, and gives all behind it another number of channels.
        let pan = match nodes.len() {
            3 => Some(controller.insert(0, link("pan:pan=20%")).unwrap().0),
            _ => {
                controller.remove(nodes[0]).unwrap();
                None
            }
        };
        // What comes in its place begins with these.
        let value = format!("-{turn}dB");
        controller.set(gain, "gain", &value, 0).unwrap();
        controller
            .set(nodes[nodes.len() - 1], "feedback", "41%", 0)
            .unwrap();
        controller.set(gain, "gain", "-1.5dB", late + 700).unwrap();
        if let Some(pan) = pan {
            controller.set(pan, "pan", "-60%", 0).unwrap();
        }
        for _ in 0..10 {
            sim.run_for(Duration::from_millis(10));
            session.report();
        }
    }
    let dump = session.dump_flight(folder.path()).unwrap();
    let flight = replayed_whole(&dump);
    assert!(flight.commands().count() >= 30);
}

#[test]
fn an_edit_that_is_on_its_way_ends_what_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::new(1);
    sim.plug(card(Blocks::Fixed(64))).unwrap();
    let mut session = start(&sim, SessionConfig::live(Chain::parse(CHAIN).unwrap()));
    sim.run_for(Duration::from_millis(200));
    let sent = session.report().frames;
    let node = ids(session.controller())[0];
    session.controller().remove(node).unwrap();
    // In the midst of its fade.
    sim.run_for(Duration::from_millis(6));
    let dump = session.dump_flight(folder.path()).unwrap();
    let flight = Flight::load(&dump).unwrap();
    let replayed = flight.replay(None).unwrap();
    assert_eq!(replayed.stopped, Some(Stopped::Unanswered));
    assert!(replayed.agrees);
    let end = flight.callbacks()[replayed.compared].position;
    assert!(end == sent && sent > 9000, "{end} {sent}");
}

/// Passes its input.
struct Pass;

impl Node for Pass {
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {}

    fn process(&mut self, _: &mut Block<'_>) {}

    fn set(&mut self, _: usize, _: f64) {}

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}

#[test]
fn a_replay_ends_where_a_node_of_the_callers_own_comes() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::new(1);
    sim.plug(card(Blocks::Fixed(256))).unwrap();
    let mut session = start(&sim, SessionConfig::live(Chain::parse("gain").unwrap()));
    sim.run_for(Duration::from_millis(100));
    let own = LinkNode::Own(Box::new(Pass));
    session.controller().insert(0, own).unwrap();
    sim.run_for(Duration::from_millis(100));
    let dump = session.dump_flight(folder.path()).unwrap();
    let flight = Flight::load(&dump).unwrap();
    let replayed = flight.replay(None).unwrap();
    assert!(matches!(replayed.stopped, Some(Stopped::OwnNode { .. })));
    assert!(replayed.agrees && replayed.compared < flight.callbacks().len());
    let at = flight.callbacks()[replayed.compared].position;
    let edit = flight.commands().next();
    assert!(
        matches!(edit, Some(Command::Edit { taken: Some(taken), chain: None, .. })
            if taken == at && at > 4000),
        "{edit:?} {at}"
    );
    session.stop().unwrap();

    let mut chain = Chain::new();
    chain.push_node(Box::new(Pass));
    let sim = Sim::new(1);
    sim.plug(card(Blocks::Fixed(256))).unwrap();
    let mut session = start(&sim, SessionConfig::live(chain));
    sim.run_for(Duration::from_millis(100));
    let dump = session.dump_flight(folder.path()).unwrap();
    let replayed = Flight::load(&dump).unwrap().replay(None);
    assert!(
        matches!(replayed, Err(FlightError::OwnNode { .. })),
        "{replayed:?}"
    );
}
