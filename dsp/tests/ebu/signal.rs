//! The cases' tones.

use std::f64::consts::PI;

use ossicle_dsp::meter::{Loudness, View, layout};

/// So long a 1 kHz tone at each channel's peak level in dBFS; `None` for silence.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub seconds: f64,
    pub levels_db: Option<&'a [f64]>,
}

/// A stereo tone.
pub fn tone(level_db: f64, seconds: f64) -> (Option<f64>, f64) {
    (Some(level_db), seconds)
}

/// Stereo silence.
pub fn silence(seconds: f64) -> (Option<f64>, f64) {
    (None, seconds)
}

/// A loudness meter that is fed tones hop by hop.
pub struct Rig {
    pub meter: Loudness,
    sample_rate_hz: u32,
    channels: usize,
    frames: u64,
}

impl Rig {
    pub fn new(sample_rate_hz: u32, channels: usize) -> Self {
        let meter = Loudness::new(sample_rate_hz, layout(channels)).unwrap();
        Self {
            meter,
            sample_rate_hz,
            channels,
            frames: 0,
        }
    }

    /// Feeds stereo tones and silences one after the other.
    pub fn feed(&mut self, pieces: &[(Option<f64>, f64)]) {
        for &(level, seconds) in pieces {
            self.feed_looking(level, seconds, |_, _| {});
        }
    }

    /// Feeds one, and shows the meter each 10 ms with the seconds since the start.
    pub fn feed_looking(
        &mut self,
        level_db: Option<f64>,
        seconds: f64,
        look: impl FnMut(&Loudness, f64),
    ) {
        let levels = level_db.map(|level| vec![level; self.channels]);
        let piece = Piece {
            seconds,
            levels_db: levels.as_deref(),
        };
        self.feed_piece(piece, look);
    }

    pub fn feed_piece(&mut self, piece: Piece<'_>, mut look: impl FnMut(&Loudness, f64)) {
        let rate = f64::from(self.sample_rate_hz);
        let hop = self.sample_rate_hz as usize / 100;
        // 10 ms of 1 kHz are ten periods at every rate here.
        let sine: Vec<f64> = (0..hop)
            .map(|frame| (2.0 * PI * 1000.0 * frame as f64 / rate).sin())
            .collect();
        let gains: Vec<f64> = match piece.levels_db {
            Some(levels) => levels
                .iter()
                .map(|level| 10f64.powf(level / 20.0))
                .collect(),
            None => vec![0.0; self.channels],
        };
        let block: Vec<f32> = sine
            .iter()
            .flat_map(|sine| gains.iter().map(move |gain| (gain * sine) as f32))
            .collect();
        let frames = (piece.seconds * rate).round() as usize;
        assert_eq!(frames % hop, 0, "{} s is not whole hops", piece.seconds);
        for _ in 0..frames / hop {
            self.meter.push(&View::interleaved(&block, self.channels));
            self.frames += hop as u64;
            look(&self.meter, self.frames as f64 / rate);
        }
    }
}

/// Random numbers from a seed (xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From -1 to 1.
    pub fn number(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// From `low` to `high`.
    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * 0.5 * (self.number() + 1.0)
    }
}
