//! Jumps of a bridge's reader.

use ossicle_dsp::clock::Learned;
use ossicle_dsp::resample::Taps;
use ossicle_io::ring::Cause;

use super::super::{BridgeSpec, bridge};
use super::*;

const PERIOD: usize = 64;
const STEP: f64 = 0.00654;
/// Two clocks that are known from a moment ago.
const KNOWN: BridgeSpec = BridgeSpec {
    channels: 1,
    from_hz: 48_000,
    to_hz: 48_000,
    from_period: PERIOD,
    to_period: PERIOD,
    one_clock: false,
    late_ns: 0,
    learned: Some(Learned {
        from_error: 0.0,
        to_error: 0.0,
        margin_frames: 500.0,
    }),
    is_back: true,
};

#[test]
fn jumps_that_are_near_become_one_and_it_ends_where_the_last_went() {
    let spec = BridgeSpec {
        one_clock: true,
        learned: None,
        is_back: false,
        ..KNOWN
    };
    let kernel = Kernel::new(Taps::Taps64, 48_000, 48_000).unwrap();
    let (mut writer, mut reader) = bridge(&spec, Arc::new(kernel));
    let (mut written, mut heard) = (0_usize, Vec::new());
    let tone = |frame: usize| (STEP * frame as f64).sin() as f32;
    for call in 0..200 {
        // Three times five blocks come at once: what a reader is behind then is too much.
        let blocks = if [100, 102, 104].contains(&call) {
            5
        } else {
            1
        };
        for _ in 0..blocks {
            let block: Vec<f32> = (written..written + PERIOD).map(tone).collect();
            writer.write(&block);
            written += PERIOD;
            writer.mark(PERIOD, 0, 0);
        }
        let mut out = [0.0; PERIOD];
        reader.begin(0, 0, PERIOD);
        let missing = reader.read(&mut out, &mut []);
        assert!(call < 3 || missing == 0, "call {call}");
        heard.extend(out);
    }
    assert_eq!(reader.stats().jumps(), 2);
    let off = heard
        .windows(3)
        .enumerate()
        .skip(1_000)
        .filter(|(_, three)| {
            let [a, b, c] = [0, 1, 2].map(|number| f64::from(three[number]));
            (c - 2.0 * STEP.cos() * b + a).abs() > 1e-6
        });
    let off: Vec<usize> = off.map(|(frame, _)| frame).collect();
    let apart = off.windows(2).filter(|pair| pair[1] - pair[0] > 24);
    let ends: Vec<usize> = apart.flat_map(|pair| [pair[0], pair[1]]).collect();
    let [first_end, second] = ends[..] else {
        panic!("no two fades: {ends:?}")
    };
    let (first, second_end) = (off[0], off[off.len() - 1]);
    assert!(
        first_end - first < 200 && second_end - second < 200,
        "{off:?}"
    );
    assert_eq!(heard[199 * PERIOD], tone(written - 2 * PERIOD));
}

#[test]
fn sound_behind_a_loss_at_the_very_beginning_fades_in() {
    let kernel = Kernel::new(Taps::Taps64, 48_000, 48_000).unwrap();
    let (mut writer, mut reader) = bridge(&KNOWN, Arc::new(kernel));
    let mut heard = Vec::new();
    for call in 0..100 {
        let time_ns = (call + 10) * PERIOD as u64 * 1_000_000_000 / 48_000;
        if call == 0 {
            writer.lose(300, Cause::Xrun);
        }
        writer.write(&[0.4; PERIOD]);
        writer.mark(PERIOD, time_ns, 0);
        let mut out = [0.0; PERIOD];
        reader.begin((call + 1) * PERIOD as u64, time_ns + 100_000, PERIOD);
        reader.read(&mut out, &mut []);
        heard.extend(out);
    }
    assert_eq!(heard.last(), Some(&0.4));
    let steps = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    let most = steps.fold(0.0, f32::max);
    // A raised cosine over 192 frames steps by pi / 2 / 192 at most.
    assert!(most < 0.4 * 0.0083, "{most}");
}
