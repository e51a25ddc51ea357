//! A chain as one line of text: `name:parameter=value | ( name ; name ) | name ~ 30%`.

use core::str::FromStr;
use std::borrow::Cow;
use std::path::Path;

use ossicle_dsp::parameter::{nearest, print};
use ossicle_dsp::registry::{EFFECTS, effect};
use ossicle_dsp::settings::{Effect, Settings, SettingsError};

use super::amount::{written_level, written_wet};
use super::parser::Parser;
use super::{Branch, Chain, ChainError, EffectIds, Link, LinkNode, NodeLink};

/// Stands where a parameter does, and gives the values of a preset.
pub(super) const PRESET: &str = "preset";

impl Chain {
    /// Reads a chain from text.
    ///
    /// Links stand in order with `|` between:
    ///
    /// - a node: the id of an effect, and behind a colon its values, `parameter=value` with commas
    ///   between, each with or without its unit, and before them `preset=id`; behind it `~ 30%` for the share of it that is
    ///   heard, `~ off` to pass it by, and `< name` for the bus that is its side-chain;
    /// - parallel branches: `( chain ; chain * -3dB ; )`, each with its level; an empty one is the
    ///   dry sound;
    /// - a send, `send:bus=name,level=-6dB`, and the bus, `bus:name=name ( chain )`.
    ///
    /// Space around any part is ignored and an empty text is an empty chain. `@file.toml` reads a
    /// chain file (see [`Chain::load`]).
    ///
    /// # Errors
    /// [`ChainError`]: what is wrong, in which place of the chain or in which column, and what is
    /// allowed.
    ///
    /// # Examples
    /// ```
    /// use ossicle::chain::Chain;
    /// assert!(Chain::parse("")?.is_empty());
    /// assert_eq!(Chain::parse("( gain ; delay:time=10ms ~ 30% ) | pan")?.nodes().len(), 3);
    /// let error = Chain::parse("gain:gain=-6dB | pann:pan=0").unwrap_err().to_string();
    /// assert!(error.starts_with("node 2: unknown effect \"pann\", nearest is pan"));
    /// # Ok::<(), ossicle::chain::ChainError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ChainError> {
        match text.trim().strip_prefix('@') {
            Some(path) => Self::load(Path::new(path.trim())),
            None => Parser::new(&on_one_line(text)).parse(),
        }
    }

    /// Writes the chain as [`parse`](Self::parse) reads it: the same links and, to the last bit,
    /// the same values; what was not given is left out.
    ///
    /// # Errors
    /// [`ChainError::NodeWithoutText`] when a node is the caller's own.
    pub fn to_text(&self) -> Result<String, ChainError> {
        self.check_written()?;
        let mut text = String::new();
        write_chain(&mut text, self);
        Ok(text)
    }

    /// Whether every node has text.
    pub(super) fn check_written(&self) -> Result<(), ChainError> {
        let own = |link: &&NodeLink| matches!(link.node, LinkNode::Own(_));
        match self.nodes().iter().position(own) {
            Some(place) => Err(ChainError::NodeWithoutText { node: place + 1 }),
            None => Ok(()),
        }
    }
}

/// Gives a parameter its value, or those of a preset to many.
pub(super) fn set(
    settings: &mut Settings,
    parameter: &str,
    value: &str,
) -> Result<(), SettingsError> {
    match parameter {
        PRESET => settings.set_preset(value),
        _ => settings.set_text(parameter, value),
    }
}

impl FromStr for Chain {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Self, ChainError> {
        Self::parse(text)
    }
}

fn write_chain(text: &mut String, chain: &Chain) {
    for (place, link) in chain.links().iter().enumerate() {
        if place > 0 {
            text.push_str(" | ");
        }
        match link {
            Link::Node(link) => write_node(text, link),
            Link::Parallel(branches) => write_branches(text, branches),
            Link::Send(send) => {
                text.push_str(&format!("send:bus={}", send.bus));
                if let Some(level) = written_level(send.level_db) {
                    text.push_str(&format!(",level={level}"));
                }
            }
            Link::Bus(bus) => {
                text.push_str(&format!("bus:name={}", bus.name));
                if !bus.chain.is_empty() {
                    text.push_str(" ( ");
                    write_chain(text, &bus.chain);
                    text.push_str(" )");
                }
            }
        }
    }
}

fn write_branches(text: &mut String, branches: &[Branch]) {
    let mut mark = "(";
    for branch in branches {
        text.push_str(mark);
        mark = " ;";
        if !branch.chain.is_empty() {
            text.push(' ');
            write_chain(text, &branch.chain);
        }
        if let Some(level) = written_level(branch.level_db) {
            text.push_str(&format!(" * {level}"));
        }
    }
    text.push_str(" )");
}

fn write_node(text: &mut String, link: &NodeLink) {
    // A node of the caller's own was refused before.
    let LinkNode::Effect(settings) = &link.node else {
        return;
    };
    text.push_str(settings.effect().id);
    let mut mark = ':';
    for (parameter, value) in written(settings) {
        text.push_str(&format!("{mark}{parameter}={value}"));
        mark = ',';
    }
    let wet = written_wet(link.wet);
    if wet.is_some() || link.bypassed {
        text.push_str(" ~");
    }
    if let Some(wet) = wet {
        text.push_str(&format!(" {wet}"));
    }
    if link.bypassed {
        text.push_str(" off");
    }
    if let Some(bus) = &link.side_chain {
        text.push_str(&format!(" < {bus}"));
    }
}

/// The given values as text: `(parameter id, value with its unit)`.
pub(super) fn written(settings: &Settings) -> impl Iterator<Item = (&'static str, String)> {
    let rows = settings.effect().parameters;
    settings
        .given()
        .map(|(number, value)| (rows[number].id, print(&rows[number], value)))
}

/// The text with breaks and tabs as spaces and other control characters as signs that mean nothing,
/// so that a message that repeats a part of it is one line. Columns stay where they are.
pub(super) fn on_one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let shown = |letter: char| match letter {
        _ if !letter.is_control() => letter,
        _ if letter.is_whitespace() => ' ',
        _ => char::REPLACEMENT_CHARACTER,
    };
    text.chars().map(shown).collect()
}

/// The effect of this id, for the node in place `node`; `ids` is what may stand there.
pub(super) fn find_effect(
    node: usize,
    id: &str,
    ids: EffectIds,
) -> Result<&'static Effect, ChainError> {
    if id.is_empty() {
        return Err(ChainError::EffectMissing { node, allowed: ids });
    }
    effect(id).ok_or_else(|| {
        let effects = EFFECTS.iter().map(|effect| effect.id);
        ChainError::EffectUnknown {
            node,
            asked: id.to_string(),
            nearest: nearest(id, effects.chain(ids.reserved.iter().copied())).unwrap_or_default(),
            allowed: ids,
        }
    })
}
