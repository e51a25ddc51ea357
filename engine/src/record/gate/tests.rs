use std::sync::Arc;
use std::time::Duration;

use ossicle_io::ring::Cause;

use super::{Begin, Desk, Gate, GateConfig, GateState, Gated, Lead, Passed, Pause, Place, Silence};
use crate::session::Moment;

const RATE: u32 = 1000;

/// A mono gate and what passed it: frames, and for lost ones `None`.
struct Rig {
    gate: Gate,
    desk: Arc<Desk>,
    passed: Vec<Option<f32>>,
    /// Stream position behind the last piece that passed.
    end: Option<u64>,
}

impl Rig {
    fn new(config: &GateConfig, place: Place) -> Self {
        let desk = Arc::new(Desk::default());
        Self {
            gate: Gate::new(config, place, 1, RATE, desk.clone()).unwrap(),
            desk,
            passed: Vec::new(),
            end: None,
        }
    }

    fn take(&mut self, piece: Passed<'_>) {
        let (passed, end) = (&mut self.passed, &mut self.end);
        let first = self.desk.clone();
        self.gate.take(piece, 0, &mut |position, piece| {
            let frames = match piece {
                Passed::Audio(samples) => {
                    passed.extend(samples.iter().copied().map(Some));
                    samples.len() as u64
                }
                Passed::Lost { frames, .. } => {
                    passed.extend((0..frames).map(|_| None));
                    frames
                }
            };
            // A piece is where the one before it ended, but for what a pause left out.
            let expected = end.unwrap_or_else(|| first.gated().first_frame.unwrap());
            let left_out = first.gated().pauses.last().map_or(0, |pause| {
                let is_here = pause.stream_position == expected;
                if is_here { pause.frames } else { 0 }
            });
            assert_eq!(position, expected + left_out, "position of a piece");
            *end = Some(position + frames);
        });
    }

    /// Gives frames in blocks of this length.
    fn audio(&mut self, samples: &[f32], block: usize) {
        samples
            .chunks(block)
            .for_each(|block| self.take(Passed::Audio(block)));
    }

    fn lost(&mut self, frames: u64) {
        let cause = Cause::RingFull;
        self.take(Passed::Lost { frames, cause });
    }

    fn gated(&self) -> Gated {
        self.desk.gated()
    }
}

fn first() -> Place {
    Place::First(Arc::new(Lead::new(RATE)))
}

/// Every frame tells its position, below -40 dBFS, unless it is one of `loud`.
fn stream(frames: u32, loud: &[u32]) -> Vec<f32> {
    let sample = |frame: u32| {
        let level = if loud.contains(&frame) { 0.5 } else { 0.0 };
        level + frame as f32 * 1e-7
    };
    (0..frames).map(sample).collect()
}

fn heard(stream: &[f32]) -> Vec<Option<f32>> {
    stream.iter().copied().map(Some).collect()
}

/// The lengths of blocks that every test is run with: the result may not depend on them.
const BLOCKS: [usize; 4] = [1, 7, 256, 100_000];

#[test]
fn sound_begins_a_recording_with_what_was_before_it() {
    let config = GateConfig {
        begin: Begin::OnSound { level_dbfs: -40.0 },
        preroll_seconds: 0.1,
        ..GateConfig::default()
    };
    let stream = stream(5000, &[3210]);
    for block in BLOCKS {
        let mut rig = Rig::new(&config, first());
        rig.audio(&stream[..3000], block);
        assert_eq!(rig.gated().state, GateState::Waiting);
        rig.audio(&stream[3000..], block);
        assert_eq!(rig.gated().first_frame, Some(3110), "blocks of {block}");
        assert_eq!(rig.passed, heard(&stream[3110..]), "blocks of {block}");
    }
}

#[test]
fn sound_in_the_first_frames_has_a_shorter_preroll() {
    let config = GateConfig {
        begin: Begin::OnSound { level_dbfs: -40.0 },
        preroll_seconds: 1.0,
        ..GateConfig::default()
    };
    let stream = stream(300, &[30]);
    let mut rig = Rig::new(&config, first());
    rig.audio(&stream, 64);
    assert_eq!(rig.gated().first_frame, Some(0));
    assert_eq!(rig.passed, heard(&stream));
}

#[test]
fn the_level_itself_begins_and_what_is_below_does_not() {
    let config = GateConfig {
        begin: Begin::OnSound { level_dbfs: -20.0 },
        ..GateConfig::default()
    };
    let mut rig = Rig::new(&config, first());
    rig.audio(&[0.0, -0.0999, 0.0999, 0.0], 4);
    assert_eq!(rig.gated().first_frame, None);
    // -20 dBFS is 0.1, on either side.
    rig.audio(&[-0.1], 1);
    assert_eq!(rig.gated().first_frame, Some(4));
    assert_eq!(rig.gated().begun_after, None, "nobody ordered it");
}

#[test]
fn an_order_reaches_back_into_the_preroll_to_the_frame() {
    let config = GateConfig {
        begin: Begin::WhenAsked,
        preroll_seconds: 0.5,
        ..GateConfig::default()
    };
    let stream = stream(4000, &[]);
    for block in BLOCKS {
        let mut rig = Rig::new(&config, first());
        rig.audio(&stream[..2000], block);
        // The order comes late: its position has passed.
        rig.desk.go(1900);
        rig.audio(&stream[2000..], block);
        assert_eq!(rig.gated().first_frame, Some(1400));
        assert_eq!(rig.passed, heard(&stream[1400..]), "blocks of {block}");
        let after = rig.gated().begun_after.unwrap();
        assert!(after < Duration::from_secs(1), "{after:?}");
    }
}

#[test]
fn an_order_reaches_back_as_far_as_there_is_memory() {
    let config = GateConfig {
        begin: Begin::WhenAsked,
        preroll_seconds: 0.5,
        ..GateConfig::default()
    };
    let stream = stream(4000, &[]);
    for block in BLOCKS {
        let mut rig = Rig::new(&config, first());
        rig.audio(&stream[..3000], block);
        rig.desk.go(100);
        rig.audio(&stream[3000..], block);
        // Memory holds the preroll and one second: 1500 frames.
        assert_eq!(rig.gated().first_frame, Some(1500), "blocks of {block}");
        assert_eq!(rig.passed, heard(&stream[1500..]), "blocks of {block}");
    }
}

#[test]
fn an_order_for_a_later_frame_waits_for_it() {
    let config = GateConfig {
        begin: Begin::WhenAsked,
        ..GateConfig::default()
    };
    let stream = stream(3000, &[]);
    for block in BLOCKS {
        let mut rig = Rig::new(&config, first());
        rig.desk.go(1234);
        rig.desk.pause(2000);
        rig.desk.go(2500);
        rig.audio(&stream, block);
        let want = [&stream[1234..2000], &stream[2500..]].concat();
        assert_eq!(rig.passed, heard(&want), "blocks of {block}");
        let pause = Pause {
            position: 766,
            stream_position: 2000,
            frames: 500,
        };
        assert_eq!(rig.gated().pauses, [pause]);
    }
}

#[test]
fn an_order_to_go_on_reaches_back_into_the_pause_but_not_behind_it() {
    let stream = stream(6000, &[]);
    let mut rig = Rig::new(&GateConfig::default(), first());
    rig.audio(&stream[..1000], 100);
    rig.desk.pause(1000);
    rig.audio(&stream[1000..1300], 100);
    rig.desk.go(1250);
    rig.audio(&stream[1300..2000], 100);
    // For a position before the pause: nothing is recorded twice.
    rig.desk.pause(2000);
    rig.audio(&stream[2000..2100], 100);
    rig.desk.go(1500);
    rig.audio(&stream[2100..], 100);
    let want = [&stream[..1000], &stream[1250..]].concat();
    assert_eq!(rig.passed, heard(&want));
    let left_out: u64 = rig.gated().pauses.iter().map(|pause| pause.frames).sum();
    assert_eq!(6000 - rig.passed.len() as u64, left_out);
}

#[test]
fn a_pause_that_lasts_until_the_end_is_told_with_its_length() {
    let mut rig = Rig::new(&GateConfig::default(), first());
    rig.audio(&stream(1000, &[]), 100);
    rig.desk.pause(1000);
    rig.audio(&stream(700, &[]), 100);
    rig.gate.finish();
    let pause = Pause {
        position: 1000,
        stream_position: 1000,
        frames: 700,
    };
    assert_eq!(rig.gated().pauses, [pause]);
}

#[test]
fn losses_are_gaps_in_the_recorded_part_only() {
    let config = GateConfig {
        begin: Begin::WhenAsked,
        preroll_seconds: 0.05,
        ..GateConfig::default()
    };
    let stream = stream(1000, &[]);
    for block in BLOCKS {
        let mut rig = Rig::new(&config, first());
        rig.audio(&stream[..100], block);
        rig.lost(10_000);
        rig.audio(&stream[100..300], block);
        // Positions 10 300 to 10 339; the recording begins in the middle of them.
        rig.lost(40);
        rig.audio(&stream[300..330], block);
        rig.desk.go(10_370);
        rig.audio(&stream[330..400], block);
        rig.desk.pause(10_440);
        rig.lost(500);
        rig.desk.go(10_940);
        rig.lost(3);
        rig.audio(&stream[400..500], block);
        let mut want = vec![None; 20];
        want.extend(heard(&stream[300..400]));
        want.extend([None; 3]);
        want.extend(heard(&stream[400..500]));
        assert_eq!(rig.gated().first_frame, Some(10_320));
        assert_eq!(rig.passed, want, "blocks of {block}");
    }
}

#[test]
fn losses_in_the_preroll_stand_where_they_were() {
    let config = GateConfig {
        begin: Begin::WhenAsked,
        preroll_seconds: 0.1,
        limit: Some(Moment::Frames(160)),
        ..GateConfig::default()
    };
    let stream = stream(300, &[]);
    let mut rig = Rig::new(&config, first());
    rig.audio(&stream[..50], 50);
    rig.lost(7);
    rig.audio(&stream[50..80], 7);
    rig.lost(5);
    rig.lost(5);
    rig.audio(&stream[80..100], 20);
    rig.desk.go(117);
    rig.audio(&stream[100..110], 10);
    // The limit is in the middle of these.
    rig.lost(60);
    let mut want = heard(&stream[17..50]);
    want.extend([None; 7]);
    want.extend(heard(&stream[50..80]));
    want.extend([None; 10]);
    want.extend(heard(&stream[80..110]));
    want.resize(160, None);
    rig.audio(&stream[110..], 100);
    assert_eq!(rig.gated().first_frame, Some(17));
    assert_eq!(rig.passed, want);
}

#[test]
fn silence_ends_a_recording_once_there_was_sound() {
    let config = GateConfig {
        until_silence: Some(Silence {
            seconds: 0.2,
            level_dbfs: -40.0,
        }),
        ..GateConfig::default()
    };
    let stream = stream(5000, &[1500, 1650, 1849, 3000]);
    for block in BLOCKS {
        let mut rig = Rig::new(&config, first());
        rig.audio(&stream[..1700], block);
        // What was lost was neither loud nor silent.
        rig.lost(400);
        rig.audio(&stream[1700..], block);
        assert_eq!(rig.gated().state, GateState::Ended);
        let mut want = heard(&stream[..1700]);
        want.extend([None; 400]);
        // From frame 1850 on there are 200 silent ones.
        want.extend(heard(&stream[1700..2050]));
        assert_eq!(rig.passed, want, "blocks of {block}");
    }
}

#[test]
fn a_recording_ends_at_its_limit_preroll_and_lost_frames_included() {
    let config = GateConfig {
        begin: Begin::WhenAsked,
        preroll_seconds: 0.1,
        limit: Some(Moment::Frames(250)),
        ..GateConfig::default()
    };
    let stream = stream(2000, &[]);
    for block in BLOCKS {
        let mut rig = Rig::new(&config, first());
        rig.desk.go(300);
        rig.audio(&stream[..320], block);
        rig.lost(100);
        rig.audio(&stream[320..], block);
        assert_eq!(rig.gated().state, GateState::Ended);
        let mut want = heard(&stream[200..320]);
        want.extend([None; 100]);
        want.extend(heard(&stream[320..350]));
        assert_eq!(rig.passed, want, "blocks of {block}");
        // A limit that lies in the preroll.
        let mut rig = Rig::new(
            &GateConfig {
                limit: Some(Moment::Frames(30)),
                ..config.clone()
            },
            first(),
        );
        rig.desk.go(300);
        rig.audio(&stream, block);
        assert_eq!(rig.passed, heard(&stream[200..230]), "blocks of {block}");
    }
}

#[test]
fn further_recordings_begin_with_the_first() {
    let config = GateConfig {
        begin: Begin::OnSound { level_dbfs: -40.0 },
        preroll_seconds: 0.1,
        until_silence: Some(Silence {
            seconds: 0.3,
            level_dbfs: -40.0,
        }),
        ..GateConfig::default()
    };
    let lead = Arc::new(Lead::new(2 * RATE));
    let desk = Arc::new(Desk::default());
    let place = Place::First(lead.clone());
    let mut first = Gate::new(&config, place, 2, 2 * RATE, desk.clone()).unwrap();
    let mut further = Rig::new(&config, Place::Further(lead));
    let stream = stream(2000, &[100]);
    // Its own sound does not begin it.
    further.audio(&stream[..900], 100);
    assert!(further.passed.is_empty());
    // Sound in the second channel, at frame 1600: 0.8 s, less the preroll 0.7 s.
    let mut loud = vec![0.0; 4000];
    loud[3201] = 0.5;
    first.take(Passed::Audio(&loud), 2000, &mut |_, _| {});
    assert_eq!(desk.gated().first_frame, Some(1400));
    let mut rest = stream[900..].to_vec();
    rest[0] = 0.5;
    further.audio(&rest, 100);
    assert_eq!(further.gated().first_frame, Some(700));
    // Nor does its own silence end it.
    assert_eq!(further.passed[..200], heard(&stream[700..900]));
    assert_eq!(further.passed[200..], heard(&rest));
}
