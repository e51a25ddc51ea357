//! Devices as they come and go, without disturbing one that runs.

use std::collections::BTreeMap;

use super::{DeviceError, DeviceInfo, HostKind, cpal, jack};

/// Of so many looks, one asks the hosts that have to be connected to anew, or that cannot tell
/// cheaply.
const SLOW: u32 = 4;
/// Looks behind a change of the cards that list ALSA's devices once more: the kernel names a card
/// before this user may open it.
const SETTLING: u32 = 6;

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
/// No device is opened but those of ALSA, and those only when the cards have changed, and for a few
/// looks behind that. PulseAudio is asked by one connection that is kept. A host whose server comes
/// later shows up when it does; one that does not answer in time is as it was.
pub struct DeviceWatch {
    hosts: Vec<Watched>,
    looks: u32,
}

/// One host.
struct Watched {
    host: HostKind,
    cards: Cards,
    known: BTreeMap<String, DeviceInfo>,
}

/// The cards of ALSA, and whether its devices are to be listed.
#[derive(Default)]
struct Cards {
    /// As they were when the devices were listed last.
    listed: Option<Vec<String>>,
    /// Looks that list once more.
    settling: u32,
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
                    cards: Cards::default(),
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
    /// The devices now; `None` where nothing can have changed, nobody was asked or nobody answered.
    fn devices(&mut self, is_slow: bool) -> Option<BTreeMap<String, DeviceInfo>> {
        let (listed, cards) = match self.host {
            HostKind::PulseAudio => (cpal::devices(self.host), Vec::new()),
            HostKind::Alsa => {
                let now = cards();
                if !self.cards.is_due(&now) {
                    return None;
                }
                (cpal::devices(self.host), now)
            }
            _ if !is_slow => return None,
            HostKind::Jack => (jack::devices(), Vec::new()),
            _ => (cpal::devices(self.host), Vec::new()),
        };
        self.take(listed, cards)
    }

    /// Takes a list that was made while these were the cards.
    fn take(
        &mut self,
        listed: Result<Vec<DeviceInfo>, DeviceError>,
        cards: Vec<String>,
    ) -> Option<BTreeMap<String, DeviceInfo>> {
        let listed = match listed {
            Ok(listed) => listed,
            // No server: no devices.
            Err(DeviceError::HostUnavailable { .. }) => Vec::new(),
            Err(_) => return None,
        };
        let mut now: BTreeMap<String, DeviceInfo> = listed
            .into_iter()
            .map(|device| (device.id.clone(), device))
            .collect();
        if self.host == HostKind::Alsa {
            // A card that somebody plays on does not open, and is there all the same.
            for (id, device) in &self.known {
                if card_of(id).is_some_and(|card| cards.iter().any(|line| names(line, card))) {
                    now.entry(id.clone()).or_insert_with(|| device.clone());
                }
            }
            self.cards.listed(cards);
        }
        Some(now)
    }
}

impl Cards {
    /// Whether the devices are to be listed: the cards have changed, or did so shortly before.
    fn is_due(&self, now: &[String]) -> bool {
        self.settling > 0 || self.listed.as_deref() != Some(now)
    }

    /// The devices were listed while these were the cards.
    fn listed(&mut self, now: Vec<String>) {
        let before = self.listed.replace(now);
        self.settling = match before {
            Some(before) if self.listed.as_ref() != Some(&before) => SETTLING,
            _ => self.settling.saturating_sub(1),
        };
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

    const CARD: &str = " 1 [USB            ]: USB-Audio - Scarlett 2i2 USB";

    fn alsa() -> Watched {
        Watched {
            host: HostKind::Alsa,
            cards: Cards::default(),
            known: BTreeMap::new(),
        }
    }

    /// A look that finds these cards and, where it lists, these devices: what is told, and whether it
    /// listed.
    fn look(
        watched: &mut Watched,
        cards: &[&str],
        listed: Result<&[&str], DeviceError>,
    ) -> (Vec<DeviceChange>, bool) {
        let cards: Vec<String> = cards.iter().map(|line| (*line).to_owned()).collect();
        if !watched.cards.is_due(&cards) {
            return (Vec::new(), false);
        }
        let listed = listed.map(|ids| ids.iter().map(|id| device(id, false).1).collect());
        let Some(now) = watched.take(listed, cards) else {
            return (Vec::new(), true);
        };
        let told = between(&watched.known, &now);
        watched.known = now;
        (told, true)
    }

    fn hung() -> DeviceError {
        DeviceError::backend(HostKind::Alsa, "list devices", "no answer in time")
    }

    #[test]
    fn a_card_that_may_be_opened_only_later_comes_then() {
        let mut watched = alsa();
        let all = ["alsa:default", "alsa:hw:CARD=USB,DEV=0"];
        assert!(look(&mut watched, &[], Ok(&all[..1])).1);
        assert!(!look(&mut watched, &[], Ok(&all[..1])).1, "nothing changed");
        for _ in 0..3 {
            assert_eq!(
                look(&mut watched, &[CARD], Ok(&all[..1])),
                (Vec::new(), true)
            );
        }
        let came = DeviceChange::Came(device(all[1], false).1);
        assert_eq!(look(&mut watched, &[CARD], Ok(&all)), (vec![came], true));
        let more = (0..20).filter(|_| look(&mut watched, &[CARD], Ok(&all)).1);
        assert_eq!(more.count(), 3, "it settles");
    }

    #[test]
    fn a_list_that_failed_tells_nothing_and_is_made_again() {
        let mut watched = alsa();
        let all = ["alsa:hw:CARD=USB,DEV=0"];
        assert_eq!(look(&mut watched, &[CARD], Err(hung())), (Vec::new(), true));
        let came = DeviceChange::Came(device(all[0], false).1);
        assert_eq!(look(&mut watched, &[CARD], Ok(&all)), (vec![came], true));
        assert_eq!(look(&mut watched, &[], Err(hung())), (Vec::new(), true));
        let went = DeviceChange::Went(device(all[0], false).1);
        assert_eq!(look(&mut watched, &[], Ok(&[])), (vec![went], true));
    }

    #[test]
    fn a_server_that_went_away_takes_its_devices_with_it_and_a_slow_one_does_not() {
        let mut watched = Watched {
            host: HostKind::PulseAudio,
            ..alsa()
        };
        let speaker = device("pulseaudio:speaker", true);
        watched.known = BTreeMap::from([speaker]);
        assert_eq!(watched.take(Err(hung()), Vec::new()), None);
        let gone = DeviceError::HostUnavailable {
            host: HostKind::PulseAudio,
            hint: "no server answers".to_owned(),
        };
        assert_eq!(watched.take(Err(gone), Vec::new()), Some(BTreeMap::new()));
    }

    #[test]
    fn a_card_is_recognised_by_its_name_alone() {
        assert_eq!(card_of("alsa:hw:CARD=USB,DEV=0"), Some("USB"));
        assert_eq!(card_of("alsa:default"), None);
        assert!(names(CARD, "USB"));
        assert!(!names(CARD, "US") && !names("                      at usb-0000", "USB"));
    }
}
