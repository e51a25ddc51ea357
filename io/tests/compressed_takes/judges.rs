//! The sound of the tests, and other programs' readings of a file.

use std::fs;
use std::path::Path;
use std::process::Command;

use ossicle_io::file::{AudioFile, WavSpec};
use ossicle_io::sample::SampleFormat;

pub const I16: SampleFormat = SampleFormat::I16;
pub const I24: SampleFormat = SampleFormat::I24;

pub fn spec(sample_rate_hz: u32, channels: usize, format: SampleFormat) -> WavSpec {
    WavSpec {
        sample_rate_hz,
        channels,
        format,
    }
}

/// Codes of the format as values: a tone, noise, full scale and silence.
pub fn signal(spec: WavSpec, frames: usize) -> Vec<f32> {
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

pub fn read_all(path: &Path) -> Vec<f32> {
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
pub fn run(program: &str, words: &[&str], path: &Path) -> (bool, String) {
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
pub fn frames_by_libsndfile(path: &Path, channels: usize) -> u64 {
    let raw = path.with_extension("raw");
    let words = ["-pcm16", &path.to_string_lossy()].map(ToOwned::to_owned);
    let (_, text) = run("sndfile-convert", &[&words[0], &words[1]], &raw);
    let bytes = fs::metadata(&raw).unwrap_or_else(|_| panic!("{}: {text}", path.display()));
    fs::remove_file(&raw).expect("just made");
    bytes.len() / 2 / channels as u64
}

/// Frames as FFmpeg decodes them.
pub fn frames_by_ffmpeg(path: &Path, channels: usize) -> u64 {
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
