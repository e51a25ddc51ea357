//! What is played too late is silence that the server makes without a word: it has a length.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use ossicle_io::device::{HostKind, StreamRequest, StreamState};
use ossicle_io::realtime;
use xtask::peers::pulse::Parec;

use crate::{output, rig, served, start, wait_until};

/// How long who plays, or the server, stands still.
const STILL: Duration = Duration::from_millis(300);
/// Whole numbers up to this are exact in what is played.
const FULL: f32 = 16_777_216.0;

/// Who stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Program,
    Server,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// Frames by which a position is heard later at the end than at the beginning: silence that was
    /// not told, or if negative what was told and is none.
    late: i64,
    /// What was told meanwhile.
    xruns: u64,
    lost: u64,
    /// The most that one call told.
    most: u64,
}

/// Plays the number of each frame by its position; once somebody stands still.
fn stand_still(who: Stands, period_frames: u32) -> Found {
    let rig = rig();
    let recorder = Parec::record(&rig.server, "speaker.monitor", 2).unwrap();
    let request = StreamRequest {
        buffer_frames: Some(period_frames),
        ..output(2)
    };
    let stands = Arc::new(AtomicBool::new(false));
    let (is_asked, most) = (stands.clone(), Arc::new(AtomicU64::new(0)));
    let told = most.clone();
    let stream = start(
        HostKind::PulseAudio,
        &request,
        Box::new(move |call| {
            told.fetch_max(call.lost_frames, Ordering::Relaxed);
            for (frame, samples) in call.output.chunks_exact_mut(2).enumerate() {
                samples.fill((call.position + frame as u64 + 1) as f32 / FULL);
            }
            if is_asked.swap(false, Ordering::Relaxed) {
                realtime::permit(|| sleep(STILL));
            }
        }),
    );
    let status = stream.status().clone();
    wait_until("two seconds", 10, || status.frames() > 2 * 48_000);
    let before = (status.xruns(), status.lost_frames());
    match who {
        Stands::Program => stands.store(true, Ordering::Relaxed),
        Stands::Server => {
            rig.server.stop().unwrap();
            sleep(STILL);
            rig.server.cont().unwrap();
        }
    }
    sleep(Duration::from_secs(2));
    let (xruns, lost) = (status.xruns() - before.0, status.lost_frames() - before.1);
    assert_eq!(status.state(), StreamState::Running);
    drop(stream);
    let heard = recorder.finish().unwrap();
    let numbers = heard.chunks_exact(2).map(|frame| (frame[0] * FULL) as i64);
    let delays: Vec<i64> = (0i64..)
        .zip(numbers)
        .filter(|(_, number)| *number > 0)
        .map(|(at, number)| at - number)
        .collect();
    // A second after it began, and half a second before its end.
    let (first, last) = (delays[48_000], delays[delays.len() - 24_000]);
    let found = Found {
        late: last - first,
        xruns,
        lost,
        most: most.load(Ordering::Relaxed),
    };
    println!("{who:?} at {period_frames}: {found:?}");
    found
}

#[test]
fn silence_that_the_server_made_is_told_once_with_its_length() {
    served(|| {
        for (who, period_frames) in [
            (Stands::Program, 128),
            (Stands::Program, 1024),
            (Stands::Server, 256),
        ] {
            let found = stand_still(who, period_frames);
            let period = u64::from(period_frames);
            // A busy machine makes more of them. A server goes on at the pieces in which it plays.
            let most = if found.xruns == 1 && who == Stands::Program {
                96
            } else {
                2 * period * found.xruns
            };
            assert!(found.late.unsigned_abs() <= most, "{who:?}: {found:?}");
            // The 300 ms are told in one piece, without the two periods that it held.
            let least = 14_400 - 3 * period;
            assert!(found.most >= least, "{who:?}: {found:?}");
            assert!(found.xruns > 1 || found.lost == found.most, "{found:?}");
        }
    });
}
