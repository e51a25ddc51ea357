//! `ossicle bench`: what a chain costs on this machine.

use clap::Args;
use ossicle::measure::Subject;
use ossicle::measure::cost::{Cost, cost};
use serde::Serialize;

use crate::exit::Failure;
use crate::output::Output;

/// Say what a chain costs on this machine
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle bench --fx \"parametric_eq:b1_type=peak,b1_gain=6dB | envelope_limiter\" --block 64\n\n\
    The sound is noise that goes on like music. The time is the processor time of one thread, in\n\
    nanoseconds for a sample of one channel: of the fastest run, of the run in the middle, and of\n\
    the slowest block.")]
pub struct Bench {
    /// Chain of effects; none for what the engine itself takes
    #[arg(
        long,
        value_name = "CHAIN",
        default_value = "",
        hide_default_value = true
    )]
    fx: String,
    /// Frames per block
    #[arg(long, value_name = "N", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    block: u32,
    /// Channels in
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    channels: u16,
    /// Sample rate
    #[arg(long, value_name = "HZ", default_value_t = 48_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1000..=3_072_000))]
    rate: u32,
}

#[derive(Serialize)]
struct BenchObject<'a> {
    chain: &'a str,
    sample_rate_hz: u32,
    channels: u16,
    block_frames: u32,
    latency_frames: u64,
    ns_min: f64,
    ns_median: f64,
    ns_worst_block: f64,
    load_percent: f64,
    worst_load_percent: f64,
}

impl Bench {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let mut subject = Subject::text(&self.fx);
        subject.sample_rate_hz = self.rate;
        subject.channels = self.channels.into();
        subject.block_frames = self.block as usize;
        let cost = cost(&subject)?;
        if cfg!(debug_assertions) {
            output.warning("this program was built without optimisation: the times say little");
        }
        output.result(&self.object(&cost), &self.text(&cost));
        Ok(())
    }

    fn object(&self, cost: &Cost) -> BenchObject<'_> {
        BenchObject {
            chain: &self.fx,
            sample_rate_hz: self.rate,
            channels: self.channels,
            block_frames: self.block,
            latency_frames: cost.latency_frames,
            ns_min: cost.ns_min,
            ns_median: cost.ns_median,
            ns_worst_block: cost.ns_worst_block,
            load_percent: cost.load_percent,
            worst_load_percent: cost.worst_load_percent,
        }
    }

    fn text(&self, cost: &Cost) -> String {
        let Self {
            rate,
            channels,
            block,
            ..
        } = self;
        format!(
            "ns per sample and channel, {rate} Hz, {channels} channels, blocks of {block} frames\n\
             fastest run  {:.2}\n\
             median run   {:.2}   {:.3} % of one core\n\
             worst block  {:.2}   {:.3} %",
            cost.ns_min,
            cost.ns_median,
            cost.load_percent,
            cost.ns_worst_block,
            cost.worst_load_percent,
        )
    }
}
