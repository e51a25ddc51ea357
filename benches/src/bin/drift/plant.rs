//! Two devices in true time: clocks that err, calls that come late.

/// Random numbers (SplitMix64).
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How a clock errs, in millionths.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    pub constant: f64,
    /// Per second.
    pub ramp: f64,
}

const SEGMENT_NS: f64 = 1e8;

/// A clock, walked along in true time.
#[derive(Clone)]
pub struct Clock {
    hz: f64,
    rate: Rate,
    /// Where the segment began, in nanoseconds and frames, and its frames per nanosecond.
    began_ns: f64,
    began_frame: f64,
    speed: f64,
}

impl Clock {
    pub fn new(hz: f64, rate: Rate) -> Self {
        let mut clock = Self {
            hz,
            rate,
            began_ns: 0.0,
            began_frame: 0.0,
            speed: 0.0,
        };
        clock.enter();
        clock
    }

    fn enter(&mut self) {
        let seconds = (self.began_ns + 0.5 * SEGMENT_NS) * 1e-9;
        let ppm = self.rate.constant + self.rate.ramp * seconds;
        self.speed = self.hz * (1.0 + ppm * 1e-6) * 1e-9;
    }

    fn leave(&mut self) {
        self.began_ns += SEGMENT_NS;
        self.began_frame += SEGMENT_NS * self.speed;
        self.enter();
    }

    /// True time of a frame, in nanoseconds. Frames may only grow, from call to call.
    pub fn time_ns(&mut self, frame: f64) -> f64 {
        while frame > self.began_frame + SEGMENT_NS * self.speed {
            self.leave();
        }
        self.began_ns + (frame - self.began_frame) / self.speed
    }

    /// The frame at a true time. Times may only grow, from call to call.
    pub fn frame(&mut self, time_ns: f64) -> f64 {
        while time_ns > self.began_ns + SEGMENT_NS {
            self.leave();
        }
        self.began_frame + (time_ns - self.began_ns) * self.speed
    }

    /// True frames per nanosecond now.
    pub fn speed(&self) -> f64 {
        self.speed
    }
}

/// How late calls come.
#[derive(Clone, Debug)]
pub enum Lateness {
    /// Up to this many nanoseconds.
    Uniform(f64),
    /// Uniform over a floor that goes to another height, of up to `high_ns`, about each `each_s`.
    Floors {
        most_ns: f64,
        high_ns: f64,
        each_s: f64,
    },
}

impl Lateness {
    /// When the call that is due at `due_ns` comes.
    pub fn comes(&self, due_ns: f64, random: &mut Random, floor: &mut (f64, f64)) -> f64 {
        let unit = random.unit();
        due_ns
            + match *self {
                Self::Uniform(most) => unit * most,
                Self::Floors {
                    most_ns,
                    high_ns,
                    each_s,
                } => {
                    if due_ns > floor.0 {
                        floor.0 = due_ns + each_s * 1e9 * (0.5 + random.unit());
                        floor.1 = high_ns * random.unit();
                    }
                    floor.1 + unit * most_ns
                }
            }
    }
}
