//! Where a session finds devices and a clock: the machine, or a simulation.

use ossicle_io::device::sim::Sim;
use ossicle_io::device::{DeviceError, HostKind, PendingStream, StreamRequest};

/// What opens devices, now and when they come back.
pub trait World: Send + Sync {
    /// Finds a device and settles rate, channels and period.
    ///
    /// # Errors
    /// As [`ossicle_io::device::open`].
    fn open(
        &self,
        host: HostKind,
        request: &StreamRequest,
    ) -> Result<Box<dyn PendingStream>, DeviceError>;

    /// A stream of silence that a clock calls, for a session whose device is away.
    ///
    /// # Errors
    /// As [`ossicle_io::device::open`].
    fn open_clock(
        &self,
        sample_rate_hz: u32,
        buffer_frames: u32,
    ) -> Result<Box<dyn PendingStream>, DeviceError>;

    /// Ids of a host's default devices, in and out, where they may change while others run; it may
    /// have to wait for a server.
    fn default_devices(&self, host: HostKind) -> [Option<String>; 2];

    /// Time in nanoseconds, as the calls of the devices carry it.
    fn now_ns(&self) -> u64;

    /// Whether time passes only when it is told to: then the session looks after its devices whenever
    /// [`report`](super::Session::report) is called, and no thread does.
    fn is_virtual(&self) -> bool;
}

/// The devices of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl World for Machine {
    fn open(
        &self,
        host: HostKind,
        request: &StreamRequest,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        ossicle_io::device::open(host, request)
    }

    fn open_clock(
        &self,
        sample_rate_hz: u32,
        buffer_frames: u32,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        Ok(ossicle_io::device::open_clock(
            sample_rate_hz,
            buffer_frames,
        ))
    }

    fn default_devices(&self, host: HostKind) -> [Option<String>; 2] {
        ossicle_io::device::default_devices(host)
    }

    fn now_ns(&self) -> u64 {
        ossicle_io::device::now_ns()
    }

    fn is_virtual(&self) -> bool {
        false
    }
}

impl World for Sim {
    fn open(
        &self,
        _host: HostKind,
        request: &StreamRequest,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        Self::open(self, request)
    }

    fn open_clock(
        &self,
        sample_rate_hz: u32,
        buffer_frames: u32,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        Self::open_clock(self, sample_rate_hz, buffer_frames)
    }

    fn default_devices(&self, _host: HostKind) -> [Option<String>; 2] {
        Self::default_devices(self)
    }

    fn now_ns(&self) -> u64 {
        Self::now_ns(self)
    }

    fn is_virtual(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn the_clock_of_the_machine_takes_the_place_of_a_device_of_any_rate_and_period() {
        // 2^20 frames are the most that the simulation, and the command line, take.
        for (rate, frames) in [
            (48_000, 256),
            (384_000, 2_048),
            (4_000, 65_537),
            (768_000, 1 << 20),
        ] {
            let opened = Machine.open_clock(rate, frames);
            let info = opened.map(|pending| pending.info().clone());
            let info = info.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((info.sample_rate_hz, info.buffer_frames), (rate, frames));
        }
        // It calls.
        let called = Arc::new(AtomicUsize::new(0));
        let told = called.clone();
        let callback = Box::new(move |call: &mut ossicle_io::device::Call<'_>| {
            told.store(call.frames, Ordering::Release);
        });
        let clock = Machine.open_clock(384_000, 2_048).unwrap();
        let stream = clock.start(callback).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while called.load(Ordering::Acquire) == 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(called.load(Ordering::Acquire), 2_048);
        drop(stream);
    }
}
