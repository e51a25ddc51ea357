//! What an encoder of compressed takes does for its writer: sound in, whole blocks of bytes out.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::FileError;
use super::wav_labels::Label;

/// Bytes that readers can decode as soon as they are in the file, the blocks before provided.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub bytes: Vec<u8>,
    /// Frames that can be read with this block.
    pub end_frame: u64,
}

/// What a take's header is to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress<'a> {
    pub frames: u64,
    /// The labels, when the take is closed.
    pub closed: Option<&'a [Label]>,
    /// The file holds all that was encoded.
    pub whole: bool,
}

/// An encoder of one format.
pub(super) trait Encoder: Send + std::fmt::Debug {
    /// The beginning of the file, which says that its length is not known.
    fn header(&self) -> Vec<u8>;

    /// Encodes whole frames, interleaved; blocks come when there is enough.
    fn encode(
        &mut self,
        interleaved: &[f32],
        blocks: &mut VecDeque<Block>,
    ) -> Result<(), FileError>;

    /// Gives what is left; nothing is encoded afterwards.
    fn end(&mut self, blocks: &mut VecDeque<Block>) -> Result<(), FileError>;

    /// What is to be written over the [`header`](Self::header), that it may say what is now: bytes
    /// and their places, each to be on the disk before the next is written.
    fn header_now(&self, progress: Progress) -> Vec<(Vec<u8>, u64)>;

    /// How many of these labels the closed file would not hold.
    fn labels_left_out(&self, labels: &[Label]) -> usize;

    /// Marks a block that was not made as the last one as such; says whether there is a mark.
    fn mark_last(&self, block: &mut Vec<u8>) -> bool;
}

/// Takes what an encoder writes, for whoever owns the encoder.
#[derive(Clone, Debug, Default)]
pub(super) struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    /// What was written since the last call.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
