//! All that is done with a file that may be broken.

use std::path::Path;

use ossicle_io::file::recover::open_take;
use ossicle_io::file::{AudioFile, WavReader};

/// Frames read in one go.
const PIECE_FRAMES: usize = 1024;
/// Frames read in all: holes in a compressed file may be long silences.
const MAX_FRAMES: u64 = 1 << 17;

/// Opens, reads and seeks; with `recover`, also closes the file if it is an open take. Says whether
/// it could be opened.
///
/// # Panics
/// When the file is read as something that it says it is not.
pub fn file(path: &Path, recover: bool) -> bool {
    let opened = read(path);
    if let Ok(mut wav) = WavReader::open(path) {
        let channels = wav.info().channels;
        let mut piece = vec![0.0f64; PIECE_FRAMES.min(1 << 20) * channels];
        let frames = wav.frames();
        let _ = wav.read_at(frames / 2, &mut piece);
        let _ = wav.extend_to_end();
        let _ = wav.read_at(u64::MAX, &mut piece);
    }
    if recover && let Ok(Some(take)) = open_take(path) {
        let frames = take.frames_there();
        assert!(take.frames_said() <= frames);
        if let Ok(recovered) = take.finish(&[]) {
            assert_eq!(recovered.frames, frames);
            assert!(matches!(open_take(path), Ok(None)), "it is still open");
            read(path);
        }
    }
    opened
}

fn read(path: &Path) -> bool {
    let Ok(mut file) = AudioFile::open(path) else {
        return false;
    };
    let info = file.info().clone();
    assert!(info.channels > 0 && info.sample_rate_hz > 0, "{info:?}");
    let mut piece = vec![0.0f32; PIECE_FRAMES * info.channels];
    let mut total = 0;
    while let Ok(read @ 1..) = file.read(&mut piece) {
        total += read as u64;
        if total > MAX_FRAMES {
            break;
        }
    }
    if let Some(frames) = info.frames {
        assert!(total <= frames, "{total} frames of {frames}");
    }
    let _ = file.count_frames();
    for place in [0, total / 2, total.saturating_sub(1), total, u64::MAX] {
        if file.seek(place).is_ok() {
            let _ = file.read(&mut piece);
        }
    }
    true
}
