//! `ossicle measure ceiling`: how far nasty signals get.

use clap::Args;
use ossicle::measure::ceiling::{self, ceiling};
use serde_json::{Value, json};

use super::{ChainOptions, PictureOption, check, level, number};
use crate::exit::Failure;
use crate::output::Output;
use crate::picture::plot::{Axis, Curve, Panel, Plot};

/// Sample peaks and true peaks behind a limiter
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle measure ceiling --fx \"envelope_limiter:threshold=-1dBFS\" --ceiling -1\n\n\
    The signals are 6 dB over the ceiling and more. The true peak is read at 16 points for each\n\
    sample, from 256 samples around it.")]
pub struct Ceiling {
    #[command(flatten)]
    chain: ChainOptions,
    /// Ceiling in dBFS
    #[arg(long, value_name = "DB", default_value_t = -1.0, allow_negative_numbers = true)]
    ceiling: f64,
    /// Seconds of each signal
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,
    #[command(flatten)]
    picture: PictureOption,
}

impl Ceiling {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        check("--ceiling", self.ceiling, (-60.0, 20.0), "dBFS")?;
        check("--seconds", self.seconds, (0.01, 60.0), "s")?;
        let got = ceiling(&self.chain.subject(), self.ceiling, self.seconds)?;
        let signals = got.signals.iter().map(|reached| {
            json!({
                "signal": reached.signal,
                "sample_peak_dbfs": number(reached.sample_peak_dbfs),
                "true_peak_dbtp": number(reached.true_peak_dbtp),
                "samples_over": reached.samples_over,
            })
        });
        let object = json!({
            "chain": self.chain.fx,
            "sample_rate_hz": self.chain.rate,
            "ceiling_dbfs": got.ceiling_dbfs,
            "signals": signals.collect::<Vec<Value>>(),
            "intermodulation_db": number(got.intermodulation_db),
        });
        self.picture.draw(|| self.plot(&got))?;
        output.result(&object, &text(&got));
        Ok(())
    }

    /// Each signal by its number, as the text tells them.
    fn plot(&self, got: &ceiling::Ceiling) -> Plot {
        let bars = |name: &str, value: fn(&ceiling::Reached) -> f64, ceiling: f64| {
            let points = got.signals.iter().enumerate().flat_map(|(place, reached)| {
                let (at, over) = (place as f64 + 1.0, value(reached) - ceiling);
                // A bar of its own for each.
                [(at, f64::NAN), (at - 0.2, over), (at + 0.2, over)]
            });
            Curve {
                name: name.to_string(),
                points: points.collect(),
            }
        };
        Plot {
            title: format!(
                "peaks over {} dBFS behind {}",
                got.ceiling_dbfs, self.chain.fx
            ),
            axis_caption: "number of the signal".to_string(),
            axis: Axis::Linear,
            span: (0.0, got.signals.len() as f64 + 1.0),
            panels: vec![Panel {
                caption: "over the ceiling in dB".to_string(),
                curves: vec![
                    bars(
                        "true peak",
                        |reached| reached.true_peak_dbtp,
                        got.ceiling_dbfs,
                    ),
                    bars(
                        "sample peak",
                        |reached| reached.sample_peak_dbfs,
                        got.ceiling_dbfs,
                    ),
                ],
                range: (-1.0, 1.0),
                limits: (-20.0, 50.0),
            }],
        }
    }
}

fn text(got: &ceiling::Ceiling) -> String {
    let mut lines = vec![format!(
        "{:<28}{:>14}{:>16}{:>14}",
        "signal", "sample peak", "true peak", "samples over"
    )];
    for (place, reached) in got.signals.iter().enumerate() {
        lines.push(format!(
            "{:<28}{:>14}{:>16}{:>14}",
            format!("{} {}", place + 1, reached.signal),
            level(reached.sample_peak_dbfs, "dBFS"),
            level(reached.true_peak_dbtp, "dBTP"),
            reached.samples_over
        ));
    }
    lines.push(format!(
        "beside 1 kHz with a bass 4 dB over: {}",
        level(got.intermodulation_db, "dB")
    ));
    lines.join("\n")
}
