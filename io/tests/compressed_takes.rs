//! Takes in FLAC and Ogg: true at every checkpoint, readable after a cut, closed as other programs
//! expect it. `flac`, libsndfile's and FFmpeg's programs judge; they must be installed.

use std::fs;

use ossicle_io::file::{AudioFile, AudioWriter, Bext, FileKind, Label, Overwrite, Tags, WavSpec};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

#[path = "compressed_takes/cut.rs"]
mod cut;
#[path = "compressed_takes/damage.rs"]
mod damage;
#[path = "compressed_takes/faulty.rs"]
mod faulty;
#[path = "compressed_takes/judges.rs"]
mod judges;
#[path = "compressed_takes/refused.rs"]
mod refused;

use faulty::Faulty;
use judges::{I16, I24, frames_by_ffmpeg, frames_by_libsndfile, read_all, run, signal, spec};

#[test]
fn flac_takes_hold_the_very_samples() {
    let directory = TempDir::new().expect("a directory");
    for (rate, channels, format, frames) in [
        (48_000, 2, I24, 30_001),
        (44_100, 1, I16, 20_000),
        (8_000, 8, I16, 9_000),
        (192_000, 3, I24, 20_000),
        (655_340, 1, I24, 4_096),
        (11_025, 2, I24, 1),
        (1, 2, I16, 40),
    ] {
        let spec = spec(rate, channels, format);
        let path = directory.path().join(format!("{rate}-{channels}.flac"));
        let samples = signal(spec, frames);
        let mut take =
            AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Never).expect("a file");
        for piece in samples.chunks(777 * channels) {
            take.write(piece).expect("room");
        }
        assert_eq!(take.finish().expect("room"), frames as u64);
        assert!(read_all(&path) == samples, "{rate} Hz: other samples");
        let info = AudioFile::open(&path).expect("just read").info().clone();
        assert_eq!(info.frames, Some(frames as u64));
        assert_eq!((info.sample_rate_hz, info.channels), (rate, channels));
        assert_eq!(info.bits, Some(format.bits()));
        // It decodes all and compares the sum in the header.
        let (good, text) = run("flac", &["-t", "-w"], &path);
        assert!(good, "{rate} Hz: {text}");
        assert_eq!(frames_by_libsndfile(&path, channels), frames as u64);
        assert_eq!(frames_by_ffmpeg(&path, channels), frames as u64);
    }
}

#[test]
fn ogg_takes_hold_all_frames_and_about_the_sound() {
    let directory = TempDir::new().expect("a directory");
    for (rate, channels, frames) in [(48_000, 2, 50_001), (8_000, 1, 9_000), (96_000, 5, 20_000)] {
        let spec = spec(rate, channels, SampleFormat::F32);
        let path = directory.path().join(format!("{rate}-{channels}.ogg"));
        let samples: Vec<f32> = (0..frames * channels)
            .map(|index| (0.05 * (index / channels) as f32).sin() * 0.5)
            .collect();
        let mut take =
            AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Never).expect("a file");
        for piece in samples.chunks(777 * channels) {
            take.write(piece).expect("room");
        }
        assert_eq!(take.finish().expect("room"), frames as u64);
        let got = read_all(&path);
        assert_eq!(got.len(), samples.len(), "{rate} Hz");
        let power = |values: &mut dyn Iterator<Item = f32>| -> f64 {
            values.map(|value| f64::from(value * value)).sum()
        };
        let noise = power(&mut got.iter().zip(&samples).map(|(a, b)| a - b));
        let level_db = 10.0 * (power(&mut samples.iter().copied()) / noise).log10();
        assert!(level_db > 20.0, "{rate} Hz: {level_db} dB above its error");
        assert_eq!(frames_by_libsndfile(&path, channels), frames as u64);
        assert_eq!(frames_by_ffmpeg(&path, channels), frames as u64);
    }
}

#[test]
fn what_a_format_cannot_hold_is_an_error_that_says_what_it_can() {
    let directory = TempDir::new().expect("a directory");
    let message = |name: &str, spec: WavSpec| {
        let path = directory.path().join(name);
        let made = AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Never);
        assert!(!path.exists());
        made.expect_err("cannot be held").to_string()
    };
    let good = spec(48_000, 2, I24);
    for (name, spec, expected) in [
        (
            "a.flac",
            spec(48_000, 2, SampleFormat::F32),
            "FLAC cannot hold f32 samples (i16, i24)",
        ),
        (
            "a.flac",
            spec(48_000, 9, I24),
            "9 channels cannot be written (1 to 8)",
        ),
        (
            "a.flac",
            spec(700_000, 2, I24),
            "sample rate 700000 Hz cannot be written (1 to 655340)",
        ),
        (
            "a.ogg",
            spec(48_000, 256, I24),
            "256 channels cannot be written (1 to 255)",
        ),
        (
            "a.ogg",
            spec(384_000, 2, I24),
            "sample rate 384000 Hz cannot be written (1 to 200000)",
        ),
        (
            "a.mp3",
            good,
            "extension \"mp3\" is no format to write (wav, flac, ogg)",
        ),
        (
            "a",
            good,
            "extension \"\" is no format to write (wav, flac, ogg)",
        ),
    ] {
        assert_eq!(message(name, spec), expected);
    }
    let odd = message("a.flac", spec(65_537, 2, I24));
    assert!(odd.starts_with("FLAC at 65537 Hz"), "{odd}");
}

#[test]
fn flac_has_the_labels_as_chapters_and_the_tags_as_comments() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("take.flac");
    let spec = spec(48_000, 1, I16);
    let tags = Tags {
        bext: Some(Bext {
            description: "rehearsal".to_owned(),
            time_reference_frames: 4_800_000,
            ..Bext::default()
        }),
        ..Tags::default()
    };
    let mut take = AudioWriter::create(&path, spec, &tags, Overwrite::Never).expect("a file");
    take.write(&signal(spec, 96_000)).expect("room");
    for (position, text) in [(72_012, "second"), (24_000, "first")] {
        take.label(Label {
            position,
            frames: 0,
            text: text.to_owned(),
        });
    }
    take.finish().expect("room");
    let (_, text) = run(
        "ffprobe",
        &["-v", "error", "-show_format", "-show_chapters"],
        &path,
    );
    for line in [
        "TAG:comment=rehearsal",
        "TAG:TIME_REFERENCE=4800000",
        "start_time=0.500000",
        "start_time=1.500000",
        "TAG:title=first",
        "TAG:title=second",
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }
    assert!(run("flac", &["-t", "-w"], &path).0);
}

#[test]
fn more_labels_than_there_is_room_for_leave_the_file_good() {
    let disk = Faulty::default();
    let spec = spec(48_000, 1, I16);
    let samples = signal(spec, 10_000);
    let mut take = AudioWriter::on(
        Box::new(disk.clone()),
        FileKind::Flac,
        spec,
        &Tags::default(),
    )
    .expect("room");
    take.write(&samples).expect("room");
    for position in 0..1000 {
        take.label(Label {
            position,
            frames: 0,
            text: "a label".to_owned(),
        });
    }
    let left_out = take.labels_left_out();
    take.finish().expect("room");
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("take.flac");
    fs::write(&path, disk.with(|disk| disk.bytes.clone())).expect("written");
    assert!(read_all(&path) == samples);
    assert!(run("flac", &["-t", "-w"], &path).0);
    let (_, text) = run("ffprobe", &["-v", "error", "-show_chapters"], &path);
    let held = text.matches("TAG:title=a label").count();
    assert!(
        held > 100 && held + left_out == 1000,
        "{held} and {left_out}"
    );
}
