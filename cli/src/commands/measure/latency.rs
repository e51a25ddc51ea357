//! `ossicle measure latency`: what is told beside what is heard.

use clap::Args;
use ossicle::dsp::node::Tail;
use ossicle::measure::latency::latency;
use serde_json::json;

use super::{ChainOptions, PictureOption};
use crate::exit::Failure;
use crate::output::Output;
use crate::picture::plot::{Axis, Curve, Panel, Plot};

/// Points that the picture shows at the most.
const POINTS: usize = 4000;

/// Latency and tail, told and heard
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle measure latency --fx \"delay:time=250ms,feedback=40%\"\n\n\
    A burst of noise goes in. Its first is when the first of it is over -120 dB, its strongest\n\
    where most of it is. The tail counts from the burst's end, with the latency in it.")]
pub struct Latency {
    #[command(flatten)]
    chain: ChainOptions,
    #[command(flatten)]
    picture: PictureOption,
}

impl Latency {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let subject = self.chain.subject();
        let got = latency(&subject)?;
        let told_tail = match got.told_tail {
            Tail::Frames(frames) => Some(frames),
            Tail::Endless => None,
        };
        let object = json!({
            "chain": self.chain.fx,
            "sample_rate_hz": self.chain.rate,
            "latency_frames": got.told_frames,
            "first_frames": got.first_frames,
            "strongest_frames": got.strongest_frames,
            "latency_is_true": got.is_true(),
            "tail_frames": told_tail,
            "heard_tail_frames": got.tail_frames,
            "tail_is_true": got.tail_is_true(),
        });
        self.picture
            .draw_or(|| self.plot(got.told_frames, told_tail))?;
        let ms = |frames: u64| frames as f64 * 1000.0 / f64::from(self.chain.rate);
        let heard = |frames: Option<u64>| match frames {
            Some(frames) => format!("{frames} frames ({:.3} ms)", ms(frames)),
            None => "nothing".to_string(),
        };
        let text = format!(
            "latency    {}\nfirst      {}\nstrongest  {}\ntail       {}\nheard      {}",
            heard(Some(got.told_frames)),
            heard(got.first_frames),
            heard(got.strongest_frames),
            told_tail.map_or("endless".to_string(), |frames| heard(Some(frames))),
            match got.tail_frames {
                Some(frames) => heard(Some(frames)),
                None => "longer than was listened to".to_string(),
            },
        );
        output.result(&object, &text);
        Ok(())
    }

    /// The answer to an impulse in decibels over time.
    fn plot(&self, latency_frames: u64, tail_frames: Option<u64>) -> Result<Plot, Failure> {
        let mut bench = self.chain.subject().bench()?;
        let rate = u64::from(self.chain.rate);
        let after = tail_frames.unwrap_or(rate).min(10 * rate) + latency_frames;
        let frames = (after + after / 4 + 256) as usize;
        let mut input = vec![0.0; frames];
        input[0] = 1.0;
        let heard = bench.run_alike(&input);
        let every = frames.div_ceil(POINTS);
        let curves = heard.iter().enumerate().map(|(number, plane)| {
            let points = plane.chunks(every).enumerate().map(|(place, chunk)| {
                let most = chunk.iter().fold(0.0f32, |most, x| most.max(x.abs()));
                let ms = (place * every) as f64 * 1000.0 / rate as f64;
                (ms, ossicle::measure::amplitude_db(most.into()).max(-200.0))
            });
            Curve {
                name: format!("channel {}", number + 1),
                points: points.collect(),
            }
        });
        Ok(Plot {
            title: format!("answer of {} to an impulse", self.chain.fx),
            axis_caption: "time in ms".to_string(),
            axis: Axis::Linear,
            span: (0.0, frames as f64 * 1000.0 / rate as f64),
            panels: vec![Panel {
                caption: "magnitude in dBFS".to_string(),
                curves: curves.collect(),
                range: (-140.0, 0.0),
                limits: (-140.0, 60.0),
            }],
        })
    }
}
