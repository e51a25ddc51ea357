//! Random chains and damaged texts: the two written forms of a chain say the same, to the bit.

use std::panic::catch_unwind;

use ossicle::chain::{Branch, BusLink, Chain, Link, LinkNode, NodeLink, SendLink};
use ossicle::dsp::registry::EFFECTS;
use ossicle::dsp::settings::Settings;
use proptest::prelude::*;

/// A text that says something in every part of the grammar, as `to_text` writes it.
const EVERYTHING: &str = "send:bus=key | \
    ( gain:gain=-6dB * -3dB ; ( delay:time=10ms ; pan ) | gain ; * 6dB ; ) | \
    delay:time=20ms ~ 30% | gain ~ off | delay ~ 12.5% off < key | \
    send:bus=echo_2,level=-6.5dB | bus:name=echo_2 ( delay:time=250ms | gain ) | bus:name=key";

/// Settings of any effect with some values given.
fn settings() -> impl Strategy<Value = Settings> {
    let fractions = proptest::collection::vec((any::<prop::sample::Index>(), 0.0..=1.0f64), 0..4);
    (0..EFFECTS.len(), fractions).prop_map(|(effect, fractions)| {
        let mut settings = Settings::new(EFFECTS[effect]);
        for (index, fraction) in fractions {
            let number = index.index(EFFECTS[effect].parameters.len());
            let row = &EFFECTS[effect].parameters[number];
            let value = row.min + fraction * (row.max - row.min);
            let whole = row.choices().is_some() || value.abs() > 1e4;
            let mut changed = settings.clone();
            let value = if whole { value.round() } else { value };
            if changed.set(number, value).is_ok() && changed.check().is_ok() {
                settings = changed;
            }
        }
        settings
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9_-]{1,8}", "[äöüß漢字]{1,3}"]
}

fn level() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(-120.0), Just(24.0), -120.0..=24.0f64]
}

fn wet() -> impl Strategy<Value = f64> {
    prop_oneof![3 => Just(1.0), 1 => Just(0.0), 3 => 0.0..=1.0f64]
}

fn node_link() -> impl Strategy<Value = Link> {
    (
        settings(),
        wet(),
        any::<bool>(),
        proptest::option::of(name()),
    )
        .prop_map(|(settings, wet, bypassed, side_chain)| {
            Link::Node(NodeLink {
                node: LinkNode::Effect(settings),
                wet,
                bypassed,
                side_chain,
            })
        })
}

fn send_link() -> impl Strategy<Value = Link> {
    (name(), level()).prop_map(|(bus, level_db)| Link::Send(SendLink { bus, level_db }))
}

fn chain() -> impl Strategy<Value = Chain> {
    let links = |links: Vec<Link>| {
        let mut chain = Chain::new();
        for link in links {
            chain.push(link).unwrap();
        }
        chain
    };
    fn link(depth: u32) -> BoxedStrategy<Link> {
        let flat = prop_oneof![4 => node_link(), 1 => send_link()];
        if depth == 0 {
            return flat.boxed();
        }
        let inner = move || {
            proptest::collection::vec(link(depth - 1), 0..3).prop_map(|links| {
                let mut chain = Chain::new();
                for link in links {
                    chain.push(link).unwrap();
                }
                chain
            })
        };
        let branch = (inner(), level()).prop_map(|(chain, level_db)| Branch { chain, level_db });
        let parallel = proptest::collection::vec(branch, 1..4).prop_map(Link::Parallel);
        let bus = (name(), inner()).prop_map(|(name, chain)| Link::Bus(BusLink { name, chain }));
        prop_oneof![3 => flat, 1 => parallel, 1 => bus].boxed()
    }
    proptest::collection::vec(link(4), 0..5).prop_map(links)
}

/// What a chain is, to the bit.
fn described(chain: &Chain) -> String {
    let links = chain.links().iter().map(|link| match link {
        Link::Node(link) => {
            let LinkNode::Effect(settings) = &link.node else {
                panic!("a node of one's own");
            };
            let values: Vec<(usize, u64)> = settings
                .given()
                .map(|(number, value)| (number, value.to_bits()))
                .collect();
            let (wet, id) = (link.wet.to_bits(), settings.effect().id);
            format!(
                "{id} {values:?} {wet:x} {} {:?}",
                link.bypassed, link.side_chain
            )
        }
        Link::Parallel(branches) => {
            let branches = branches.iter().map(|branch| {
                let level = branch.level_db.to_bits();
                format!("[{} {level:x}]", described(&branch.chain))
            });
            branches.collect()
        }
        Link::Send(send) => format!("send {} {:x}", send.bus, send.level_db.to_bits()),
        Link::Bus(bus) => format!("bus {} [{}]", bus.name, described(&bus.chain)),
    });
    links.map(|link| link + "\n").collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_chain_is_the_same_in_both_forms_to_the_bit(chain in chain()) {
        let text = chain.to_text().unwrap();
        let from_text = Chain::parse(&text).unwrap();
        prop_assert_eq!(described(&from_text), described(&chain), "{}", text);
        let file = chain.to_toml().unwrap();
        let from_file = Chain::from_toml(&file).map_err(|error| TestCaseError::fail(format!("{error}\n{file}")))?;
        prop_assert_eq!(described(&from_file), described(&chain), "{}", file);
        prop_assert_eq!(from_file.to_text().unwrap(), text);
        prop_assert_eq!(from_text.to_toml().unwrap(), file);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
        let _ = Chain::parse(&text.replace('@', "a"));
        let _ = Chain::from_toml(&text);
        let _ = Chain::from_toml(&format!("version = 2\n{text}"));
    }
}

/// Pieces that mean something to one of the readers.
const PIECES: &[&str] = &[
    "|", "(", ")", ";", "*", "~", "<", ":", ",", "=", "off", "30%", "-6dB", "gain", "delay",
    "send", "bus", "name", "level", "é", "\u{3000}", "\0", "[", "]", "{", "}", "\"", "\n", "node",
    "parallel", "wet", "e", "-", "9", "inf", "[[node]]", "effect", "set",
];

#[test]
fn thousands_of_damaged_texts_are_read_again_as_written_or_refused() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as usize % below
    };
    let whole = Chain::parse(EVERYTHING).unwrap();
    let forms = [EVERYTHING.to_owned(), whole.to_toml().unwrap()];
    let mut read = [0, 0];
    for round in 0..40_000 {
        let form = round % 2;
        let mut letters: Vec<char> = forms[form].chars().collect();
        for _ in 0..=random(4) {
            let from = random(letters.len() + 1);
            let to = (from + random(12)).min(letters.len());
            match random(4) {
                0 => drop(letters.drain(from..to)),
                1 => {
                    let copied: Vec<char> = letters[from..to].to_vec();
                    let place = random(letters.len() + 1);
                    letters.splice(place..place, copied);
                }
                2 => {
                    letters.splice(from..from, PIECES[random(PIECES.len())].chars());
                }
                _ => {
                    letters.splice(from..to, PIECES[random(PIECES.len())].chars());
                }
            }
        }
        let text: String = letters.iter().collect();
        let chain = catch_unwind(|| match form {
            0 => Chain::parse(&text),
            _ => Chain::from_toml(&text),
        });
        match chain.unwrap_or_else(|_| panic!("panics: {text:?}")) {
            Ok(chain) => {
                read[form] += 1;
                let again = [
                    Chain::parse(&chain.to_text().unwrap()).unwrap(),
                    Chain::from_toml(&chain.to_toml().unwrap()).unwrap(),
                ];
                for again in again {
                    assert_eq!(described(&again), described(&chain), "{text:?}");
                }
            }
            Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{text:?}: {error}"),
        }
    }
    // Damage that leaves a chain is not rare, so both ways are taken.
    assert!(
        read.iter().all(|&read| (100..10_000).contains(&read)),
        "{read:?}"
    );
}
