//! The WAV writer: what other readers find in its files, at every moment.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use ossicle_io::file::{
    AudioFile, AudioWriter, FileError, FileKind, FileStorage, LimitedFile, Overwrite, Tags,
    WavReader, WavSpec, WavWriter, export_wav,
};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

fn spec(channels: usize, format: SampleFormat) -> WavSpec {
    WavSpec {
        sample_rate_hz: 44_100,
        channels,
        format,
    }
}

fn ramp(samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|number| (number as f32 * 0.37).sin() * 0.9)
        .collect()
}

/// What another program's reader, hound, makes of the file, as codes or bits.
fn judged(path: &Path) -> (hound::WavSpec, Vec<i32>) {
    let mut reader = hound::WavReader::open(path).expect("hound opens it");
    let spec = reader.spec();
    let samples = match spec.sample_format {
        hound::SampleFormat::Int => reader
            .samples::<i32>()
            .map(|code| code.expect("whole"))
            .collect(),
        hound::SampleFormat::Float => reader
            .samples::<f32>()
            .map(|value| value.expect("whole").to_bits() as i32)
            .collect(),
    };
    (spec, samples)
}

#[test]
fn another_reader_finds_the_very_codes_in_every_format() {
    let directory = TempDir::new().expect("a directory");
    for channels in [1, 2, 3, 6] {
        for format in SampleFormat::ALL {
            let path = directory.path().join(format!("{channels}-{format}.wav"));
            // An odd number of frames, for the pad byte of mono with 24 bits.
            let samples = ramp(channels * 4097);
            let mut writer = WavWriter::create(&path, spec(channels, format), Overwrite::Never)
                .expect("a new file");
            for piece in samples.chunks(channels * 100) {
                writer.write(piece).expect("room");
            }
            assert_eq!(writer.finish().expect("room"), 4097);
            let (found, codes) = judged(&path);
            assert_eq!(
                (found.channels, found.sample_rate),
                (channels as u16, 44_100)
            );
            assert_eq!(found.bits_per_sample, format.bits());
            let scale = 2f64.powi(i32::from(format.bits()) - 1);
            let expected: Vec<i32> = samples
                .iter()
                .map(|&sample| match format {
                    SampleFormat::F32 => sample.to_bits() as i32,
                    SampleFormat::I32 => {
                        (f64::from(sample) * 8_388_608.0).round_ties_even() as i32 * 256
                    }
                    _ => (f64::from(sample) * scale).round_ties_even() as i32,
                })
                .collect();
            assert!(codes == expected, "{channels} channels of {format}");
            let bytes = fs::read(&path).expect("readable");
            let riff = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            assert_eq!(
                riff as usize + 8,
                bytes.len(),
                "{channels} channels of {format}"
            );
        }
    }
}

#[test]
fn the_file_has_its_name_from_the_first_checkpoint_on_and_is_true_at_each() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("take.wav");
    let samples = ramp(2 * 1000);
    let mut writer =
        WavWriter::create(&path, spec(2, SampleFormat::F32), Overwrite::Never).expect("a new file");
    writer.write(&samples[..600]).expect("room");
    assert!(!path.exists(), "it cannot be true yet");
    for end in [700, 900, 2000] {
        let from = writer.frames() as usize * 2;
        writer.write(&samples[from..end]).expect("room");
        writer.checkpoint().expect("room");
        let (_, bits) = judged(&path);
        let expected: Vec<i32> = samples[..end].iter().map(|s| s.to_bits() as i32).collect();
        assert!(bits == expected, "after {end} samples");
        assert!(
            AudioFile::open(&path)
                .expect("true")
                .info()
                .warnings
                .is_empty()
        );
    }
    // Dropped, as when a program ends in a hurry.
    writer.write(&samples[..2]).expect("room");
    drop(writer);
    assert_eq!(judged(&path).1.len(), 2002);
}

#[test]
fn a_growing_file_is_read_to_its_present_end() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("take.wav");
    let samples = ramp(3 * 500);
    let mut writer =
        WavWriter::create(&path, spec(3, SampleFormat::F32), Overwrite::Never).expect("a new file");
    writer.write(&samples[..30]).expect("room");
    writer.checkpoint().expect("room");
    let mut reader = WavReader::open(&path).expect("a header");
    assert_eq!(
        (reader.frames(), reader.data_offset()),
        (10, writer.data_offset())
    );
    let mut got = vec![0.0f32; 30];
    for (number, piece) in samples.chunks(30).enumerate().skip(1) {
        writer.write(piece).expect("room");
        assert_eq!(
            reader.extend_to_end().expect("readable"),
            10 * (number as u64 + 1)
        );
        assert_eq!(
            reader
                .read_at(10 * number as u64, &mut got)
                .expect("readable"),
            10
        );
        assert_eq!(got, piece);
    }
}

#[test]
fn a_file_is_replaced_only_when_told() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("precious.wav");
    fs::write(&path, "precious").expect("written");
    let refused = WavWriter::create(&path, spec(1, SampleFormat::I16), Overwrite::Never);
    assert!(matches!(refused, Err(FileError::AlreadyExists)));
    assert_eq!(fs::read(&path).expect("readable"), b"precious");
    let writer = WavWriter::create(&path, spec(1, SampleFormat::I16), Overwrite::Replace);
    assert_eq!(writer.expect("replaced").finish().expect("room"), 0);
    assert!(judged(&path).1.is_empty());
}

#[test]
fn a_file_that_is_written_is_never_replaced() {
    let folder = TempDir::new().expect("a directory");
    let at = |name: &str| folder.path().join(name);
    // With a file of that name and with none, and by either way to be without a name.
    for (has_older, is_hidden) in [(true, false), (true, true), (false, false), (false, true)] {
        let path = at("take.wav");
        if has_older {
            fs::write(&path, "older").expect("written");
        }
        let new = || {
            let storage = match is_hidden {
                true => FileStorage::create_hidden(&path, Overwrite::Replace),
                false => FileStorage::create(&path, Overwrite::Replace),
            };
            let storage = Box::new(storage.expect("a file"));
            WavWriter::on(storage, spec(1, SampleFormat::F32), &Tags::default())
        };
        // Both find the name free, or the older file.
        let (mut first, mut second) = (new().expect("room"), new().expect("room"));
        first.write(&ramp(100)).expect("room");
        second.write(&ramp(200)).expect("room");
        first.checkpoint().expect("it has its name");
        let refused = second.checkpoint();
        assert!(
            matches!(refused, Err(FileError::AlreadyExists)),
            "{refused:?}"
        );
        // Under a name that was not asked for, nothing is replaced.
        fs::write(at("mine.wav"), "mine").expect("written");
        second.rename(at("mine.wav")).expect("it has no name");
        let refused = second.checkpoint();
        assert!(
            matches!(refused, Err(FileError::AlreadyExists)),
            "{refused:?}"
        );
        second.rename(at("other.wav")).expect("it has no name");
        assert_eq!(second.finish().expect("a free name"), 200);
        assert_eq!(first.finish().expect("room"), 100);
        assert_eq!(judged(&path).1.len(), 100);
        assert_eq!(judged(&at("other.wav")).1.len(), 200);
        assert_eq!(fs::read(at("mine.wav")).expect("there"), b"mine");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3);
        for name in ["take.wav", "other.wav"] {
            fs::remove_file(at(name)).expect("there");
        }
    }
}

#[test]
fn what_no_wav_can_hold_is_refused_with_its_limits() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("never.wav");
    let create = |spec| WavWriter::create(&path, spec, Overwrite::Never);
    assert!(matches!(
        create(spec(0, SampleFormat::I16)),
        Err(FileError::ChannelsUnsupported {
            asked: 0,
            max: 1024
        })
    ));
    assert!(matches!(
        create(spec(1025, SampleFormat::F32)),
        Err(FileError::ChannelsUnsupported {
            asked: 1025,
            max: 1024
        })
    ));
    let silent = WavSpec {
        sample_rate_hz: 0,
        channels: 1,
        format: SampleFormat::I16,
    };
    assert!(matches!(
        create(silent),
        Err(FileError::SampleRateUnsupported { asked: 0, .. })
    ));
    assert!(!path.exists());
    let mut writer = create(spec(2, SampleFormat::I16)).expect("a new file");
    assert!(matches!(
        writer.write(&[0.0; 3]),
        Err(FileError::TornFrame {
            samples: 3,
            channels: 2
        })
    ));
}

#[test]
fn a_short_export_holds_the_samples_of_a_take() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("export.wav");
    let samples = ramp(2 * 500);
    for format in SampleFormat::ALL {
        let (spec, all) = (spec(2, format), |path: &Path| {
            let mut got = vec![0.0f64; 1000];
            let mut file = AudioFile::open(path).expect("just written");
            assert_eq!(file.info().frames, Some(500), "{format}");
            assert_eq!(file.read(&mut got).expect("readable"), 500);
            got
        });
        let exported = export_wav(&path, spec, &samples, Overwrite::Replace);
        assert_eq!(exported.expect("room"), 500);
        let take = directory.path().join("take.wav");
        let mut writer = WavWriter::create(&take, spec, Overwrite::Replace).expect("a file");
        writer.write(&samples).expect("room");
        writer.finish().expect("room");
        assert_eq!(all(&path), all(&take), "{format}");
    }
    let refused = export_wav(
        &path,
        spec(2, SampleFormat::F32),
        &samples,
        Overwrite::Never,
    );
    assert!(matches!(refused, Err(FileError::AlreadyExists)));
}

/// The limit for the size of a file stands for full storage: the same happens at it. The signal by
/// which the system would end the process never comes.
#[cfg(target_os = "linux")]
#[test]
fn full_storage_is_told_and_leaves_a_true_file() {
    const LIMITED: &str = "OSSICLE_TEST_LIMITED_FILE";
    if let Some(path) = std::env::var_os(LIMITED) {
        return fill_up(Path::new(&path));
    }
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("full.wav");
    let output = std::process::Command::new("bash")
        .args(["-c", "ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", "full_storage_is_told_and_leaves_a_true_file"])
        .env(LIMITED, &path)
        .output()
        .expect("bash must be installed");
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(fs::metadata(&path).expect("filled").len(), 65_532);
}

#[cfg(target_os = "linux")]
fn fill_up(path: &Path) {
    let samples = ramp(3 * 50_000);
    let mut writer =
        WavWriter::create(path, spec(3, SampleFormat::I24), Overwrite::Never).expect("a new file");
    let error = writer
        .write(&samples)
        .expect_err("more than there is room for");
    // 64 KiB less the header hold 7267 frames of 9 bytes and a part of one more.
    assert_eq!(writer.data_offset(), 128);
    assert!(
        matches!(error, FileError::NoRoom { frames: 7267 }),
        "{error:?}"
    );
    assert_eq!(writer.frames(), 7267);
    let again = writer.write(&samples[3 * 7267..]);
    assert!(
        matches!(again, Err(FileError::NoRoom { frames: 7267 })),
        "{again:?}"
    );
    assert_eq!(writer.finish().expect("the header has its place"), 7267);
    assert_eq!(judged(path).1.len(), 3 * 7267);
    for ending in ["flac", "ogg"] {
        let path = path.with_extension(ending);
        let kind = FileKind::of_path(&path).expect("a kind that is written");
        let spec = spec(1, SampleFormat::I16);
        let writer = AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Never);
        let mut writer = writer.expect("a new file");
        // Noise, which no encoder makes small.
        let noise = (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 8) as f32);
        let noise: Vec<f32> = noise.map(|x| x / 16_777_216.0 - 0.5).collect();
        let written = writer.write(&noise).and_then(|()| writer.checkpoint());
        assert!(
            matches!(written, Err(FileError::NoRoom { .. })),
            "{kind:?}: {written:?}"
        );
    }
    let mut text = LimitedFile::create(path.with_extension("text")).expect("a new file");
    text.write_all(&[b'x'; 65_000]).expect("room");
    let beyond = text.write_all(&[b'x'; 1000]).map_err(|error| error.kind());
    assert_eq!(beyond, Err(ErrorKind::FileTooLarge));
    let length = fs::metadata(path.with_extension("text")).map(|text| text.len());
    assert_eq!(length.expect("there"), 65_536);
    let exported = export_wav(
        path.with_extension("short.wav"),
        spec(3, SampleFormat::I24),
        &samples,
        Overwrite::Never,
    );
    assert!(
        matches!(exported, Err(FileError::NoRoom { frames: 0 })),
        "{exported:?}"
    );
}
