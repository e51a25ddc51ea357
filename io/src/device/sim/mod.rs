//! Simulated devices in virtual time: any block sizes, clocks that stray, callbacks that come late
//! and faults, the same again from the same seed, hours in seconds.
//!
//! A device opened here is like any other, but that nothing moves until [`Sim::run_for`] is called:
//! that runs the callbacks, in the order of virtual time, on the caller's thread.
//!
//! ```
//! use core::time::Duration;
//! use ossicle_io::device::StreamRequest;
//! use ossicle_io::device::sim::{Blocks, Drift, Lateness, Schedule, Sim, SimDevice};
//!
//! let schedule: Schedule = "300ms card stall 20ms\n 500ms card xrun 64".parse()?;
//! let card = SimDevice {
//!     blocks: Blocks::Random { max: 700 },
//!     drifts: vec![Drift::Sine { ppm: 30.0, hz: 0.5 }],
//!     lateness: vec![Lateness::Exponential { mean_ns: 200_000 }],
//!     faults: schedule.faults("card"),
//!     ..SimDevice::new("card", 1, 1)
//! };
//! let sim = Sim::new(1);
//! sim.plug(card.with_source(|frame, _channel| frame as f32))?;
//! let both = Some(Default::default());
//! let request = StreamRequest { input: both.clone(), output: both, ..Default::default() };
//! let stream = sim.open(&request)?.start(Box::new(|call| {
//!     call.output.copy_from_slice(call.input);
//! }))?;
//! sim.run_for(Duration::from_secs(1));
//! let played = sim.played("card");
//! assert!(played.len() > 47_000 && played[1_000] == 1_000.0);
//! assert_eq!(stream.status().lost_frames(), 64);
//! assert_eq!(schedule.to_string(), "300ms card stall 20ms\n500ms card xrun 64\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Frames of a device are counted by its clock since the world began, at whatever rate it ran.
//! [`Sim::device_time_ns`] and [`Sim::device_frame`] say exactly when each of them is: who judges a
//! delay need not guess. What is played has the number of what was captured in the same call; a
//! real device plays it later, by a constant.

mod blocks;
mod clock;
mod device;
mod draw;
mod drift;
mod fault;
mod lateness;
mod line;
mod listener;
mod open;
mod random;
mod read;
mod schedule;
mod stamps;
mod stream;
mod text;
mod walk;
mod world;

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{DeviceError, PendingStream, StreamRequest};
use stream::Pending;
use world::World;

pub use blocks::Blocks;
pub use device::{SimDevice, Sink, Source};
pub use draw::Level;
pub use drift::Drift;
pub use fault::{Fault, FaultKind, Refusal};
pub use lateness::Lateness;
pub use read::ScheduleError;
pub use schedule::{Schedule, Scheduled};
pub use stamps::Stamps;

/// A world of simulated devices with a clock of its own, which begins at 0. Clones are the same
/// world.
#[derive(Clone, Debug)]
pub struct Sim {
    world: Arc<Mutex<World>>,
}

impl Sim {
    /// A world without devices. All chance in it comes from `seed`, but that of [`Drift::Walk`].
    pub fn new(seed: u64) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(seed))),
        }
    }

    /// Puts a device into the world. The first is the default device.
    ///
    /// # Errors
    /// [`DeviceError::BufferUnsupported`] where a block has no frame or more than 2^20,
    /// [`DeviceError::SampleRateUnsupported`] where a rate is 0, [`DeviceError::DeviceBusy`] where
    /// its name is taken, [`DeviceError::Backend`] where its drifts, lateness, time stamps or losses
    /// make no sense; the message says which.
    pub fn plug(&self, device: SimDevice) -> Result<(), DeviceError> {
        device.check()?;
        let mut world = self.lock();
        if world.find(&device.name).is_some() {
            return Err(DeviceError::DeviceBusy {
                device: device.name,
            });
        }
        world.plug(device);
        Ok(())
    }

    /// Makes a device the default one, wherever it is present, from now on.
    pub fn set_default(&self, device: &str) {
        self.lock().set_default(device);
    }

    /// Names of the default devices, in and out, where one was
    /// [made the default](Self::set_default), and is there.
    pub fn default_devices(&self) -> [Option<String>; 2] {
        open::defaults(&self.lock())
    }

    /// Settles a stream on a device. Input and output are one stream only on one device.
    ///
    /// # Errors
    /// [`DeviceError::DeviceNotFound`] where there is none of the name, or it is unplugged now;
    /// [`DeviceError::DirectionUnsupported`], [`DeviceError::ChannelsUnsupported`] and
    /// [`DeviceError::SampleRateUnsupported`] where it does not offer what is asked for; the answer
    /// of a [`FaultKind::Refuse`].
    pub fn open(&self, request: &StreamRequest) -> Result<Box<dyn PendingStream>, DeviceError> {
        let (device, info) = open::settle(&self.lock(), request)?;
        Ok(Box::new(Pending {
            world: self.world.clone(),
            device,
            info,
        }))
    }

    /// Settles a stream that an exact clock calls, in virtual time: it captures silence, and nobody
    /// hears what it plays. It is there beside the devices, and no default.
    ///
    /// # Errors
    /// As [`open`](Self::open); and as [`plug`](Self::plug) where rate or block make no sense.
    pub fn open_clock(
        &self,
        sample_rate_hz: u32,
        buffer_frames: u32,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        let name = {
            let world = self.lock();
            format!("{}{}", open::CLOCK, world.devices())
        };
        self.plug(SimDevice {
            sample_rate_hz,
            blocks: Blocks::Fixed(buffer_frames as usize),
            forgets: true,
            ..SimDevice::new(&name, 0, 1)
        })?;
        let output = Some(super::Port {
            device: Some(name),
            channels: None,
        });
        self.open(&StreamRequest {
            output,
            ..StreamRequest::default()
        })
    }

    /// Lets virtual time pass, running the callbacks that are due on this thread.
    pub fn run_for(&self, time: Duration) {
        let now_ns = self.now_ns();
        self.run_until_ns(
            now_ns.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        );
    }

    /// Lets virtual time pass until `until_ns`, running the callbacks that are due on this thread.
    pub fn run_until_ns(&self, until_ns: u64) {
        let mut called = None;
        loop {
            let (ended, next) = {
                let mut world = self.lock();
                let ended = called.take().and_then(|line| world.finish(line));
                (ended, world.next(until_ns))
            };
            drop(ended);
            let Some(mut line) = next else { return };
            line.run();
            called = Some(line);
        }
    }

    /// Virtual time in nanoseconds: that of [`Call::time_ns`](super::Call::time_ns) with
    /// [`Stamps::Exact`].
    pub fn now_ns(&self) -> u64 {
        self.lock().now_ns()
    }

    /// True virtual time in nanoseconds at which a frame of a device begins, which may be a part of
    /// one and may be yet to come; exact to 0.1 ns over a day. `None` where there is no such device.
    pub fn device_time_ns(&self, device: &str, frame: f64) -> Option<f64> {
        let mut world = self.lock();
        let index = world.find(device)?;
        Some(world.clock(index).time_ns(frame, 0.0))
    }

    /// The frame, with its part, that a device is at, at a virtual time in nanoseconds: the inverse
    /// of [`device_time_ns`](Self::device_time_ns). `None` where there is no such device.
    pub fn device_frame(&self, device: &str, time_ns: f64) -> Option<f64> {
        let mut world = self.lock();
        let index = world.find(device)?;
        Some(world.clock(index).frame(time_ns))
    }

    /// What a device has played since its first stream began, or since its channels changed,
    /// interleaved, with silence where frames were lost or nothing was played; nothing of a device
    /// that forgets.
    pub fn played(&self, device: &str) -> Vec<f32> {
        self.lock().played(device)
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}
