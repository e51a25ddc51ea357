//! `ossicle measure noise`: what comes out beside silence and beside a soft tone.

use clap::Args;
use ossicle::measure::noise::noise;
use serde_json::json;

use super::distortion::spectrum;
use super::{ChainOptions, PictureOption, level, number};
use crate::exit::Failure;
use crate::output::Output;

/// Noise beside silence and beside a soft tone
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle measure noise --fx \"parametric_eq:b1_type=low_pass,b1_freq=20Hz\"\n\n\
    The tone has 997 Hz and -20 dBFS; its harmonics do not count as noise.")]
pub struct Noise {
    #[command(flatten)]
    chain: ChainOptions,
    #[command(flatten)]
    picture: PictureOption,
}

impl Noise {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let got = noise(&self.chain.subject())?;
        let object = json!({
            "chain": self.chain.fx,
            "sample_rate_hz": self.chain.rate,
            "silence_dbfs": number(got.silence_dbfs),
            "silence_peak_dbfs": number(got.silence_peak_dbfs),
            "beside_tone_dbfs": number(got.beside_tone_dbfs),
            "tone_dbfs": number(got.tone.level_dbfs),
        });
        let title = format!("997 Hz at -20 dBFS through {}", self.chain.fx);
        self.picture.draw(|| spectrum(title, &got.tone))?;
        let text = format!(
            "silence      {}, peak {}\nbeside tone  {}\ntone         {}",
            level(got.silence_dbfs, "dBFS"),
            level(got.silence_peak_dbfs, "dBFS"),
            level(got.beside_tone_dbfs, "dBFS"),
            level(got.tone.level_dbfs, "dBFS"),
        );
        output.result(&object, &text);
        Ok(())
    }
}
