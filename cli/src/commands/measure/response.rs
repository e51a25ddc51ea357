//! `ossicle measure response`: gain and phase over frequency.

use clap::Args;
use ossicle::measure::response::{self, octaves};
use serde_json::json;

use super::{ChainOptions, PictureOption, check, check_frequency, level, numbers};
use crate::exit::Failure;
use crate::output::Output;
use crate::picture::plot::{Axis, Curve, Panel, Plot};

/// Points of an octave in JSON and in the picture.
const PER_OCTAVE: u32 = 24;
/// Every so many of them are told in words.
const TOLD_EVERY: usize = 12;

/// Gain and phase over frequency
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle measure response --fx \"parametric_eq:b1_type=peak,b1_gain=6dB\" --png curve.png\n\n\
    An impulse goes into all channels. The latency is taken out of the phase.")]
pub struct Response {
    #[command(flatten)]
    chain: ChainOptions,
    /// First frequency in Hz
    #[arg(long, value_name = "HZ", default_value_t = 20.0)]
    from: f64,
    /// Last frequency in Hz
    #[arg(long, value_name = "HZ", default_value_t = 20_000.0)]
    to: f64,
    /// Level of the impulse in dBFS
    #[arg(long, value_name = "DB", default_value_t = -6.0, allow_negative_numbers = true)]
    level: f64,
    #[command(flatten)]
    picture: PictureOption,
}

impl Response {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        check_frequency("--from", self.from, self.chain.rate)?;
        check_frequency("--to", self.to, self.chain.rate)?;
        check("--level", self.level, (-120.0, 60.0), "dBFS")?;
        if self.from * 1.01 > self.to {
            let (from, to) = (self.from, self.to);
            return Err(Failure::usage(format!(
                "--from {from} is not below --to {to}"
            )));
        }
        let frequencies = octaves(self.from, self.to, PER_OCTAVE);
        let got = response::response(&self.chain.subject(), &frequencies, self.level)?;
        let channels = got.channels.iter().map(|channel| {
            json!({
                "gain_db": numbers(&channel.gain_db),
                "phase_deg": numbers(&channel.phase_deg),
            })
        });
        let object = json!({
            "chain": self.chain.fx,
            "sample_rate_hz": self.chain.rate,
            "latency_frames": got.latency_frames,
            "frequencies_hz": numbers(&got.frequencies_hz),
            "channels": channels.collect::<Vec<_>>(),
        });
        self.picture.draw(|| self.plot(&got))?;
        output.result(&object, &text(&got));
        Ok(())
    }

    fn plot(&self, got: &response::Response) -> Plot {
        let panel = |caption: &str, range, limits, phase: bool| {
            let curves = got.channels.iter().enumerate().map(|(number, channel)| {
                let values = if phase {
                    &channel.phase_deg
                } else {
                    &channel.gain_db
                };
                let points = got.frequencies_hz.iter().zip(values);
                Curve {
                    name: format!("channel {}", number + 1),
                    points: points.map(|(&hz, &value)| (hz, value)).collect(),
                }
            });
            Panel {
                caption: caption.to_string(),
                // What is drawn last covers the rest: the first channel.
                curves: curves.collect(),
                range,
                limits,
            }
        };
        Plot {
            title: format!("response of {}", self.chain.fx),
            axis_caption: "frequency in Hz".to_string(),
            axis: Axis::Logarithmic,
            span: (self.from, self.to),
            panels: vec![
                panel("gain in dB", (-3.0, 3.0), (-120.0, 60.0), false),
                panel("phase in degrees", (-45.0, 45.0), (-180.0, 180.0), true),
            ],
        }
    }
}

fn text(got: &response::Response) -> String {
    let mut lines = vec![format!("latency {} frames", got.latency_frames)];
    let mut head = format!("{:>10}", "Hz");
    for number in 1..=got.channels.len() {
        head += &format!("{:>14}{:>10}", format!("gain {number}"), "phase");
    }
    lines.push(head);
    for (place, hz) in got.frequencies_hz.iter().enumerate().step_by(TOLD_EVERY) {
        let mut line = format!("{hz:>10.1}");
        for channel in &got.channels {
            let (gain_db, phase_deg) = (channel.gain_db[place], channel.phase_deg[place]);
            line += &format!("{:>14}{phase_deg:>10.1}", level(gain_db, "dB"));
        }
        lines.push(line);
    }
    lines.join("\n")
}
