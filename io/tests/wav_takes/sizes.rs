//! Takes beyond every limit of 32 bits.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ossicle_io::file::{Label, Overwrite, Tags, WavReader, WavSpec, WavWriter};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

use crate::counting::{Counting, sizes};
use crate::{judges, samples, spec, tags};

const MONO: (usize, SampleFormat) = (1, SampleFormat::F32);
const GIB: u64 = 1 << 30;

/// The last length that RIFF can tell of; all ones mean "see ds64".
const LAST_RIFF_BYTES: u64 = u32::MAX as u64 - 1;

/// What every reader makes of a file with this header and this length; zeros on the disk take no
/// room.
fn judge(header: &[u8], bytes: u64, frames: u64, path: &Path) {
    let file = File::create(path).expect("a file");
    file.write_all_at(header, 0).expect("room");
    file.set_len(bytes).expect("a file system with holes");
    let reader = WavReader::open(path).expect("a sound header");
    assert_eq!(reader.frames(), frames);
    assert_eq!(reader.info().warnings, [""; 0]);
    assert_eq!(judges::libsndfile(path), Ok(frames), "libsndfile");
    assert_eq!(judges::ffmpeg(path), Ok(frames), "ffprobe");
    if !sizes(header).rf64 {
        let hound = hound::WavReader::open(path).expect("hound opens it");
        assert_eq!(u64::from(hound.duration()), frames, "hound");
    }
}

#[test]
#[ignore = "100 GiB through a counting sink: a minute of one processor in release"]
fn a_take_of_100_gib_is_true_at_every_checkpoint() {
    let (channels, format) = MONO;
    let spec = spec(192_000, channels, format);
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("take.wav");
    let storage = Counting::default();
    let counted = storage.counted.clone();
    let mut writer = WavWriter::on(Box::new(storage), spec, &tags()).expect("a storage");
    let block = samples(0, 4 << 20);
    let frame_bytes = spec.channels as u64 * 4;
    let header_bytes = writer.data_offset();
    // Steps of one frame around each limit, in frames of the take.
    let limits = [
        (1 << 31) / frame_bytes,
        (LAST_RIFF_BYTES + 8 - header_bytes) / frame_bytes,
        (1 << 32) / frame_bytes,
        1 << 31,
        1 << 32,
    ];
    let end = 100 * GIB / frame_bytes;
    let (mut checkpoints, mut judged) = (0u64, 0);
    let mut promoted_at = None;
    while writer.frames() < end {
        let place = writer.frames();
        let next = limits
            .iter()
            .map(|limit| limit - 4)
            .find(|&from| from > place);
        let near = limits.iter().any(|&limit| place.abs_diff(limit) <= 4);
        let step = match near {
            true => 1,
            false => (next.unwrap_or(end) - place).min(block.len() as u64),
        };
        writer.write(&block[..step as usize]).expect("endless room");
        writer.checkpoint().expect("endless room");
        checkpoints += 1;
        let frames = place + step;
        let counted = counted.lock().expect("nobody panics with it");
        let said = sizes(&counted.header);
        assert_eq!(writer.frames(), frames);
        assert_eq!(counted.bytes, header_bytes + frames * frame_bytes);
        assert_eq!(said.data_bytes, frames * frame_bytes);
        assert_eq!(said.riff_bytes + 8, counted.bytes);
        assert_eq!(said.frames, Some(frames));
        assert_eq!(said.rf64, said.riff_bytes > LAST_RIFF_BYTES);
        if said.rf64 {
            promoted_at.get_or_insert(said.riff_bytes);
        }
        if near || checkpoints % 512 == 0 {
            judge(&counted.header, counted.bytes, frames, &path);
            judged += 1;
        }
    }
    assert_eq!(
        promoted_at,
        Some((LAST_RIFF_BYTES + 8 - header_bytes) / 4 * 4 + 4 + header_bytes - 8)
    );
    writer.label(Label {
        position: 1 << 31,
        frames: 5,
        text: "halfway".to_owned(),
    });
    assert_eq!(writer.finish().expect("endless room"), end);
    let counted = counted.lock().expect("nobody panics with it");
    let said = sizes(&counted.header);
    assert_eq!(said.riff_bytes + 8, counted.bytes);
    assert_eq!(said.data_bytes, 100 * GIB);
    assert_eq!(counted.last.0, header_bytes + 100 * GIB);
    assert_eq!(&counted.last.1[..4], b"cue ");
    println!("{checkpoints} headers true, {judged} of them judged by all readers");
}

/// Where the real take is written: `OSSICLE_BIG_FOLDER`, or the system's place for such files.
fn big_folder() -> PathBuf {
    std::env::var_os("OSSICLE_BIG_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from)
}

#[test]
#[ignore = "writes 8 GiB to the disk and reads them again"]
fn a_real_take_of_8_gib_is_whole() {
    let spec: WavSpec = spec(192_000, 2, SampleFormat::I16);
    let folder = TempDir::new_in(big_folder()).expect("a directory");
    let path = folder.path().join("take.wav");
    let mut writer =
        WavWriter::create_tagged(&path, spec, Overwrite::Never, &tags()).expect("a new file");
    let end = 8 * GIB / 4;
    // A block that is not a power of two long, so that places that are apart by one differ.
    let block = samples(0, 2 * 999_983);
    let last_riff = (LAST_RIFF_BYTES + 8 - writer.data_offset()) / 4;
    let mut below = 0;
    while writer.frames() < end {
        let place = writer.frames();
        let until = if place < last_riff { last_riff } else { end };
        let step = (until - place).min(block.len() as u64 / 2) as usize;
        writer.write(&block[..2 * step]).expect("room");
        if writer.frames() == last_riff || place / (1 << 24) != writer.frames() / (1 << 24) {
            writer.checkpoint().expect("room");
            let frames = writer.frames();
            assert_eq!(WavReader::open(&path).expect("true").frames(), frames);
            if frames == last_riff || below == 0 && frames <= last_riff {
                below += 1;
                assert_eq!(judges::libsndfile(&path), Ok(frames));
                assert_eq!(judges::ffmpeg(&path), Ok(frames));
                let hound = hound::WavReader::open(&path).expect("hound opens it");
                assert_eq!(u64::from(hound.duration()), frames);
                assert_eq!(judges::symphonia_frames(&path), Ok(frames));
            }
        }
    }
    assert_eq!(below, 2, "readers below 4 GiB");
    assert_eq!(writer.finish().expect("room"), end);
    assert_eq!(judges::libsndfile(&path), Ok(end));
    assert_eq!(judges::ffmpeg(&path), Ok(end));
    let mut reader = WavReader::open(&path).expect("true");
    assert_eq!(reader.frames(), end);
    let (mut place, mut got) = (0u64, vec![0.0f32; block.len()]);
    while place < end {
        let until = if place < last_riff { last_riff } else { end };
        let step = (until - place).min(block.len() as u64 / 2) as usize;
        let read = reader.read(&mut got[..2 * step]).expect("readable");
        assert_eq!(read, step);
        assert!(got[..2 * step] == block[..2 * step], "near frame {place}");
        place += step as u64;
    }
}

/// A take that was killed after it had passed 4 GiB in one leap.
#[test]
fn a_recovered_take_becomes_rf64_and_has_its_labels() {
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("take.wav");
    for tags in [Tags::default(), tags()] {
        let spec = spec(48_000, 2, SampleFormat::I24);
        let mut writer =
            WavWriter::create_tagged(&path, spec, Overwrite::Replace, &tags).expect("a new file");
        writer.write(&samples(0, 2000)).expect("room");
        writer.checkpoint().expect("room");
        let header = writer.data_offset();
        let left = std::fs::read(&path).expect("readable");
        writer.finish().expect("room");
        // As it was in the middle, and with a hole up to the last frame.
        std::fs::write(&path, &left).expect("room");
        let frames = 6 * GIB / 6 + 1;
        let file = File::options().write(true).open(&path).expect("there");
        // The last frame has sound: zeros at the end would not be taken for any.
        let last = header + frames * 6 - 1;
        file.write_all_at(&[1, 0, 0, 0, 0], last).expect("a hole");
        drop(file);
        let take = ossicle_io::file::recover::open_take(&path);
        let take = take.expect("readable").expect("marked");
        assert_eq!((take.frames_said(), take.frames_there()), (1000, frames));
        let labels = [
            (77, 0, "one"),
            (1 << 32, 0, "beyond"),
            (frames - 1, 9, "two"),
        ];
        let labels = labels.map(|(position, frames, text)| Label {
            position,
            frames,
            text: text.to_owned(),
        });
        let recovered = take.finish(&labels).expect("room");
        assert_eq!((recovered.frames, recovered.labels_left_out), (frames, 1));
        let mut start = vec![0; header as usize];
        let file = File::open(&path).expect("there");
        file.read_exact_at(&mut start, 0).expect("readable");
        let said = sizes(&start);
        let bytes = file.metadata().expect("there").len();
        assert!(said.rf64);
        assert_eq!((said.data_bytes, said.riff_bytes), (frames * 6, bytes - 8));
        let end = header + frames * 6;
        let mut behind = vec![0; (bytes - end) as usize];
        file.read_exact_at(&mut behind, end).expect("readable");
        assert_eq!(
            crate::tags::labels_in(&behind),
            [
                (77, 0, "one".to_owned()),
                (frames as u32 - 1, 9, "two".to_owned())
            ]
        );
        assert_eq!(judges::libsndfile(&path), Ok(frames));
        assert_eq!(judges::ffmpeg(&path), Ok(frames));
        assert_eq!(WavReader::open(&path).expect("true").frames(), frames);
    }
}
