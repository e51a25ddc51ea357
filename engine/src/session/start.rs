//! Puts a session together and starts it.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use ossicle_io::device::HostKind;
use ossicle_io::file::AudioFile;

use super::Session;
use super::call_length::note_of_another;
use super::config::{FilePlay, SessionConfig, Source};
use super::core::{Core, CoreParts};
use super::fallback::missing_fallbacks;
use super::feed::Feed;
use super::levels::Levels;
use super::metering::Metering;
use super::open::{FileShape, Open, Opened, open_devices};
use super::own::OwnCallback;
use super::player::Player;
use super::post::post;
use super::raw::RawTakes;
use super::recordings::{Begun, Sounds};
use super::remembered::Remembered;
use super::routes;
use super::shared::Shared;
use super::slot::Slot;
use super::stage::{Seat, Stage};
use super::supervisor::{Supervisor, Wishes};
use super::world::World;
use crate::controller::Controller;
use crate::error::EngineError;
use crate::flight::{FlightConfig, FlightWriter, Keeper, Scene, tape};
use crate::processor::{Processor, ProcessorSpec};
use crate::record::{Recording, Rings, Tap};
use crate::same_file;

/// Longest block a node sees, in frames.
const MAX_BLOCK_FRAMES: usize = 1024;

pub(super) fn start(
    config: SessionConfig,
    open: &mut Open<'_>,
    world: Option<Arc<dyn World>>,
) -> Result<Session, EngineError> {
    let file = match &config.source {
        Source::File(play) => Some(open_file(play)?),
        _ => None,
    };
    if let Source::File(play) = &config.source {
        for record in &config.record {
            same_file::refuse(&play.path, &record.path)?;
        }
    }
    let shape = file.as_ref().map(|file| FileShape {
        sample_rate_hz: file.info().sample_rate_hz,
        channels: file.info().channels,
    });
    let memory_locked = config.realtime.lock();
    let opened = open_devices(&config, shape, open)?;
    let sample_rate_hz = opened.master().sample_rate_hz;
    let inputs: Vec<usize> = opened
        .inputs()
        .iter()
        .map(|info| info.input_channels)
        .collect();
    let lanes = routes::lanes(&config.routes, &inputs)?;
    let input_channels = lanes.channels;
    let channels_in = match (&config.source, shape) {
        (Source::File(_), Some(shape)) => shape.channels,
        (Source::Own { channels, .. }, _) => input_channels.unwrap_or(*channels).max(1),
        _ => input_channels.ok_or(EngineError::NoInput)?,
    };
    let mut spec = ProcessorSpec {
        sample_rate_hz,
        max_block_frames: MAX_BLOCK_FRAMES,
        channels_in,
        channels_out: opened.output_channels(),
        latency_budget_frames: config.latency_budget_frames,
    };
    // A recording behind the chain has all that leaves it, and a route may name any of it; else
    // what no device plays need not be made.
    let is_whole = !config.routes.outputs.is_empty()
        || config.record.iter().any(|record| record.tap == Tap::Post);
    let (mut controller, processor) = Controller::of(config.chain, spec, is_whole)?;
    spec.channels_out = spec.channels_out.map(|_| processor.channels_out());
    let (flight_writer, keeper) =
        keep_flight(&mut controller, &processor, &opened, spec, config.flight)?;
    let roles = opened.devices.iter().map(|(role, _)| role);
    let mut warnings: Vec<String> = roles
        .flat_map(|role| missing_fallbacks(role, open))
        .collect();
    if let (Some(shape), Some(file)) = (shape, &file) {
        warnings.extend(file.info().warnings.iter().cloned());
        warn_of_differences(
            shape,
            sample_rate_hz,
            opened.output_channels(),
            &mut warnings,
        );
    }
    if let (None, Some(played), true) = (
        &file,
        opened.output_channels(),
        config.routes.outputs.is_empty(),
    ) {
        warnings.extend(unplayed(controller.leaving_channels(), played));
    }
    let shared = Arc::new(Shared::new(
        config.limit.map(|limit| limit.frames(sample_rate_hz)),
    ));
    let (counters, channels) = (processor.counters().clone(), processor.channels_out());
    let sounds = Sounds {
        sample_rate_hz,
        channels: (channels_in, channels),
        inputs: opened
            .inputs()
            .iter()
            .map(|info| (info.input_channels, info.sample_rate_hz))
            .collect(),
        master_captures: opened.devices[0].0.lane == Some(0),
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
    let Begun {
        recordings,
        taps,
        raw,
    } = sounds.record(&config.record, &config.gate)?;
    let outs = opened.devices.iter().filter_map(|(role, _)| role.out);
    let outs = outs.max().map_or(1, |most| most + 1);
    let output_channels: Vec<usize> = opened
        .devices
        .iter()
        .filter(|(role, _)| role.out.is_some())
        .map(|(_, pending)| pending.info().output_channels)
        .collect();
    let routes = routes::outputs(&config.routes, &output_channels, channels)?;
    let (sender, receiver) = post(opened.devices.len());
    let is_virtual = match &world {
        Some(world) => world.is_virtual(),
        None => opened.master().host == HostKind::Sim,
    };
    let (meter, metering) = match config.meter {
        Some(tap) => {
            let shape = sounds.shape(tap, 0)?;
            let (meter, metering) = Metering::new(tap, sample_rate_hz, shape.channels)?;
            (Some(meter), Some(metering))
        }
        None => (None, None),
    };
    let parts = CoreParts {
        feed: feed.unwrap_or(Feed::Lanes),
        lanes: lanes.build(channels_in, sample_rate_hz),
        outs,
        own,
        taps,
        meter,
        shared: shared.clone(),
        flight: flight_writer,
        post: receiver,
        is_virtual,
    };
    let stage = Arc::new(Stage {
        shared: shared.clone(),
        slot: Arc::new(Slot::new(Box::new(Core::new(processor, parts)))),
        pace: Arc::new(AtomicU64::new(0)),
        master: Arc::new(AtomicU64::new(0)),
        remembered: Remembered::load(config.clock_file.as_deref(), opened.master(), &mut warnings),
        master_host: Mutex::new(opened.master().host),
        sample_rate_hz,
        channels_out: channels,
        period: opened.master().buffer_frames as usize,
        taps: config.bridge_taps.0,
        routes,
        post: Mutex::new(sender),
        kernels: Mutex::new(BTreeMap::new()),
        numbers: AtomicU64::new(0),
    });
    let wishes = Wishes {
        buffer_frames: config.buffer_frames,
        leave_unconnected: config.leave_unconnected,
        realtime: config.realtime.scheduling,
    };
    let mut session = Session {
        takes_have_limit: config.gate.limit.is_some(),
        controller,
        shared,
        counters,
        slot: stage.slot.clone(),
        supervisor: Arc::new(Supervisor::new(stage, world, wishes)),
        watch: None,
        infos: Vec::new(),
        counts_source: player.is_some(),
        player,
        recordings,
        levels: Levels::new(),
        metering,
        keeper,
        warnings: warnings.into(),
        trials: None,
        failure: None,
        channels,
        sample_rate_hz,
        is_virtual,
        memory_locked,
    };
    match start_streams(&mut session, opened, wishes.buffer_frames, raw) {
        Ok(()) => {
            let takes = session.recordings.iter().map(Recording::take);
            takes.for_each(|take| take.desk().set_running());
            Ok(session)
        }
        Err(error) => {
            abandon(session);
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
    let info = opened.master();
    let inputs = opened.inputs();
    let capture = inputs.first().copied().unwrap_or(info);
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

/// What no output plays of a chain.
fn unplayed(chain: usize, played: usize) -> Option<String> {
    let surplus = chain.checked_sub(played).filter(|surplus| *surplus > 0)?;
    Some(format!(
        "{surplus} of the {chain} channels that leave the chain not heard: the output has {played} \
         ([routes] in a chain file says which play)"
    ))
}

/// Starts what is beside the master, then the master.
fn start_streams(
    session: &mut Session,
    opened: Opened,
    asked_frames: Option<u32>,
    mut raw: BTreeMap<usize, Vec<Rings>>,
) -> Result<(), EngineError> {
    for (role, pending) in opened.devices.into_iter().rev() {
        let rings = role.lane.and_then(|lane| raw.remove(&lane));
        let takes = rings.map(|rings| {
            session.shared.open_capture();
            let rate = pending.info().sample_rate_hz;
            let takes = RawTakes::new(rings, rate, session.sample_rate_hz);
            Arc::new(Slot::new(Box::new(takes)))
        });
        let seat = Seat {
            role,
            gate: Arc::default(),
            takes,
        };
        let info = session.supervisor.start(seat, pending)?;
        // The master first: it is what a summary is about.
        session.infos.insert(0, info);
    }
    let notes = session.infos.iter();
    let notes = notes.filter_map(|info| note_of_another(asked_frames?, info));
    session.warnings.extend(notes.collect::<Vec<_>>());
    session.watch = session.supervisor.watch()?;
    Ok(())
}

/// Takes back what was begun: no empty recording is left lying about.
fn abandon(mut session: Session) {
    session.supervisor.end();
    let recordings = std::mem::take(&mut session.recordings);
    drop(session);
    recordings.into_iter().for_each(Recording::discard);
}
