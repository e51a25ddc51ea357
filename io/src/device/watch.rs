//! Devices as they come and go, without disturbing one that runs.

use std::collections::BTreeMap;

use super::{DeviceInfo, HostKind, cpal, jack};

/// Of so many looks, one asks the hosts that have to be connected to anew, or that cannot tell
/// cheaply.
const SLOW: u32 = 4;

/// What became of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceChange {
    /// It is there now.
    Came(DeviceInfo),
    /// It is there no longer.
    Went(DeviceInfo),
    /// It offers something else, or became its host's default, or is that no longer.
    Changed(DeviceInfo),
}

/// Watches the devices of hosts.
///
/// No device is opened but those of ALSA, and those only when the cards have changed. PulseAudio is
/// asked by one connection that is kept. A host whose server comes later shows up when it does.
pub struct DeviceWatch {
    hosts: Vec<Watched>,
    looks: u32,
}

/// One host.
struct Watched {
    host: HostKind,
    /// The cards when ALSA's devices were listed.
    cards: Option<Vec<String>>,
    known: BTreeMap<String, DeviceInfo>,
}

impl DeviceWatch {
    /// Watches the hosts given; those of [`HostKind::Null`] and [`HostKind::Sim`] never change and
    /// are left out.
    pub fn new(hosts: &[HostKind]) -> Self {
        let watched = hosts
            .iter()
            .filter(|host| !matches!(host, HostKind::Null | HostKind::Sim));
        Self {
            hosts: watched
                .map(|&host| Watched {
                    host,
                    cards: None,
                    known: BTreeMap::new(),
                })
                .collect(),
            looks: 0,
        }
    }

    /// What changed since the last look; in the first one, everything comes. What went is told
    /// before what came.
    ///
    /// Call it once or twice a second on an ordinary thread: it asks servers, and a server that has
    /// stopped holds it up for seconds.
    pub fn look(&mut self) -> Vec<DeviceChange> {
        let is_slow = self.looks.is_multiple_of(SLOW);
        self.looks = self.looks.wrapping_add(1);
        let mut changes = Vec::new();
        for watched in &mut self.hosts {
            if let Some(now) = watched.devices(is_slow) {
                changes.extend(between(&watched.known, &now));
                watched.known = now;
            }
        }
        changes
    }
}

impl Watched {
    /// The devices now; `None` where nothing can have changed or nobody was asked.
    fn devices(&mut self, is_slow: bool) -> Option<BTreeMap<String, DeviceInfo>> {
        let listed = match self.host {
            HostKind::PulseAudio => cpal::devices(self.host),
            HostKind::Alsa => {
                let cards = cards();
                if self.cards.as_ref() == Some(&cards) {
                    return None;
                }
                self.cards = Some(cards);
                cpal::devices(self.host)
            }
            _ if !is_slow => return None,
            HostKind::Jack => jack::devices(),
            _ => cpal::devices(self.host),
        };
        // No answer: no devices.
        let listed = listed.unwrap_or_default();
        let mut now: BTreeMap<String, DeviceInfo> = listed
            .into_iter()
            .map(|device| (device.id.clone(), device))
            .collect();
        if let (HostKind::Alsa, Some(cards)) = (self.host, &self.cards) {
            // A card that somebody plays on does not open, and is there all the same.
            for (id, device) in &self.known {
                if card_of(id).is_some_and(|card| cards.iter().any(|line| names(line, card))) {
                    now.entry(id.clone()).or_insert_with(|| device.clone());
                }
            }
        }
        Some(now)
    }
}

/// What became of the devices between two lists.
fn between(
    before: &BTreeMap<String, DeviceInfo>,
    now: &BTreeMap<String, DeviceInfo>,
) -> Vec<DeviceChange> {
    let went = before
        .iter()
        .filter(|(id, _)| !now.contains_key(*id))
        .map(|(_, device)| DeviceChange::Went(device.clone()));
    let others = now.iter().filter_map(|(id, device)| match before.get(id) {
        None => Some(DeviceChange::Came(device.clone())),
        Some(known) if known != device => Some(DeviceChange::Changed(device.clone())),
        Some(_) => None,
    });
    went.chain(others).collect()
}

/// The cards and their devices as the kernel lists them: by reading, nothing is opened.
fn cards() -> Vec<String> {
    ["/proc/asound/cards", "/proc/asound/pcm"]
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The card that an id names: `alsa:hw:CARD=PCH,DEV=0`.
fn card_of(id: &str) -> Option<&str> {
    id.split_once("CARD=")?.1.split(',').next()
}

/// Whether a line of the kernel's list is of that card: ` 0 [PCH            ]: HDA-Intel - HDA`.
fn names(line: &str, card: &str) -> bool {
    let named = line
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    named.is_some_and(|(name, _)| name.trim() == card)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, default_output: bool) -> (String, DeviceInfo) {
        let info = DeviceInfo {
            id: id.to_owned(),
            name: id.to_owned(),
            host: HostKind::Alsa,
            input: None,
            output: None,
            default_input: false,
            default_output,
        };
        (id.to_owned(), info)
    }

    #[test]
    fn went_came_and_changed_are_told_once_each() {
        let before = BTreeMap::from([device("a", true), device("b", false), device("c", false)]);
        let now = BTreeMap::from([device("b", true), device("c", false), device("d", false)]);
        let told = between(&before, &now);
        let due = [
            DeviceChange::Went(device("a", true).1),
            DeviceChange::Changed(device("b", true).1),
            DeviceChange::Came(device("d", false).1),
        ];
        assert_eq!(told, due);
        assert_eq!(between(&now, &now), []);
    }

    #[test]
    fn a_card_is_recognised_by_its_name_alone() {
        let line = " 1 [USB            ]: USB-Audio - Scarlett 2i2 USB";
        assert_eq!(card_of("alsa:hw:CARD=USB,DEV=0"), Some("USB"));
        assert_eq!(card_of("alsa:default"), None);
        assert!(names(line, "USB"));
        assert!(!names(line, "US") && !names("                      at usb-0000", "USB"));
    }
}
