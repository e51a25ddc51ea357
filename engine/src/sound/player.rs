//! The node that plays a sound.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_dsp::block::Block;
use ossicle_dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle_dsp::parameter::{Parameter, ValueError, fits};
use ossicle_dsp::parts::decibel::amplitude;
use ossicle_dsp::parts::pan_law::PanLaw;
use ossicle_dsp::parts::smoothed::Smoothed;

use super::memory::Sound;
use super::table::{FADE, FROM, GAIN, GLIDE_MS, PAN, PARAMETERS, PLAY, Play, SILENCE_DB};
use super::voice::{ChannelGain, Voice};

/// Runs through the sound that one player may have at once: the one that was started last, and
/// those that fade out. Of more, the faintest ends at once.
pub const VOICES: usize = 16;

/// Adds a sound to what passes, begun and ended on the frame that a parameter change names.
///
/// Its parameters have permanent numbers: [`PLAY`], [`GAIN`], [`PAN`], [`FADE`] and [`FROM`]. Each
/// change of [`PLAY`] to a value other than stop starts the sound anew; what plays already is faded
/// out while the new start is faded in, and the two gains make 1. The end of the sound itself, and
/// the seam of a loop, are not faded.
///
/// A sound of one channel goes to all channels, one of more goes to them one to one. A chain of one
/// channel gets as many as the sound has; what passes goes to all of them. With a gain of 0 dB, the
/// pan in the middle and no fade, the samples of the sound are added as they are.
///
/// Latency 0. The tail is what is left to be played: endless in a loop.
#[derive(Debug)]
pub struct SoundPlayer {
    sound: Sound,
    is_alone: bool,
    play: Play,
    gain_db: f64,
    pan: f64,
    fade_ms: f64,
    from_ms: f64,
    channels_in: usize,
    channels_out: usize,
    level: Smoothed,
    balance: [Smoothed; 2],
    voices: [Option<Voice>; VOICES],
}

impl SoundPlayer {
    /// A player of `sound`, stopped, with the other parameters at their defaults.
    #[must_use]
    pub fn new(sound: Sound) -> Self {
        let default = |number: usize| PARAMETERS[number].default;
        Self {
            sound,
            is_alone: false,
            play: Play::from_value(default(PLAY)),
            gain_db: default(GAIN),
            pan: default(PAN),
            fade_ms: default(FADE),
            from_ms: default(FROM),
            channels_in: 1,
            channels_out: 1,
            level: Smoothed::new(1.0),
            balance: [Smoothed::new(1.0); 2],
            voices: [None; VOICES],
        }
    }

    /// The player with a value for parameter `number`, in the unit of the table. A value for
    /// [`PLAY`] starts the sound on the first frame.
    ///
    /// # Errors
    /// The value does not fit the parameter.
    ///
    /// # Panics
    /// When there is no such parameter.
    pub fn with_value(mut self, number: usize, value: f64) -> Result<Self, ValueError> {
        fits(&PARAMETERS[number], value)?;
        self.hold(number, value);
        Ok(self)
    }

    /// The player without what passes: in one of several branches, where another branch has the
    /// sound that passes.
    #[must_use]
    pub const fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    fn hold(&mut self, number: usize, value: f64) {
        match number {
            PLAY => self.play = Play::from_value(value),
            GAIN => self.gain_db = value,
            PAN => self.pan = value,
            FADE => self.fade_ms = value,
            FROM => self.from_ms = value,
            _ => {}
        }
    }

    fn in_frames(&self, ms: f64) -> usize {
        libm::round(ms * f64::from(self.sound.sample_rate_hz()) / 1000.0) as usize
    }

    /// Forgets all voices, and starts the sound if it is to play.
    fn begin(&mut self) {
        self.voices = [None; VOICES];
        self.start();
    }

    /// Lets what plays fade out.
    fn release(&mut self) {
        let frames = self.in_frames(self.fade_ms);
        for voice in &mut self.voices {
            *voice = voice.and_then(|voice| voice.released(frames));
        }
    }

    fn start(&mut self) {
        let (place, fade_frames) = (self.in_frames(self.from_ms), self.in_frames(self.fade_ms));
        if self.play == Play::Stop || place >= self.sound.frames() {
            return;
        }
        let loudness = |voice: &Option<Voice>| {
            voice
                .as_ref()
                .map_or(-1.0, |voice| voice.gain_of_release().unwrap_or(1.0))
        };
        let seats = self.voices.iter_mut();
        if let Some(seat) = seats.min_by(|a, b| loudness(a).total_cmp(&loudness(b))) {
            *seat = Some(Voice::new(place, self.play == Play::Loop, fade_frames));
        }
    }

    fn channel_gain(&self, channel: usize) -> ChannelGain {
        let balance = self.balance.get(channel).copied();
        ChannelGain {
            level: self.level,
            balance: balance.filter(|_| self.channels_out > 1),
        }
    }
}

impl Node for SoundPlayer {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        let (node, rate_hz) = ("sound_player", self.sound.sample_rate_hz());
        if spec.sample_rate_hz != rate_hz {
            return Err(PrepareError::SampleRateUnsupported {
                node,
                asked_hz: spec.sample_rate_hz,
                min_hz: rate_hz,
                max_hz: rate_hz,
            });
        }
        if spec.channels > 1 && self.sound.channels() > spec.channels {
            return Err(PrepareError::ChannelsUnsupported {
                node,
                asked: spec.channels,
                allowed: "1, or at least as many as the sound has",
            });
        }
        self.channels_in = spec.channels;
        self.channels_out = spec.channels.max(self.sound.channels());
        self.level = Smoothed::new(factor(self.gain_db));
        self.level.prepare(GLIDE_MS, rate_hz);
        self.balance = PanLaw::Power.balance(self.pan / 100.0).map(Smoothed::new);
        for gain in &mut self.balance {
            gain.prepare(GLIDE_MS, rate_hz);
        }
        self.begin();
        Ok(Shape {
            channels: self.channels_out,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.level.finish();
        self.balance.iter_mut().for_each(Smoothed::finish);
        self.begin();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let planes = &mut block.planes;
        if self.is_alone {
            planes.iter_mut().for_each(|plane| plane.fill(0.0));
        } else {
            for channel in self.channels_in..self.channels_out {
                let (first, other) = planes.pair_mut(0, channel);
                other.copy_from_slice(first);
            }
        }
        for seat in 0..VOICES {
            let Some(voice) = self.voices[seat] else {
                continue;
            };
            let mono = self.sound.channels() == 1;
            for (channel, plane) in planes.iter_mut().enumerate() {
                let source = if mono { 0 } else { channel };
                if source < self.sound.channels() {
                    let gain = self.channel_gain(channel);
                    self.voices[seat] = voice.add(self.sound.plane(source), gain, plane);
                }
            }
        }
        let frames = block.planes.frames();
        let [left, right] = &mut self.balance;
        for gain in [&mut self.level, left, right] {
            for _ in 0..gain.frames_left().min(frames) {
                gain.next_value();
            }
        }
    }

    fn set(&mut self, number: usize, value: f64) {
        self.hold(number, value);
        match number {
            PLAY => {
                self.release();
                self.start();
            }
            GAIN => self.level.set(factor(value)),
            PAN => {
                for (gain, target) in self
                    .balance
                    .iter_mut()
                    .zip(PanLaw::Power.balance(value / 100.0))
                {
                    gain.set(target);
                }
            }
            _ => {}
        }
    }

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        let length = self.sound.frames();
        let voices = self.voices.iter().flatten();
        let mut longest = 0;
        for frames in voices.map(|voice| voice.frames_left(length)) {
            let Some(frames) = frames else {
                return Tail::Endless;
            };
            longest = longest.max(frames as u64);
        }
        Tail::Frames(longest)
    }
}

/// The factor for a gain in decibels.
fn factor(gain_db: f64) -> f64 {
    if gain_db <= SILENCE_DB {
        0.0
    } else {
        amplitude(gain_db)
    }
}
