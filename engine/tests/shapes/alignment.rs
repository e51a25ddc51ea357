//! All paths arrive on one frame, and the latency is told to the frame.

use ossicle::chain::{Chain, Link, NodeLink};
use ossicle::io::realtime;

use xtask::bar;

use crate::chains::{Random, noise, random_chain, run, start};
use crate::nodes::Late;

/// Chains drawn; `OSSICLE_SHAPES` sets another number.
fn count() -> usize {
    let asked = std::env::var("OSSICLE_SHAPES").ok();
    asked.map_or(1000, |text| text.parse().unwrap())
}

#[test]
fn an_impulse_arrives_on_one_frame_through_every_path() {
    let before = realtime::violations();
    let mut nodes = 0;
    for seed in 0..count() as u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
        let chain = random_chain(&mut random, 200);
        nodes += chain.nodes().len();
        let budget = [0, 0, 3000][random.below(3)];
        let (controller, mut processor) = start(chain, budget);
        let latency = processor.latency_frames();
        assert_eq!(controller.latency_frames(), latency, "seed {seed}");
        assert!(latency >= budget, "seed {seed}");
        let mut input = vec![0.0; latency as usize + 300];
        input[10] = 1.0;
        let output = run(&mut processor, &input, 1 + random.below(200));
        let heard: Vec<usize> = (0..output.len()).filter(|&at| output[at] != 0.0).collect();
        // A chain may be silent: every path behind a share of 0.
        let expected = [10 + latency as usize];
        assert!(
            heard == expected || heard.is_empty(),
            "seed {seed}: {heard:?}, {expected:?}"
        );
    }
    let name = format!("random chains of {nodes} nodes, every path on its frame");
    bar::tell(&name, &count().to_string(), true);
    assert!(nodes > 2 * count(), "{nodes} nodes in {} chains", count());
    assert_eq!(realtime::violations(), before);
}

#[test]
fn a_share_of_what_passes_through_is_the_delayed_input_bit_for_bit() {
    let input = noise(5000);
    for wet in [0.0, 0.3, 0.77, 1.0] {
        let mut chain = Chain::new();
        let node = NodeLink {
            wet,
            ..Late::link(123).into()
        };
        chain.push(Link::Node(node)).unwrap();
        let (_controller, mut processor) = start(chain, 0);
        assert_eq!(processor.latency_frames(), 123);
        let output = run(&mut processor, &input, 77);
        assert_eq!(output[123..], input[..5000 - 123], "{wet}");
    }
}
