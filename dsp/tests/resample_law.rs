//! The laws of the resampling kernel, measured from outside.

#[path = "battery/allocator.rs"]
mod allocator;

use std::f64::consts::TAU;

use ossicle_dsp::resample::{Head, History, Kernel, KernelError, Taps};

fn equal(taps: Taps) -> Kernel {
    Kernel::new(taps, 48_000, 48_000).unwrap()
}

/// Noise of full scale, no two seeds alike.
fn noise(samples: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.cast_signed() as f32 / 2_147_483_648.0
    };
    (0..samples).map(|_| next()).collect()
}

fn history(channels: usize, interleaved: &[f32]) -> History {
    let mut history = History::new(channels, interleaved.len() / channels);
    history.write(interleaved);
    history
}

fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

#[test]
fn whole_positions_give_the_input_bit_for_bit() {
    // Zeros of both signs, subnormal numbers, infinities and NaN among them.
    let mut input: Vec<f32> = (0..1000_u32)
        .map(|n| f32::from_bits(n.wrapping_mul(2_654_435_761)))
        .collect();
    input[500] = -0.0;
    for taps in Taps::ALL {
        let kernel = equal(taps);
        let history = history(2, &input);
        let before = kernel.frames_before();
        let mut head = Head::at(before as u64);
        let mut out = [0.0; 2 * 256];
        assert_eq!(kernel.read(&history, &mut head, 1.0, 1.0, &mut out), 256);
        assert_eq!(bits(&out), bits(&input[2 * before..][..512]), "{taps:?}");
        assert_eq!(head, Head::at(before as u64 + 256));
    }
}

#[test]
fn silence_is_exact() {
    let kernel = equal(Taps::Taps64);
    let mut history = history(1, &noise(1000, 1));
    history.write_silence(500);
    let mut head = Head {
        index: 1000 + kernel.frames_before() as u64,
        fraction: 0.37,
    };
    let mut out = [1.0; 400];
    assert_eq!(
        kernel.read(&history, &mut head, 1.0005, 0.9995, &mut out),
        400
    );
    assert!(out.iter().all(|sample| sample.to_bits() == 0));
}

#[test]
fn a_constant_stays_what_it_is_at_every_place() {
    for (input_hz, output_hz) in [(48_000, 48_000), (44_100, 48_000), (96_000, 44_100)] {
        let kernel = Kernel::new(Taps::Taps64, input_hz, output_hz).unwrap();
        let history = history(1, &[1.0; 1500]);
        let mut head = Head::at(kernel.frames_before() as u64);
        let mut out = [0.0; 4096];
        // A step that visits all rows and the places between them.
        let made = kernel.read(&history, &mut head, 0.270_123, 0.270_123, &mut out);
        assert!(made > 4000, "{made}");
        for sample in &out[..made] {
            // 48 and more coefficients of 2^-25 relative error, one rounding of the sum.
            assert!((sample - 1.0).abs() <= 2.4e-7, "{sample:e}");
        }
    }
}

#[test]
fn a_ramp_of_the_step_is_where_its_closed_form_says() {
    // At 9 kHz an error of 1e-6 frame is one of 1.2e-6; single precision makes 3e-7.
    let kernel = equal(Taps::Taps128);
    let cycles = 9_000.0 / 48_000.0;
    let sine = |at: f64| (TAU * cycles * at).sin();
    let input: Vec<f32> = (0..4400).map(|n| sine(f64::from(n)) as f32).collect();
    let history = history(1, &input);
    for (from, to) in [(1.0005, 0.9995), (0.97, 1.04), (1.0, 1.000_001)] {
        let start = Head {
            index: 63,
            fraction: 0.123_456_789,
        };
        let mut head = start;
        let mut out = vec![0.0; 4096];
        let frames = out.len() as f64;
        let made = kernel.read(&history, &mut head, from, to, &mut out);
        assert_eq!(made, out.len());
        let position = |k: f64| {
            let ramped = k * from + k * (k - 1.0) / 2.0 * (to - from) / frames;
            start.index as f64 + start.fraction + ramped
        };
        for (k, &sample) in out.iter().enumerate() {
            let error = f64::from(sample) - sine(position(k as f64));
            assert!(error.abs() < 1.2e-6, "frame {k} is wrong by {error:e}");
        }
        let end = head.index as f64 + head.fraction;
        let error = end - position(frames);
        assert!(error.abs() < 1e-9, "the head is wrong by {error:e} frame");
        assert!((0.0..1.0).contains(&head.fraction));
    }
}

#[test]
fn a_constant_step_does_not_tell_how_reads_were_cut() {
    let kernel = equal(Taps::Taps48);
    let history = history(2, &noise(2 * 3000, 7));
    let start = Head {
        index: 100,
        fraction: 0.1,
    };
    let step = 1.000_37;
    let mut whole = vec![0.0; 2 * 2500];
    let mut head = start;
    assert_eq!(
        kernel.read(&history, &mut head, step, step, &mut whole),
        2500
    );
    let mut cut = vec![0.0; 2 * 2500];
    let mut rest = cut.as_mut_slice();
    let mut piece_head = start;
    for frames in [1, 2, 3, 64, 479, 480, 1].into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at_mut((2 * frames).min(rest.len()));
        let made = kernel.read(&history, &mut piece_head, step, step, now);
        assert_eq!(made, now.len() / 2);
        rest = later;
    }
    assert_eq!(bits(&whole), bits(&cut));
    assert_eq!(head, piece_head);
}

#[test]
fn a_channel_does_not_tell_how_many_there_are() {
    let kernel = equal(Taps::Taps32);
    for channels in [2, 8, 19] {
        let input = noise(channels * 300, 11);
        let many = history(channels, &input);
        let start = Head {
            index: 15,
            fraction: 0.7,
        };
        let mut out = vec![0.0; channels * 200];
        let made = kernel.read(&many, &mut start.clone(), 1.002, 0.998, &mut out);
        assert_eq!(made, 200);
        for channel in 0..channels {
            let of = |all: &[f32]| -> Vec<f32> {
                all.iter()
                    .skip(channel)
                    .step_by(channels)
                    .copied()
                    .collect()
            };
            let alone = history(1, &of(&input));
            let mut single = [0.0; 200];
            kernel.read(&alone, &mut start.clone(), 1.002, 0.998, &mut single);
            assert_eq!(bits(&single), bits(&of(&out)), "{channel} of {channels}");
        }
    }
}

#[test]
fn what_is_not_finite_spoils_only_what_covers_it() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let kernel = equal(Taps::Taps64);
        let mut input = noise(400, 3);
        input[200] = value;
        let history = history(1, &input);
        let start = 40.25;
        let mut head = Head {
            index: 40,
            fraction: 0.25,
        };
        let mut out = vec![0.0; 300];
        assert_eq!(kernel.read(&history, &mut head, 1.0, 1.0, &mut out), 300);
        for (k, sample) in out.iter().enumerate() {
            let far = (start + k as f64 - 200.0).abs() > 32.0;
            assert_eq!(sample.is_finite(), far, "frame {k}: {sample}");
        }
    }
}

#[test]
fn a_block_needs_the_frames_it_says_and_no_more() {
    for (input_hz, output_hz) in [(48_000, 48_000), (44_100, 48_000), (192_000, 44_100)] {
        let kernel = Kernel::new(Taps::Taps64, input_hz, output_hz).unwrap();
        let step = kernel.nominal_step();
        let mut start = Head {
            index: 1_000_000,
            fraction: 0.999,
        };
        for frames in [1, 2, 63, 480] {
            start.fraction *= 0.7;
            let (from, to) = (step * 0.9993, step * 1.001);
            let needed = kernel.frames_needed(&start, from, to, frames);
            for missing in [0, 1] {
                let mut history = History::new(1, 8192);
                history.restart_at(start.index - kernel.frames_before() as u64);
                history.write_silence(kernel.frames_before() as u64 + needed - missing);
                let mut head = start;
                let mut out = vec![1.0; frames];
                let made = kernel.read(&history, &mut head, from, to, &mut out);
                if missing == 0 {
                    assert_eq!(made, frames);
                } else {
                    assert!(
                        made < frames,
                        "{frames} frames made without the last of input"
                    );
                    assert!(out[made..].iter().all(|&sample| sample == 1.0));
                    // Where it stopped it goes on.
                    history.write(&[0.0; 64]);
                    let rest = kernel.read(&history, &mut head, to, to, &mut out[made..]);
                    assert_eq!(rest, frames - made);
                }
            }
        }
        assert_eq!(kernel.frames_needed(&start, step, step, 0), 0);
    }
}

#[test]
fn nothing_is_made_before_the_oldest_frame_or_behind_the_last() {
    let kernel = equal(Taps::Taps32);
    let mut history = History::new(1, 256);
    history.restart_at(5000);
    assert!(kernel.readable(&history).is_empty());
    history.write(&noise(100, 5));
    assert_eq!(kernel.readable(&history), 5015..5084);
    let mut out = [7.0; 4];
    for index in [0, 5014, 5084, 9000, u64::MAX] {
        let mut head = Head::at(index);
        assert_eq!(kernel.read(&history, &mut head, 1.0, 1.0, &mut out), 0);
        assert_eq!((head, out), (Head::at(index), [7.0; 4]));
    }
    for (index, frames) in [(5015, 4), (5081, 3), (5083, 1)] {
        let mut head = Head::at(index);
        assert_eq!(kernel.read(&history, &mut head, 1.0, 1.0, &mut out), frames);
    }
}

#[test]
fn steps_out_of_range_neither_panic_nor_go_back() {
    let kernel = equal(Taps::Taps32);
    let history = history(1, &noise(64 * 128 + 256, 9));
    for step in [-1.0, f64::NAN, 0.0, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let mut head = Head {
            index: 100,
            fraction: 0.5,
        };
        let mut out = [0.0; 64];
        let made = kernel.read(&history, &mut head, step, 1.0, &mut out);
        assert_eq!(made, 64, "step {step}");
        assert!(head.index >= 100 && head.index <= 100 + 64 * 128);
    }
}

#[test]
fn running_allocates_and_frees_nothing() {
    let kernel = Kernel::new(Taps::Taps128, 192_000, 44_100).unwrap();
    let mut history = History::new(3, 4096);
    let input = noise(3 * 3000, 13);
    let mut out = vec![0.0; 3 * 256];
    let mut head = Head::at(kernel.frames_before() as u64);
    let step = kernel.nominal_step();
    let calls = allocator::calls(|| {
        history.write(&input);
        history.write_silence(100);
        std::hint::black_box(kernel.frames_needed(&head, step, step, 256));
        assert_eq!(kernel.read(&history, &mut head, step, step, &mut out), 256);
        history.restart_at(9);
    });
    assert_eq!(calls, 0);
}

#[test]
fn what_is_not_offered_is_refused_by_name() {
    assert_eq!(
        Taps::try_from(65),
        Err(KernelError::TapsUnsupported { asked: 65 })
    );
    let slow = Kernel::new(Taps::Taps32, 48_000, 7_999).unwrap_err();
    assert_eq!(
        slow.to_string(),
        "7999 Hz is not resampled (allowed: 8000 to 768000 Hz)"
    );
    assert!(Kernel::new(Taps::Taps32, 768_001, 48_000).is_err());
}
