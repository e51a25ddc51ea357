//! Puts a session together and starts it.

use std::sync::Arc;

use ossicle_io::device::{Call, HostKind, Reaper, StreamInfo};
use ossicle_io::file::{AudioFile, Overwrite};
use ossicle_io::ring::frame_ring;

use super::capture::Capture;
use super::config::{FilePlay, SessionConfig, Source};
use super::core::{Core, TapRing};
use super::feed::{Bridge, Feed};
use super::health::Watched;
use super::levels::Levels;
use super::open::{FileShape, Open, Opened, open_devices};
use super::own::OwnCallback;
use super::player::Player;
use super::shared::Shared;
use super::slot::{Lent, Slot};
use super::{RETIRE_WITHIN, Session};
use crate::controller::Controller;
use crate::error::EngineError;
use crate::flight::{FlightConfig, FlightWriter, Keeper, Scene, tape};
use crate::processor::{Processor, ProcessorSpec};
use crate::record::{RecordConfig, Recording, Tap};
use crate::same_file;

/// Longest block a node sees, in frames.
const MAX_BLOCK_FRAMES: usize = 1024;
/// Length of the ring between two devices, in milliseconds, and in periods at the least.
const BRIDGE_MS: usize = 250;
const BRIDGE_PERIODS: usize = 8;

pub(super) fn start(config: SessionConfig, open: &mut Open<'_>) -> Result<Session, EngineError> {
    let file = match &config.source {
        Source::File(play) => Some(open_file(play)?),
        _ => None,
    };
    if let (Source::File(play), Some(record)) = (&config.source, &config.record) {
        same_file::refuse(&play.path, &record.path)?;
    }
    let shape = file.as_ref().map(|file| FileShape {
        sample_rate_hz: file.info().sample_rate_hz,
        channels: file.info().channels,
    });
    let memory_locked = config.realtime.lock();
    let opened = open_devices(&config, shape, open)?;
    let sample_rate_hz = opened.master.info().sample_rate_hz;
    let input_channels = opened.input_channels();
    let channels_in = match (&config.source, shape) {
        (Source::File(_), Some(shape)) => shape.channels,
        (Source::Own { channels, .. }, _) => input_channels.unwrap_or(*channels).max(1),
        _ => input_channels.ok_or(EngineError::NoInput)?,
    };
    let spec = ProcessorSpec {
        sample_rate_hz,
        max_block_frames: MAX_BLOCK_FRAMES,
        channels_in,
        channels_out: opened.output_channels(),
        latency_budget_frames: config.latency_budget_frames,
    };
    let (mut controller, processor) = Controller::new(config.chain, spec)?;
    let (flight_writer, keeper) =
        keep_flight(&mut controller, &processor, &opened, spec, config.flight)?;
    let mut warnings = Vec::new();
    if let (Some(shape), Some(file)) = (shape, &file) {
        warnings.extend(file.info().warnings.iter().cloned());
        warn_of_differences(
            shape,
            sample_rate_hz,
            opened.output_channels(),
            &mut warnings,
        );
    }
    let shared = Arc::new(Shared::new(
        config.limit.map(|limit| limit.frames(sample_rate_hz)),
    ));
    let (counters, channels) = (processor.counters().clone(), processor.channels_out());
    let recorded_channels = |tap| match tap {
        Tap::Input => input_channels,
        Tap::Pre => Some(channels_in),
        Tap::Post => Some(channels),
    };

    let (player, feed, own) = match (config.source, file) {
        (Source::File(play), Some(file)) => {
            let (player, feed) = Player::start(file, &play.path, play.looped, sample_rate_hz)?;
            (Some(player), Some(Feed::Player(feed)), None)
        }
        (Source::Own { callback, .. }, _) => {
            let own = OwnCallback {
                callback,
                channels: channels_in,
                sample_rate_hz,
                completed: false,
            };
            (
                None,
                input_channels.is_none().then_some(Feed::Silence),
                Some(own),
            )
        }
        _ => (None, None, None),
    };
    let recording = match config.record {
        Some(record) => {
            let channels = recorded_channels(record.tap).ok_or(EngineError::NoInput)?;
            let (recording, ring) = Recording::start(&record, channels, sample_rate_hz)?;
            Some((record, recording, ring))
        }
        None => None,
    };
    let (mut taps, mut takes) = (Vec::new(), Vec::new());
    let recording = recording.map(|(record, recording, ring)| {
        match record.tap {
            Tap::Input if opened.capture.is_some() => takes.push(ring),
            tap => taps.push(TapRing {
                tap,
                capacity_frames: ring.room_frames(),
                ring,
            }),
        }
        (record, recording)
    });
    let (feed, capture) = match (feed, &opened.capture) {
        (Some(feed), _) => (feed, None),
        (None, None) => (Feed::Device, None),
        (None, Some(pending)) => {
            let (feed, capture) = bridge(pending.info(), opened.master.info(), &shared, takes);
            (feed, Some(capture))
        }
    };
    let core = Core::new(processor, feed, own, taps, shared.clone(), flight_writer);
    let slot = Arc::new(Slot::new(Box::new(core)));
    let infos = Vec::new();
    let is_virtual = opened.master.info().host == HostKind::Sim;
    let mut session = Session {
        controller,
        shared,
        counters,
        slot,
        streams: Vec::new(),
        infos,
        counts_source: player.is_some(),
        player,
        recording: None,
        levels: Levels::new(),
        keeper,
        reaper: Reaper::new(),
        warnings,
        failure: None,
        channels,
        sample_rate_hz,
        is_virtual,
        memory_locked,
    };
    let (record, recording) = recording.unzip();
    session.recording = recording;
    match start_streams(&mut session, opened, capture) {
        Ok(()) => Ok(session),
        Err(error) => {
            abandon(session, record.as_ref());
            Err(error)
        }
    }
}

/// Begins the flight recorder: the callback's end of its rings, and the thread at the other.
fn keep_flight(
    controller: &mut Controller,
    processor: &Processor,
    opened: &Opened,
    spec: ProcessorSpec,
    config: FlightConfig,
) -> Result<(FlightWriter, Keeper), EngineError> {
    let info = opened.master.info();
    let capture = opened
        .capture
        .as_ref()
        .map_or(info, |capture| capture.info());
    let (writer, reader) = tape(spec.channels_in, spec.sample_rate_hz, info.buffer_frames);
    let scene = Scene {
        host: info.host.to_string(),
        input_device: capture.input_device.clone(),
        output_device: info.output_device.clone(),
        buffer_frames: info.buffer_frames,
        spec,
        channels_out: processor.channels_out(),
    };
    let keeper = Keeper::start(reader, controller.keep_log(), scene, config)?;
    Ok((writer, keeper))
}

fn open_file(play: &FilePlay) -> Result<AudioFile, EngineError> {
    let fail = |error| EngineError::file(&play.path, error);
    let mut file = AudioFile::open(&play.path).map_err(fail)?;
    let frames = play.seek.frames(file.info().sample_rate_hz);
    if frames > 0 {
        file.seek(frames).map_err(fail)?;
    }
    Ok(file)
}

fn warn_of_differences(
    file: FileShape,
    sample_rate_hz: u32,
    output_channels: Option<usize>,
    warnings: &mut Vec<String>,
) {
    if file.sample_rate_hz != sample_rate_hz {
        let from = file.sample_rate_hz;
        warnings.push(format!(
            "resampled from {from} Hz to the device's {sample_rate_hz} Hz"
        ));
    }
    if let Some(output) = output_channels.filter(|&output| file.channels > output) {
        let surplus = file.channels - output;
        let plural = if surplus == 1 { "" } else { "s" };
        warnings.push(format!(
            "{surplus} channel{plural} of the file not heard: the device has {output}"
        ));
    }
}

/// The ring between two devices, and its two ends.
fn bridge(
    input: &StreamInfo,
    output: &StreamInfo,
    shared: &Arc<Shared>,
    takes: Vec<ossicle_io::ring::FrameWriter>,
) -> (Feed, Capture) {
    let period = input.buffer_frames.max(output.buffer_frames) as usize;
    let rate = input.sample_rate_hz as usize;
    let frames = (rate * BRIDGE_MS / 1000).max(BRIDGE_PERIODS * period);
    let (writer, reader) = frame_ring(input.input_channels, frames);
    shared.set_capture_open(!takes.is_empty());
    let bridge = Bridge::new(reader, frames, period, input.sample_rate_hz);
    let capture = Capture {
        takes,
        bridge: Some(writer),
        shared: shared.clone(),
        position: 0,
    };
    (Feed::Bridge(bridge), capture)
}

fn start_streams(
    session: &mut Session,
    opened: Opened,
    capture: Option<Capture>,
) -> Result<(), EngineError> {
    if let (Some(pending), Some(mut capture)) = (opened.capture, capture) {
        let stream = pending.start(Box::new(move |call: &mut Call<'_>| capture.run(call)))?;
        session.infos.push(stream.info().clone());
        session.streams.push(Watched::new(stream));
    }
    let slot = session.slot.clone();
    let stream = opened.master.start(Box::new(move |call: &mut Call<'_>| {
        if let Some(core) = Lent::from(&slot).as_mut().and_then(Lent::value) {
            core.run(call);
        }
    }))?;
    // The master first: it is what a summary is about.
    session.infos.insert(0, stream.info().clone());
    session.streams.insert(0, Watched::new(stream));
    Ok(())
}

/// Takes back what was begun: an empty recording is not left lying about.
fn abandon(mut session: Session, record: Option<&RecordConfig>) {
    for watched in session.streams.drain(..) {
        session.reaper.retire(watched.stream, RETIRE_WITHIN);
    }
    let recording = session.recording.take();
    drop(session);
    let (Some(recording), Some(record)) = (recording, record) else {
        return;
    };
    let is_empty = recording
        .finish()
        .is_ok_and(|recorded| recorded.frames == 0);
    if is_empty && record.overwrite == Overwrite::Never {
        // What cannot be removed is an empty WAV file: no loss.
        let _ = std::fs::remove_file(&record.path);
    }
}
