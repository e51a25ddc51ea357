use core::time::Duration;

use ossicle_dsp::clock::ClockEstimator;
use ossicle_io::device::StreamRequest;
use ossicle_io::device::sim::{Lateness, Sim, SimDevice};
use ossicle_io::ring::touched;

use super::edge;

const RATE: f64 = 48_000.0;
/// Runs of each kind of lateness, and seconds of a part.
const RUNS: u64 = 10;
const PART_S: f64 = 4.0;

const UNIFORM_50_US: &[Lateness] = &[Lateness::Uniform { max_ns: 50_000 }];
const UNIFORM_500_US: &[Lateness] = &[Lateness::Uniform { max_ns: 500_000 }];
const UNIFORM_2_MS: &[Lateness] = &[Lateness::Uniform { max_ns: 2_000_000 }];
const EXPONENTIAL: &[Lateness] = &[Lateness::Exponential { mean_ns: 100_000 }];
const HEAVY_TAIL: &[Lateness] = &[Lateness::HeavyTail {
    max_ns: 500_000,
    probability: 0.05,
    from_ns: 2_000_000,
    until_ns: 30_000_000,
}];
const FLOOR_JUMPS: &[Lateness] = &[
    Lateness::Uniform { max_ns: 200_000 },
    Lateness::Floor {
        by_ns: 300_000,
        mean_ns: 2_000_000_000,
    },
];

/// When a simulated device called in so many seconds.
fn calls(seed: u64, ppm: f64, lateness: &[Lateness], seconds: f64) -> Vec<(u64, u64)> {
    let sim = Sim::new(seed);
    let device = SimDevice {
        rate_error_ppm: ppm,
        lateness: lateness.to_vec(),
        forgets: true,
        ..SimDevice::new("card", 1, 0)
    };
    sim.plug(device).unwrap();
    let request = StreamRequest {
        input: Some(Default::default()),
        ..StreamRequest::default()
    };
    let (mut told, mut waiting) = touched(1 << 13, || (0, 0));
    let pending = sim.open(&request).unwrap();
    let started = pending.start(Box::new(move |call| {
        let behind = call.position + call.frames as u64;
        told.push((behind, call.time_ns)).unwrap();
    }));
    let _stream = started.unwrap();
    sim.run_for(Duration::from_secs_f64(seconds));
    std::iter::from_fn(|| waiting.pop().ok()).collect()
}

/// Three stamps of so many calls are early by 0.4 to 1.2 ms.
fn with_early_stamps(mut calls: Vec<(u64, u64)>, seed: u64) -> Vec<(u64, u64)> {
    for (at, early_ns) in [(90, 400_000), (480, 800_000), (690, 1_200_000)] {
        let at = (at + 7 * seed as usize) % calls.len();
        calls[at].1 -= early_ns;
    }
    calls
}

fn rms(values: &[f64]) -> f64 {
    let squares = values.iter().map(|value| value * value);
    (squares.sum::<f64>() / values.len() as f64).sqrt()
}

/// Errors of the rate after a part of the time, in millionths, as the root of their mean square: by
/// the edge, and by what hears one call after the other.
fn errors_ppm(lateness: &[Lateness], are_early: bool) -> [f64; 2] {
    let (mut edges, mut heard) = (Vec::new(), Vec::new());
    for seed in 0..RUNS {
        let ppm = (seed as f64 * 97.0) % 400.0 - 200.0;
        let mut calls = calls(seed, ppm, lateness, PART_S);
        if are_early {
            calls = with_early_stamps(calls, seed);
        }
        edges.push(edge(&calls, RATE).error * 1e6 - ppm);
        let mut clock = ClockEstimator::new(RATE, None);
        for &(frame, time_ns) in &calls {
            clock.observe(frame, time_ns);
        }
        heard.push(clock.error() * 1e6 - ppm);
    }
    [edges, heard].map(|errors| rms(&errors))
}

/// Where lateness is one and the same all the time, the rate is known as well as that lateness allows:
/// n calls over T seconds, the lowest of which lie apart by d = J/n (uniform in 0..J) or mean/n
/// (exponential), tell the slope to about d sqrt(12)/T; the hull's edge is known to about twice that.
#[test]
fn even_lateness_leaves_what_it_cannot_but_leave() {
    let calls = PART_S * RATE / 256.0;
    for (name, lateness, width_us) in [
        ("none", &[][..], 0.0),
        ("uniform, 50 us", UNIFORM_50_US, 50.0),
        ("uniform, 500 us", UNIFORM_500_US, 500.0),
        ("uniform, 2 ms", UNIFORM_2_MS, 2000.0),
        ("exponential, 100 us", EXPONENTIAL, 100.0),
        ("heavy tail, 500 us", HEAVY_TAIL, 500.0),
    ] {
        let [edge, heard] = errors_ppm(lateness, false);
        let least = width_us / calls * 12f64.sqrt() / PART_S;
        println!("{name}: {edge:.3} ppm, one after the other {heard:.3}, law {least:.3}");
        assert!(edge < 2.5 * least + 0.002, "{name}: {edge} ppm of {least}");
    }
}

/// Once all calls are known, a few early stamps are no matter: the edge is known as well as without
/// them.
#[test]
fn early_stamps_cost_no_more_than_a_half() {
    for (name, lateness) in [
        ("uniform, 500 us", UNIFORM_500_US),
        ("uniform, 2 ms", UNIFORM_2_MS),
        ("exponential", EXPONENTIAL),
        ("heavy tail", HEAVY_TAIL),
        ("floor that jumps", FLOOR_JUMPS),
    ] {
        let [calm, _] = errors_ppm(lateness, false);
        let [edge, heard] = errors_ppm(lateness, true);
        println!("{name}: {edge:.3} ppm, without {calm:.3}, one after the other {heard:.3}");
        assert!(edge < 1.5 * calm, "{name}: {edge} ppm, without {calm}");
    }
}

/// Another floor for a stretch bends an estimate that has to decide at once.
#[test]
fn floors_that_jump_are_worth_a_fifth_of_what_they_are_online() {
    let [edge, heard] = errors_ppm(FLOOR_JUMPS, false);
    println!("{edge:.3} ppm, one after the other {heard:.3}");
    assert!(edge < heard / 5.0, "{edge} ppm, online {heard}");
}

/// How far the parts are from each other is how far they are from the truth: none is off by what all
/// are.
#[test]
fn parts_spread_as_much_as_they_err() {
    for (name, lateness) in [
        ("uniform, 500 us", UNIFORM_500_US),
        ("exponential, 100 us", EXPONENTIAL),
        ("heavy tail, 500 us", HEAVY_TAIL),
        ("floor that jumps", FLOOR_JUMPS),
    ] {
        let (mut errors, mut spreads) = (Vec::new(), Vec::new());
        for seed in 0..RUNS / 2 {
            let ppm = 60.0 * seed as f64 - 120.0;
            let calls = calls(100 + seed, ppm, lateness, 5.0 * PART_S);
            let parts = calls.chunks_exact(calls.len() / 5);
            let parts: Vec<f64> = parts.map(|part| edge(part, RATE).error * 1e6).collect();
            errors.extend(parts.iter().map(|part| part - ppm));
            spreads.push(super::super::drift::mean_and_deviation(&parts).1);
        }
        // Of 25 parts the root of the mean square strays by a seventh, and its tails are heavy.
        let ratio = rms(&spreads) / rms(&errors);
        println!("{name}: {:.3} ppm, {ratio:.2} of it told", rms(&errors));
        assert!((0.6..1.6).contains(&ratio), "{name}: {ratio}");
    }
}

#[test]
fn late_is_against_the_floor_of_the_time() {
    // Up to 30 us late, over a floor that is 1 ms higher in the second half.
    let period_ns = 256.0 / RATE * 1e9;
    let late_ns = |call: u64| 300 * (call * 7_919 % 100);
    let calls: Vec<(u64, u64)> = (0..800)
        .map(|call| {
            let floor_ns = if call < 400 { 0 } else { 1_000_000 };
            let time_ns = (call as f64 * period_ns) as u64 + floor_ns + late_ns(call);
            (256 * call, time_ns)
        })
        .collect();
    let edge = edge(&calls, RATE);
    // A step of lateness, 300 ns, over the length of a half, 2 s.
    assert!(edge.error.abs() < 0.15e-6, "{}", edge.error);
    // Whose the last calls before the jump are is known to a run of four.
    let sure = |call: &usize| call.abs_diff(400) > 4;
    for call in (0..calls.len()).filter(sure) {
        let off_ns = edge.late_ns[call] - late_ns(call as u64) as f64;
        assert!(off_ns.abs() < 600.0, "{call}: {off_ns}");
    }
}

#[test]
fn the_fewest_calls_tell_a_rate() {
    for count in 1..40 {
        let calls: Vec<(u64, u64)> = (0..count).map(|n| (48 * n, 1_000_100 * n)).collect();
        let error = edge(&calls, RATE).error;
        let expected = if count > 1 { -1e-4 } else { 0.0 };
        assert!((error - expected).abs() < 1e-7, "{count}: {error}");
    }
}
