//! Vorbis comments, as FLAC and Ogg files have them: what a take says about itself, and its labels
//! as chapters.
//!
//! Xiph.org, "Ogg Vorbis I format specification: comment field and header specification";
//! chapters: Xiph.org wiki, "Chapter Extension".

use super::error::FileError;
use super::wav_labels::Label;
use super::wav_tags::Tags;

/// Comments, name and value each.
pub(super) type Comments = Vec<(String, String)>;

/// Bytes that all values may have.
const MAX_COMMENT_BYTES: usize = 64 << 10;

/// What the tags say; the names are those that FFmpeg gives to the fields of `bext`; the
/// project is the title.
pub(super) fn comments(tags: &Tags) -> Comments {
    let mut comments = vec![("ENCODER".to_owned(), "Ossicle".to_owned())];
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            comments.push((name.to_owned(), value));
        }
    };
    if let Some(bext) = &tags.bext {
        add("DESCRIPTION", bext.description.clone());
        add("ORIGINATOR", bext.originator.clone());
        add("ORIGINATOR_REFERENCE", bext.originator_reference.clone());
        if let Some(at) = bext.origination {
            let date = format!("{:04}-{:02}-{:02}", at.year, at.month, at.day);
            let time = format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second);
            add("DATE", date);
            add("ORIGINATION_TIME", time);
        }
        add("TIME_REFERENCE", bext.time_reference_frames.to_string());
    }
    if let Some(ixml) = &tags.ixml {
        add("TITLE", ixml.project.clone());
        add("SCENE", ixml.scene.clone());
        add("TAKE", ixml.take.clone());
        add("TAPE", ixml.tape.clone());
        add("COMMENT", ixml.note.clone());
    }
    if let Some(mask) = tags.channel_mask {
        add("WAVEFORMATEXTENSIBLE_CHANNEL_MASK", format!("{mask:#06X}"));
    }
    // Values end at a character 0 where they pass through C.
    for (_, value) in &mut comments {
        value.retain(|character| character != '\0');
    }
    comments
}

/// That the comments are not too long to be found again in a file that was never closed.
pub(super) fn check_comments(tags: &Tags) -> Result<(), FileError> {
    let bytes: usize = comments(tags).iter().map(|(_, value)| value.len()).sum();
    if bytes > MAX_COMMENT_BYTES {
        return Err(FileError::TagUnfit {
            field: "text of all comments",
            allowed: "64 KiB at most",
        });
    }
    Ok(())
}

/// Labels as chapters, in order of their places.
pub(super) fn chapters(labels: &[Label], sample_rate_hz: u32) -> Comments {
    let mut sorted: Vec<&Label> = labels.iter().collect();
    sorted.sort_by_key(|label| label.position);
    (1..)
        .zip(sorted)
        .flat_map(|(number, label)| {
            let name = format!("CHAPTER{number:03}");
            let ms = u128::from(label.position) * 1000 / u128::from(sample_rate_hz.max(1));
            let (s, min, h) = (ms / 1000 % 60, ms / 60_000 % 60, ms / 3_600_000);
            let time = format!("{h:02}:{min:02}:{s:02}.{:03}", ms % 1000);
            [(name.clone(), time), (name + "NAME", label.text.clone())]
        })
        .collect()
}
