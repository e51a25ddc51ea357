//! `ossicle measure thd`: what a tone gets beside itself.

use clap::Args;
use ossicle::measure::distortion::{self, Tone, distortion};
use serde_json::json;

use super::{ChainOptions, PictureOption, check, check_frequency, level, number, numbers};
use crate::exit::Failure;
use crate::output::Output;
use crate::picture::plot::{Axis, Curve, Panel, Plot};

/// Harmonics, aliases and noise beside a tone
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle measure thd --fx envelope_limiter --freq 1000 --level -3\n\n\
    The tone lies in one bin of 65536 frames, so that no window is needed. The first channel\n\
    counts.")]
pub struct Distortion {
    #[command(flatten)]
    chain: ChainOptions,
    /// Frequency in Hz
    #[arg(long, value_name = "HZ", default_value_t = 997.0)]
    freq: f64,
    /// Level of the tone's peak in dBFS
    #[arg(long, value_name = "DB", default_value_t = -6.0, allow_negative_numbers = true)]
    level: f64,
    #[command(flatten)]
    picture: PictureOption,
}

impl Distortion {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        check_frequency("--freq", self.freq, self.chain.rate)?;
        check("--level", self.level, (-120.0, 60.0), "dBFS")?;
        let tone = Tone {
            frequency_hz: self.freq,
            level_dbfs: self.level,
            ..Tone::default()
        };
        let got = distortion(&self.chain.subject(), &tone)?;
        let object = json!({
            "chain": self.chain.fx,
            "sample_rate_hz": self.chain.rate,
            "frequency_hz": got.frequency_hz,
            "level_dbfs": number(got.level_dbfs),
            "harmonics_db": numbers(&got.harmonics_db),
            "thd_db": number(got.thd_db),
            "thd_percent": number(100.0 * 10f64.powf(got.thd_db / 20.0)),
            "thd_n_db": number(got.thd_n_db),
            "other_db": number(got.other_db),
            "spur_db": number(got.spur_db),
            "spur_hz": got.spur_hz,
            "constant": got.constant,
        });
        let title = format!("{:.1} Hz through {}", got.frequency_hz, self.chain.fx);
        self.picture.draw(|| spectrum(title, &got))?;
        output.result(&object, &text(&got));
        Ok(())
    }
}

/// The spectrum behind a tone.
pub(super) fn spectrum(title: String, got: &distortion::Distortion) -> Plot {
    let last_hz = got.bin_hz * (got.spectrum_dbfs.len() - 1) as f64;
    let bins = got.spectrum_dbfs.iter().enumerate().skip(1);
    let points = bins.map(|(bin, &level)| (bin as f64 * got.bin_hz, level.max(-240.0)));
    Plot {
        title,
        axis_caption: "frequency in Hz".to_string(),
        axis: Axis::Logarithmic,
        span: (20.0, last_hz),
        panels: vec![Panel {
            caption: "level in dBFS".to_string(),
            curves: vec![Curve {
                name: "first channel".to_string(),
                points: points.filter(|point| point.0 >= 20.0).collect(),
            }],
            range: (-180.0, 0.0),
            limits: (-220.0, 60.0),
        }],
    }
}

fn text(got: &distortion::Distortion) -> String {
    let mut lines = vec![
        format!(
            "tone      {:.2} Hz, {}",
            got.frequency_hz,
            level(got.level_dbfs, "dBFS")
        ),
        format!("THD       {}", level(got.thd_db, "dB")),
        format!("THD+N     {}", level(got.thd_n_db, "dB")),
        format!("other     {}", level(got.other_db, "dB")),
        format!(
            "spur      {} at {:.1} Hz",
            level(got.spur_db, "dB"),
            got.spur_hz
        ),
    ];
    for (place, &harmonic) in got.harmonics_db.iter().enumerate() {
        let name = format!("harmonic {}", place + 2);
        lines.push(format!("{name:<12}{}", level(harmonic, "dB")));
    }
    lines.join("\n")
}
