//! `ossicle measure dynamics`: the static curve, attack and release.

use clap::Args;
use ossicle::measure::dynamics::{self, Question, dynamics};
use serde_json::{Value, json};

use super::{ChainOptions, PictureOption, check, check_frequency, level, number};
use crate::exit::Failure;
use crate::output::Output;
use crate::picture::plot::{Axis, Curve, Panel, Plot};

/// Static curve, attack and release
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle measure dynamics --fx envelope_limiter --from -40 --to 0\n\n\
    The sound is a square wave, whose magnitude never changes. Attack and release are the times\n\
    at which all but 1/e of the gain's change in dB is done.")]
pub struct Dynamics {
    #[command(flatten)]
    chain: ChainOptions,
    /// Level before the step in dBFS
    #[arg(long, value_name = "DB", default_value_t = -40.0, allow_negative_numbers = true)]
    from: f64,
    /// Level after it
    #[arg(long, value_name = "DB", default_value_t = -6.0, allow_negative_numbers = true)]
    to: f64,
    /// Seconds that each level of the step is held
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    hold: f64,
    /// Frequency of the square wave in Hz
    #[arg(long, value_name = "HZ", default_value_t = 1000.0)]
    freq: f64,
    #[command(flatten)]
    picture: PictureOption,
}

impl Dynamics {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        check("--from", self.from, (-120.0, 60.0), "dBFS")?;
        check("--to", self.to, (-120.0, 60.0), "dBFS")?;
        check("--hold", self.hold, (0.1, 120.0), "s")?;
        check_frequency("--freq", self.freq, self.chain.rate)?;
        if self.to <= self.from {
            let (from, to) = (self.from, self.to);
            return Err(Failure::usage(format!(
                "--to {to} is not above --from {from}"
            )));
        }
        let question = Question {
            step_dbfs: (self.from, self.to),
            hold_s: self.hold,
            frequency_hz: self.freq,
            ..Question::default()
        };
        let got = dynamics(&self.chain.subject(), &question)?;
        let curve = got.curve_dbfs.iter();
        let curve: Vec<Value> = curve
            .map(|&(into, out)| json!({"in_dbfs": into, "out_dbfs": number(out)}))
            .collect();
        let object = json!({
            "chain": self.chain.fx,
            "sample_rate_hz": self.chain.rate,
            "curve": curve,
            "from_dbfs": self.from,
            "to_dbfs": self.to,
            "gain_before_db": number(got.gains_db.0),
            "gain_during_db": number(got.gains_db.1),
            "attack_ms": got.attack_ms,
            "release_ms": got.release_ms,
            "overshoot_db": number(got.overshoot_db),
        });
        self.picture.draw(|| self.plot(&got))?;
        output.result(&object, &self.text(&got));
        Ok(())
    }

    fn plot(&self, got: &dynamics::Dynamics) -> Plot {
        let straight = got.curve_dbfs.iter().map(|&(into, _)| (into, into));
        let curve = |name: &str, points| Curve {
            name: name.to_string(),
            points,
        };
        Plot {
            title: format!("static curve of {}", self.chain.fx),
            axis_caption: "level in, dBFS".to_string(),
            axis: Axis::Linear,
            span: (-80.0, 0.0),
            panels: vec![Panel {
                caption: "level out in dBFS".to_string(),
                curves: vec![
                    curve("chain", got.curve_dbfs.clone()),
                    curve("as it came", straight.collect()),
                ],
                range: (-80.0, 0.0),
                limits: (-120.0, 40.0),
            }],
        }
    }

    fn text(&self, got: &dynamics::Dynamics) -> String {
        let time = |ms: Option<f64>| match ms {
            Some(ms) => format!("{ms:.3} ms"),
            None => "the gain stays".to_string(),
        };
        let mut lines = vec![
            format!(
                "step       {} to {} dBFS: gain {} to {}",
                self.from,
                self.to,
                level(got.gains_db.0, "dB"),
                level(got.gains_db.1, "dB")
            ),
            format!("attack     {}", time(got.attack_ms)),
            format!("release    {}", time(got.release_ms)),
            format!("overshoot  {}", level(got.overshoot_db, "dB")),
            format!("{:>10}{:>14}", "in dBFS", "out"),
        ];
        for (into, out) in &got.curve_dbfs {
            lines.push(format!("{into:>10}{:>14}", level(*out, "dBFS")));
        }
        lines.join("\n")
    }
}
