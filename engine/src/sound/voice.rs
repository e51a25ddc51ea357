//! One run through a sound, from a start to its end or to the end of its fade.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use core::f64::consts::PI;

use ossicle_dsp::parts::finite::saturated;
use ossicle_dsp::parts::smoothed::Smoothed;

/// One run through a sound that has frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice {
    /// Frame of the sound that is heard next.
    place: usize,
    is_looped: bool,
    fade: Fade,
}

/// The raised cosine at the start and the end of a voice.
#[derive(Clone, Copy, Debug)]
enum Fade {
    In { at: usize, frames: usize },
    None,
    Out { from: f64, at: usize, frames: usize },
}

/// What one channel of a sound is multiplied by, as it glides.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChannelGain {
    pub(super) level: Smoothed,
    /// `None` for a channel that is not panned.
    pub(super) balance: Option<Smoothed>,
}

impl Voice {
    pub(super) const fn new(place: usize, is_looped: bool, fade_frames: usize) -> Self {
        let fade = Fade::In {
            at: 0,
            frames: fade_frames,
        };
        Self {
            place,
            is_looped,
            fade,
        }
    }

    /// Lets the voice fade out from as loud as it is; nothing is left of one not heard yet. A voice
    /// that fades out already goes on doing so.
    pub(super) fn released(self, frames: usize) -> Option<Self> {
        let from = match self.fade {
            Fade::Out { .. } => return Some(self),
            Fade::None => 1.0,
            Fade::In { at: 0, .. } => return None,
            Fade::In { at, frames } => raised_cosine(at - 1, frames),
        };
        let fade = Fade::Out {
            from,
            at: 0,
            frames,
        };
        (frames > 0).then_some(Self { fade, ..self })
    }

    /// How loud the voice is, 0 to 1, if it fades out.
    pub(super) fn gain_of_release(&self) -> Option<f64> {
        match self.fade {
            Fade::Out { .. } => Some(self.fade.gain()),
            _ => None,
        }
    }

    /// Frames until it is silent, in a sound of `length` frames; `None` for ever.
    pub(super) fn frames_left(&self, length: usize) -> Option<usize> {
        let to_end = (!self.is_looped).then_some(length - self.place);
        match self.fade {
            Fade::Out { at, frames, .. } => {
                Some(to_end.map_or(frames - at, |end| end.min(frames - at)))
            }
            _ => to_end,
        }
    }

    /// Adds the next frames of one channel of the sound to a plane. Returns the voice behind them,
    /// unless it has ended.
    pub(super) fn add(
        self,
        sound: &[f32],
        mut gain: ChannelGain,
        plane: &mut [f32],
    ) -> Option<Self> {
        let mut voice = self.settled(sound.len())?;
        let mut rest = plane;
        while !rest.is_empty() {
            let moving = gain.frames_left();
            let steady = matches!(voice.fade, Fade::None) && moving == 0;
            let mut frames = rest.len().min(sound.len() - voice.place);
            if moving > 0 {
                frames = frames.min(moving);
            }
            if let Fade::In { at, frames: all }
            | Fade::Out {
                at, frames: all, ..
            } = voice.fade
            {
                frames = frames.min(all - at);
            }
            let (now, behind) = rest.split_at_mut(frames);
            let pairs = now.iter_mut().zip(&sound[voice.place..]);
            if steady {
                let factor = gain.value() as f32;
                for (sample, &added) in pairs {
                    *sample = saturated(*sample + factor * added);
                }
            } else {
                let mut fade = voice.fade;
                for (sample, &added) in pairs {
                    let factor = (fade.gain() * gain.next_value()) as f32;
                    *sample = saturated(*sample + factor * added);
                    fade.advance(1);
                }
            }
            voice.place += frames;
            voice.fade.advance(frames);
            rest = behind;
            voice = voice.settled(sound.len())?;
        }
        Some(voice)
    }

    /// The voice with its fade or its loop begun anew where one has ended; `None` when it is over.
    fn settled(mut self, length: usize) -> Option<Self> {
        match self.fade {
            Fade::In { at, frames } if at >= frames => self.fade = Fade::None,
            Fade::Out { at, frames, .. } if at >= frames => return None,
            _ => {}
        }
        if self.place < length {
            return Some(self);
        }
        self.place = 0;
        self.is_looped.then_some(self)
    }
}

impl Fade {
    /// How loud the next frame is.
    fn gain(&self) -> f64 {
        match *self {
            Self::In { at, frames } => raised_cosine(at, frames),
            Self::None => 1.0,
            Self::Out { from, at, frames } => from * (1.0 - raised_cosine(at, frames)),
        }
    }

    fn advance(&mut self, by: usize) {
        if let Self::In { at, .. } | Self::Out { at, .. } = self {
            *at += by;
        }
    }
}

impl ChannelGain {
    fn frames_left(&self) -> usize {
        let balance = self.balance.as_ref().map_or(0, Smoothed::frames_left);
        self.level.frames_left().max(balance)
    }

    fn value(&self) -> f64 {
        self.level.value() * self.balance.as_ref().map_or(1.0, Smoothed::value)
    }

    fn next_value(&mut self) -> f64 {
        self.level.next_value() * self.balance.as_mut().map_or(1.0, Smoothed::next_value)
    }
}

/// Frame `at` of a raised cosine that rises within `frames` frames: neither 0 nor 1 among them.
fn raised_cosine(at: usize, frames: usize) -> f64 {
    0.5 - 0.5 * libm::cos(PI * (at + 1) as f64 / (frames + 1) as f64)
}
