//! What must not be on the audio thread is reported, wherever it is; and nothing of it is there.

use std::time::Duration;

use ossicle::chain::Chain;
use ossicle::dsp::block::Block;
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Subnormals, Tail};
use ossicle::dsp::parameter::Parameter;
use ossicle::dsp::registry;
use ossicle::dsp::settings::Settings;
use ossicle::io::device::sim::{Sim, SimDevice};
use ossicle::io::device::{HostKind, Port};
use ossicle::io::realtime::{AllocatorGuard, allocations, system_calls};
use ossicle::session::{Flow, Session, SessionConfig, Source};
use xtask::faults::{self, Fault};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

/// RealtimeSanitizer is the watch where there is one.
const SANITIZED: bool = cfg!(feature = "rtsan");

/// A node in whose `process` faults are made.
struct Faulty(Box<dyn Node>);

impl Node for Faulty {
    fn parameters(&self) -> &'static [Parameter] {
        self.0.parameters()
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        self.0.prepare(spec)
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        self.0.process(block);
        faults::here();
    }

    fn set(&mut self, number: usize, value: f64) {
        self.0.set(number, value);
    }

    fn latency_frames(&self) -> u64 {
        self.0.latency_frames()
    }

    fn tail(&self) -> Tail {
        self.0.tail()
    }

    fn side_chain_channels(&self) -> usize {
        self.0.side_chain_channels()
    }

    fn subnormals(&self) -> Subnormals {
        self.0.subnormals()
    }
}

fn start(sim: &Sim, config: SessionConfig) -> Session {
    let config = SessionConfig {
        host: Some(HostKind::Sim),
        ..config
    };
    Session::start_with(config, &mut |_, request| sim.open(request)).unwrap()
}

/// Runs `session` twice in virtual time, first without a fault; returns what the traps counted the
/// second time.
fn made_in(sim: &Sim, session: Session, fault: Fault) -> [u64; 2] {
    if !SANITIZED {
        system_calls::watch().unwrap();
    }
    let counted = || [allocations(), system_calls::caught()];
    let mut before = counted();
    for (turn, fault) in [Fault::None, fault].into_iter().enumerate() {
        faults::load(fault);
        sim.run_for(Duration::from_millis(50));
        if turn == 0 {
            assert_eq!(
                counted(),
                before,
                "without a fault: {:?}",
                system_calls::calls()
            );
            before = counted();
        }
    }
    session.stop().unwrap();
    let after = counted();
    [after[0] - before[0], after[1] - before[1]]
}

/// What the fault asked for gives in every run that `run` makes: the fewest reports of each trap.
fn tell_the_fewest(runs: impl Iterator<Item = [u64; 2]>) {
    let [allocations, calls] = runs
        .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1])])
        .unwrap();
    faults::tell(allocations, calls);
}

#[test]
#[ignore = "makes a fault: run by a test below"]
fn makes_a_fault_in_every_node() {
    let Some(fault) = faults::asked() else { return };
    tell_the_fewest(registry::EFFECTS.iter().map(|effect| {
        let mut chain = Chain::new();
        let node = Settings::new(effect).create().unwrap();
        chain.push_node(Box::new(Faulty(node)));
        let sim = Sim::new(1);
        sim.plug(SimDevice::new("card", 2, 2)).unwrap();
        made_in(&sim, start(&sim, SessionConfig::live(chain)), fault)
    }));
}

#[test]
#[ignore = "makes a fault: run by a test below"]
fn makes_a_fault_in_the_capture_callback() {
    let Some(fault) = faults::asked() else { return };
    let sim = Sim::new(1);
    // The sound of a simulated device is made inside its callback.
    let microphone = SimDevice::new("mic", 1, 0).with_source(|_, _| {
        faults::here();
        0.5
    });
    sim.plug(microphone).unwrap();
    sim.plug(SimDevice::new("speaker", 0, 1)).unwrap();
    let output = Some(Port {
        device: Some("speaker".to_owned()),
        channels: None,
    });
    let config = SessionConfig {
        output,
        ..SessionConfig::live(Chain::new())
    };
    tell_the_fewest([made_in(&sim, start(&sim, config), fault)].into_iter());
}

#[test]
#[ignore = "makes a fault: run by a test below"]
fn makes_a_fault_in_the_callers_own_callback() {
    let Some(fault) = faults::asked() else { return };
    let sim = Sim::new(1);
    sim.plug(SimDevice::new("speaker", 0, 2)).unwrap();
    let callback = Box::new(|_: &mut [f32], _: &_| {
        faults::here();
        Flow::Continue
    });
    let config = SessionConfig {
        input: None,
        source: Source::Own {
            callback,
            channels: 2,
        },
        ..SessionConfig::live(Chain::new())
    };
    tell_the_fewest([made_in(&sim, start(&sim, config), fault)].into_iter());
}

fn every_fault_is_reported(place: &str, child: &str) {
    if !SANITIZED && let Err(error) = system_calls::watch() {
        println!("skipped: {error}");
        return;
    }
    faults::every_fault_is_reported(place, child, SANITIZED).unwrap();
}

#[test]
fn every_fault_in_any_node_is_reported() {
    every_fault_is_reported("process of every node", "makes_a_fault_in_every_node");
}

#[test]
fn every_fault_in_the_capture_callback_is_reported() {
    every_fault_is_reported(
        "the capture callback",
        "makes_a_fault_in_the_capture_callback",
    );
}

#[test]
fn every_fault_in_the_callers_own_callback_is_reported() {
    every_fault_is_reported(
        "the caller's own callback",
        "makes_a_fault_in_the_callers_own_callback",
    );
}
