//! The gains of left and right for a place between them.

use core::f64::consts::{FRAC_PI_2, FRAC_PI_4};

/// How much softer each of two loudspeakers is in the middle than one alone at the side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanLaw {
    /// -3.01 dB: the power is the same everywhere, as loudspeakers in a room add.
    Power,
    /// -4.52 dB: the geometric mean of both others.
    Between,
    /// -6.02 dB: the sum of both is the same everywhere, as in one channel.
    Amplitude,
}

impl PanLaw {
    /// The gain for a share from exactly 1 at 0 to exactly 0 at 1.
    fn gain(self, at: f64) -> f64 {
        let straight = (1.0 - at).max(0.0);
        match self {
            Self::Power => quarter_cosine(at),
            Self::Between => libm::sqrt(quarter_cosine(at) * straight),
            Self::Amplitude => straight,
        }
    }

    /// The gains of left and right for one channel that becomes two. `pan` is -1 (left) to 1
    /// (right). With [`Self::Power`]: cos(t) and sin(t) with t = (pan + 1) pi/4.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn place(self, pan: f64) -> [f64; 2] {
        [self.gain((pan + 1.0) / 2.0), self.gain((1.0 - pan) / 2.0)]
    }

    /// The gains of left and right for two channels that keep their sides: less for the one that is
    /// panned away from (with [`Self::Power`] cos(|pan| pi/2)), 1 for the other. `pan` is -1 (left)
    /// to 1 (right).
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn balance(self, pan: f64) -> [f64; 2] {
        [self.gain(pan.max(0.0)), self.gain((-pan).max(0.0))]
    }
}

/// The cosine over a quarter of its period, from exactly 1 at 0 to exactly 0 at 1.
fn quarter_cosine(at: f64) -> f64 {
    if at >= 1.0 {
        0.0
    } else if at == 0.5 {
        libm::cos(FRAC_PI_4)
    } else {
        libm::cos(at * FRAC_PI_2)
    }
}
