//! The part of a take that is in memory: sound in pieces, lost frames by their number.

use std::collections::VecDeque;
use std::sync::Arc;

/// Sound of a take that is in memory.
#[derive(Debug)]
pub(super) struct Memory {
    channels: usize,
    pieces: VecDeque<Piece>,
    /// Frames behind the pieces.
    open: Vec<f32>,
    /// Position of the first of them.
    open_first: u64,
    /// Frames of sound, pieces and open.
    frames: u64,
}

#[derive(Debug)]
struct Piece {
    first: u64,
    frames: u64,
    /// `None` for lost frames.
    sound: Option<Arc<Vec<f32>>>,
}

/// What memory has of the frames asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// So many frames of sound.
    Sound(usize),
    /// So many frames that were lost: silence.
    Lost(usize),
    /// Nothing: they are written, or still to come.
    Nothing,
}

/// Where frames asked for were found.
pub(super) enum Found {
    /// Copied already.
    Copied(usize),
    /// In a piece, from a sample on.
    Piece(Arc<Vec<f32>>, usize),
    Lost(u64),
    Nothing,
}

impl Found {
    /// Copies what was found.
    pub(super) fn copy(self, out: &mut [f32], channels: usize) -> Held {
        match self {
            Self::Copied(frames) => Held::Sound(frames),
            Self::Piece(sound, from) => {
                let samples = (sound.len() - from).min(out.len());
                out[..samples].copy_from_slice(&sound[from..from + samples]);
                Held::Sound(samples / channels)
            }
            Self::Lost(frames) => {
                let frames = frames.min((out.len() / channels) as u64) as usize;
                out[..frames * channels].fill(0.0);
                Held::Lost(frames)
            }
            Self::Nothing => Held::Nothing,
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Memory {
    /// Frames of one piece.
    pub(super) const CHUNK_FRAMES: usize = 8192;

    pub(super) fn new(channels: usize) -> Self {
        Self {
            channels,
            pieces: VecDeque::new(),
            open: Vec::new(),
            open_first: 0,
            frames: 0,
        }
    }

    /// Frames of sound that are held.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Adds whole frames.
    pub(super) fn append(&mut self, interleaved: &[f32]) {
        let capacity = Self::CHUNK_FRAMES * self.channels;
        let mut rest = interleaved;
        while !rest.is_empty() {
            if self.open.capacity() == 0 {
                self.open = Vec::with_capacity(capacity);
            }
            let (now, later) = rest.split_at(rest.len().min(capacity - self.open.len()));
            self.open.extend_from_slice(now);
            self.frames += (now.len() / self.channels) as u64;
            rest = later;
            if self.open.len() == capacity {
                self.seal();
            }
        }
    }

    /// Adds frames that were lost.
    pub(super) fn append_lost(&mut self, frames: u64) {
        self.seal();
        let first = self.open_first;
        self.open_first += frames;
        match self.pieces.back_mut() {
            Some(last) if last.sound.is_none() => last.frames += frames,
            _ => self.pieces.push_back(Piece {
                first,
                frames,
                sound: None,
            }),
        }
    }

    /// Makes a piece of what is open.
    fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut sound = std::mem::take(&mut self.open);
        if sound.len() < sound.capacity() / 2 {
            sound.shrink_to_fit();
        }
        let frames = (sound.len() / self.channels) as u64;
        self.pieces.push_back(Piece {
            first: self.open_first,
            frames,
            sound: Some(Arc::new(sound)),
        });
        self.open_first += frames;
    }

    /// Looks for frames from `position` on. What is open is copied at once, the rest is not.
    pub(super) fn find(&self, position: u64, out: &mut [f32]) -> Found {
        if position >= self.open_first {
            let from = usize::try_from(position - self.open_first).unwrap_or(usize::MAX);
            let from = from.saturating_mul(self.channels).min(self.open.len());
            let samples = (self.open.len() - from).min(out.len());
            let samples = samples - samples % self.channels;
            out[..samples].copy_from_slice(&self.open[from..from + samples]);
            return match samples {
                0 => Found::Nothing,
                samples => Found::Copied(samples / self.channels),
            };
        }
        let behind = self.pieces.partition_point(|piece| piece.first <= position);
        let piece = behind.checked_sub(1).and_then(|at| self.pieces.get(at));
        let Some(piece) = piece.filter(|piece| position < piece.first + piece.frames) else {
            return Found::Nothing;
        };
        let skip = position - piece.first;
        match &piece.sound {
            Some(sound) => Found::Piece(sound.clone(), skip as usize * self.channels),
            None => Found::Lost(piece.frames - skip),
        }
    }

    /// Lets go of the pieces that end by `written`.
    pub(super) fn forget(&mut self, written: u64) {
        while let Some(piece) = self.pieces.front()
            && piece.first + piece.frames <= written
        {
            self.frames -= if piece.sound.is_some() {
                piece.frames
            } else {
                0
            };
            self.pieces.pop_front();
        }
    }

    /// Lets go of all.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.open = Vec::new();
        self.frames = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(memory: &Memory, position: u64, out: &mut [f32]) -> Held {
        memory.find(position, out).copy(out, memory.channels)
    }

    #[test]
    fn memory_is_let_go_once_written_and_the_rest_stays_readable() {
        let mut memory = Memory::new(2);
        let signal: Vec<f32> = (0..40_000).map(|sample| sample as f32).collect();
        memory.append(&signal[..10]);
        memory.append(&signal[10..]);
        assert_eq!(memory.frames(), 20_000);
        memory.forget(17_000);
        let mut out = vec![0.0; 6];
        assert_eq!(copy(&memory, 16_383, &mut out), Held::Nothing);
        assert_eq!(copy(&memory, 16_384, &mut out), Held::Sound(3));
        assert_eq!(out, signal[32_768..32_774]);
        assert_eq!(copy(&memory, 19_998, &mut out), Held::Sound(2));
        assert_eq!(copy(&memory, 20_000, &mut out), Held::Nothing);
        assert_eq!(memory.frames(), 20_000 - 16_384);
    }

    #[test]
    fn lost_frames_stand_where_they_were_lost_and_take_no_memory() {
        let mut memory = Memory::new(1);
        memory.append(&[1.0, 2.0, 3.0]);
        memory.append_lost(1 << 40);
        memory.append_lost(2);
        memory.append(&[4.0]);
        assert_eq!(memory.frames(), 4);
        let mut out = [9.0; 8];
        assert_eq!(copy(&memory, 1, &mut out), Held::Sound(2));
        assert_eq!(out[..3], [2.0, 3.0, 9.0]);
        assert_eq!(copy(&memory, 3, &mut out), Held::Lost(8));
        assert_eq!(out, [0.0; 8]);
        let end = 3 + (1 << 40) + 2;
        assert_eq!(copy(&memory, end - 1, &mut out), Held::Lost(1));
        assert_eq!(copy(&memory, end, &mut out), Held::Sound(1));
        memory.forget(end);
        assert_eq!((memory.frames(), memory.pieces.len()), (1, 0));
    }
}
