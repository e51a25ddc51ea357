//! Sounds held in memory, and the node that plays them: many at once, each begun on its frame.
//!
//! ```
//! use ossicle::chain::Chain;
//! use ossicle::controller::Controller;
//! use ossicle::processor::ProcessorSpec;
//! use ossicle::sound::{PLAY, Play, Sound, SoundPlayer};
//!
//! let click = Sound::from_planes(vec![vec![0.5; 100]], 48_000)?;
//! let mut chain = Chain::new();
//! chain.push_node(Box::new(SoundPlayer::new(click)));
//! let spec = ProcessorSpec {
//!     sample_rate_hz: 48_000,
//!     max_block_frames: 256,
//!     channels_in: 1,
//!     channels_out: None,
//!     latency_budget_frames: 0,
//! };
//! let (mut controller, mut processor) = Controller::new(chain, spec)?;
//! let player = controller.nodes().next().map(|(id, _)| id).unwrap();
//! // It begins on frame 1000 of the stream.
//! controller.set_value(player, PLAY, Play::Once.value(), 1000)?;
//! let mut output = vec![0.0; 2000];
//! processor.process(&vec![0.0; 2000], &mut output);
//! assert_eq!(output.iter().position(|&sample| sample != 0.0), Some(1000));
//! # Ok::<(), ossicle::EngineError>(())
//! ```

mod memory;
mod player;
mod table;
mod voice;

pub use memory::{MAX_BYTES, Sound};
pub use player::{SoundPlayer, VOICES};
pub use table::{FADE, FROM, GAIN, PAN, PLAY, Play};
