//! The writer: carries the take from memory to the file. A slow disk holds up nobody but it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ossicle_io::file::{FileError, WavWriter};

use super::take::Take;

/// Time between two looks at the take.
const POLL: Duration = Duration::from_millis(20);
/// Time between two moments at which the file on disk is true.
const CHECKPOINT: Duration = Duration::from_millis(250);
/// Frames written at once.
const PIECE_FRAMES: usize = 16_384;

/// Lets go of the take when the writer is gone, by an error or by a panic, so that the collector
/// never waits for it.
struct Guard<'a> {
    take: &'a Take,
    failed: &'a AtomicBool,
    done: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.failed.store(true, Ordering::Release);
            self.take.abandon();
        }
    }
}

/// Runs until `ended` is set and the whole take is in the file; returns the frames there.
///
/// When the file takes no more, what it holds is closed as far as possible, and the rest of the
/// take is let go.
pub(super) fn write(
    mut file: WavWriter,
    take: &Arc<Take>,
    ended: &AtomicBool,
    failed: &AtomicBool,
) -> Result<u64, FileError> {
    let mut guard = Guard {
        take,
        failed,
        done: false,
    };
    let written = write_all(&mut file, take, ended);
    // Closed in any case; the first error is the one to tell.
    let finished = file.finish();
    written?;
    let frames = finished?;
    guard.done = true;
    Ok(frames)
}

fn write_all(file: &mut WavWriter, take: &Take, ended: &AtomicBool) -> Result<(), FileError> {
    let channels = take.channels();
    let mut scratch = vec![0.0f32; PIECE_FRAMES * channels];
    let mut position = 0u64;
    let mut checkpoint_at = Instant::now();
    let mut checkpointed = 0u64;
    loop {
        let last_round = ended.load(Ordering::Acquire);
        while position < take.frames() {
            let wanted = (take.frames() - position).min(PIECE_FRAMES as u64) as usize;
            let frames = take.copy_from_memory(position, &mut scratch[..wanted * channels]);
            file.write(&scratch[..frames * channels])?;
            position += frames as u64;
            take.set_written(position);
            if checkpoint_at.elapsed() >= CHECKPOINT {
                break;
            }
        }
        if position > checkpointed && checkpoint_at.elapsed() >= CHECKPOINT {
            file.checkpoint()?;
            checkpointed = position;
            checkpoint_at = Instant::now();
        }
        if position < take.frames() {
            continue;
        }
        if last_round {
            return Ok(());
        }
        thread::sleep(POLL);
    }
}
