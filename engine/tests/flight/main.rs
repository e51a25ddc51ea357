//! The flight recorder on simulated devices: what it keeps is run again to the same bits.

mod edits;
mod late;
mod window;

use std::path::Path;
use std::time::Duration;

use ossicle::chain::{Chain, Link, NodeLink};
use ossicle::controller::Controller;
use ossicle::flight::Flight;
use ossicle::io::device::HostKind;
use ossicle::io::device::sim::{Blocks, Lateness, Sim, SimDevice};
use ossicle::io::realtime::AllocatorGuard;
use ossicle::plan::NodeId;
use ossicle::session::{Session, SessionConfig};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

/// With state that is heard for long, in branches and behind a bus.
const CHAIN: &str = "parametric_eq:b1_type=peak,b1_freq=900Hz,b1_gain=9dB \
    | ( delay:time=7.3ms,feedback=60%,mix=40% ~ 70% ; gain:gain=-3dB * -2.5dB ; ) \
    | send:bus=side,level=-7dB | gain:gain=2dB | bus:name=side ( delay:time=11ms,mix=100% ) \
    | envelope_limiter:link=linked,threshold=-6dBFS";

fn start(sim: &Sim, config: SessionConfig) -> Session {
    let config = SessionConfig {
        host: Some(HostKind::Sim),
        ..config
    };
    Session::start_with(config, &mut |_, request| sim.open(request)).unwrap()
}

/// A card that captures noise.
fn card(blocks: Blocks) -> SimDevice {
    let card = SimDevice {
        blocks,
        lateness: vec![Lateness::Uniform { max_ns: 500_000 }],
        ..SimDevice::new("card", 2, 2)
    };
    card.with_source(noise)
}

fn noise(frame: u64, channel: usize) -> f32 {
    let mixed = (frame * 2 + channel as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn link(text: &str) -> NodeLink {
    match Chain::parse(text).unwrap().into_links().pop() {
        Some(Link::Node(link)) => link,
        other => panic!("{other:?}"),
    }
}

fn ids(controller: &Controller) -> Vec<NodeId> {
    controller.nodes().map(|(id, _)| id).collect()
}

/// One edit or change of every kind, by the number of the step.
fn edit(controller: &mut Controller, step: usize, position: u64) {
    while controller.answer().is_some() {}
    let nodes = ids(controller);
    match step % 12 {
        0 => drop(
            controller
                .insert(1, link("delay:time=3ms,feedback=50%"))
                .unwrap(),
        ),
        1 => drop(
            controller
                .set(nodes[0], "b1_gain", "-12dB", position + 333)
                .unwrap(),
        ),
        2 => {
            controller.move_to(nodes[0], 3).unwrap();
            controller.set_wet(nodes[1], 0.37).unwrap();
        }
        3 => {
            // Joined, and the node is set before it is sent.
            controller.bypass(nodes[2], true).unwrap();
            let (node, _) = controller.insert(0, link("gain:gain=-1dB")).unwrap();
            controller.set(node, "gain", "-4.7dB", 0).unwrap();
        }
        4 => drop(controller.remove_ringing(nodes[2]).unwrap()),
        5 => drop(controller.replace(nodes[1], link("pan:pan=-30%")).unwrap()),
        6 => drop(controller.remove(nodes[0]).unwrap()),
        7 => drop(controller.bypass(nodes[1], false).unwrap()),
        8 => {
            for (at, value) in ["-1dB", "-9dB", "0dB"].iter().enumerate() {
                let gain = controller
                    .nodes()
                    .find(|(_, settings)| settings.is_some_and(|it| it.effect().id == "gain"));
                if let Some((gain, _)) = gain {
                    controller
                        .set(gain, "gain", value, position + 100 * at as u64)
                        .unwrap();
                }
            }
        }
        9 => drop(controller.set_chain(Chain::parse(CHAIN).unwrap()).unwrap()),
        10 => {
            let chain = "envelope_limiter:threshold=-12dBFS | ( pan:pan=10% ; delay:time=2ms )";
            controller.set_chain(Chain::parse(chain).unwrap()).unwrap();
        }
        _ => drop(controller.set_chain(Chain::parse(CHAIN).unwrap()).unwrap()),
    }
}

/// Runs a session with edits every 20 ms; returns it still running.
fn edited(sim: &Sim, config: SessionConfig, steps: usize) -> Session {
    let mut session = start(sim, config);
    for step in 0..steps {
        let position = session.report().frames;
        edit(session.controller(), step, position);
        sim.run_for(Duration::from_millis(20));
    }
    while session.controller().answer().is_some() {}
    sim.run_for(Duration::from_millis(300));
    session
}

fn replayed_whole(folder: &Path) -> Flight {
    let flight = Flight::load(folder).unwrap();
    assert!(flight.is_whole());
    let replayed = flight.replay(Some(&folder.join("replay.wav"))).unwrap();
    let callbacks = flight.callbacks().len();
    let told = (
        replayed.compared,
        replayed.matched,
        replayed.first_difference,
    );
    assert_eq!(told, (callbacks, callbacks, None), "{:?}", replayed.stopped);
    assert!(replayed.agrees && replayed.agrees_from == Some(0));
    flight
}
