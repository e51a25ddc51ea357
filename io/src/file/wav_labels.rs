//! Labels of places in a WAV file: `cue ` points with their texts and lengths in `LIST adtl`.
//!
//! Microsoft and IBM, "Multimedia programming interface and data specifications 1.0" (1991),
//! chapter 3, "Cue-points chunk" and "Associated data list".

use super::wav_tags::push_chunk;

/// A text at a place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The frame it stands at. What is beyond 4 294 967 295 (24.8 h at 48 kHz) no WAV file can
    /// hold as a label.
    pub position: u64,
    /// Frames it is about, 0 for a point in time; 4 294 967 295 stands for more.
    pub frames: u64,
    /// What it says; ends at a character 0.
    pub text: String,
}

/// How many labels are at places that no WAV file can name.
pub(super) fn labels_left_out(labels: &[Label]) -> usize {
    let beyond = labels
        .iter()
        .filter(|label| label.position > u64::from(u32::MAX));
    beyond.count()
}

/// The chunks that follow the samples; nothing without a label that fits.
pub(super) fn label_chunks(labels: &[Label]) -> Vec<u8> {
    let mut sorted: Vec<(u32, &Label)> = labels
        .iter()
        .filter_map(|label| Some((u32::try_from(label.position).ok()?, label)))
        .collect();
    if sorted.is_empty() {
        return Vec::new();
    }
    sorted.sort_by_key(|&(position, _)| position);
    let mut cue = (sorted.len() as u32).to_le_bytes().to_vec();
    let mut list = b"adtl".to_vec();
    for (number, &(position, label)) in (1u32..).zip(&sorted) {
        for word in [number, position] {
            cue.extend_from_slice(&word.to_le_bytes());
        }
        cue.extend_from_slice(b"data\0\0\0\0\0\0\0\0");
        cue.extend_from_slice(&position.to_le_bytes());

        let mut body = number.to_le_bytes().to_vec();
        body.extend(label.text.bytes().take_while(|&byte| byte != 0));
        body.push(0);
        push_chunk(b"labl", &body, &mut list);
        if label.frames > 0 {
            let frames = u32::try_from(label.frames).unwrap_or(u32::MAX);
            let mut body = number.to_le_bytes().to_vec();
            body.extend_from_slice(&frames.to_le_bytes());
            // A region, in no country, language or code page.
            body.extend_from_slice(b"rgn \0\0\0\0\0\0\0\0");
            push_chunk(b"ltxt", &body, &mut list);
        }
    }
    let mut chunks = Vec::new();
    push_chunk(b"cue ", &cue, &mut chunks);
    push_chunk(b"LIST", &list, &mut chunks);
    chunks
}
