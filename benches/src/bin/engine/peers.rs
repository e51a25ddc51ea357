//! The same filters in the graphs of others: a program of its own, asked run by run.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use ossicle_benches::engine::{CHANNELS, QUALITY, SAMPLE_RATE_HZ};

/// The program `ossicle-peers` while it runs; it ends with its input.
pub struct Peers {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    samples: usize,
}

impl Peers {
    /// Those it knows.
    pub const NAMES: [&str; 2] = ["firewheel", "fundsp"];

    /// Starts it with the frames to filter.
    pub fn start(
        program: &Path,
        input: &[f32],
        block_frames: usize,
        corners_norm: &[f64],
    ) -> Result<Self> {
        let hz = |norm: &f64| (norm * f64::from(SAMPLE_RATE_HZ)).to_string();
        let mut child = Command::new(program)
            .arg((input.len() / CHANNELS).to_string())
            .arg(block_frames.to_string())
            .arg(SAMPLE_RATE_HZ.to_string())
            .arg(QUALITY.to_string())
            .args(corners_norm.iter().map(hz))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut questions = child.stdin.take().context("its input")?;
        let answers = child.stdout.take().context("its output")?;
        let bytes: Vec<u8> = input.iter().flat_map(|s| s.to_le_bytes()).collect();
        questions.write_all(&bytes).context("sending the frames")?;
        Ok(Self {
            child,
            questions: Some(questions),
            answers: BufReader::new(answers),
            samples: input.len(),
        })
    }

    /// The frames as one of them filters them.
    pub fn sound(&mut self, name: &str) -> Result<Vec<f32>> {
        self.ask("sound", name)?;
        let mut bytes = vec![0; self.samples * size_of::<f32>()];
        self.answers.read_exact(&mut bytes)?;
        let (samples, _) = bytes.as_chunks();
        Ok(samples.iter().map(|&s| f32::from_le_bytes(s)).collect())
    }

    /// Nanoseconds of processor time that one of them takes for a frame.
    pub fn time(&mut self, name: &str) -> Result<f64> {
        self.ask("time", name)?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        line.trim()
            .parse()
            .with_context(|| format!("{name} answered {line:?}"))
    }

    fn ask(&mut self, what: &str, name: &str) -> Result<()> {
        let questions = self.questions.as_mut().context("its input")?;
        writeln!(questions, "{what} {name}").with_context(|| format!("asking {name}"))
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}
