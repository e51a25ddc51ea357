//! `ossicle spectrogram`.

use crate::call::ossicle;
use crate::sound::{folder_with_noise, text, write_f32};

/// Two seconds: 2 kHz on the left, from the second second on 10 kHz on the right, 20 dB less.
fn tones(path: &std::path::Path) {
    let sine = |frame: u32, hz: f64| {
        let turn = std::f64::consts::TAU * hz / 48_000.0;
        (0.5 * (turn * f64::from(frame)).sin()) as f32
    };
    let frame = |frame: u32| {
        let right = if frame < 48_000 {
            0.0
        } else {
            0.1 * sine(frame, 10_000.0)
        };
        [sine(frame, 2000.0), right]
    };
    let samples: Vec<f32> = (0..96_000).flat_map(frame).collect();
    write_f32(path, 48_000, 2, &samples);
}

/// The picture's pixels, three bytes each, and its width.
fn pixels(path: &std::path::Path) -> (Vec<u8>, usize) {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    (bytes, info.width as usize)
}

/// Brightness of a place of the map: share of the time, and of half the rate.
fn brightness((bytes, width): &(Vec<u8>, usize), time: f64, frequency: f64) -> u32 {
    // The map begins 80 pixels from the left and 44 from the top, and is 1200 by 512.
    let (x, y) = (
        80 + (time * 1200.0) as usize,
        44 + 511 - (frequency * 512.0) as usize,
    );
    let at = (y * width + x) * 3;
    bytes[at..at + 3].iter().map(|&byte| u32::from(byte)).sum()
}

#[test]
fn tones_are_drawn_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.wav"), folder.path().join("out.png"));
    tones(&input);
    let json = ossicle(&["spectrogram", text(&input), text(&output), "--json"]).json();
    assert_eq!(
        (&json["frames"], &json["channels"]),
        (&96_000.into(), &2.into())
    );
    let peak = |key: &str| json[key].as_f64().unwrap();
    // A bin is 11.7 Hz wide.
    assert!((peak("peak_hz") - 2000.0).abs() < 12.0, "{json}");
    assert!((peak("peak_db") + 6.02).abs() < 0.9, "{json}");
    let picture = pixels(&output);
    let at = |time, hz: f64| brightness(&picture, time, hz / 24_000.0);
    assert!(at(0.25, 2000.0) > 500, "{}", at(0.25, 2000.0));
    assert!(at(0.75, 2000.0) > 500 && at(0.75, 10_000.0) > 400);
    assert_eq!((at(0.25, 10_000.0), at(0.75, 15_000.0)), (0, 0));
    // The other channel alone.
    ossicle(&["spectrogram", text(&input), text(&output), "--channel", "2"]).done();
    let picture = pixels(&output);
    assert_eq!(brightness(&picture, 0.75, 2000.0 / 24_000.0), 0);
    assert!(brightness(&picture, 0.75, 10_000.0 / 24_000.0) > 400);
    // The second second alone, along octaves.
    let part = ["--seek", "1s", "--for", "500ms", "--log"];
    let arguments = [
        &["spectrogram", text(&input), text(&output)][..],
        &part,
        &["--json"],
    ]
    .concat();
    let json = ossicle(&arguments).json();
    assert_eq!(json["frames"], 24_000);
    let octaves = (10_000.0f64 / 20.0).log2() / (24_000.0f64 / 20.0).log2();
    assert!(brightness(&pixels(&output), 0.5, octaves) > 400);
}

#[test]
fn a_very_short_file_is_drawn_too() {
    let (folder, noise, _) = folder_with_noise(1, 10);
    let output = folder.path().join("out.png");
    ossicle(&["spectrogram", text(&noise), text(&output)]).done();
    assert!(output.exists());
}

#[test]
fn what_cannot_be_drawn_is_told() {
    let (folder, noise, _) = folder_with_noise(1, 4800);
    let output = folder.path().join("out.png");
    let fails = |more: &[&str], exit: i32| {
        let arguments = ["spectrogram", text(&noise), text(&output)];
        ossicle(&[&arguments[..], more].concat())
            .failed(exit)
            .to_string()
    };
    assert!(fails(&["--channel", "2"], 1).contains("has channels 1 to 1"));
    assert!(fails(&["--for", "0s"], 1).contains("nothing to draw"));
    assert!(fails(&["--range", "5"], 1).contains("10..=200"));
    assert!(fails(&["--seek", "1:00"], 2).contains("2880000"));
    assert!(!output.exists());
    let before = std::fs::read(&noise).unwrap();
    let ran = ossicle(&["spectrogram", text(&noise), text(&noise)]);
    assert!(ran.failed(2).contains("same file"), "{ran:?}");
    assert_eq!(std::fs::read(&noise).unwrap(), before);
    let nowhere = folder.path().join("no/out.png");
    let ran = ossicle(&["spectrogram", text(&noise), text(&nowhere)]);
    assert!(ran.failed(2).contains("out.png: "), "{ran:?}");
    assert!(
        ossicle(&["spectrogram", "nowhere.wav", text(&output)])
            .failed(2)
            .starts_with("nowhere.wav: ")
    );
}
