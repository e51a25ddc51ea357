//! From levels to gains: curve, ballistics, make-up, mix.

use alloc::vec;
use alloc::vec::Vec;

use super::ballistics::{Ballistics, Follower};
use super::curve::MovingCurve;
use super::{PIECE, Piece};
use crate::parts::glide::Glide;
use crate::parts::octaves::{exp2, from_decibels};

/// What automatic make-up gives back of the reduction of 0 dBFS: half of it, as much as what is
/// played is likely to lie below.
const MADE_UP: f32 = 0.5;

/// Turns levels into gains, for several paths by the same settings.
#[derive(Clone, Debug)]
pub struct Compression {
    curve: MovingCurve,
    ballistics: Ballistics,
    is_release_automatic: bool,
    is_makeup_automatic: bool,
    makeup_octaves: f64,
    /// Make-up of both kinds, in octaves.
    makeup: Glide,
    mix: Glide,
    followers: Vec<Follower>,
}

impl Compression {
    /// One that changes nothing, for no paths, until it is set and prepared.
    #[must_use]
    pub fn new() -> Self {
        Self {
            curve: MovingCurve::new(),
            ballistics: Ballistics::new(1.0, 1.0),
            is_release_automatic: false,
            is_makeup_automatic: false,
            makeup_octaves: 0.0,
            makeup: Glide::new(0.0),
            mix: Glide::new(1.0),
            followers: Vec::new(),
        }
    }

    /// Ready for so many paths; everything that glides is at its end.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn prepare(&mut self, sample_rate_hz: u32, paths: usize) {
        self.curve.prepare(sample_rate_hz);
        self.makeup.prepare(sample_rate_hz);
        self.mix.prepare(sample_rate_hz);
        self.followers = vec![Follower::REST; paths];
    }

    /// Rests at no reduction, and ends what glides.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.curve.finish();
        self.makeup.finish();
        self.mix.finish();
        self.followers.fill(Follower::REST);
    }

    /// Changes the curve by `change`.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_curve(&mut self, change: impl FnOnce(&mut MovingCurve)) {
        change(&mut self.curve);
        self.aim_makeup();
    }

    /// The times for 1 - 1/e of a change, in frames.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_times(&mut self, attack_frames: f64, release_frames: f64) {
        self.ballistics = Ballistics::new(attack_frames, release_frames);
    }

    /// Whether the release follows the programme.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_automatic_release(&mut self, is_automatic: bool) {
        if is_automatic != self.is_release_automatic {
            self.is_release_automatic = is_automatic;
            self.followers.iter_mut().for_each(Follower::forget_floor);
        }
    }

    /// The gain behind the compression, in decibels.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_makeup(&mut self, gain_db: f64) {
        self.makeup_octaves = from_decibels(gain_db);
        self.aim_makeup();
    }

    /// Whether half of what the curve takes from 0 dBFS is given back.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_automatic_makeup(&mut self, is_automatic: bool) {
        self.is_makeup_automatic = is_automatic;
        self.aim_makeup();
    }

    /// How much of the compressed sound is heard, 0 to 1; the rest is the sound as it came.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_mix(&mut self, share: f64) {
        self.mix.set(share);
    }

    fn aim_makeup(&mut self) {
        let taken = self.curve.target().reduction(0.0);
        let automatic = if self.is_makeup_automatic {
            MADE_UP * taken
        } else {
            0.0
        };
        let makeup = self.makeup_octaves + f64::from(automatic);
        if makeup != self.makeup.target() {
            self.makeup.set(makeup);
        }
    }

    /// Replaces the levels of a piece, in octaves, by gains as factors. There is one piece for each
    /// path.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn gains(&mut self, paths: &mut [Piece], frames: usize) {
        let frames = frames.min(PIECE);
        self.curve
            .reduce(paths.iter_mut().map(|path| &mut path[..frames]));
        if self.is_release_automatic {
            self.ballistics
                .follow_all::<true>(&mut self.followers, paths, frames);
        } else {
            self.ballistics
                .follow_all::<false>(&mut self.followers, paths, frames);
        }
        self.finish_gains(paths, frames);
    }

    #[inline(always)]
    fn finish_gains(&mut self, paths: &mut [Piece], frames: usize) {
        let (makeup, mix) = (self.makeup, self.mix);
        let moving = makeup.frames_left().max(mix.frames_left()).min(frames);
        for path in paths {
            (self.makeup, self.mix) = (makeup, mix);
            let (moving, rest) = path[..frames].split_at_mut(moving);
            for gain in moving {
                let makeup = self.makeup.next_value() as f32;
                *gain = mixed(exp2(makeup - *gain), self.mix.next_value() as f32);
            }
            let makeup = self.makeup.value() as f32;
            let mix = self.mix.value() as f32;
            for gain in &mut *rest {
                *gain = exp2(makeup - *gain);
            }
            if mix != 1.0 {
                rest.iter_mut().for_each(|gain| *gain = mixed(*gain, mix));
            }
        }
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

/// The factor of a sound that is multiplied by `gain`, beside itself.
#[inline(always)]
fn mixed(gain: f32, share: f32) -> f32 {
    if share == 1.0 {
        gain
    } else {
        1.0 + share * (gain - 1.0)
    }
}
