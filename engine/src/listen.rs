//! Listening only: a device's sound for an ordinary thread, nothing played and nothing written.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::device::{HostKind, Port};
use ossicle_io::ring::{FrameReader, FrameWriter, frame_ring};

use crate::error::EngineError;
use crate::session::{
    BlockCallback, Flow, Moment, RealtimeRights, Report, Session, SessionConfig, Source,
};

/// Frames that may wait to be read: more than a second at any usual rate.
const WAITING_FRAMES: usize = 1 << 18;
/// Frames that are mixed at once in the callback.
const MIXED_FRAMES: usize = 128;

/// Which device is listened to, and how.
#[derive(Clone, Debug, Default)]
pub struct ListenConfig {
    /// How the device is reached; `None` for the first host that answers.
    pub host: Option<HostKind>,
    /// The device: an id or a part of a name; `None` for the default.
    pub device: Option<String>,
    /// Frames per callback asked for; `None` for a default.
    pub buffer_frames: Option<u32>,
    /// Which rights of real-time work are asked of the system.
    pub realtime: RealtimeRights,
    /// Where the stream ends, if not before.
    pub limit: Option<Moment>,
}

/// A device that is listened to: the mean of its channels.
#[derive(Debug)]
pub struct Listener {
    session: Session,
    reader: FrameReader,
}

impl Listener {
    /// Opens the device and begins.
    ///
    /// # Errors
    /// A device that cannot be had as asked.
    pub fn start(config: ListenConfig) -> Result<Self, EngineError> {
        let (writer, reader) = frame_ring(1, WAITING_FRAMES);
        let session = Session::start(SessionConfig {
            host: config.host,
            input: Some(Port {
                device: config.device,
                channels: None,
            }),
            buffer_frames: config.buffer_frames,
            realtime: config.realtime,
            limit: config.limit,
            source: Source::Own {
                callback: mixer(writer),
                channels: 1,
            },
            ..SessionConfig::default()
        })?;
        Ok(Self { session, reader })
    }

    /// Sample rate in hertz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.session.sample_rate_hz()
    }

    /// How the session is: whether it has ended, and what is to be told.
    pub fn report(&mut self) -> Report {
        self.session.report()
    }

    /// Moves what has come into `samples`; returns how many.
    pub fn read(&mut self, samples: &mut [f32]) -> usize {
        self.reader.read(samples)
    }

    /// Ends it.
    ///
    /// # Errors
    /// What ended the session before its time.
    pub fn stop(self) -> Result<(), EngineError> {
        Ok(self.session.stop().map(drop)?)
    }
}

/// Puts the mean of all channels into the ring. Real-time safe.
fn mixer(mut writer: FrameWriter) -> BlockCallback {
    Box::new(move |block, info| {
        let mut mixed = [0.0f32; MIXED_FRAMES];
        let scale = 1.0 / info.channels.max(1) as f32;
        for frames in block.chunks(info.channels.max(1) * MIXED_FRAMES) {
            let mut count = 0;
            for (mixed, frame) in mixed
                .iter_mut()
                .zip(frames.chunks_exact(info.channels.max(1)))
            {
                *mixed = frame.iter().sum::<f32>() * scale;
                count += 1;
            }
            writer.write(&mixed[..count]);
        }
        Flow::Continue
    })
}
