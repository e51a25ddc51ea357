//! The collector: takes frames from the record ring into the take, and puts silence of the true
//! length where frames were lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ossicle_io::ring::{FrameReader, Piece};

use super::take::Take;

/// Time between two looks at the ring. Nothing wakes the collector: a callback may not.
const POLL: Duration = Duration::from_millis(20);
/// Frames taken at once.
const PIECE_FRAMES: usize = 4096;

/// Runs until `ended` is set and the ring is empty.
pub(super) fn collect(mut ring: FrameReader, take: &Arc<Take>, ended: &AtomicBool) {
    let channels = take.channels();
    let mut scratch = vec![0.0f32; PIECE_FRAMES * channels];
    loop {
        // Read before the ring is emptied: what is in it then is the last there will be.
        let last_round = ended.load(Ordering::Acquire);
        loop {
            // Without room the frames stay in the ring, and what does not fit there is counted.
            let room = take.room_frames().min(PIECE_FRAMES as u64) as usize;
            if room == 0 {
                break;
            }
            match ring.next_piece(&mut scratch[..room * channels]) {
                Some(Piece::Audio { frames }) => take.append(&scratch[..frames * channels]),
                Some(Piece::Lost { frames, cause, .. }) => {
                    take.note_gap(frames, cause);
                    append_silence(take, frames, &mut scratch);
                }
                None if last_round => return,
                None => break,
            }
        }
        thread::sleep(POLL);
    }
}

/// Appends silence of any length, waiting for the writer where memory is at its limit.
fn append_silence(take: &Take, mut frames: u64, scratch: &mut [f32]) {
    scratch.fill(0.0);
    while frames > 0 {
        let now = frames.min(PIECE_FRAMES as u64).min(take.room_frames());
        if now == 0 {
            thread::sleep(POLL);
            continue;
        }
        take.append(&scratch[..now as usize * take.channels()]);
        frames -= now;
    }
}
