//! Reads the text of a chain by recursive descent; brackets nest at most [`MAX_DEPTH`] deep.

use ossicle_dsp::parameter::{ValueError, nearest};
use ossicle_dsp::settings::Settings;

use super::amount::{read_level, read_wet};
use super::text::{PRESET, find_effect, set};
use super::{
    Branch, BusLink, Chain, ChainError, EffectIds, Link, LinkNode, MAX_DEPTH, NodeLink, SendLink,
};

/// What ends a word.
const MARKS: [char; 7] = ['|', '(', ')', ';', '*', '~', '<'];

/// How a send and a bus are written.
const SEND: Form = Form {
    id: "send",
    keys: &["bus", "level"],
    allowed: "bus, level",
    written: "send:bus=NAME,level=-6dB",
};
const BUS: Form = Form {
    id: "bus",
    keys: &["name"],
    allowed: "name",
    written: "bus:name=NAME ( CHAIN )",
};
const IDS: EffectIds = EffectIds {
    reserved: &["send", "bus"],
};

/// A link that is no node, and what may be said of it.
struct Form {
    id: &'static str,
    keys: &'static [&'static str],
    allowed: &'static str,
    written: &'static str,
}

/// A part of the text, without the space around it, and where it begins.
#[derive(Clone, Copy)]
struct Word<'t> {
    text: &'t str,
    at: usize,
}

pub(super) struct Parser<'t> {
    text: &'t str,
    /// Bytes read.
    at: usize,
    /// Nodes read, in branches and behind buses too.
    nodes: usize,
    /// Brackets open.
    depth: usize,
}

impl<'t> Parser<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            nodes: 0,
            depth: 0,
        }
    }

    /// Reads the whole text.
    pub(super) fn parse(mut self) -> Result<Chain, ChainError> {
        let chain = self.chain()?;
        match self.peek() {
            None => Ok(chain),
            Some(mark) => Err(self.unexpected(mark, "| or the end")),
        }
    }

    fn chain(&mut self) -> Result<Chain, ChainError> {
        let mut chain = Chain::new();
        if matches!(self.peek(), None | Some(')' | ';' | '*')) {
            return Ok(chain);
        }
        loop {
            self.peek();
            let at = self.at;
            let link = self.link()?;
            chain.push(link).map_err(|error| self.at(at, error))?;
            if !self.skips('|') {
                return Ok(chain);
            }
        }
    }

    fn link(&mut self) -> Result<Link, ChainError> {
        if self.peek() == Some('(') {
            return self.branches();
        }
        let word = self.word();
        let (id, values) = match word.text.split_once(':') {
            Some((id, values)) => (id.trim_end(), values),
            None => (word.text, ""),
        };
        match id {
            "send" => self.send(word, values),
            "bus" => self.bus(word, values),
            _ => self.node(id, values),
        }
    }

    fn branches(&mut self) -> Result<Link, ChainError> {
        let opened = self.open()?;
        let mut branches = Vec::new();
        loop {
            let chain = self.chain()?;
            let mut level_db = 0.0;
            if self.skips('*') {
                let level = self.word();
                level_db = read_level(level.text).map_err(|cause| self.value(level, cause))?;
            }
            branches.push(Branch { chain, level_db });
            match self.peek() {
                Some(';') => self.at += 1,
                _ => {
                    self.close(opened, "|, ;, * or )")?;
                    return Ok(Link::Parallel(branches));
                }
            }
        }
    }

    fn send(&mut self, word: Word<'t>, values: &'t str) -> Result<Link, ChainError> {
        let mut send = SendLink {
            bus: String::new(),
            level_db: 0.0,
        };
        let [bus, level] = self.values(&SEND, word, values)?;
        match bus {
            Some(bus) => send.bus = bus.to_owned(),
            None => return Err(self.malformed(&SEND, word)),
        }
        if let Some(level) = level {
            send.level_db = read_level(level).map_err(|cause| self.value(word, cause))?;
        }
        Ok(Link::Send(send))
    }

    fn bus(&mut self, word: Word<'t>, values: &'t str) -> Result<Link, ChainError> {
        let [Some(name)] = self.values(&BUS, word, values)? else {
            return Err(self.malformed(&BUS, word));
        };
        let name = name.to_owned();
        let mut chain = Chain::new();
        if self.peek() == Some('(') {
            let opened = self.open()?;
            chain = self.chain()?;
            self.close(opened, "| or )")?;
        }
        Ok(Link::Bus(BusLink { name, chain }))
    }

    fn node(&mut self, id: &str, values: &str) -> Result<Link, ChainError> {
        self.nodes += 1;
        let node = self.nodes;
        let settings = settings(node, id, values)?;
        // Checked here too, because only here the node's place in the whole chain is known.
        settings
            .check()
            .map_err(|source| ChainError::Settings { node, source })?;
        let mut link = NodeLink::from(LinkNode::Effect(settings));
        if self.skips('~') {
            let word = self.word();
            let share = word.text.strip_suffix("off");
            link.bypassed = share.is_some();
            let share = share.unwrap_or(word.text).trim_end();
            if !share.is_empty() || !link.bypassed {
                link.wet = read_wet(share).map_err(|cause| self.value(word, cause))?;
            }
        }
        if self.skips('<') {
            link.side_chain = Some(self.word().text.to_owned());
        }
        Ok(Link::Node(link))
    }

    /// The values of a send or a bus, in the order of its keys.
    fn values<const N: usize>(
        &self,
        form: &Form,
        word: Word<'t>,
        values: &'t str,
    ) -> Result<[Option<&'t str>; N], ChainError> {
        let mut found = [None; N];
        for pair in values.split(',') {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(self.malformed(form, word));
            };
            let key = key.trim();
            let Some(place) = form.keys.iter().position(|known| *known == key) else {
                let nearest = nearest(key, form.keys.iter().copied()).unwrap_or_default();
                let (asked, allowed) = (key.to_owned(), form.allowed);
                return Err(self.at(
                    word.at,
                    ChainError::KeyUnknown {
                        asked,
                        nearest,
                        allowed,
                    },
                ));
            };
            if found[place].replace(value.trim()).is_some() {
                return Err(self.malformed(form, word));
            }
        }
        Ok(found)
    }

    /// Takes an opening bracket; returns where it stands.
    fn open(&mut self) -> Result<usize, ChainError> {
        let opened = self.at;
        if self.depth == MAX_DEPTH {
            return Err(self.at(opened, ChainError::TooDeep { allowed: MAX_DEPTH }));
        }
        self.depth += 1;
        self.at += 1;
        Ok(opened)
    }

    /// Takes the bracket that closes the one at `opened`.
    fn close(&mut self, opened: usize, allowed: &'static str) -> Result<(), ChainError> {
        match self.peek() {
            Some(')') => {
                self.depth -= 1;
                self.at += 1;
                Ok(())
            }
            Some(mark) => Err(self.unexpected(mark, allowed)),
            None => Err(self.at(opened, ChainError::NotClosed)),
        }
    }

    /// What comes behind the space here, which is skipped.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn skips(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(mark);
        self.at += usize::from(found);
        found
    }

    /// All up to the next mark; nothing if there is one here.
    fn word(&mut self) -> Word<'t> {
        self.peek();
        let (text, at) = (&self.text[self.at..], self.at);
        let text = &text[..text.find(MARKS).unwrap_or(text.len())];
        self.at += text.len();
        let text = text.trim_end();
        Word { text, at }
    }

    fn unexpected(&self, mark: char, allowed: &'static str) -> ChainError {
        self.at(
            self.at,
            ChainError::Unexpected {
                asked: mark,
                allowed,
            },
        )
    }

    fn malformed(&self, form: &Form, word: Word<'_>) -> ChainError {
        let error = ChainError::LinkMalformed {
            link: form.id,
            asked: word.text.to_owned(),
            allowed: form.written,
        };
        self.at(word.at, error)
    }

    fn value(&self, word: Word<'_>, source: ValueError) -> ChainError {
        self.at(word.at, ChainError::Value { source })
    }

    /// An error with the column of the byte at `at`.
    fn at(&self, at: usize, error: ChainError) -> ChainError {
        error.at_column(1 + self.text[..at].chars().count())
    }
}

/// An effect and its values, `parameter=value` with commas between.
fn settings(node: usize, id: &str, values: &str) -> Result<Settings, ChainError> {
    let effect = find_effect(node, id, IDS)?;
    let mut settings = Settings::new(effect);
    if values.trim().is_empty() {
        return Ok(settings);
    }
    let mut assigned: Vec<&str> = Vec::new();
    for assignment in values.split(',') {
        let (parameter, value) = assignment.split_once('=').ok_or_else(|| {
            let asked = assignment.trim().to_string();
            ChainError::ValueMissing {
                node,
                effect: effect.id,
                asked,
            }
        })?;
        let parameter = parameter.trim();
        if assigned.contains(&parameter) {
            let parameter = parameter.to_string();
            return Err(ChainError::GivenTwice {
                node,
                effect: effect.id,
                parameter,
            });
        }
        if parameter == PRESET && !assigned.is_empty() {
            return Err(ChainError::PresetNotFirst {
                node,
                effect: effect.id,
            });
        }
        assigned.push(parameter);
        set(&mut settings, parameter, value.trim())
            .map_err(|source| ChainError::Settings { node, source })?;
    }
    Ok(settings)
}
