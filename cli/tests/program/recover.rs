//! What `recover` says of takes that were left open, and what it does to them.

use std::fs;
use std::path::{Path, PathBuf};

use ossicle::io::file::{AudioWriter, Overwrite, Tags, WavSpec};
use ossicle::io::sample::SampleFormat;

use crate::call::ossicle;
use crate::sound::{noise, text};

const FRAMES: usize = 60_000;

/// A take that a kill left open.
fn left_open(folder: &Path, name: &str, format: SampleFormat) -> PathBuf {
    let spec = WavSpec {
        sample_rate_hz: 48_000,
        channels: 1,
        format,
    };
    let living = folder.join(format!("living-{name}"));
    let mut take = AudioWriter::create(&living, spec, &Tags::default(), Overwrite::Never).unwrap();
    take.write(&noise(3, FRAMES)).unwrap();
    take.checkpoint().unwrap();
    let path = folder.join(name);
    fs::copy(&living, &path).unwrap();
    drop(take);
    fs::remove_file(living).unwrap();
    path
}

#[test]
fn a_damaged_take_is_told_as_damaged_and_keeps_its_length() {
    let folder = tempfile::tempdir().unwrap();
    for (name, frames) in [("a.flac", FRAMES / 4096 * 4096), ("b.ogg", FRAMES - 12_000)] {
        let take = left_open(folder.path(), name, SampleFormat::I24);
        let mut bytes = fs::read(&take).unwrap();
        let at = bytes.len() * 3 / 10;
        bytes[at] ^= 0x55;
        fs::write(&take, bytes).unwrap();
        let dry = ossicle(&["recover", text(&take), "--dry-run", "--json"]).json();
        let damaged = dry["takes"][0]["damaged"].as_array().unwrap();
        assert_eq!(damaged.len(), 1, "{dry}");
        let ran = ossicle(&["recover", text(folder.path())]);
        ran.done();
        assert!(ran.stdout.contains("damaged at 0:00."), "{ran:?}");
        assert!(
            ran.stdout.contains("frames cannot be read, finished"),
            "{ran:?}"
        );
        let info = ossicle(&["info", text(&take), "--json"]).json();
        assert!(info["frames"].as_u64().unwrap() >= frames as u64, "{info}");
    }
}
