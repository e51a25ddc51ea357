//! `ossicle measure`.

use crate::call::ossicle;
use crate::sound::text;

const KINDS: [&str; 6] = ["response", "thd", "dynamics", "ceiling", "latency", "noise"];

/// What keeps a measurement short where it would take long.
fn short(kind: &str) -> &'static [&'static str] {
    match kind {
        "ceiling" => &["--seconds", "0.02"],
        "dynamics" => &["--hold", "0.1"],
        _ => &[],
    }
}

#[test]
fn a_gain_is_measured_as_what_it_is() {
    let measured = |kind: &str| {
        let arguments = [
            "measure",
            kind,
            "--fx",
            "gain:gain=-6dB",
            "--channels",
            "1",
            "--json",
        ];
        ossicle(&[&arguments[..], short(kind)].concat()).json()
    };
    let close = |value: &serde_json::Value, want: f64, within: f64| {
        let got = value
            .as_f64()
            .unwrap_or_else(|| panic!("{value} is no number"));
        assert!((got - want).abs() <= within, "{got}, not {want}");
    };
    let response = measured("response");
    let (gains, frequencies) = (
        &response["channels"][0]["gain_db"],
        &response["frequencies_hz"],
    );
    assert_eq!(
        gains.as_array().unwrap().len(),
        frequencies.as_array().unwrap().len()
    );
    close(&frequencies[0], 20.0, 1e-9);
    gains
        .as_array()
        .unwrap()
        .iter()
        .for_each(|gain| close(gain, -6.0, 1e-5));
    let thd = measured("thd");
    close(&thd["level_dbfs"], -12.0, 1e-5);
    assert!(thd["thd_db"].as_f64().unwrap() < -140.0, "{thd}");
    let dynamics = measured("dynamics");
    for point in dynamics["curve"].as_array().unwrap() {
        close(
            &point["out_dbfs"],
            point["in_dbfs"].as_f64().unwrap() - 6.0,
            1e-4,
        );
    }
    assert!(dynamics["attack_ms"].is_null() && dynamics["release_ms"].is_null());
    let ceiling = measured("ceiling");
    let signals = ceiling["signals"].as_array().unwrap();
    let tone = signals
        .iter()
        .find(|signal| signal["signal"] == "tone, 997 Hz")
        .unwrap();
    // 6 dB over a ceiling of -1 dBFS, and 6 dB less.
    close(&tone["sample_peak_dbfs"], -1.0, 0.02);
    let latency = measured("latency");
    assert_eq!(
        (&latency["latency_frames"], &latency["first_frames"]),
        (&0.into(), &0.into())
    );
    assert_eq!(
        (&latency["latency_is_true"], &latency["tail_is_true"]),
        (&true.into(), &true.into())
    );
    let noise = measured("noise");
    assert!(noise["silence_dbfs"].is_null(), "{noise}");
    close(&noise["tone_dbfs"], -26.0, 1e-5);
}

#[test]
fn every_measurement_is_told_in_words_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let png = folder.path().join(format!("{kind}.png"));
        let fx = "delay:time=5ms,feedback=0%,mix=30%";
        let arguments = ["measure", kind, "--fx", fx, "--png", text(&png)];
        let ran = ossicle(&[&arguments[..], short(kind)].concat());
        ran.done();
        assert!(
            ran.stdout.lines().count() >= 3 && ran.stderr.is_empty(),
            "{kind}: {ran:?}"
        );
        let bytes = std::fs::read(&png).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        // A curve has the first colour of the plot.
        let blue = pixels
            .chunks(3)
            .filter(|pixel| *pixel == [40, 90, 190])
            .count();
        assert!(blue > 60, "{kind}: {blue} pixels of a curve");
    }
}

#[test]
fn what_cannot_be_measured_is_refused() {
    for (arguments, exit, told) in [
        (&["response"][..], 1, "--fx"),
        (&["respons", "--fx", "gain"], 1, "respons"),
        (&["thd", "--fx", "gian"], 1, "nearest is gain"),
        (
            &["thd", "--fx", "gain", "--freq", "30000"],
            1,
            "1 to 23520 Hz",
        ),
        (
            &["response", "--fx", "gain", "--from", "500", "--to", "400"],
            1,
            "--from",
        ),
        (
            &["dynamics", "--fx", "gain", "--from", "0", "--to", "-10"],
            1,
            "--to",
        ),
        (
            &["ceiling", "--fx", "gain", "--ceiling", "99"],
            1,
            "-60 to 20 dBFS",
        ),
        (&["latency", "--fx", "pan", "--channels", "3"], 1, "1 or 2"),
        (
            &["noise", "--fx", "gain", "--png", "no/such/folder/x.png"],
            2,
            "no/such/folder/x.png",
        ),
    ] {
        let ran = ossicle(&[&["measure"][..], arguments].concat());
        assert!(ran.failed(exit).contains(told), "{arguments:?}: {ran:?}");
    }
}
