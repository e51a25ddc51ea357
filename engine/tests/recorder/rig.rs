//! A disk that stalls, fills up and fails; devices that count their frames; and who judges a take.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ossicle::io::device::sim::{Sim, SimDevice};
use ossicle::io::device::{HostKind, Port};
use ossicle::io::file::{AudioFile, FileError, FileStorage, Overwrite, Storage};
use ossicle::io::ring::Cause;
use ossicle::record::{Disk, Gap, RecordConfig, Recorded};
use ossicle::session::{Session, SessionConfig};

/// What devices count up to: samples are from 1 to this, so that none is silence.
const COUNT: u64 = 1_000_003;

/// A disk below a folder of the real one.
#[derive(Debug, Default)]
pub struct BadDisk {
    /// Nothing returns while this is set.
    pub stalls: AtomicBool,
    /// Every write and sync fails while this is set.
    pub fails: AtomicBool,
    /// Syncs in folders of this name fail.
    pub unsynced_folder: String,
    /// Microseconds that each write takes.
    pub slow_us: AtomicU64,
    /// Bytes that may still be written, where that is limited, to files in a folder of this name.
    pub room: AtomicU64,
    pub full_folder: String,
    /// Bytes that a file may have, where that is limited.
    pub longest: Option<u64>,
    /// Files in a folder of this name wait for each other before they are given their names.
    pub meet: Option<(&'static str, Arc<Barrier>)>,
    /// Somebody makes a file of this name just before the next one is given its name.
    pub before_name: Mutex<Option<PathBuf>>,
}

#[derive(Debug)]
struct BadStorage {
    disk: Arc<BadDisk>,
    storage: FileStorage,
    is_limited: bool,
    is_unsynced: bool,
    /// Where others are waited for, once.
    meet: Option<Arc<Barrier>>,
    length: u64,
}

impl BadDisk {
    /// One that is well.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// One on which so many bytes may be written into folders of this name.
    pub fn with_room(folder: &str, bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            room: AtomicU64::new(bytes),
            full_folder: folder.to_owned(),
            ..Self::default()
        })
    }

    fn pass(&self) -> io::Result<()> {
        while self.stalls.load(Ordering::Acquire) {
            thread::sleep(Duration::from_micros(500));
        }
        match self.slow_us.load(Ordering::Acquire) {
            0 => {}
            us => thread::sleep(Duration::from_micros(us)),
        }
        if self.fails.load(Ordering::Acquire) {
            return Err(io::Error::other("the disk does not answer"));
        }
        Ok(())
    }

    fn is_limited(&self, folder: &Path) -> bool {
        is_named(folder, &self.full_folder)
    }
}

fn is_named(folder: &Path, name: &str) -> bool {
    !name.is_empty() && folder.ends_with(name)
}

/// A [`BadDisk`] as takes see it.
#[derive(Debug)]
pub struct On(pub Arc<BadDisk>);

impl Disk for On {
    fn create(&self, path: &Path, overwrite: Overwrite) -> Result<Box<dyn Storage>, FileError> {
        self.0.pass().map_err(FileError::from)?;
        Ok(Box::new(BadStorage {
            storage: FileStorage::create(path, overwrite)?,
            is_limited: self.0.is_limited(path.parent().unwrap()),
            is_unsynced: is_named(path.parent().unwrap(), &self.0.unsynced_folder),
            meet: self.0.meet.as_ref().and_then(|(folder, meet)| {
                is_named(path.parent().unwrap(), folder).then(|| meet.clone())
            }),
            disk: self.0.clone(),
            length: 0,
        }))
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        if self.0.is_limited(folder) {
            return Ok(self.0.room.load(Ordering::Acquire));
        }
        ossicle::io::file::free_bytes(folder)
    }
}

impl Storage for BadStorage {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.pass()?;
        let mut bytes = bytes;
        if let Some(longest) = self.disk.longest {
            let fits = longest.saturating_sub(offset).min(bytes.len() as u64);
            if fits == 0 {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            bytes = &bytes[..fits as usize];
        }
        let end = offset + bytes.len() as u64;
        let more = end.saturating_sub(self.length);
        if self.is_limited && more > 0 {
            let room = self.disk.room.load(Ordering::Acquire);
            let fits = bytes.len() as u64 - more + more.min(room);
            if fits == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            bytes = &bytes[..fits as usize];
            self.disk.room.fetch_sub(more.min(room), Ordering::AcqRel);
        }
        let written = self.storage.write_at(bytes, offset)?;
        self.length = self.length.max(offset + written as u64);
        Ok(written)
    }

    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.storage.read_at(bytes, offset)
    }

    // What the real disk below does for it is not what is tested here.
    fn sync(&mut self) -> io::Result<()> {
        if self.is_unsynced {
            return Err(io::Error::other("the disk does not keep it"));
        }
        self.disk.pass()
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.disk.pass()?;
        self.storage.set_len(bytes)
    }

    fn reserve(&mut self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    fn publish(&mut self) -> io::Result<()> {
        self.disk.pass()?;
        if let Some(meet) = self.meet.take() {
            meet.wait();
        }
        if let Some(path) = self.disk.before_name.lock().unwrap().take() {
            std::fs::write(path, "theirs")?;
        }
        self.storage.publish()
    }

    fn rename(&mut self, path: &Path) -> io::Result<()> {
        self.disk.pass()?;
        self.storage.rename(path)
    }

    fn handle(&self) -> Option<File> {
        self.storage.handle()
    }
}

/// A folder in memory where there is one: a real disk's syncs are not what is tested.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
    made.unwrap()
}

/// Random numbers, the same again from the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// From `low` to `high`, as likely in each octave.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.below(1 << 20) as f64 / (1u64 << 20) as f64)
    }
}

/// How many trials: few, or as many as `OSSICLE_TRIALS` says.
pub fn trials(few: u64) -> u64 {
    let said = std::env::var("OSSICLE_TRIALS").ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(few)
}

/// The sample of a device's frame.
pub fn sample(frame: u64) -> f32 {
    (frame % COUNT + 1) as f32
}

/// A device whose every channel counts its frames.
pub fn counting(device: SimDevice) -> SimDevice {
    device.with_source(|frame, _| sample(frame))
}

/// A session in a simulated world that records one device.
pub fn recording(input: &str, record: Vec<RecordConfig>) -> SessionConfig {
    SessionConfig {
        host: Some(HostKind::Sim),
        input: port(input),
        record,
        ..SessionConfig::default()
    }
}

pub fn port(name: &str) -> Option<Port> {
    Some(Port {
        device: Some(name.to_owned()),
        channels: None,
    })
}

pub fn start(sim: &Sim, config: SessionConfig) -> Session {
    Session::start_in(config, Arc::new(sim.clone())).unwrap()
}

/// Waits, in our time, until something is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// All samples of a take, its files joined; the first channel of each frame.
pub fn joined(recorded: &Recorded) -> Vec<f32> {
    let mut samples = Vec::new();
    for take_file in &recorded.files {
        assert_eq!(samples.len() as u64, take_file.first_frame);
        let mut file = AudioFile::open(&take_file.path).unwrap();
        let (channels, frames) = (file.info().channels, file.count_frames().unwrap());
        file.seek(0).unwrap();
        assert_eq!(frames, take_file.frames, "{}", take_file.path.display());
        let mut part = vec![0.0f32; frames as usize * channels];
        assert_eq!(file.read(&mut part).unwrap() as u64, frames);
        samples.extend(part.iter().step_by(channels));
    }
    samples
}

/// Judges a take of a counting device: every sample is the count of its frame, or it is silent and
/// in a gap. Behind frames that nobody counted, because the device was away, the count may be off
/// by up to `away_frames`; behind any other gap by none. Returns what is wrong.
pub fn judge(samples: &[f32], gaps: &[Gap], away_frames: u64) -> Result<(), String> {
    let mut position = 0u64;
    let mut origin: Option<u64> = None;
    let end = samples.len() as u64;
    let bounds = gaps.iter().map(Some).chain([None]);
    for gap in bounds {
        let from = gap.map_or(end, |gap| gap.position);
        if from < position || from > end {
            return Err(format!("gap at {from} after {position} of {end}"));
        }
        for at in position..from {
            let value = samples[at as usize];
            let found =
                origin.get_or_insert_with(|| (value as u64 + COUNT - 1 - at % COUNT) % COUNT);
            let wanted = sample(at + *found);
            if value != wanted {
                return Err(format!("frame {at} is {value}, not {wanted}"));
            }
        }
        let Some(gap) = gap else { break };
        position = gap.position + gap.frames;
        if position > end {
            return Err(format!("{gap:?} beyond {end}"));
        }
        if let Some(at) = (gap.position..position).find(|at| samples[*at as usize] != 0.0) {
            return Err(format!("frame {at} sounds in {gap:?}"));
        }
        let is_away = matches!(gap.cause, Cause::DeviceGone | Cause::Stalled);
        if let (true, Some(before), true) = (is_away, origin, position < end) {
            let value = samples[position as usize];
            if value == 0.0 {
                continue; // the next gap begins here
            }
            let now = (value as u64 + COUNT - 1 - position % COUNT) % COUNT;
            let off = (now + COUNT - before) % COUNT;
            if off.min(COUNT - off) > away_frames {
                return Err(format!("behind {gap:?} the count is off by {off}"));
            }
            origin = Some(now);
        }
    }
    Ok(())
}
