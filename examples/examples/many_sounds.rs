//! You hear the input with three plucked strings over it, in an uneven rhythm, and a low one in a
//! loop. Sound files named behind the host and the seconds are played in the place of the strings.

use std::time::{Duration, Instant};

use ossicle::EngineError;
use ossicle::chain::{Branch, Chain, Link};
use ossicle::session::{Session, SessionConfig};
use ossicle::sound::{GAIN, PAN, PLAY, Play, Sound, SoundPlayer};

const RATE_HZ: u32 = 48_000;

/// A burst of noise in a delay line that loses its highs each time round (Karplus and Strong).
fn string(hz: f64) -> Result<Sound, EngineError> {
    let period = (f64::from(RATE_HZ) / hz) as usize;
    let mut samples = vec![0.0f32; RATE_HZ as usize];
    for n in 0..samples.len() {
        samples[n] = if n <= period {
            ((n * n * 7919) % 1000) as f32 / 1000.0 - 0.5
        } else {
            0.498 * (samples[n - period] + samples[n - period - 1])
        };
    }
    Sound::from_planes(vec![samples], RATE_HZ)
}

/// A branch with a player alone: the input has a branch of its own.
fn branch(sound: Sound, pan: f64) -> anyhow::Result<Branch> {
    let player = SoundPlayer::new(sound).alone();
    let player = player.with_value(GAIN, -6.0)?.with_value(PAN, pan)?;
    let mut branch = Branch::default();
    branch.chain.push_node(Box::new(player));
    Ok(branch)
}

fn main() -> anyhow::Result<()> {
    let files = std::env::args().skip(3);
    let loaded = files.map(|file| Sound::load(file, RATE_HZ));
    let mut sounds = loaded.collect::<Result<Vec<_>, _>>()?;
    if sounds.is_empty() {
        for hz in [110.0, 220.0, 277.2, 329.6] {
            sounds.push(string(hz)?);
        }
    }
    let mut branches = vec![Branch::default()];
    let pans = [0.0, -60.0, 60.0, 20.0].into_iter().cycle();
    for (sound, pan) in sounds.into_iter().zip(pans) {
        branches.push(branch(sound, pan)?);
    }
    let mut chain = Chain::new();
    chain.push(Link::Parallel(branches))?;
    let mut config = SessionConfig::live(chain);
    config.host = ossicle_examples::host()?;
    config.sample_rate_hz = Some(RATE_HZ);
    let mut session = Session::start(config)?;
    let players: Vec<_> = session.controller().nodes().map(|(id, _)| id).collect();
    // The first plays in a loop, each other one every 3, 4, 5 sixths of a second: told half a second
    // ahead, it starts on its very frame, however the device cuts its blocks.
    let (once, looped) = (Play::Once.value(), Play::Loop.value());
    let controller = session.controller();
    controller.set_value(players[0], PLAY, looped, 0)?;
    let mut next = vec![u64::from(RATE_HZ / 2); players.len()];
    let began = Instant::now();
    while began.elapsed() < ossicle_examples::length() && !session.report().ended {
        let ahead = ((began.elapsed().as_secs_f64() + 0.5) * f64::from(RATE_HZ)) as u64;
        for (place, &player) in players.iter().enumerate().skip(1) {
            while next[place] < ahead {
                let at = next[place];
                session.controller().set_value(player, PLAY, once, at)?;
                next[place] += (2 + place as u64) * u64::from(RATE_HZ / 6);
            }
        }
        while session.controller().answer().is_some() {}
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{} frames", session.stop()?.frames);
    Ok(())
}
