//! Who says what is in a file.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use ossicle_io::file::{AudioFile, FileInfo};
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

/// All samples, by our own reader.
pub fn ours(path: &Path) -> Result<(FileInfo, Vec<f32>), String> {
    let mut file = AudioFile::open(path).map_err(|error| error.to_string())?;
    let frames = file.info().frames.ok_or("no length")? as usize;
    let mut out = vec![0.0; frames * file.info().channels];
    let read = file.read(&mut out).map_err(|error| error.to_string())?;
    match read == frames {
        true => Ok((file.info().clone(), out)),
        false => Err(format!("{read} frames of {frames}")),
    }
}

/// All samples, by hound.
pub fn hound(path: &Path) -> Result<Vec<f32>, String> {
    let mut reader = hound::WavReader::open(path).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    let scale = 1.0 / (1u64 << (spec.bits_per_sample - 1)) as f32;
    let samples: Result<Vec<f32>, _> = match spec.sample_format {
        hound::SampleFormat::Int => reader
            .samples::<i32>()
            .map(|code| code.map(|code| code as f32 * scale))
            .collect(),
        hound::SampleFormat::Float => reader.samples::<f32>().collect(),
    };
    samples.map_err(|error| error.to_string())
}

/// All samples, by symphonia.
pub fn symphonia(path: &Path) -> Result<Vec<f32>, String> {
    let words = |error: symphonia::core::errors::Error| error.to_string();
    let file = File::open(path).map_err(|error| error.to_string())?;
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(words)?;
    let track = format.default_track(TrackType::Audio).ok_or("no track")?;
    let params = track
        .codec_params
        .as_ref()
        .and_then(|params| params.audio());
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params.ok_or("no codec")?, &AudioDecoderOptions::default())
        .map_err(words)?;
    let (mut all, mut some) = (Vec::new(), Vec::new());
    while let Some(packet) = format.next_packet().map_err(words)? {
        let buffer = decoder.decode(&packet).map_err(words)?;
        buffer.copy_to_vec_interleaved(&mut some);
        all.extend_from_slice(&some);
    }
    Ok(all)
}

/// Frames, by libsndfile.
pub fn libsndfile(path: &Path) -> Result<u64, String> {
    let text = said("sndfile-info", &[], path)?;
    text.lines()
        .find_map(|line| line.strip_prefix("Frames")?.trim().strip_prefix(':'))
        .and_then(|frames| frames.trim().parse().ok())
        .ok_or(text)
}

/// Frames, by FFmpeg.
pub fn ffmpeg(path: &Path) -> Result<u64, String> {
    let words = [
        "-v",
        "error",
        "-show_entries",
        "stream=duration_ts",
        "-of",
        "default=nk=1:nw=1",
    ];
    let text = said("ffprobe", &words, path)?;
    text.trim().parse().map_err(|_| text)
}

/// What a program says of a file.
pub fn said(program: &str, words: &[&str], path: &Path) -> Result<String, String> {
    let output = Command::new(program)
        .args(words)
        .arg(path)
        .output()
        .unwrap_or_else(|error| panic!("{program} must be installed (cargo xtask setup): {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(text),
        false => Err(text + &String::from_utf8_lossy(&output.stderr)),
    }
}

/// What all four other readers and ours make of a file: the same samples, which must be the first
/// of `expected`. Returns the frames.
pub fn agreed(path: &Path, channels: usize, expected: &[f32], programs: bool) -> usize {
    let (_, samples) = ours(path).unwrap_or_else(|error| panic!("our reader: {error}"));
    let length = samples.len();
    assert!(
        length <= expected.len(),
        "{length} samples were never given"
    );
    let other = samples.iter().zip(expected).position(|(a, b)| a != b);
    if let Some(at) = other {
        let zeros = samples[at..].iter().take_while(|sample| **sample == 0.0);
        panic!(
            "sample {at} of {length} is {}, not {}; {} zeros from there",
            samples[at],
            expected[at],
            zeros.count()
        );
    }
    for (name, found) in [("hound", hound(path)), ("symphonia", symphonia(path))] {
        let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.len(), length, "{name}");
        assert!(found == samples, "{name} reads other samples");
    }
    let frames = length / channels;
    if programs {
        assert_eq!(libsndfile(path), Ok(frames as u64), "libsndfile");
        assert_eq!(ffmpeg(path), Ok(frames as u64), "ffprobe");
    }
    frames
}

/// Frames, as symphonia tells before it decodes.
pub fn symphonia_frames(path: &Path) -> Result<u64, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let format = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(|error| error.to_string())?;
    let track = format.default_track(TrackType::Audio).ok_or("no track")?;
    track.num_frames.ok_or("no length".to_owned())
}
