//! Memory is there before sound runs: none is fetched page by page in `process`.
#![cfg(target_os = "linux")]

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::Spec;
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

/// Page faults of this thread so far that needed no disk.
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, numbers) = stat.rsplit_once(')').unwrap();
    numbers.split_whitespace().nth(7).unwrap().parse().unwrap()
}

#[test]
fn a_delay_line_is_in_memory_before_it_is_written() {
    const FRAMES: usize = 512;
    let mut settings = Settings::new(effect("delay").unwrap());
    settings.set_text("time", "10s").unwrap();
    let mut node = settings.create().unwrap();
    node.prepare(&Spec {
        sample_rate_hz: 48_000,
        max_block_frames: FRAMES,
        channels: 1,
    })
    .unwrap();
    let mut samples = vec![0.5; FRAMES];
    let mut since_reset = 0;
    let mut run = |blocks| {
        for _ in 0..blocks {
            node.process(&mut Block {
                planes: Planes::new(&mut samples, FRAMES, FRAMES),
                side_chain: None,
                since_reset,
            });
            since_reset += FRAMES as u64;
        }
    };
    // The program's own pages.
    run(2);
    let before = faults();
    // Ten seconds are 469 pages of 4 KiB.
    run(940);
    let fetched = faults() - before;
    assert!(fetched < 16, "{fetched} pages");
}
