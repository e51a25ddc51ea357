//! What befalls a simulated device: plain values.

/// Something that befalls a device. It prints itself as `1500ms stall 20ms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Virtual time at which it begins, in nanoseconds.
    pub at_ns: u64,
    /// What it is.
    pub kind: FaultKind,
}

/// What can befall a device. A stream sees each once; one that stopped calling sees only errors and
/// losses, and one that is lost nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// No callbacks for a while; then all frames come, late. Text: `stall 20ms`.
    Stall {
        /// How long, in nanoseconds.
        for_ns: u64,
    },
    /// Frames are lost, and the xrun told. Text: `xrun 256`.
    Xrun {
        /// How many.
        lost_frames: u64,
    },
    /// The device is unplugged, and comes back. Its streams are lost. Text: `unplug 2s`, or
    /// `unplug ever`.
    Unplug {
        /// How long it is away, in nanoseconds; `u64::MAX` for ever.
        for_ns: u64,
    },
    /// The device is unplugged and comes back with another format, at which its clock then runs. Its
    /// streams are lost: as gone, or, where it comes back at once, as of another format. Text:
    /// `return 2s 44100hz 1in 2out`.
    Return {
        /// How long it is away, in nanoseconds.
        for_ns: u64,
        /// Sample rate it claims then, in hertz.
        sample_rate_hz: u32,
        /// Channels it captures then.
        input_channels: usize,
        /// Channels it plays then.
        output_channels: usize,
    },
    /// The device runs at another rate from now on, and claims the old one. Its clock's error is
    /// relative to that. Text: `rate 44100hz`.
    Rate {
        /// Hertz.
        sample_rate_hz: u32,
    },
    /// From the next block on, all blocks have this length. Text: `period 512`.
    Period {
        /// Frames.
        frames: usize,
    },
    /// The callback that is due next comes only with the one after it, which is right behind it.
    /// Text: `double`.
    Double,
    /// The callback that is due next is left out, and its frames come with the next, as one longer
    /// block. Text: `merge`.
    Merge,
    /// The callback that is due next is left out, and its frames are lost, and told as lost. Text:
    /// `miss`.
    Miss,
    /// The streams are not called any more, and nothing is told. Streams that begin later are called.
    /// Text: `silence`.
    Silence,
    /// The backend tells errors, each a value that owns heap memory. Text: `errors 3`.
    Errors {
        /// How many, all at once.
        count: u32,
    },
    /// From now on all callbacks are later by this; until the next such fault. Text: `floor 2ms`.
    Floor {
        /// Nanoseconds.
        late_ns: u64,
    },
    /// The device is there but cannot be opened for a while; streams that run go on. Text:
    /// `refuse 2s busy`.
    Refuse {
        /// How long, in nanoseconds; `u64::MAX` for ever.
        for_ns: u64,
        /// The answer.
        answer: Refusal,
    },
}

/// How a device answers that cannot be opened. Each is an error that owns heap memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// [`DeviceError::DeviceBusy`](crate::device::DeviceError::DeviceBusy). Text: `busy`.
    Busy,
    /// [`DeviceError::PermissionDenied`](crate::device::DeviceError::PermissionDenied). Text:
    /// `denied`.
    Denied,
    /// [`DeviceError::Backend`](crate::device::DeviceError::Backend). Text: `broken`.
    Broken,
}

impl Fault {
    /// Whether it lasts at a time, where it is one that lasts for `for_ns`.
    pub(super) fn holds(&self, for_ns: u64, now_ns: u64) -> bool {
        (self.at_ns..self.at_ns.saturating_add(for_ns)).contains(&now_ns)
    }
}
