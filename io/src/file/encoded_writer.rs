//! A writer of compressed takes: blocks of an encoder, appended and made to last.
//!
//! Frames and pages check themselves and stand one behind the other, so that what is in the file by
//! a cut is readable up to there. What was encoded since the last checkpoint is kept, so that it
//! can be written again when the disk did not take it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;

use super::encoder::{Block, Encoder, Progress};
use super::error::FileError;
use super::storage::{Storage, write_all_at, write_in_order};
use super::wav_labels::Label;
use super::wav_writer::WavSpec;

/// Bytes that may wait for a checkpoint before the writer makes one of its own.
const MAX_UNSYNCED_BYTES: u64 = 16 << 20;

/// Writes a compressed take.
#[derive(Debug)]
pub(super) struct EncodedWriter {
    storage: Box<dyn Storage>,
    encoder: Box<dyn Encoder>,
    spec: WavSpec,
    /// Frames that the caller gave; after an error it gives some again, which are passed over.
    given_frames: u64,
    /// Frames that the encoder took.
    taken_frames: u64,
    /// Bytes and frames of the file up to the last whole block in it.
    bytes: u64,
    held_frames: u64,
    /// The same when the last checkpoint was made.
    lasting_bytes: u64,
    lasting_frames: u64,
    /// Blocks in the file since then.
    recent: VecDeque<Block>,
    /// Blocks that are not yet in the file.
    waiting: VecDeque<Block>,
    /// The last block in the file, and the one that was when the last checkpoint was made.
    last: Option<Block>,
    lasting_last: Option<Block>,
    labels: Vec<Label>,
    published: bool,
    refused: bool,
    /// The encoder has given its last block.
    concluded: bool,
    finished: bool,
}

impl EncodedWriter {
    /// Begins a take on an empty storage.
    pub(super) fn on(
        storage: Box<dyn Storage>,
        encoder: Box<dyn Encoder>,
        spec: WavSpec,
    ) -> Result<Self, FileError> {
        let header = encoder.header();
        let mut writer = Self {
            storage,
            encoder,
            spec,
            given_frames: 0,
            taken_frames: 0,
            bytes: header.len() as u64,
            held_frames: 0,
            lasting_bytes: header.len() as u64,
            lasting_frames: 0,
            recent: VecDeque::new(),
            waiting: VecDeque::new(),
            last: None,
            lasting_last: None,
            labels: Vec::new(),
            published: false,
            refused: false,
            concluded: false,
            finished: false,
        };
        let (_, result) = write_all_at(&mut *writer.storage, &header, 0);
        result.map_err(|error| writer.failed(error))?;
        Ok(writer)
    }

    pub(super) fn rename(&mut self, path: &Path) -> Result<(), FileError> {
        Ok(self.storage.rename(path)?)
    }

    pub(super) fn handle(&self) -> Option<File> {
        self.storage.handle()
    }

    pub(super) fn spec(&self) -> WavSpec {
        self.spec
    }

    /// Frames taken; after an error, those that are in the file.
    pub(super) fn frames(&self) -> u64 {
        self.given_frames
    }

    pub(super) fn lasting_frames(&self) -> u64 {
        self.lasting_frames
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn write(&mut self, interleaved: &[f32]) -> Result<(), FileError> {
        let channels = self.spec.channels;
        if !interleaved.len().is_multiple_of(channels) {
            return Err(FileError::TornFrame {
                samples: interleaved.len(),
                channels,
            });
        }
        self.append_waiting()?;
        let frames = (interleaved.len() / channels) as u64;
        // What the encoder has already was given again after an error.
        let again = frames.min(self.taken_frames - self.given_frames);
        self.given_frames += again;
        let new = &interleaved[again as usize * channels..];
        if !new.is_empty() {
            self.encoder.encode(new, &mut self.waiting)?;
        }
        self.taken_frames += frames - again;
        self.given_frames += frames - again;
        self.append_waiting()?;
        if self.bytes - self.lasting_bytes > MAX_UNSYNCED_BYTES {
            self.checkpoint()?;
        }
        Ok(())
    }

    pub(super) fn label(&mut self, label: Label) {
        self.labels.push(label);
    }

    /// How many of the labels so far the closed file will not hold.
    pub(super) fn labels_left_out(&self) -> usize {
        self.encoder.labels_left_out(&self.labels)
    }

    pub(super) fn checkpoint(&mut self) -> Result<(), FileError> {
        self.append_waiting()?;
        let is_named = self.published || self.held_frames == 0;
        if self.held_frames == self.lasting_frames && is_named {
            return Ok(());
        }
        let progress = Progress {
            frames: self.held_frames,
            closed: None,
            whole: false,
        };
        self.make_true(progress)
    }

    /// The take ends here: what waits for its block to be full is a block now. A checkpoint too.
    pub(super) fn conclude(&mut self) -> Result<(), FileError> {
        self.append_last()?;
        self.checkpoint()
    }

    pub(super) fn finish(mut self) -> Result<u64, FileError> {
        self.end()?;
        Ok(self.held_frames)
    }

    fn end(&mut self) -> Result<(), FileError> {
        self.finished = true;
        let cut = match self.given_frames == self.taken_frames {
            true => self.append_last().err(),
            false => None,
        };
        let whole = cut.is_none() && self.given_frames == self.taken_frames;
        if !whole {
            // The rest goes elsewhere: the file ends where the caller is told that it does.
            self.waiting.clear();
        }
        if self.held_frames == 0 && self.refused {
            return Err(FileError::NoRoom { frames: 0 });
        }
        let marked = !whole && self.mark_last()?;
        let labels = std::mem::take(&mut self.labels);
        self.storage
            .set_len(self.bytes)
            .map_err(|e| self.failed(e))?;
        if marked {
            self.storage.sync().map_err(|error| self.failed(error))?;
        }
        self.make_true(Progress {
            frames: self.held_frames,
            closed: Some(&labels),
            whole,
        })?;
        cut.map_or(Ok(()), Err)
    }

    /// Appends what the encoder holds, too, unless frames that it has go elsewhere.
    fn append_last(&mut self) -> Result<(), FileError> {
        self.append_waiting()?;
        if !self.concluded && self.given_frames == self.taken_frames {
            self.concluded = true;
            self.encoder.end(&mut self.waiting)?;
        }
        self.append_waiting()
    }

    fn mark_last(&mut self) -> Result<bool, FileError> {
        let Some(block) = &mut self.last else {
            return Ok(false);
        };
        if !self.encoder.mark_last(&mut block.bytes) {
            return Ok(false);
        }
        let offset = self.bytes - block.bytes.len() as u64;
        let (_, result) = write_all_at(&mut *self.storage, &block.bytes, offset);
        result.map_err(|error| self.failed(error))?;
        Ok(true)
    }

    fn append_waiting(&mut self) -> Result<(), FileError> {
        while let Some(block) = self.waiting.front() {
            let (_, result) = write_all_at(&mut *self.storage, &block.bytes, self.bytes);
            if let Err(error) = result {
                self.given_frames = self.held_frames;
                return Err(self.failed(error));
            }
            if let Some(block) = self.waiting.pop_front() {
                self.bytes += block.bytes.len() as u64;
                self.held_frames = self.held_frames.max(block.end_frame);
                self.last = Some(block.clone());
                self.recent.push_back(block);
            }
        }
        Ok(())
    }

    /// Blocks, sync, header, sync, and the name when it has none.
    fn make_true(&mut self, progress: Progress) -> Result<(), FileError> {
        if let Err(error) = self.sync_all(progress) {
            // The system may have let go of anything since the last checkpoint.
            self.bytes = self.lasting_bytes;
            self.held_frames = self.lasting_frames;
            self.given_frames = self.lasting_frames;
            self.last.clone_from(&self.lasting_last);
            self.recent.append(&mut self.waiting);
            std::mem::swap(&mut self.recent, &mut self.waiting);
            return Err(self.failed(error));
        }
        if !self.published {
            // What cannot be found does not last.
            let named = self.storage.publish();
            named.map_err(|error| self.failed(error))?;
            self.published = true;
        }
        self.lasting_bytes = self.bytes;
        self.lasting_frames = self.held_frames;
        self.lasting_last.clone_from(&self.last);
        self.recent.clear();
        Ok(())
    }

    fn sync_all(&mut self, progress: Progress) -> io::Result<()> {
        self.storage.sync()?;
        write_in_order(&mut *self.storage, &self.encoder.header_now(progress))
    }

    fn failed(&mut self, error: io::Error) -> FileError {
        self.refused = true;
        FileError::writing(error, self.held_frames)
    }
}

impl Drop for EncodedWriter {
    fn drop(&mut self) {
        if !self.finished && self.given_frames > 0 {
            let _ = self.end();
        }
    }
}
