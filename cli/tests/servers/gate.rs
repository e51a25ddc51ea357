//! Recordings that sound begins, beside a server.

use std::thread::sleep;
use std::time::Duration;

use xtask::peers::pulse::Pacat;
use xtask::servers::PulseAudio;

use crate::program::Ossicle;
use crate::sound::{RATE, account, noise, read_wav};

/// Frames of the pre-roll.
const PREROLL: usize = RATE;

/// What is quiet for three seconds, then loud for two: below -66 dBFS, then up to -6 dBFS. Every
/// sample differs from its like elsewhere, and no step on the way changes a bit of it.
fn signal() -> Vec<f32> {
    let mut samples = noise(7 * RATE);
    for (at, sample) in samples.iter_mut().enumerate() {
        if !(3 * RATE..5 * RATE).contains(&(at / 2)) {
            *sample /= 1024.0;
        }
    }
    samples
}

#[test]
fn the_preroll_before_a_sound_holds_every_frame_that_was_played() {
    crate::served(|| {
        let server = PulseAudio::start().unwrap();
        let file = server.folder().join("take.wav");
        let line = "rec {} --host pulseaudio --buffer 256 --channels 2 --rate 48000 \
                    --on-sound -40dBFS --preroll 1s --until-silence 300ms@-40dBFS";
        let running = Ossicle::start(server.env(), line, &[&file]);
        sleep(Duration::from_millis(1500));
        assert!(!file.exists(), "nothing was heard yet");
        let played = signal();
        let _player = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
        let outcome = running.finish(Duration::from_secs(40)).ok();
        let take = read_wav(&file);
        let of_take = &outcome.json["takes"][0];
        let loud = |sample: &f32| sample.abs() >= 0.01;
        let first = played.iter().position(loud).unwrap() / 2;
        let last = played.iter().rposition(loud).unwrap() / 2;
        // Where the machine lost frames, they are silence and told; else every bit is the same.
        let lost = of_take["lost_frames"].as_u64().unwrap();
        let want = &played[2 * (first - PREROLL)..2 * (last + 1 + 3 * RATE / 10)];
        if lost == 0 {
            assert_eq!(take.len(), want.len(), "{of_take}");
            let bits = |samples: &[f32]| samples.iter().map(|s| s.to_bits()).collect::<Vec<_>>();
            assert!(bits(&take) == bits(want), "{of_take}");
        }
        let told = account(&take, &played).unwrap();
        assert_eq!(told.replaced as u64, lost, "{told:?} {of_take}");
        assert_eq!((told.inserted, told.skipped), (0, 0), "{told:?} {of_take}");
        let begun = of_take["stream_position"].as_u64().unwrap();
        assert!(begun > RATE as u64, "{of_take}");
    });
}
