//! A JACK client for tests: plays a signal, or records what it hears, cycle by cycle.
//!
//! `jack-peer source NAME PORTS counter|FILE`: FILE is raw interleaved f32, played from the
//! cycle after the line `go` on standard input. `jack-peer sink NAME PORTS FILE`: see
//! `xtask::peers::jack::Recording` for the file. `jack-peer watch NAME 0 -` prints the frame time
//! of the last cycle and the number of xruns over and over. All print `ready` once they run, and end in order when their
//! standard input ends.

use std::fs::File;
use std::io::{BufRead, BufWriter, Write, stdin, stdout};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jack::{AudioIn, AudioOut, Client, ClientOptions, Control, Port, ProcessScope};
use xtask::peers::jack::counter;
use xtask::peers::pulse::read_f32;

/// Words the recording may be behind the file: half a minute of two ports at 48 kHz.
const RING_WORDS: usize = 1 << 22;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [role, name, ports, file] = words.as_slice() else {
        bail!("usage: jack-peer source|sink|watch NAME PORTS counter|FILE|-");
    };
    let (client, _) = Client::new(name, ClientOptions::NO_START_SERVER)
        .with_context(|| format!("opening the JACK client {name}"))?;
    let ports: usize = ports.parse().context("number of ports")?;
    match role.as_str() {
        "source" => source(client, ports, file),
        "sink" => sink(client, ports, Path::new(file)),
        "watch" => watch(client),
        other => bail!("no role {other}"),
    }
}

struct Source {
    ports: Vec<Port<AudioOut>>,
    /// `None`: the counter.
    samples: Option<Vec<f32>>,
    /// Frame of the server's clock at which the samples began.
    began: Option<u32>,
    go: Arc<AtomicBool>,
}

impl jack::ProcessHandler for Source {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        let time = scope.last_frame_time();
        let channels = self.ports.len();
        if self.began.is_none() && self.go.load(Ordering::Acquire) {
            self.began = Some(time);
        }
        for (index, port) in self.ports.iter_mut().enumerate() {
            let plane = port.as_mut_slice(scope);
            for (sample, frame) in plane.iter_mut().zip(0..) {
                let now = time.wrapping_add(frame);
                *sample = match (&self.samples, self.began) {
                    (None, _) => counter(now, index),
                    (Some(_), None) => 0.0,
                    (Some(samples), Some(began)) => {
                        let place = now.wrapping_sub(began) as usize * channels + index;
                        samples.get(place).copied().unwrap_or(0.0)
                    }
                };
            }
        }
        Control::Continue
    }
}

fn source(client: Client, ports: usize, signal: &str) -> Result<()> {
    let samples = match signal {
        "counter" => None,
        file => Some(read_f32(Path::new(file))?),
    };
    let ports = (1..=ports)
        .map(|number| client.register_port(&format!("out_{number}"), AudioOut::default()))
        .collect::<Result<Vec<_>, _>>()?;
    let go = Arc::new(AtomicBool::new(false));
    let handler = Source {
        ports,
        samples,
        began: None,
        go: Arc::clone(&go),
    };
    let active = client.activate_async((), handler)?;
    say("ready")?;
    for line in stdin().lock().lines() {
        if line?.trim() == "go" {
            go.store(true, Ordering::Release);
        }
    }
    active.deactivate()?;
    Ok(())
}

struct Sink {
    ports: Vec<Port<AudioIn>>,
    ring: rtrb::Producer<u32>,
    lost: Arc<AtomicU64>,
}

impl jack::ProcessHandler for Sink {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        let words = 3 + self.ports.len() * scope.n_frames() as usize;
        let Ok(chunk) = self.ring.write_chunk_uninit(words) else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Control::Continue;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the number was read as one of few"
        )]
        let head = [
            scope.last_frame_time(),
            scope.n_frames(),
            self.ports.len() as u32,
        ];
        let planes = self
            .ports
            .iter()
            .flat_map(|port| port.as_slice(scope))
            .map(|s| s.to_bits());
        chunk.fill_from_iter(head.into_iter().chain(planes));
        Control::Continue
    }
}

/// Frames of the server's clock at which it told xruns.
#[derive(Clone, Default)]
struct Xruns(Arc<Mutex<Vec<u32>>>);

impl Xruns {
    fn told(&self) -> Vec<u32> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl jack::NotificationHandler for Xruns {
    fn xrun(&mut self, client: &Client) -> Control {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(client.frame_time());
        Control::Continue
    }
}

fn sink(client: Client, ports: usize, file: &Path) -> Result<()> {
    let ports = (1..=ports)
        .map(|number| client.register_port(&format!("in_{number}"), AudioIn::default()))
        .collect::<Result<Vec<_>, _>>()?;
    let (ring, mut reader) = rtrb::RingBuffer::<u32>::new(RING_WORDS);
    let (lost, xruns) = (Arc::new(AtomicU64::new(0)), Xruns::default());
    let mut out = BufWriter::new(File::create(file).context("creating the recording")?);
    let writer = thread::spawn(move || -> Result<()> {
        loop {
            let ended = reader.is_abandoned();
            while let Ok(word) = reader.pop() {
                out.write_all(&word.to_le_bytes())?;
            }
            if ended {
                return Ok(out.flush()?);
            }
            thread::sleep(Duration::from_millis(5));
        }
    });
    let handler = Sink {
        ports,
        ring,
        lost: Arc::clone(&lost),
    };
    let active = client.activate_async(xruns.clone(), handler)?;
    say("ready")?;
    for line in stdin().lock().lines() {
        line?;
    }
    drop(active.deactivate()?);
    writer.join().ok().context("the writing thread")??;
    let lost = lost.load(Ordering::Relaxed);
    let xruns: Vec<String> = xruns.told().iter().map(u32::to_string).collect();
    say(&format!("lost {lost} xruns {}", xruns.join(" ")))
}

struct Watch(Arc<AtomicU32>);

impl jack::ProcessHandler for Watch {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        self.0.store(scope.last_frame_time(), Ordering::Relaxed);
        Control::Continue
    }
}

fn watch(client: Client) -> Result<()> {
    let time = Arc::new(AtomicU32::new(0));
    let told = Arc::clone(&time);
    let xruns = Xruns::default();
    let active = client.activate_async(xruns.clone(), Watch(time))?;
    say("ready")?;
    thread::spawn(move || -> Result<()> {
        loop {
            let (time, xruns) = (told.load(Ordering::Relaxed), xruns.told().len());
            say(&format!("{time} {xruns}"))?;
            thread::sleep(Duration::from_millis(5));
        }
    });
    for line in stdin().lock().lines() {
        line?;
    }
    active.deactivate()?;
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
