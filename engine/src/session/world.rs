//! Where a session finds devices and a clock: the machine, or a simulation.

use ossicle_io::device::sim::Sim;
use ossicle_io::device::{DeviceError, HostKind, PendingStream, Port, StreamRequest};

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
        let request = StreamRequest {
            output: Some(Port {
                device: None,
                channels: Some(1),
            }),
            sample_rate_hz: Some(sample_rate_hz),
            buffer_frames: Some(buffer_frames),
            realtime: true,
            ..StreamRequest::default()
        };
        ossicle_io::device::open(HostKind::Null, &request)
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
