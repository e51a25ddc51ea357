//! WAV files that were never closed: what is in them, and how they are closed.

use std::fs::File;
use std::io;

use super::error::FileError;
use super::positioned::read_at;
use super::recover::{Damage, DamageKind};
use super::storage::Storage;
use super::wav_checkpoint::{Behind, close, make_true};
use super::wav_header::{MAX_HEADER_BYTES, State, WavHeader};
use super::wav_labels::{Label, label_chunks, labels_left_out};

/// What a file system writes at once: behind a power cut each such part of a file is what was
/// written, or zeros.
const BLOCK_BYTES: usize = 4096;
/// What a disk writes at once.
const SECTOR_BYTES: usize = 512;
/// Zeros up to the end of a sector that are too many for chance.
const DOUBTFUL_BYTES: usize = 64;
/// Bytes that are looked through for them; what is further behind is doubtful as a whole.
const LOOKED_BYTES: u64 = 32 << 20;

/// A WAV file with the mark of an open take.
#[derive(Debug)]
pub(super) struct OpenWav {
    header: WavHeader,
    file_bytes: u64,
    /// Bytes of sound chunks behind the samples.
    behind_bytes: u64,
    damage: Vec<Damage>,
}

impl OpenWav {
    /// Whether a file has the mark.
    pub(super) fn is_marked(file: &File) -> io::Result<bool> {
        Ok(header_of(file)?.is_some())
    }

    /// Looks at a marked file; nothing for any other.
    pub(super) fn look(file: &File) -> io::Result<Option<Self>> {
        let Some(header) = header_of(file)? else {
            return Ok(None);
        };
        let mut wav = Self {
            header,
            file_bytes: file.metadata()?.len(),
            behind_bytes: 0,
            damage: Vec::new(),
        };
        match wav.header.state() {
            State::Closing => wav.behind_bytes = wav.chunks_behind(file),
            State::Open => {
                wav.file_bytes = wav.sure_bytes(file);
                wav.doubt_zeros(file)?;
            }
            State::Closed => {}
        }
        Ok(Some(wav))
    }

    /// Sample rate in hertz, as the header says.
    pub(super) fn sample_rate_hz(&self) -> u32 {
        self.header.sample_rate_hz()
    }

    /// Frames that the header tells of, and that are there.
    pub(super) fn frames_said(&self) -> u64 {
        let said = self.header.data_bytes() / self.header.frame_bytes();
        said.min(self.frames_held())
    }

    /// Whole frames that can be won.
    pub(super) fn frames_there(&self) -> u64 {
        match self.header.state() {
            State::Open => self.frames_held(),
            State::Closing | State::Closed => self.frames_said(),
        }
    }

    /// Frames behind those that the header tells of that may be missing.
    pub(super) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    fn frames_held(&self) -> u64 {
        let held = self.file_bytes.saturating_sub(self.header.data_offset());
        held / self.header.frame_bytes()
    }

    /// Closes the file with all frames that are there; returns the labels that it cannot hold.
    pub(super) fn finish(
        mut self,
        storage: &mut dyn Storage,
        labels: &[Label],
    ) -> Result<usize, FileError> {
        let frames = self.frames_there();
        let bytes = frames * self.header.frame_bytes();
        let behind = match label_chunks(labels) {
            chunks if chunks.is_empty() => Behind::Kept(self.behind_bytes),
            chunks => Behind::Chunks(chunks),
        };
        make_true(storage, &mut self.header, bytes, false)
            .and_then(|pad| close(storage, &mut self.header, bytes, pad, &behind))
            .map_err(|error| FileError::writing(error, frames))?;
        Ok(labels_left_out(labels))
    }

    /// The length without blocks of zeros at the end that no header told of: in a power cut a file may
    /// have got its length before its sound. Silence that was recorded there goes with them.
    fn sure_bytes(&self, file: &File) -> u64 {
        let told = self.data_end(self.frames_said());
        let mut end = self.file_bytes;
        let mut block = [0; BLOCK_BYTES];
        while end > told {
            let begin = ((end - 1) / BLOCK_BYTES as u64 * BLOCK_BYTES as u64).max(told);
            let part = &mut block[..(end - begin) as usize];
            if !matches!(read_at(file, part, begin), Ok(read) if read == part.len())
                || part.iter().any(|byte| *byte != 0)
            {
                break;
            }
            end = begin;
        }
        end
    }

    /// Doubts zeros that no header told of and that reach to the end of a sector: a later part of the
    /// file may have got to the disk, and this one not, or not the last time that it was written.
    fn doubt_zeros(&mut self, file: &File) -> io::Result<()> {
        let end = self.data_end(self.frames_held());
        let mut at = self.data_end(self.frames_said());
        let looked = end.min(at + LOOKED_BYTES);
        let mut sector = [0; SECTOR_BYTES];
        while at < looked {
            let next = (at / SECTOR_BYTES as u64 + 1) * SECTOR_BYTES as u64;
            let part = &mut sector[..(next.min(end) - at) as usize];
            let length = read_at(file, part, at)?;
            let part = &part[..length];
            let zeros = part.iter().rev().take_while(|byte| **byte == 0).count();
            if zeros > 0 && zeros >= part.len().min(DOUBTFUL_BYTES) {
                self.doubt(next.min(end) - zeros as u64, next.min(end));
            }
            at = next;
        }
        if looked < end {
            self.doubt(looked, end);
        }
        Ok(())
    }

    /// Doubts the frames that have a byte between two places.
    fn doubt(&mut self, from: u64, until: u64) {
        let front = self.header.data_offset();
        let position = (from - front) / self.header.frame_bytes();
        let end = (until - front).div_ceil(self.header.frame_bytes());
        match self.damage.last_mut() {
            Some(last) if last.position + last.frames >= position => {
                last.frames = end - last.position;
            }
            _ => self.damage.push(Damage {
                position,
                frames: end - position,
                kind: DamageKind::Doubtful,
            }),
        }
    }

    fn data_end(&self, frames: u64) -> u64 {
        self.header.data_offset() + frames * self.header.frame_bytes()
    }

    /// Bytes of the chunks behind the samples, when they are whole up to the end of the file.
    fn chunks_behind(&self, file: &File) -> u64 {
        let bytes = self.header.data_bytes();
        let start = self.header.data_offset() + bytes + bytes % 2;
        let mut at = start;
        while at < self.file_bytes {
            let mut chunk = [0; 8];
            if !matches!(read_at(file, &mut chunk, at), Ok(8)) {
                return 0;
            }
            let [a, b, c, d, size @ ..] = chunk;
            let size = u64::from(u32::from_le_bytes(size));
            if !matches!(&[a, b, c, d], b"cue " | b"LIST") {
                return 0;
            }
            at += 8 + size + size % 2;
        }
        if at == self.file_bytes { at - start } else { 0 }
    }
}

/// The header of a file with the mark.
fn header_of(file: &File) -> io::Result<Option<WavHeader>> {
    let mut start = vec![0; 512];
    let mut length = read_at(file, &mut start, 0)?;
    let mut header = WavHeader::parse(&start[..length]);
    if header.is_none() && WavHeader::is_marked(&start[..length]) {
        start = vec![0; MAX_HEADER_BYTES];
        length = read_at(file, &mut start, 0)?;
        header = WavHeader::parse(&start[..length]);
    }
    Ok(header.filter(|header| header.state() != State::Closed))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::file::logged::{Kept, Log, Logged, cut};
    use crate::file::{Tags, WavReader, WavSpec, WavWriter};
    use crate::sample::SampleFormat;

    const FRAMES: u64 = 3001;

    fn label(text: &str) -> Label {
        Label {
            position: 7,
            frames: 9,
            text: text.to_owned(),
        }
    }

    /// The log of a take with labels, from its first frame to its end.
    fn closed(format: SampleFormat) -> Log {
        let spec = WavSpec {
            sample_rate_hz: 8000,
            channels: 1,
            format,
        };
        let storage = Logged::default();
        let (log, given) = (storage.log.clone(), storage.given.clone());
        given.store(FRAMES, Ordering::Relaxed);
        let mut take = WavWriter::on(Box::new(storage), spec, &Tags::default()).unwrap();
        take.write(&vec![0.25; FRAMES as usize]).unwrap();
        take.checkpoint().unwrap();
        take.label(label("as long as some frames are, and longer"));
        take.finish().unwrap();
        log
    }

    /// The take in a file, if it is open.
    fn look(bytes: &[u8]) -> (tempfile::NamedTempFile, Option<OpenWav>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let wav = OpenWav::look(file.as_file()).unwrap();
        (file, wav)
    }

    /// The log of finishing a file of these bytes.
    fn finished(bytes: &[u8], wav: OpenWav, labels: &[Label]) -> Log {
        let mut storage = Logged::default();
        storage.write_at(bytes, 0).unwrap();
        storage.sync().unwrap();
        storage.publish().unwrap();
        wav.finish(&mut storage, labels).unwrap();
        storage.log
    }

    /// Every state in which a take is closed, recovered, and cut again after every operation.
    #[test]
    fn a_recovery_that_is_cut_anywhere_leaves_the_same_frames() {
        let kept = [Kept::Nothing, Kept::Everything, Kept::Length];
        let kept = kept.into_iter().chain((0..4).map(Kept::Chance));
        let kept: Vec<Kept> = kept.collect();
        let (mut closing, mut cuts) = (0, 0);
        for format in [SampleFormat::I16, SampleFormat::I24] {
            let log = closed(format).lock().unwrap().clone();
            for prefix in 0..=log.len() {
                let state = cut(&log, prefix, Kept::Everything);
                let Some(bytes) = state.file.filter(|_| state.given == FRAMES) else {
                    continue;
                };
                let labels = [
                    vec![],
                    vec![label("short")],
                    vec![label(&"long".repeat(99))],
                ];
                for labels in labels {
                    let (_file, Some(wav)) = look(&bytes) else {
                        continue;
                    };
                    closing += u32::from(wav.header.state() == State::Closing);
                    let log = finished(&bytes, wav, &labels).lock().unwrap().clone();
                    // Behind the operations that put the file there.
                    for prefix in 3..=log.len() {
                        for kept in &kept {
                            let bytes = cut(&log, prefix, *kept).file.unwrap();
                            let told = format!("{format:?}, after {prefix}, {kept:?}");
                            if let (_file, Some(wav)) = look(&bytes) {
                                assert_eq!(wav.frames_there(), FRAMES, "{told}");
                                assert_eq!(wav.frames_said(), FRAMES, "{told}");
                            }
                            let (file, _) = look(&bytes);
                            let frames = WavReader::open(file.path()).unwrap().frames();
                            assert_eq!(frames, FRAMES, "{told}");
                            cuts += 1;
                        }
                    }
                    let whole = cut(&log, log.len(), Kept::Everything).file.unwrap();
                    let (file, open) = look(&whole);
                    assert!(open.is_none(), "it is still open");
                    let bytes = fs::read(file.path()).unwrap();
                    let said = |text: &str| bytes.windows(text.len()).any(|t| t == text.as_bytes());
                    assert!(labels.is_empty() || said(&labels[0].text));
                }
            }
        }
        assert!(closing > 6 && cuts > 1000, "{closing} closing, {cuts} cuts");
    }
}
