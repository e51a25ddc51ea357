//! What is in the file besides the samples, as other programs find it.

use std::fs;

use ossicle_io::file::{Bext, FileError, Label, Overwrite, Tags, WavWriter};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

use crate::judges::{agreed, said};
use crate::{samples, spec, tags};

/// Position, length and text of the labels in chunks that follow samples.
pub fn labels_in(mut bytes: &[u8]) -> Vec<(u32, u32, String)> {
    let word = |bytes: &[u8], at: usize| {
        u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    };
    let mut labels: Vec<(u32, u32, u32, String)> = Vec::new();
    let chunk = |bytes: &mut &[u8]| {
        let (name, size) = (bytes[..4].to_vec(), word(bytes, 4) as usize);
        let body = bytes[8..8 + size].to_vec();
        *bytes = &bytes[8 + size + size % 2..];
        (name, body)
    };
    while !bytes.is_empty() {
        let (name, body) = chunk(&mut bytes);
        match name.as_slice() {
            b"cue " => {
                assert_eq!(body.len(), 4 + 24 * word(&body, 0) as usize);
                for point in body[4..].chunks(24) {
                    assert_eq!(&point[8..12], b"data");
                    assert_eq!(word(point, 4), word(point, 20));
                    labels.push((word(point, 0), word(point, 20), 0, String::new()));
                }
            }
            b"LIST" => {
                assert_eq!(&body[..4], b"adtl");
                let mut rest = &body[4..];
                while !rest.is_empty() {
                    let (name, body) = chunk(&mut rest);
                    let label = labels
                        .iter_mut()
                        .find(|label| label.0 == word(&body, 0))
                        .expect("a text of a point");
                    match name.as_slice() {
                        b"labl" => {
                            assert_eq!(body.last(), Some(&0));
                            let text = &body[4..body.len() - 1];
                            label.3 = String::from_utf8(text.to_vec()).expect("UTF-8");
                        }
                        b"ltxt" => label.2 = word(&body, 4),
                        other => panic!("{other:?}"),
                    }
                }
            }
            other => panic!("{other:?} behind the samples"),
        }
    }
    labels
        .into_iter()
        .map(|(_, position, frames, text)| (position, frames, text))
        .collect()
}

#[test]
fn other_programs_find_what_the_tags_say() {
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("tagged.wav");
    let spec = spec(48_000, 2, SampleFormat::I16);
    let mut writer =
        WavWriter::create_tagged(&path, spec, Overwrite::Never, &tags()).expect("a new file");
    let all = samples(0, 2 * 5000);
    writer.write(&all).expect("room");
    assert_eq!(writer.finish().expect("room"), 5000);
    assert_eq!(agreed(&path, 2, &all, true), 5000);
    let words = ["-v", "error", "-show_entries", "format_tags"];
    let ffmpeg = said("ffprobe", &words, &path).expect("readable");
    for line in [
        "TAG:comment=a take that is cut",
        "TAG:encoded_by=ossicle",
        "TAG:originator_reference=OSSICLE0001",
        "TAG:date=2026-02-03",
        "TAG:creation_time=04:05:06",
        "TAG:time_reference=8589934599",
    ] {
        assert!(ffmpeg.contains(line), "no {line} in {ffmpeg}");
    }
    let libsndfile = said("sndfile-info", &["--broadcast"], &path).expect("readable");
    for line in [
        "Description              : a take that is cut",
        "Originator               : ossicle",
        "Origination date         : 2026-02-03",
        "Origination time         : 04:05:06",
    ] {
        assert!(libsndfile.contains(line), "no {line} in {libsndfile}");
    }
    let bytes = fs::read(&path).expect("readable");
    let text = String::from_utf8_lossy(&bytes[..2048]);
    for element in [
        "<PROJECT>Proof &amp; &lt;more&gt;</PROJECT>",
        "<TIMECODE_RATE>25/1</TIMECODE_RATE>",
        "<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>2</",
        "<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>7</",
    ] {
        assert!(text.contains(element), "no {element}");
    }
}

#[test]
fn labels_stand_in_order_behind_the_samples() {
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("labelled.wav");
    // An odd number of bytes: a pad byte stands between.
    let spec = spec(44_100, 1, SampleFormat::I24);
    let mut writer = WavWriter::create(&path, spec, Overwrite::Never).expect("a new file");
    let all = samples(0, 4097);
    writer.write(&all).expect("room");
    for (position, frames, text) in [
        (300, 0, "later"),
        (7, 480, "gap of 480 frames: ring full"),
        (1 << 32, 1, "beyond"),
        (300, 0, "é"),
    ] {
        writer.label(Label {
            position,
            frames,
            text: text.to_owned(),
        });
    }
    let data_offset = writer.data_offset() as usize;
    assert_eq!(writer.finish().expect("room"), 4097);
    let bytes = fs::read(&path).expect("readable");
    let riff = u32::from_le_bytes(bytes[4..8].try_into().expect("four"));
    assert_eq!(riff as usize + 8, bytes.len());
    let expected = [
        (7, 480, "gap of 480 frames: ring full"),
        (300, 0, "later"),
        (300, 0, "é"),
    ];
    let expected = expected.map(|(position, frames, text)| (position, frames, text.to_owned()));
    assert_eq!(labels_in(&bytes[data_offset + 3 * 4097 + 1..]), expected);
    assert_eq!(agreed(&path, 1, &all, true), 4097);
}

#[test]
fn a_mask_makes_the_header_say_where_channels_go() {
    let folder = TempDir::new().expect("a directory");
    for (channels, format, mask, layout) in [
        (6, SampleFormat::I16, Some(0x3f), "5.1"),
        (2, SampleFormat::F32, Some(0x600), "2 channels (SL+SR)"),
        (3, SampleFormat::F32, Some(0x7), "3.0"),
    ] {
        let path = folder.path().join(format!("{channels}-{format}.wav"));
        let tags = Tags {
            channel_mask: mask,
            ..Tags::default()
        };
        let spec = spec(48_000, channels, format);
        let mut writer =
            WavWriter::create_tagged(&path, spec, Overwrite::Never, &tags).expect("a new file");
        let all = samples(0, channels * 1000);
        writer.write(&all).expect("room");
        writer.finish().expect("room");
        assert_eq!(agreed(&path, channels, &all, true), 1000);
        let words = [
            "-v",
            "error",
            "-show_entries",
            "stream=channel_layout",
            "-of",
            "default=nk=1:nw=1",
        ];
        assert_eq!(
            said("ffprobe", &words, &path).expect("readable").trim(),
            layout
        );
    }
}

#[test]
fn tags_that_do_not_fit_are_refused() {
    let path = std::env::temp_dir().join("ossicle-never-there.wav");
    let create = |tags: &Tags| {
        WavWriter::create_tagged(
            &path,
            spec(48_000, 2, SampleFormat::I16),
            Overwrite::Never,
            tags,
        )
    };
    for description in ["x".repeat(257), "Öffnung".to_owned()] {
        let bext = Bext {
            description,
            ..Bext::default()
        };
        let refused = create(&Tags {
            bext: Some(bext),
            ..Tags::default()
        });
        assert!(matches!(
            refused,
            Err(FileError::TagUnfit {
                field: "description",
                ..
            })
        ));
    }
    let refused = create(&Tags {
        channel_mask: Some(7),
        ..Tags::default()
    });
    let Err(FileError::MaskUnfit {
        mask: 7,
        channels: 2,
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert!(!path.exists());
}
