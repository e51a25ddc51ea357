//! `ossicle bench`.

use crate::call::ossicle;

#[test]
fn a_chain_costs_time_and_the_figures_agree() {
    let fx = "gain:gain=-6dB | envelope_limiter:delay_samples=41";
    let json = ossicle(&[
        "bench",
        "--fx",
        fx,
        "--block",
        "32",
        "--channels",
        "1",
        "--json",
    ])
    .json();
    let number = |key: &str| {
        json[key]
            .as_f64()
            .unwrap_or_else(|| panic!("{key}: {json}"))
    };
    assert!(number("ns_min") > 0.0 && number("ns_min") <= number("ns_median"));
    assert!(number("ns_median") <= number("ns_worst_block"));
    // One channel at 48 kHz: 48 000 samples a second.
    let load = number("ns_median") * 48_000.0 / 1e9 * 100.0;
    assert!((number("load_percent") / load - 1.0).abs() < 1e-9, "{json}");
    assert_eq!(json["block_frames"], 32);
    assert_eq!(json["channels"], 1);
    assert_eq!(json["sample_rate_hz"], 48_000);
    assert_eq!(json["latency_frames"], 40);
    assert_eq!(json["chain"], fx);
}

#[test]
fn the_figures_are_told_in_words() {
    let ran = ossicle(&["bench", "-q", "--rate", "96000"]);
    ran.done();
    assert!(
        ran.stdout
            .starts_with("ns per sample and channel, 96000 Hz, 2 channels"),
        "{ran:?}"
    );
    assert_eq!(ran.stdout.lines().count(), 4);
    assert_eq!(ran.stderr, "");
}

#[test]
fn what_cannot_be_run_is_refused() {
    for (arguments, told) in [
        (&["--fx", "gian"][..], "gian"),
        (&["--fx", "pan", "--channels", "3"], "1 or 2"),
        (&["--block", "0"], "--block"),
        (&["--channels", "0"], "--channels"),
        (&["--rate", "10"], "--rate"),
    ] {
        let ran = ossicle(&[&["bench"][..], arguments].concat());
        assert!(ran.failed(1).contains(told), "{arguments:?}: {ran:?}");
    }
}
