//! What a device of ALSA is made of: plug-ins, down to a card or a server.

use ::alsa::pcm::{Access, Format, HwParams, PCM};
use ::alsa::{Direction, Error, Output, ValueOr};

use super::quiet;
use crate::device::deadline::within;
use crate::device::{HostKind, Layers};

const SAMPLE_RATE_HZ: u32 = 48_000;
const CHANNELS: u32 = 2;

/// Opens a device for playing at 48 kHz and says what it is made of; `None` where it does not open.
pub(in crate::device) fn layers(device: &str) -> Option<Layers> {
    let device = device.to_owned();
    within(HostKind::Alsa, "open", move || {
        quiet::silence_alsa();
        described(&device).ok().and_then(|text| parse(&text))
    })
    .ok()
    .flatten()
}

fn described(device: &str) -> Result<String, Error> {
    let pcm = PCM::new(device, Direction::Playback, true)?;
    let wanted = HwParams::any(&pcm)?;
    wanted.set_access(Access::RWInterleaved)?;
    wanted.set_format(Format::s16())?;
    wanted.set_rate(SAMPLE_RATE_HZ, ValueOr::Nearest)?;
    wanted.set_channels(CHANNELS)?;
    pcm.hw_params(&wanted)?;
    drop(wanted);
    let mut text = Output::buffer_open()?;
    pcm.dump(&mut text)?;
    Ok(text.buffer_string(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// Reads the library's description: a line for each layer, from outside to inside, and below it what
/// it is set to.
fn parse(text: &str) -> Option<Layers> {
    let mut names = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with(' ')) {
        let line = line.strip_prefix("Slave: ").unwrap_or(line);
        let line = line.strip_prefix("Plug PCM: ").unwrap_or(line);
        let name = line.split(" (").next().unwrap_or_default().trim();
        if name.contains(" PCM") || name.ends_with("Plugin") {
            names.push(name.to_owned());
        }
    }
    // The innermost is what the sound leaves by.
    let innermost = |key: &str| {
        let mut values = text.lines().filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then(|| value.trim().parse().ok())?
        });
        values.next_back()
    };
    Some(Layers {
        sample_rate_hz: innermost("rate")?,
        period_frames: innermost("period_size")?,
        names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_read_from_outside_to_inside() {
        let text = "Plug PCM: Rate conversion PCM (44100, sformat=S16_LE)\nConverter: x\n\
                    Its setup is:\n  rate         : 48000\n  period_size  : 6000\n\
                    Slave: Direct Stream Mixing PCM\nIts setup is:\n  rate         : 44100\n  \
                    exact rate   : 44100 (44100/1)\n  period_size  : 1024\n\
                    Hardware PCM card 0 'Card' device 0 subdevice 0\nIts setup is:\n  \
                    rate         : 44100\n  period_size  : 940\n";
        let layers = parse(text).unwrap();
        assert_eq!(
            layers.names,
            [
                "Rate conversion PCM",
                "Direct Stream Mixing PCM",
                "Hardware PCM card 0 'Card' device 0 subdevice 0"
            ]
        );
        assert_eq!((layers.sample_rate_hz, layers.period_frames), (44_100, 940));
        assert_eq!(parse("nothing of the kind"), None);
    }
}
