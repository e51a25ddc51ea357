//! Takes in FLAC and Ogg: true at every checkpoint, readable after a cut, closed as other programs
//! expect it. `flac`, libsndfile's and FFmpeg's programs judge; they must be installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use ossicle_io::file::{
    AudioFile, AudioWriter, Bext, FileError, FileKind, Label, Overwrite, Tags, WavSpec,
};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

#[path = "compressed_takes/faulty.rs"]
mod faulty;

use faulty::Faulty;

const I16: SampleFormat = SampleFormat::I16;
const I24: SampleFormat = SampleFormat::I24;

fn spec(sample_rate_hz: u32, channels: usize, format: SampleFormat) -> WavSpec {
    WavSpec {
        sample_rate_hz,
        channels,
        format,
    }
}

/// Codes of the format as values: a tone, noise, full scale and silence.
fn signal(spec: WavSpec, frames: usize) -> Vec<f32> {
    let full_scale = f32::from(2u8).powi(i32::from(spec.format.bits()) - 1);
    let mut state = 1u32;
    (0..frames * spec.channels)
        .map(|index| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
            let frame = index / spec.channels;
            let time = frame as f32 / spec.sample_rate_hz as f32;
            let value = match frame / 5000 % 4 {
                0 => 0.5 * (2000.0 * time * (1 + index % spec.channels) as f32).sin(),
                1 => 0.3 * noise,
                2 => noise.signum(),
                _ => 0.0,
            };
            ((value * full_scale).round() / full_scale).clamp(-1.0, 1.0 - 1.0 / full_scale)
        })
        .collect()
}

fn read_all(path: &Path) -> Vec<f32> {
    let mut file = AudioFile::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let channels = file.info().channels;
    let mut all = Vec::new();
    let mut piece = vec![0.0; 1000 * channels];
    loop {
        match file.read(&mut piece).expect("a good file") {
            0 => return all,
            frames => all.extend_from_slice(&piece[..frames * channels]),
        }
    }
}

/// Runs a program on a file; whether it succeeded, and all that it said.
fn run(program: &str, words: &[&str], path: &Path) -> (bool, String) {
    let output = Command::new(program)
        .args(words)
        .arg(path)
        .output()
        .unwrap_or_else(|error| panic!("{program} must be installed: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Frames as libsndfile decodes them. It cannot say the length of an Ogg file that was not closed.
fn frames_by_libsndfile(path: &Path, channels: usize) -> u64 {
    let raw = path.with_extension("raw");
    let words = ["-pcm16", &path.to_string_lossy()].map(ToOwned::to_owned);
    let (_, text) = run("sndfile-convert", &[&words[0], &words[1]], &raw);
    let bytes = fs::metadata(&raw).unwrap_or_else(|_| panic!("{}: {text}", path.display()));
    fs::remove_file(&raw).expect("just made");
    bytes.len() / 2 / channels as u64
}

/// Frames as FFmpeg decodes them.
fn frames_by_ffmpeg(path: &Path, channels: usize) -> u64 {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-f", "f32le", "-"])
        .output()
        .expect("ffmpeg must be installed");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {complaint}", path.display());
    (output.stdout.len() / 4 / channels) as u64
}

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

/// What is on the disk when the program is killed: the file has a name from the first checkpoint
/// on, and holds all but the last block.
#[test]
fn a_cut_take_is_read_by_all_without_repair() {
    let directory = TempDir::new().expect("a directory");
    for (kind, lost_at_most) in [("flac", 4096), ("ogg", 12_000)] {
        let spec = spec(48_000, 2, I24);
        let path = directory.path().join(format!("take.{kind}"));
        let samples = signal(spec, 60_000);
        let mut take =
            AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Never).expect("a file");
        assert!(!path.exists(), "{kind}: named too early");
        take.checkpoint().expect("nothing to do");
        assert!(!path.exists(), "{kind}: named without a frame");
        take.write(&samples[..2 * 30_000]).expect("room");
        assert!(!path.exists(), "{kind}: named before a checkpoint");
        take.checkpoint().expect("room");
        let lasting = take.lasting_frames();
        assert!(lasting >= 30_000 - lost_at_most, "{kind}: {lasting}");
        let at_checkpoint = fs::read(&path).expect("named");
        take.write(&samples[2 * 30_000..]).expect("room");
        let later = fs::read(&path).expect("named");
        assert_eq!(take.finish().expect("room"), 60_000);
        let cut = directory.path().join(format!("cut.{kind}"));
        for (bytes, torn) in [
            (&at_checkpoint[..], false),
            (&later, false),
            (&later[..later.len() - 100], true),
        ] {
            fs::write(&cut, bytes).expect("written");
            let got = read_all(&cut);
            let frames = got.len() as u64 / 2;
            assert!(frames >= lasting, "{kind}: {frames} of {lasting} frames");
            if kind == "flac" {
                assert!(got == samples[..got.len()], "{kind}: other samples");
                let (good, text) = run("flac", &["-t"], &cut);
                assert!(good || torn, "{kind}: {text}");
            }
            assert!(frames_by_libsndfile(&cut, 2) >= lasting, "{kind}");
            assert!(frames_by_ffmpeg(&cut, 2) >= lasting, "{kind}");
        }
    }
}

#[test]
fn what_a_full_disk_refused_is_given_again_and_nothing_is_lost() {
    for (kind, few) in [(FileKind::Flac, 60_000), (FileKind::Ogg, 15_000)] {
        let spec = spec(48_000, 2, I24);
        let samples = signal(spec, 60_000);
        let whole = Faulty::default();
        let mut take =
            AudioWriter::on(Box::new(whole.clone()), kind, spec, &Tags::default()).expect("room");
        take.write(&samples).expect("room");
        take.finish().expect("room");
        for (room, bad_syncs) in [(few, 0), (few + 3333, 0), (usize::MAX, 1), (2 * few, 2)] {
            let disk = Faulty::default();
            let mut take = AudioWriter::on(Box::new(disk.clone()), kind, spec, &Tags::default())
                .expect("room");
            let mut errors = 0;
            let mut rounds = 0;
            while take.frames() < 60_000 {
                if rounds == 10 {
                    disk.with(|disk| (disk.room, disk.bad_syncs) = (Some(room), bad_syncs));
                }
                if errors == 5 {
                    disk.with(|disk| disk.room = None);
                }
                let start = take.frames() as usize * 2;
                let piece = &samples[start..(start + 2 * 1000).min(samples.len())];
                let before = take.frames();
                match take.write(piece).and_then(|()| take.checkpoint()) {
                    Ok(()) => assert_eq!(take.frames(), before + piece.len() as u64 / 2),
                    Err(FileError::NoRoom { .. } | FileError::Io(_)) => {
                        assert!(take.frames() <= before, "{kind:?}: frames out of nothing");
                        errors += 1;
                    }
                    Err(error) => panic!("{kind:?}: {error}"),
                }
                rounds += 1;
            }
            assert!(errors > 0, "{kind:?}: nothing was refused");
            assert_eq!(take.finish().expect("room again"), 60_000);
            let (got, expected) = (disk.with(|d| d.bytes.clone()), whole.with(|d| d.bytes.clone()));
            // Streams of Ogg have a number each, and their pages sums of it.
            assert!(
                got == expected || kind == FileKind::Ogg && got.len() == expected.len(),
                "{kind:?}: another file than without errors"
            );
        }
    }
}

#[test]
fn a_take_that_goes_on_elsewhere_ends_where_it_was_told() {
    let directory = TempDir::new().expect("a directory");
    for (kind, name) in [(FileKind::Flac, "flac"), (FileKind::Ogg, "ogg")] {
        let spec = spec(48_000, 2, I24);
        let samples = signal(spec, 60_000);
        let disk = Faulty::default();
        disk.with(|disk| disk.room = Some(if kind == FileKind::Flac { 50_000 } else { 20_000 }));
        let mut take =
            AudioWriter::on(Box::new(disk.clone()), kind, spec, &Tags::default()).expect("room");
        let error = samples
            .chunks(2 * 1000)
            .find_map(|piece| take.write(piece).and_then(|()| take.checkpoint()).err());
        assert!(matches!(error, Some(FileError::NoRoom { .. })), "{error:?}");
        let frames = take.frames();
        assert!(frames > 1000, "{name}: {frames}");
        assert_eq!(take.finish().expect("what is there fits"), frames);
        assert!(disk.with(|disk| disk.named));
        let path = directory.path().join(format!("full.{name}"));
        fs::write(&path, disk.with(|disk| disk.bytes.clone())).expect("written");
        let got = read_all(&path);
        assert_eq!(got.len() as u64 / 2, frames, "{name}");
        assert_eq!(frames_by_libsndfile(&path, 2), frames, "{name}");
        assert_eq!(frames_by_ffmpeg(&path, 2), frames, "{name}");
        if kind == FileKind::Flac {
            assert!(got == samples[..got.len()]);
            assert!(run("flac", &["-t"], &path).0);
        }
        assert_eq!(AudioFile::open(&path).expect("true").info().frames, Some(frames));
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
        ("a.flac", spec(48_000, 9, I24), "9 channels cannot be written (1 to 8)"),
        (
            "a.flac",
            spec(700_000, 2, I24),
            "sample rate 700000 Hz cannot be written (1 to 655340)",
        ),
        ("a.ogg", spec(48_000, 256, I24), "256 channels cannot be written (1 to 255)"),
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
        ("a", good, "extension \"\" is no format to write (wav, flac, ogg)"),
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
    take.finish().expect("room");
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("take.flac");
    fs::write(&path, disk.with(|disk| disk.bytes.clone())).expect("written");
    assert!(read_all(&path) == samples);
    assert!(run("flac", &["-t", "-w"], &path).0);
}
