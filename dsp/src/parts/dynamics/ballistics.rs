//! How a reduction follows what is asked of it: one time constant up, one down.
//!
//! y += (1 - exp(-1/t)) (x - y), with the time t in frames, of the rise where x is above y and of the
//! fall elsewhere; x and y are in octaves, so the gain in decibels makes 1 - 1/e of any change within
//! the time, however large it is. Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic
//! Range Compressor Design", Journal of the AES 60(6), 2012, section 2.2 (the smooth branching
//! detector, behind the gain computer).
//!
//! A step between two frames is taken to be in the middle between them. So the gain of a frame is
//! what is reached half a frame after the step, and what is given is
//! y + (1 - exp(-1/(2 t))) (x - y).
//!
//! Automatic release: under the fall lies a floor, the mean of x over ten times the fall's time.
//! The reduction falls to it quickly and then with it: a short peak is left in the fall's time, a
//! long loud passage slowly.

use super::Piece;

/// What is asked for is at least this, in octaves: it rounds to no reduction, and it keeps what
/// decays far from the subnormal numbers.
const LEAST: f64 = 1e-9;
/// How much slower than the fall the floor of the automatic release moves.
const FLOOR_TIMES: f64 = 10.0;

/// The share of a way that is made in a frame and in half a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rate {
    frame: f64,
    half: f64,
}

impl Rate {
    fn new(frames: f64) -> Self {
        let share = |frame: f64| -libm::expm1(-frame / frames);
        Self {
            frame: share(1.0),
            half: share(0.5),
        }
    }
}

/// The times of a follower.
///
/// What is asked for and what is reached are counted with the sign that makes the faster of the two
/// ways go up. Then the share of the way that is made is the larger of what the two rates make of
/// it, without a choice that the recursion would have to wait for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ballistics {
    sign: f64,
    fast: Rate,
    slow: Rate,
    floor: f64,
}

impl Ballistics {
    /// The times for 1 - 1/e of a change upwards and downwards, in frames, above 0.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn new(rise_frames: f64, fall_frames: f64) -> Self {
        let (rise, fall) = (Rate::new(rise_frames), Rate::new(fall_frames));
        let (sign, fast, slow) = if rise_frames <= fall_frames {
            (1.0, rise, fall)
        } else {
            (-1.0, fall, rise)
        };
        Self {
            sign,
            fast,
            slow,
            floor: Rate::new(FLOOR_TIMES * fall_frames).frame,
        }
    }

    /// Replaces the first `frames` of what is asked of each path by what its follower gives, in
    /// octaves. `AUTOMATIC`: the fall is automatic.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn follow_all<const AUTOMATIC: bool>(
        &self,
        followers: &mut [Follower],
        paths: &mut [Piece],
        frames: usize,
    ) {
        let mut pairs = paths.chunks_exact_mut(2);
        let mut states = followers.chunks_exact_mut(2);
        // Two paths at once: neither waits for the other's recursion.
        for (pair, states) in (&mut pairs).zip(&mut states) {
            let [a, b] = pair else { continue };
            let Ok(states) = states.try_into() else {
                continue;
            };
            self.follow::<2, AUTOMATIC>([&mut a[..frames], &mut b[..frames]], states);
        }
        let last = pairs.into_remainder().iter_mut();
        for (path, state) in last.zip(states.into_remainder()) {
            let states = core::slice::from_mut(state);
            let Ok(states) = states.try_into() else {
                continue;
            };
            self.follow::<1, AUTOMATIC>([&mut path[..frames]], states);
        }
    }

    /// Replaces what is asked of `N` followers by what they give, in octaves. `AUTOMATIC`: the fall
    /// is automatic.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    fn follow<const N: usize, const AUTOMATIC: bool>(
        &self,
        asked: [&mut [f32]; N],
        followers: &mut [Follower; N],
    ) {
        let (times, frames) = (*self, asked[0].len());
        let mut floors = followers.each_ref().map(|follower| follower.floor);
        let mut reached = followers
            .each_ref()
            .map(|follower| times.sign * follower.reduction);
        let mut asked = asked.map(|asked| &mut asked[..frames]);
        for frame in 0..frames {
            let states = reached.iter_mut().zip(&mut floors);
            for (asked, (reached, floor)) in asked.iter_mut().zip(states) {
                let mut target = f64::from(asked[frame]) + LEAST;
                if AUTOMATIC {
                    *floor += times.floor * (target - *floor);
                    target = larger(target, *floor);
                }
                let now = *reached;
                let way = times.sign * target - now;
                let given = now + larger(times.fast.half * way, times.slow.half * way);
                *reached = now + larger(times.fast.frame * way, times.slow.frame * way);
                asked[frame] = (times.sign * given) as f32;
            }
        }
        for (path, follower) in followers.iter_mut().enumerate() {
            follower.reduction = times.sign * reached[path];
            follower.floor = floors[path];
        }
    }
}

#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// What a follower has reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Follower {
    reduction: f64,
    floor: f64,
}

impl Follower {
    /// One that rests at no reduction.
    pub const REST: Self = Self::at(0.0);

    /// One that rests at a reduction in octaves.
    #[must_use]
    pub const fn at(reduction: f64) -> Self {
        Self {
            reduction,
            floor: 0.0,
        }
    }

    /// Begins the floor of the automatic release anew.
    pub fn forget_floor(&mut self) {
        self.floor = 0.0;
    }
}
