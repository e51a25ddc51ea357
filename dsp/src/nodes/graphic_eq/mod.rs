//! Graphic equaliser: 10, 15 or 31 sliders, and at each centre the level its slider says.
//!
//! One peak for each band, in a row, as state variable filters in double precision
//! ([`crate::parts::cascade`]). Their gains are solved for such that the whole has the levels asked
//! for at the centres, whatever the neighbours do: see `solver.rs` for how and the sources. A row of
//! peaks with the sliders' own gains is off by more than 6 dB where up and down take turns.

mod solver;
mod table;

use alloc::boxed::Box;
use alloc::vec::Vec;

use self::solver::{Bands, Solver};
use self::table::{BANDS, GLIDE_MS, LAYOUTS, PARAMETERS, THIRDS};
use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::Parameter;
use crate::parts::cascade::Cascade;
use crate::parts::smoothed;
use crate::preset::Preset;
use crate::settings::{Effect, Settings, SettingsError};

/// Bands with their centre above this share of the sample rate are left out: too near to half of it
/// for a peak.
const LARGEST_CENTRE_NORM: f64 = 0.45;

/// What people often want of it.
static PRESETS: [Preset; 3] = [
    Preset {
        id: "smile",
        name: "Smile",
        summary: "More of the lowest and the highest, as for soft listening",
        values: &[
            ("bands", "10"),
            ("g31", "5dB"),
            ("g63", "4dB"),
            ("g125", "2dB"),
            ("g500", "-1dB"),
            ("g1000", "-2dB"),
            ("g2000", "-1dB"),
            ("g4000", "1dB"),
            ("g8000", "3dB"),
            ("g16000", "5dB"),
        ],
    },
    Preset {
        id: "speech",
        name: "Speech",
        summary: "A voice that is understood: no rumble, more of the consonants",
        values: &[
            ("bands", "15"),
            ("g25", "-12dB"),
            ("g40", "-12dB"),
            ("g63", "-9dB"),
            ("g100", "-3dB"),
            ("g250", "-2dB"),
            ("g2500", "3dB"),
            ("g4000", "3dB"),
            ("g10000", "-3dB"),
            ("g16000", "-6dB"),
        ],
    },
    Preset {
        id: "hum_60hz",
        name: "Hum, 60 Hz",
        summary: "Less of mains hum of 60 Hz and its first overtones",
        values: &[
            ("bands", "31"),
            ("g63", "-12dB"),
            ("g125", "-9dB"),
            ("g250", "-4dB"),
        ],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "graphic_eq",
    name: "Graphic equaliser",
    summary: "Sets the level at 10, 15 or 31 fixed frequencies",
    about: "A slider for each octave (bands=10), two thirds of an octave (15) or third of an octave (31). \
            At each centre the level is the one its slider says, to a twentieth of a decibel, whatever the \
            neighbours do; all sliders at one level give a line that is flat within 1.5 dB at 12 dB. With \
            all at 0 dB the sound passes bit for bit. A gain of a band that the layout has not is \
            refused. Latency 0; it rings as its lowest raised band does. Sliders glide within 60 ms.",
    source: "R. J. Oliver and J.-M. Jot, Efficient Multi-Band Digital Audio Graphic Equalizer with Accurate \
             Frequency Response Control, AES 139 (2015); V. Valimaki and J. Liski, Accurate Cascade Graphic \
             Equalizer, IEEE Signal Processing Letters 24 (2017). Peaks: R. Bristow-Johnson, Audio EQ \
             Cookbook, run as A. Simper's state variable filters (2013)",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(GraphicEq::new(settings)),
    check,
};

/// Whether every slider that is moved is one of the layout.
fn check(settings: &Settings) -> Result<(), SettingsError> {
    let index = settings.value(BANDS);
    let (first, step) = table::layout(index);
    for (third, row) in PARAMETERS[..THIRDS].iter().enumerate() {
        let is_band = third >= first && (third - first).is_multiple_of(step);
        if !is_band && settings.value(third) != 0.0 {
            return Err(SettingsError::Unused {
                effect: EFFECT.id,
                parameter: row.id,
                other: PARAMETERS[BANDS].id,
                value: LAYOUTS[index as usize],
            });
        }
    }
    Ok(())
}

/// Peaks at fixed frequencies for any number of channels, each channel by itself.
///
/// Latency 0. The tail is that of the peaks; none when all are flat. Bands above 0.45 of the sample
/// rate are left out; they must be at 0 dB when the node is prepared.
#[derive(Clone, Debug)]
pub struct GraphicEq {
    /// The sliders, in decibels, of every third of an octave.
    levels_db: Bands,
    layout: (usize, usize),
    changed: bool,
    solver: Solver,
    peaks: Cascade,
}

impl GraphicEq {
    fn new(settings: &Settings) -> Self {
        Self {
            levels_db: core::array::from_fn(|third| settings.value(third)),
            layout: table::layout(settings.value(BANDS)),
            changed: false,
            solver: Solver::new(Vec::new(), 1.0),
            peaks: Cascade::new(core::iter::empty(), 1, 1),
        }
    }

    /// The third of an octave of each band of the layout.
    fn thirds(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, step) = self.layout;
        (first..THIRDS).step_by(step)
    }

    /// The gains of the peaks.
    fn gains(&self) -> Bands {
        let mut levels = [0.0; THIRDS];
        for (level, third) in levels[..self.solver.bands()].iter_mut().zip(self.thirds()) {
            *level = self.levels_db[third];
        }
        if levels == [0.0; THIRDS] {
            return levels;
        }
        self.solver.gains(&levels)
    }

    fn take_changes(&mut self) {
        if !core::mem::take(&mut self.changed) {
            return;
        }
        let gains = self.gains();
        for (band, &gain) in gains[..self.solver.bands()].iter().enumerate() {
            self.peaks.set(band, self.solver.filter(band, gain));
        }
    }
}

impl Node for GraphicEq {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        let (rate, sample_rate_hz) = (f64::from(spec.sample_rate_hz), spec.sample_rate_hz);
        let is_in = |third: &usize| table::centre_hz(*third) <= LARGEST_CENTRE_NORM * rate;
        if let Some(third) = self
            .thirds()
            .find(|third| !is_in(third) && self.levels_db[*third] != 0.0)
        {
            return Err(PrepareError::ParameterOutOfRange {
                node: EFFECT.id,
                parameter: PARAMETERS[third].id,
                asked: self.levels_db[third],
                min: 0.0,
                max: 0.0,
                sample_rate_hz,
            });
        }
        let norms = self
            .thirds()
            .filter(is_in)
            .map(|third| table::centre_hz(third) / rate);
        let step = table::centre_hz(self.layout.1) / table::centre_hz(0);
        self.solver = Solver::new(norms.collect(), step);
        self.changed = false;
        let gains = self.gains();
        let filters = (0..self.solver.bands()).map(|band| self.solver.filter(band, gains[band]));
        let glide_frames = smoothed::frames(GLIDE_MS, sample_rate_hz);
        self.peaks = Cascade::new(filters, glide_frames, spec.channels);
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.take_changes();
        self.peaks.reset();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        self.take_changes();
        self.peaks.process(block);
    }

    fn set(&mut self, number: usize, value: f64) {
        if let Some(level) = self.levels_db.get_mut(number) {
            *level = value;
            self.changed = true;
        }
    }

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.peaks.tail_frames())
    }
}
