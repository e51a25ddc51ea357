//! Analogue prototypes of the equaliser's responses.
//!
//! With A = 10^(gain/40) and s in units of the corner frequency:
//!
//! ```text
//! peak        (s^2 + s A/Q + 1) / (s^2 + s/(A Q) + 1)
//! low shelf   A (s^2 + s sqrt(A)/Q + A) / (A s^2 + s sqrt(A)/Q + 1)
//! high shelf  A (A s^2 + s sqrt(A)/Q + 1) / (s^2 + s sqrt(A)/Q + A)
//! low pass    1 / (s^2 + s/Q + 1)
//! high pass   s^2 / (s^2 + s/Q + 1)
//! notch       (s^2 + 1) / (s^2 + s/Q + 1)
//! band pass   (s/Q) / (s^2 + s/Q + 1)
//! all-pass    (s^2 - s/Q + 1) / (s^2 + s/Q + 1)
//! ```
//!
//! Source: Robert Bristow-Johnson, "Audio EQ Cookbook". The passes of first order, 1/(s + 1) and
//! s/(s + 1), are written with s + 1 above and below, so that every prototype is of second order.

use super::decibel::amplitude;

/// The kinds of response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Passes everything unchanged.
    Flat,
    /// Raises or lowers a band.
    Peak,
    /// Raises or lowers what is below the corner.
    LowShelf,
    /// Raises or lowers what is above the corner.
    HighShelf,
    /// Removes what is above the corner, by 12 dB an octave.
    LowPass,
    /// Removes what is below the corner, by 12 dB an octave.
    HighPass,
    /// Removes the corner itself.
    Notch,
    /// Leaves a band, its middle as it is.
    BandPass,
    /// Turns the phase and leaves every level as it is.
    AllPass,
    /// Removes what is above the corner, by 6 dB an octave; it has no quality.
    GentleLowPass,
    /// Removes what is below the corner, by 6 dB an octave; it has no quality.
    GentleHighPass,
}

/// A quotient of polynomials in s, the highest power first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Analogue {
    /// Above.
    pub(super) b: [f64; 3],
    /// Below.
    pub(super) a: [f64; 3],
}

impl Analogue {
    /// The prototype of a response, with a gain in decibels where it has one and a quality above 0.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn new(response: Response, gain_db: f64, q: f64) -> Self {
        let gain = amplitude(gain_db / 2.0);
        let slope = libm::sqrt(gain) / q;
        let k = 1.0 / q;
        let pass = [1.0, k, 1.0];
        let (b, a) = match response {
            Response::Flat => (pass, pass),
            Response::Peak => ([1.0, k * gain, 1.0], [1.0, k / gain, 1.0]),
            Response::LowShelf => ([gain, gain * slope, gain * gain], [gain, slope, 1.0]),
            Response::HighShelf => ([gain * gain, gain * slope, gain], [1.0, slope, gain]),
            Response::LowPass => ([0.0, 0.0, 1.0], pass),
            Response::HighPass => ([1.0, 0.0, 0.0], pass),
            Response::Notch => ([1.0, 0.0, 1.0], pass),
            Response::BandPass => ([0.0, k, 0.0], pass),
            Response::AllPass => ([1.0, -k, 1.0], pass),
            Response::GentleLowPass => ([0.0, 1.0, 1.0], [1.0, 2.0, 1.0]),
            Response::GentleHighPass => ([1.0, 1.0, 0.0], [1.0, 2.0, 1.0]),
        };
        Self { b, a }
    }

    /// The square of the size at so many times the corner frequency.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn power(&self, ratio: f64) -> f64 {
        let square = ratio * ratio;
        let [above, below] = [self.b, self.a].map(|c| at(&squared(&c), square));
        above / below
    }

    /// The prototype that undoes this one.
    pub(super) fn inverse(self) -> Self {
        let Self { b, a } = self;
        Self { b: a, a: b }
    }
}

/// The square of the size of a polynomial on the imaginary axis, as a polynomial in the square of the
/// frequency, the lowest power first.
pub(super) fn squared([two, one, zero]: &[f64; 3]) -> [f64; 3] {
    [zero * zero, one * one - 2.0 * two * zero, two * two]
}

/// A polynomial's value, the lowest power first.
pub(super) fn at([zero, one, two]: &[f64; 3], x: f64) -> f64 {
    zero + x * (one + x * two)
}
