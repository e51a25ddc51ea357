//! Parametric equaliser: 32 bands, each a peak, a shelf, a low pass or a high pass.
//!
//! The bands stand one behind the other and know nothing of each other. With A = 10^(gain/40) and s
//! in units of the corner frequency, their analogue prototypes are
//!
//! ```text
//! peak        (s^2 + s A/Q + 1) / (s^2 + s/(A Q) + 1)
//! low shelf   A (s^2 + s sqrt(A)/Q + A) / (A s^2 + s sqrt(A)/Q + 1)
//! high shelf  A (A s^2 + s sqrt(A)/Q + 1) / (s^2 + s sqrt(A)/Q + A)
//! low pass    1 / (s^2 + s/Q + 1)
//! high pass   s^2 / (s^2 + s/Q + 1)
//! ```
//!
//! brought to the sample rate by the bilinear transform, exact at the corner (source: Robert
//! Bristow-Johnson, "Audio EQ Cookbook"), run as state variable filters. A band that is off, or whose
//! gain is 0 dB, passes its input bit for bit. Every change glides, that of the type too.

mod table;

use alloc::boxed::Box;

use self::table::{BANDS, FREQUENCY, GAIN, GLIDE_MS, PARAMETERS, Q, ROWS, TYPE};
use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::Parameter;
use crate::parts::cascade::Cascade;
use crate::parts::smoothed;
use crate::parts::svf::{Response, SvfCoefficients};
use crate::preset::Preset;
use crate::settings::{Effect, Settings};

/// The largest corner frequency as a share of the sample rate: at half the rate there is none.
const LARGEST_FREQUENCY_NORM: f64 = 0.49;

/// What people often want of it.
static PRESETS: [Preset; 3] = [
    Preset {
        id: "rumble_off",
        name: "Rumble off",
        summary: "Takes away what is below a voice",
        values: &[("b1_type", "high_pass"), ("b1_freq", "80Hz")],
    },
    Preset {
        id: "presence",
        name: "Presence",
        summary: "Brings a voice forward",
        values: &[
            ("b1_type", "high_pass"),
            ("b1_freq", "80Hz"),
            ("b2_type", "peak"),
            ("b2_freq", "4kHz"),
            ("b2_gain", "4dB"),
            ("b2_q", "1"),
        ],
    },
    Preset {
        id: "warmth",
        name: "Warmth",
        summary: "More of the low, less of the high",
        values: &[
            ("b1_type", "low_shelf"),
            ("b1_freq", "200Hz"),
            ("b1_gain", "3dB"),
            ("b2_type", "high_shelf"),
            ("b2_freq", "8kHz"),
            ("b2_gain", "-3dB"),
        ],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "parametric_eq",
    name: "Parametric equaliser",
    summary: "Raises and lowers parts of the spectrum, in up to 32 bands",
    about: "Up to 32 bands, each a peak, a shelf or a filter by itself, one behind the other. A band that is not switched on costs nothing.",
    source: "A. Simper, Solving the continuous SVF equations using trapezoidal integration and equivalent currents (2013)",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(ParametricEq::new(settings)),
    check: |_| Ok(()),
};

/// 32 bands for any number of channels, each channel by itself.
///
/// Latency 0. The tail is that of the narrowest bands; none when all are flat. A band that is on
/// when the node is prepared must have its frequency within 0.49 of the sample rate; one that is
/// set higher while running stays at 0.49 of it.
#[derive(Clone, Debug)]
pub struct ParametricEq {
    values: [f64; BANDS * ROWS],
    changed: u32,
    sample_rate_hz: u32,
    bands: Cascade,
}

impl ParametricEq {
    fn new(settings: &Settings) -> Self {
        Self {
            values: core::array::from_fn(|number| settings.value(number)),
            changed: 0,
            sample_rate_hz: 1,
            bands: Cascade::new(core::iter::empty(), 1, 1),
        }
    }

    fn design(&self, band: usize) -> SvfCoefficients {
        let values = &self.values[band * ROWS..][..ROWS];
        let frequency_norm = values[FREQUENCY] / f64::from(self.sample_rate_hz);
        SvfCoefficients::new(
            table::response(values[TYPE]),
            frequency_norm.min(LARGEST_FREQUENCY_NORM),
            values[GAIN],
            values[Q],
        )
    }

    /// Sends the bands whose values were set on their way.
    fn take_changes(&mut self) {
        while self.changed != 0 {
            let band = self.changed.trailing_zeros() as usize;
            self.changed &= self.changed - 1;
            let to = self.design(band);
            self.bands.set(band, to);
        }
    }

    /// Whether every band that is on has its corner below half the rate.
    fn check_frequencies(&self, sample_rate_hz: u32) -> Result<(), PrepareError> {
        let max = LARGEST_FREQUENCY_NORM * f64::from(sample_rate_hz);
        for (rows, values) in PARAMETERS
            .chunks_exact(ROWS)
            .zip(self.values.chunks_exact(ROWS))
        {
            let (row, asked) = (&rows[FREQUENCY], values[FREQUENCY]);
            if table::response(values[TYPE]) != Response::Flat && asked > max {
                let (node, parameter, min) = (EFFECT.id, row.id, row.min);
                let out = PrepareError::ParameterOutOfRange {
                    node,
                    parameter,
                    asked,
                    min,
                    max,
                    sample_rate_hz,
                };
                return Err(out);
            }
        }
        Ok(())
    }
}

impl Node for ParametricEq {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        self.check_frequencies(spec.sample_rate_hz)?;
        self.sample_rate_hz = spec.sample_rate_hz;
        self.changed = 0;
        let glide_frames = smoothed::frames(GLIDE_MS, spec.sample_rate_hz);
        let designs = (0..BANDS).map(|band| self.design(band));
        self.bands = Cascade::new(designs, glide_frames, spec.channels);
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.take_changes();
        self.bands.reset();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        self.take_changes();
        self.bands.process(block);
    }

    fn set(&mut self, number: usize, value: f64) {
        if let Some(place) = self.values.get_mut(number) {
            *place = value;
            self.changed |= 1 << (number / ROWS);
        }
    }

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.bands.tail_frames())
    }
}
