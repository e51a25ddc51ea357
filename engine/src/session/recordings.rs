//! Begins a session's recordings.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tap_ring::TapRing;
use crate::error::EngineError;
use crate::record::{Company, GateConfig, Lead, Place, RecordConfig, Recording, Rings, Shape, Tap};
use crate::same_file;

/// What can be recorded.
pub(super) struct Sounds {
    pub(super) sample_rate_hz: u32,
    /// Channels into the chain, and out of it.
    pub(super) channels: (usize, usize),
    /// Channels and sample rate of each capture device.
    pub(super) inputs: Vec<(usize, u32)>,
    /// The device that calls the core captures too: it is the first of them.
    pub(super) master_captures: bool,
}

/// Recordings that have begun, and the rings they are filled through.
#[derive(Default)]
pub(super) struct Begun {
    pub(super) recordings: Vec<Recording>,
    pub(super) taps: Vec<TapRing>,
    /// Of devices that do not call the core, by their place among the capture devices.
    pub(super) raw: BTreeMap<usize, Vec<Rings>>,
}

impl Sounds {
    /// What a tap gives: of the capture device `input` where it is a device's own sound.
    pub(super) fn shape(&self, tap: Tap, input: usize) -> Result<Shape, EngineError> {
        let session = |channels| Shape {
            channels,
            sample_rate_hz: self.sample_rate_hz,
            beside_hz: None,
        };
        match tap {
            Tap::Pre => Ok(session(self.channels.0)),
            Tap::Post => Ok(session(self.channels.1)),
            Tap::Input if self.inputs.is_empty() => Err(EngineError::NoInput),
            Tap::Input => {
                let found = self.inputs.get(input);
                let &(channels, sample_rate_hz) = found.ok_or(EngineError::RouteMissing {
                    what: "input device",
                    number: input + 1,
                    there: self.inputs.len(),
                })?;
                let beside_hz = (!self.is_master(input)).then_some(self.sample_rate_hz);
                Ok(Shape {
                    channels,
                    sample_rate_hz,
                    beside_hz,
                })
            }
        }
    }

    fn is_master(&self, input: usize) -> bool {
        self.master_captures && input == 0
    }

    /// Begins all recordings, or none.
    pub(super) fn record(
        &self,
        configs: &[RecordConfig],
        gate: &GateConfig,
    ) -> Result<Begun, EngineError> {
        let mut begun = Begun::default();
        let mut lead = None;
        let company = Company::new();
        for (number, config) in configs.iter().enumerate() {
            let gate = (gate, self.place(config, &mut lead)?);
            match self.begin(config, &configs[..number], gate, company.of(number)) {
                Ok((recording, rings)) => {
                    begun.recordings.push(recording);
                    match config.tap {
                        Tap::Input if !self.is_master(config.input) => {
                            begun.raw.entry(config.input).or_default().push(rings);
                        }
                        tap => {
                            begun
                                .taps
                                .push(TapRing::new(tap, rings.frames, self.sample_rate_hz))
                        }
                    }
                }
                Err(error) => {
                    begun.recordings.into_iter().for_each(Recording::discard);
                    return Err(error);
                }
            }
        }
        Ok(begun)
    }

    /// The first recording begins where its sound says, the others where it does.
    fn place(
        &self,
        config: &RecordConfig,
        lead: &mut Option<Arc<Lead>>,
    ) -> Result<Place, EngineError> {
        if let Some(lead) = lead {
            return Ok(Place::Further(lead.clone()));
        }
        let shape = self.shape(config.tap, config.input)?;
        let first = lead.insert(Arc::new(Lead::new(shape.sample_rate_hz)));
        Ok(Place::First(first.clone()))
    }

    fn begin(
        &self,
        config: &RecordConfig,
        before: &[RecordConfig],
        gate: (&GateConfig, Place),
        company: Company,
    ) -> Result<(Recording, Rings), EngineError> {
        let shape = self.shape(config.tap, config.input)?;
        if before
            .iter()
            .any(|other| same_file::is_one_name(&other.path, &config.path))
        {
            return Err(EngineError::SameTake {
                path: config.path.clone(),
            });
        }
        Recording::start(config, shape, gate, company)
    }
}
