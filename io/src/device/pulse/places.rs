//! Which channel of a stream is which of the device's.

use pulseaudio::protocol::{ChannelMap, ChannelPosition};

/// The device's own places where it has as many channels; else those that are usual for so many in
/// `order`, or none, so that channels are not mixed.
pub(super) fn channel_map(channels: usize, device: ChannelMap, order: Order) -> ChannelMap {
    match channels {
        _ if channels == usize::from(device.num_channels()) => device,
        1 => ChannelMap::mono(),
        2 => ChannelMap::stereo(),
        _ => ChannelMap::new((0..channels).map(|channel| order.position(channels, channel))),
    }
}

/// Which channels go where.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// Loudspeakers, as in WAVE files.
    Loudspeakers,
    /// No places.
    Numbers,
}

impl Order {
    fn position(self, channels: usize, channel: usize) -> ChannelPosition {
        use ChannelPosition::{
            FrontCenter, FrontLeft, FrontRight, Lfe, RearCenter, RearLeft, RearRight, SideLeft,
            SideRight,
        };
        let places: &[ChannelPosition] = match (self, channels) {
            (Self::Loudspeakers, 3) => &[FrontLeft, FrontRight, FrontCenter],
            (Self::Loudspeakers, 4) => &[FrontLeft, FrontRight, RearLeft, RearRight],
            (Self::Loudspeakers, 5) => &[FrontLeft, FrontRight, FrontCenter, RearLeft, RearRight],
            (Self::Loudspeakers, 6..=8) => &[
                FrontLeft,
                FrontRight,
                FrontCenter,
                Lfe,
                RearLeft,
                RearRight,
                if channels == 7 { RearCenter } else { SideLeft },
                SideRight,
            ],
            _ => &[],
        };
        places.get(channel).copied().unwrap_or(number(channel))
    }
}

/// A position that means no place.
fn number(channel: usize) -> ChannelPosition {
    const AUX: [ChannelPosition; 32] = {
        use ChannelPosition::{
            Aux0, Aux1, Aux2, Aux3, Aux4, Aux5, Aux6, Aux7, Aux8, Aux9, Aux10, Aux11, Aux12, Aux13,
            Aux14, Aux15, Aux16, Aux17, Aux18, Aux19, Aux20, Aux21, Aux22, Aux23, Aux24, Aux25,
            Aux26, Aux27, Aux28, Aux29, Aux30, Aux31,
        };
        [
            Aux0, Aux1, Aux2, Aux3, Aux4, Aux5, Aux6, Aux7, Aux8, Aux9, Aux10, Aux11, Aux12, Aux13,
            Aux14, Aux15, Aux16, Aux17, Aux18, Aux19, Aux20, Aux21, Aux22, Aux23, Aux24, Aux25,
            Aux26, Aux27, Aux28, Aux29, Aux30, Aux31,
        ]
    };
    AUX[channel % AUX.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChannelPosition::{Aux0, Aux1, Aux2, FrontCenter, FrontLeft, FrontRight, RearLeft};

    #[test]
    fn a_channel_goes_to_that_of_its_number_or_to_its_usual_loudspeaker() {
        let first = |map: ChannelMap| map.into_iter().take(3).collect::<Vec<_>>();
        let odd = ChannelMap::new([RearLeft, Aux2, FrontLeft]);
        for order in [Order::Loudspeakers, Order::Numbers] {
            assert_eq!(first(channel_map(3, odd, order)), first(odd));
        }
        let surround = channel_map(6, ChannelMap::stereo(), Order::Loudspeakers);
        assert_eq!(first(surround), [FrontLeft, FrontRight, FrontCenter]);
        let numbered = channel_map(6, ChannelMap::stereo(), Order::Numbers);
        assert_eq!(first(numbered), [Aux0, Aux1, Aux2]);
    }
}
