//! How far the clocks of two devices are apart, from when they call.

use std::thread;
use std::time::{Duration, Instant};

use ossicle_io::device::reaper::Reaper;
use ossicle_io::device::{
    Call, HostKind, Port, Stream, StreamInfo, StreamRequest, StreamState, default_host, open,
};
use ossicle_io::ring::touched;

use super::edge::{Edge, edge};
use super::error::ProbeError;
use crate::error::EngineError;

/// How long it may be measured, in seconds.
const SECONDS: (f64, f64) = (4.0, 86_400.0);
/// Seconds of a part, each of which tells the rates, and fewest and most parts: they tell how rates
/// spread.
const PART_S: f64 = 4.0;
const PARTS: (usize, usize) = (2, 64);
/// The same for stretches that tell the rates themselves. What a floor strays tilts a line less the
/// longer it is: one over `n` parts is known `n` times as well as the mean of their own. The longer it
/// is, though, the more jumps of the floor it has, of which three can be told apart.
const LONG_S: f64 = 32.0;
const LONGS: (usize, usize) = (1, 256);
/// Calls that may wait to be taken from a callback: two seconds of the shortest periods.
const WAITING: usize = 1 << 14;
/// Fewest calls of a part that tell its rate.
const CALLS_LEAST: usize = 8;
/// Time between two looks at the streams.
const LOOK: Duration = Duration::from_millis(20);
/// How long a stream gets to be dropped before it is abandoned.
const RETIRE_WITHIN: Duration = Duration::from_millis(1500);

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct DriftConfig {
    /// How the input is reached, and which it is; no host for the first that answers.
    pub input: (Option<HostKind>, Port),
    /// The same for the output, which plays silence.
    pub output: (Option<HostKind>, Port),
    /// Seconds, 4 to 86400; 30 unless told.
    pub seconds: f64,
    /// Frames per callback asked for; `None` for a default.
    pub buffer_frames: Option<u32>,
}

impl Default for DriftConfig {
    fn default() -> Self {
        Self {
            input: Default::default(),
            output: Default::default(),
            seconds: 30.0,
            buffer_frames: None,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// How much faster the input's clock runs than the output's, each against its nominal rate, in
    /// millionths.
    pub ppm: f64,
    /// How much that spreads from part to part of the time, as a standard deviation; a rate that
    /// stays is known better than that.
    pub spread_ppm: f64,
    /// Parts of the time: two, one for each 4 s, or 64.
    pub parts: usize,
    /// Seconds that were measured.
    pub seconds: f64,
    /// The input.
    pub input: Side,
    /// The output.
    pub output: Side,
}

/// What was found of one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// What was settled.
    pub info: StreamInfo,
    /// Calls of the device.
    pub calls: u64,
    /// How much faster its clock runs than this machine's says, in millionths, and how much that
    /// spreads from part to part, as a standard deviation.
    pub ppm: f64,
    /// The spread.
    pub spread_ppm: f64,
    /// How late half of the calls came at most, in microseconds.
    pub late_half_us: f64,
    /// How late all but one of 10,000 came at most, in microseconds; the latest, where there are
    /// fewer.
    pub late_most_us: f64,
    /// Frames that the device lost.
    pub lost_frames: u64,
    /// Xruns that its backend told.
    pub xruns: u64,
}

/// Listens to when two devices call, and tells how far their clocks are apart.
///
/// Nothing is heard: the output plays silence. `is_asked` is asked often whether to end; after a
/// quarter of the time, what is known then is told.
///
/// # Errors
/// [`ProbeError::OutOfRange`], [`ProbeError::TooFewCalls`], [`ProbeError::Stopped`], and devices that
/// cannot be had or are lost.
pub fn drift(
    config: &DriftConfig,
    is_asked: &mut dyn FnMut() -> bool,
) -> Result<Drift, ProbeError> {
    let (min, max) = SECONDS;
    if !(min..=max).contains(&config.seconds) {
        return Err(ProbeError::OutOfRange {
            name: "the time",
            value: config.seconds,
            min,
            max,
            unit: "s",
        });
    }
    let request = |input: Option<&Port>, output: Option<&Port>| StreamRequest {
        input: input.cloned(),
        output: output.cloned(),
        buffer_frames: config.buffer_frames,
        realtime: true,
        ..StreamRequest::default()
    };
    let (input, output) = (&config.input, &config.output);
    let mut input = Listener::start(input.0, &request(Some(&input.1), None))?;
    let mut output = Listener::start(output.0, &request(None, Some(&output.1)))?;
    let began = Instant::now();
    let mut seconds = 0.0;
    while seconds < config.seconds {
        if is_asked() {
            if seconds < (0.25 * config.seconds).max(min) {
                return Err(ProbeError::Stopped);
            }
            break;
        }
        thread::sleep(LOOK);
        seconds = began.elapsed().as_secs_f64();
        input.take()?;
        output.take()?;
    }
    let (ins, outs) = (input.edges(seconds)?, output.edges(seconds)?);
    let between = |ins: &[Edge], outs: &[Edge]| {
        let pairs = ins.iter().zip(outs);
        let ppm = pairs.map(|(a, b)| ((1.0 + a.error) / (1.0 + b.error) - 1.0) * 1e6);
        mean_and_deviation(&ppm.collect::<Vec<_>>())
    };
    Ok(Drift {
        ppm: between(&ins.longs, &outs.longs).0,
        spread_ppm: between(&ins.parts, &outs.parts).1,
        parts: ins.parts.len(),
        seconds,
        input: input.side(&ins),
        output: output.side(&outs),
    })
}

/// The lower edges of when a device called.
struct Edges {
    longs: Vec<Edge>,
    parts: Vec<Edge>,
}

impl Edges {
    /// Finds them; none where a part has too few calls.
    fn find(calls: &[(u64, u64)], rate_hz: f64, seconds: f64) -> Option<Self> {
        let of = |length_s: f64, (least, most): (usize, usize)| {
            let count = ((seconds / length_s) as usize).clamp(least, most);
            let length = calls.len() / count;
            let parts = (length >= CALLS_LEAST).then(|| calls.chunks_exact(length).take(count))?;
            Some(parts.map(|calls| edge(calls, rate_hz)).collect())
        };
        Some(Self {
            longs: of(LONG_S, LONGS)?,
            parts: of(PART_S, PARTS)?,
        })
    }

    /// The rate's error, and how much it spreads, in millionths.
    fn ppm(&self) -> (f64, f64) {
        let of = |edges: &[Edge]| {
            let errors = edges.iter().map(|edge| edge.error * 1e6);
            mean_and_deviation(&errors.collect::<Vec<_>>())
        };
        (of(&self.longs).0, of(&self.parts).1)
    }
}

/// One device and when it called.
struct Listener {
    stream: Option<Box<dyn Stream>>,
    info: StreamInfo,
    waiting: rtrb::Consumer<(u64, u64)>,
    /// Frame behind each call, and its time in nanoseconds.
    calls: Vec<(u64, u64)>,
}

impl Listener {
    fn start(host: Option<HostKind>, request: &StreamRequest) -> Result<Self, ProbeError> {
        let host = match host {
            Some(host) => host,
            None => default_host().ok_or(EngineError::NoHost)?,
        };
        let (mut told, waiting) = touched(WAITING, || (0, 0));
        let stream = open(host, request)?.start(Box::new(move |call: &mut Call<'_>| {
            // One that does not fit is a call less to know.
            let _ = told.push((call.position + call.frames as u64, call.time_ns));
        }))?;
        Ok(Self {
            info: stream.info().clone(),
            stream: Some(stream),
            waiting,
            calls: Vec::new(),
        })
    }

    fn name(&self) -> String {
        let names = [&self.info.input_device, &self.info.output_device];
        names.into_iter().flatten().cloned().collect()
    }

    /// Takes what was told since.
    fn take(&mut self) -> Result<(), ProbeError> {
        while let Ok(call) = self.waiting.pop() {
            // A long block comes as several calls in the same instant; the last says it all.
            match self.calls.last_mut() {
                Some(last) if last.1 == call.1 => *last = call,
                _ => self.calls.push(call),
            }
        }
        let state = self.stream.as_ref().map(|stream| stream.status().state());
        match state {
            Some(StreamState::Lost(cause)) => Err(EngineError::DeviceLost {
                device: self.name(),
                cause: cause.to_string(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    fn edges(&self, seconds: f64) -> Result<Edges, ProbeError> {
        let rate_hz = f64::from(self.info.sample_rate_hz);
        Edges::find(&self.calls, rate_hz, seconds).ok_or_else(|| ProbeError::TooFewCalls {
            device: self.name(),
            calls: self.calls.len() as u64,
        })
    }

    fn side(&self, edges: &Edges) -> Side {
        let (ppm, spread_ppm) = edges.ppm();
        let late_ns = edges.parts.iter().flat_map(|edge| &edge.late_ns);
        let mut late_us: Vec<f64> = late_ns.map(|late_ns| late_ns * 1e-3).collect();
        late_us.sort_by(f64::total_cmp);
        let told = |part: f64| {
            let last = late_us.len().saturating_sub(1);
            late_us.get((part * last as f64).ceil() as usize).copied()
        };
        let status = self.stream.as_ref().map(|stream| stream.status());
        Side {
            info: self.info.clone(),
            calls: self.calls.len() as u64,
            ppm,
            spread_ppm,
            late_half_us: told(0.5).unwrap_or_default(),
            late_most_us: told(0.9999).unwrap_or_default(),
            lost_frames: status.map_or(0, |status| status.lost_frames()),
            xruns: status.map_or(0, |status| status.xruns()),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            Reaper::new().retire(stream, RETIRE_WITHIN);
        }
    }
}

pub(super) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::{Edges, mean_and_deviation};

    /// A floor that is another one, of 60 us, in each half second, as machines have that rest and wake,
    /// and up to 100 us of lateness on top: over half a minute the mean of all parts is off by what is
    /// left of the tilt of each, and the line over all of it by far less.
    #[test]
    fn a_floor_that_strays_tilts_the_whole_less_than_its_parts() {
        let mut seed = 1_u64;
        let mut below = |most: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % most
        };
        let (mut wholes, mut means, mut spreads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..10 {
            let mut floor_ns = 0;
            let calls: Vec<(u64, u64)> = (0..6000)
                .map(|call| {
                    if call % 94 == 0 {
                        floor_ns = below(60_000);
                    }
                    let late_ns = floor_ns + below(100_000);
                    (256 * call, (call * 256 * 1_000_000) / 48 + late_ns)
                })
                .collect();
            let edges = Edges::find(&calls, 48_000.0, 32.0).unwrap();
            assert_eq!((edges.longs.len(), edges.parts.len()), (1, 8));
            let (ppm, spread_ppm) = edges.ppm();
            let parts = edges.parts.iter().map(|edge| edge.error * 1e6);
            means.push(mean_and_deviation(&parts.collect::<Vec<_>>()).0);
            wholes.push(ppm);
            spreads.push(spread_ppm);
        }
        let [whole, mean, spread] = [wholes, means, spreads].map(|values| {
            let squares = values.iter().map(|value| value * value);
            (squares.sum::<f64>() / values.len() as f64).sqrt()
        });
        println!("whole {whole:.2} ppm, mean of parts {mean:.2}, spread {spread:.2}");
        assert!(whole < mean / 2.0, "{whole} ppm, parts {mean}");
        // What the parts spread by is not what the whole is off by.
        assert!(whole < spread / 4.0, "{whole} ppm, spread {spread}");
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        // Squares from the mean 5: 9 + 1 + 1 + 9, over 3.
        let (mean, deviation) = mean_and_deviation(&[2.0, 4.0, 6.0, 8.0]);
        assert_eq!(mean, 5.0);
        assert!((deviation - (20.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
