//! Parametric equaliser: 32 bands, each a peak, a shelf, a pass, a notch or an all-pass.
//!
//! The bands stand one behind the other and know nothing of each other. Their curves are those of
//! the analogue prototypes in [`crate::parts::analogue`], matched up to the top of the spectrum
//! ([`crate::parts::matched`]) or, with `design=rbj`, by the bilinear transform, exact at the corner
//! (source: Robert Bristow-Johnson, "Audio EQ Cookbook"). Passes of higher order are Butterworth's:
//! filters of first and second order in a row.
//!
//! All are state variable filters in double precision ([`crate::parts::cascade`]). A band that is
//! off, or whose gain is 0 dB, passes its input bit for bit. Every change glides, that of the type
//! too.

mod design;
mod table;

use alloc::boxed::Box;

use self::design::{LARGEST_FREQUENCY_NORM, SECTIONS, Type};
use self::table::{BANDS, COUNT, DESIGN, FREQUENCY, GLIDE_MS, PARAMETERS, RBJ, ROWS, SLOPES, TYPE};
use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::Parameter;
use crate::parts::analogue::Response;
use crate::parts::cascade::Cascade;
use crate::parts::smoothed;
use crate::parts::svf::SvfCoefficients;
use crate::preset::Preset;
use crate::settings::{Effect, Settings};

/// What people often want of it.
static PRESETS: [Preset; 5] = [
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
    Preset {
        id: "telephone",
        name: "Telephone",
        summary: "Leaves the band of an old telephone line",
        values: &[
            ("b1_type", "high_pass"),
            ("b1_freq", "300Hz"),
            ("b1_slope", "24"),
            ("b2_type", "low_pass"),
            ("b2_freq", "3.4kHz"),
            ("b2_slope", "48"),
            ("b3_type", "peak"),
            ("b3_freq", "1.8kHz"),
            ("b3_gain", "4dB"),
            ("b3_q", "1"),
        ],
    },
    Preset {
        id: "hum_off",
        name: "Hum off",
        summary: "Takes away mains hum of 50 Hz and its next two odd overtones",
        values: &[
            ("b1_type", "notch"),
            ("b1_freq", "50Hz"),
            ("b1_q", "12"),
            ("b2_type", "notch"),
            ("b2_freq", "150Hz"),
            ("b2_q", "20"),
            ("b3_type", "notch"),
            ("b3_freq", "250Hz"),
            ("b3_q", "30"),
        ],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "parametric_eq",
    name: "Parametric equaliser",
    summary: "Raises and lowers parts of the spectrum, in up to 32 bands",
    about: "Up to 32 bands, one behind the other, each a peak, a shelf, a low or high pass of 6 to 48 dB \
            an octave, a notch, a band pass or an all-pass. A band that is not switched on costs nothing. \
            The curves are those of analogue equalisers to within 0.3 dB up to 20 kHz at 48 kHz (for Q \
            up to 2 and gains within 12 dB); design=rbj gives those of the bilinear transform, as most \
            digital equalisers have them. Latency 0; it rings as its narrowest band does. Every change \
            glides within 30 ms.",
    source: "Prototypes: R. Bristow-Johnson, Audio EQ Cookbook. Matching: C. Sanathanan and J. Koerner, \
             Transfer Function Synthesis as a Ratio of Two Complex Polynomials (1963), for magnitudes; \
             M. Vicanek, Matched Second Order Digital Filters (2016), for narrow bands. Filters: A. \
             Simper, Solving the continuous SVF equations using trapezoidal integration and equivalent \
             currents (2013)",
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
    values: [f64; COUNT],
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

    fn design(&self, band: usize) -> [SvfCoefficients; SECTIONS] {
        let rows = core::array::from_fn(|row| self.values[band * ROWS + row]);
        let bilinear = self.values[DESIGN] == RBJ;
        design::sections(
            &rows,
            self.values[SLOPES + band],
            bilinear,
            self.sample_rate_hz,
        )
    }

    /// Sends the bands whose values were set on their way.
    fn take_changes(&mut self) {
        while self.changed != 0 {
            let band = self.changed.trailing_zeros() as usize;
            self.changed &= self.changed - 1;
            for (section, to) in self.design(band).into_iter().enumerate() {
                self.bands.set(band * SECTIONS + section, to);
            }
        }
    }

    /// Whether every band that is on has its corner below half the rate.
    fn check_frequencies(&self, sample_rate_hz: u32) -> Result<(), PrepareError> {
        let max = LARGEST_FREQUENCY_NORM * f64::from(sample_rate_hz);
        let bands = PARAMETERS[..SLOPES].chunks_exact(ROWS);
        for (rows, values) in bands.zip(self.values.chunks_exact(ROWS)) {
            let (row, asked) = (&rows[FREQUENCY], values[FREQUENCY]);
            if Type::new(values[TYPE]) != Type::One(Response::Flat) && asked > max {
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
        let designs = (0..BANDS).flat_map(|band| self.design(band));
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
            self.changed |= match number {
                ..SLOPES => 1 << (number / ROWS),
                SLOPES..DESIGN => 1 << (number - SLOPES),
                _ => !0,
            };
        }
    }

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.bands.tail_frames())
    }
}
