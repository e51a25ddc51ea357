//! Reads the text of a chain file, and says on which line something is wrong.

use core::ops::Range;
use std::borrow::Cow;

use ossicle_dsp::parameter::{ValueError, nearest};
use ossicle_dsp::settings::Settings;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::amount::{read_level, read_wet};
use super::text::{PRESET, find_effect, on_one_line, set};
use super::{
    Branch, BusLink, Chain, ChainError, EffectIds, Link, LinkNode, MAX_DEPTH, NodeLink, SendLink,
    VERSION,
};

/// The keys of a table in the list `node`, by what it is.
const EFFECT_V1: Keys = Keys(&["effect", "set"], "effect, set");
const EFFECT: Keys = Keys(
    &["effect", "set", "wet", "bypass", "side_chain"],
    "effect, set, wet, bypass, side_chain",
);
const PARALLEL: Keys = Keys(&["parallel"], "parallel");
const SEND: Keys = Keys(&["send", "level"], "send, level");
const BUS: Keys = Keys(&["bus", "node"], "bus, node");
/// The keys of a table in the list `parallel`.
const BRANCH: Keys = Keys(&["level", "node"], "level, node");
/// The keys of the document.
const DOCUMENT_V1: Keys = Keys(&["version", "node"], "version, node");
const DOCUMENT: Keys = Keys(&["version", "node", "routes"], "version, node, routes");
/// The keys of a link that version 1 has not.
const LATER: [&str; 8] = [
    "wet",
    "bypass",
    "side_chain",
    "parallel",
    "send",
    "level",
    "bus",
    "node",
];

/// The keys that a table may have, also in words.
struct Keys(&'static [&'static str], &'static str);

type Value<'i> = Spanned<DeValue<'i>>;

pub(super) fn read(text: &str) -> Result<Chain, ChainError> {
    let mut reader = Reader {
        text,
        version: VERSION,
        nodes: 0,
        depth: 0,
    };
    let document = DeTable::parse(text).map_err(|error| reader.not_toml(&error))?;
    let document = document.get_ref();
    // The version comes first: a later one may have keys that are not known here.
    let version = document.get("version");
    let version = version.ok_or(ChainError::VersionMissing { allowed: VERSION })?;
    reader.version = reader
        .version(version)
        .map_err(|error| reader.at(version.span(), error))?;
    let keys = match reader.version {
        1 => &DOCUMENT_V1,
        _ => &DOCUMENT,
    };
    reader.check_keys(document, keys)?;
    match document.get("node") {
        Some(nodes) => reader.chain(nodes),
        None => Ok(Chain::new()),
    }
}

/// Walks the document and says where something is wrong.
struct Reader<'i> {
    text: &'i str,
    version: i64,
    /// Nodes read, in branches and behind buses too.
    nodes: usize,
    /// Lists `node` above this one.
    depth: usize,
}

impl Reader<'_> {
    fn chain(&mut self, nodes: &Value<'_>) -> Result<Chain, ChainError> {
        let mut chain = Chain::new();
        for link in self.list("node", nodes, "tables, each headed [[node]]")? {
            let read = self.link(link)?;
            chain
                .push(read)
                .map_err(|error| self.at(link.span(), error))?;
        }
        Ok(chain)
    }

    /// The list of links inside of a branch or a bus.
    fn inner_chain(&mut self, table: &DeTable<'_>) -> Result<Chain, ChainError> {
        let Some(nodes) = table.get("node") else {
            return Ok(Chain::new());
        };
        self.depth += 1;
        let chain = self.chain(nodes);
        self.depth -= 1;
        chain
    }

    fn link(&mut self, value: &Value<'_>) -> Result<Link, ChainError> {
        let table = self.table("node", value)?;
        self.check_version_of_keys(table)?;
        if table.contains_key("effect") {
            return self.node(value, table);
        }
        if self.depth == MAX_DEPTH && (table.contains_key("parallel") || table.contains_key("bus"))
        {
            return Err(self.at(value.span(), ChainError::TooDeep { allowed: MAX_DEPTH }));
        }
        if let Some(branches) = table.get("parallel") {
            self.check_keys(table, &PARALLEL)?;
            let branches = self.list("parallel", branches, "a list of tables, one a branch")?;
            let branches: Result<_, _> = branches.iter().map(|value| self.branch(value)).collect();
            return branches.map(Link::Parallel);
        }
        if let Some(bus) = table.get("send") {
            self.check_keys(table, &SEND)?;
            let bus = self.string("send", bus, "the name of a bus")?.into_owned();
            let level_db = self.level(table)?;
            return Ok(Link::Send(SendLink { bus, level_db }));
        }
        if let Some(name) = table.get("bus") {
            self.check_keys(table, &BUS)?;
            let name = self.string("bus", name, "the name of a bus")?.into_owned();
            let chain = self.inner_chain(table)?;
            return Ok(Link::Bus(BusLink { name, chain }));
        }
        self.node(value, table)
    }

    fn branch(&mut self, value: &Value<'_>) -> Result<Branch, ChainError> {
        let table = self.table("parallel", value)?;
        self.check_keys(table, &BRANCH)?;
        let level_db = self.level(table)?;
        let chain = self.inner_chain(table)?;
        Ok(Branch { chain, level_db })
    }

    fn node(&mut self, value: &Value<'_>, table: &DeTable<'_>) -> Result<Link, ChainError> {
        self.check_keys(
            table,
            if self.version == 1 {
                &EFFECT_V1
            } else {
                &EFFECT
            },
        )?;
        self.nodes += 1;
        let node = self.nodes;
        let settings = self.settings(node, value, table)?;
        // Checked here too, because only here the node's place in the whole chain is known.
        let wrong = |source| ChainError::Settings { node, source };
        settings
            .check()
            .map_err(|source| self.at(value.span(), wrong(source)))?;
        let mut link = NodeLink::from(LinkNode::Effect(settings));
        if let Some(wet) = table.get("wet") {
            link.wet = self.amount("wet", wet, read_wet)?;
        }
        if let Some(bypass) = table.get("bypass") {
            let bypassed = bypass.get_ref().as_bool();
            link.bypassed =
                bypassed.ok_or_else(|| self.unsuitable("bypass", bypass, "true or false"))?;
        }
        if let Some(bus) = table.get("side_chain") {
            let bus = self.string("side_chain", bus, "the name of a bus")?;
            link.side_chain = Some(bus.into_owned());
        }
        Ok(Link::Node(link))
    }

    fn settings(
        &self,
        node: usize,
        value: &Value<'_>,
        table: &DeTable<'_>,
    ) -> Result<Settings, ChainError> {
        let ids = EffectIds::default();
        let Some(id) = table.get("effect") else {
            let error = ChainError::EffectMissing { node, allowed: ids };
            return Err(self.at(value.span(), error));
        };
        let name = self.string("effect", id, "the id of an effect")?;
        let effect = find_effect(node, &name, ids).map_err(|error| self.at(id.span(), error))?;
        let mut settings = Settings::new(effect);
        let Some(values) = table.get("set") else {
            return Ok(settings);
        };
        // A preset first: what stands beside it is said in addition.
        let values = self.table("set", values)?;
        let is_preset = |key: &Spanned<Cow<'_, str>>| key.get_ref() == PRESET;
        let preset = values.iter().filter(|(key, _)| is_preset(key));
        let others = values.iter().filter(|(key, _)| !is_preset(key));
        for (parameter, value) in preset.chain(others) {
            let parameter = on_one_line(parameter.get_ref());
            let text = self.number_or_text(&parameter, value)?;
            set(&mut settings, &parameter, &text)
                .map_err(|source| self.at(value.span(), ChainError::Settings { node, source }))?;
        }
        Ok(settings)
    }

    fn level(&self, table: &DeTable<'_>) -> Result<f64, ChainError> {
        let level = table.get("level");
        level.map_or(Ok(0.0), |level| self.amount("level", level, read_level))
    }

    fn amount(
        &self,
        key: &str,
        value: &Value<'_>,
        read: fn(&str) -> Result<f64, ValueError>,
    ) -> Result<f64, ChainError> {
        let text = self.number_or_text(key, value)?;
        read(&text).map_err(|source| self.at(value.span(), ChainError::Value { source }))
    }

    /// A value as it would be written in text.
    fn number_or_text(&self, key: &str, value: &Value<'_>) -> Result<String, ChainError> {
        Ok(match value.get_ref() {
            DeValue::String(text) => on_one_line(text).into_owned(),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => number.to_string(),
                    // Beyond 64 bits: the parameter says what it takes.
                    Err(_) => number.as_str().to_owned(),
                }
            }
            DeValue::Float(number) => number.as_str().to_owned(),
            _ => {
                let allowed = "a number, or a text like \"-6dB\"";
                return Err(self.unsuitable(key, value, allowed));
            }
        })
    }

    fn string<'a>(
        &self,
        key: &str,
        value: &'a Value<'_>,
        allowed: &'static str,
    ) -> Result<Cow<'a, str>, ChainError> {
        let text = value.get_ref().as_str().map(on_one_line);
        text.ok_or_else(|| self.unsuitable(key, value, allowed))
    }

    fn list<'a, 'v>(
        &self,
        key: &str,
        value: &'a Value<'v>,
        allowed: &'static str,
    ) -> Result<&'a [Value<'v>], ChainError> {
        let list = value.get_ref().as_array();
        list.map(|list| list.as_ref())
            .ok_or_else(|| self.unsuitable(key, value, allowed))
    }

    fn table<'a, 'v>(
        &self,
        key: &str,
        value: &'a Value<'v>,
    ) -> Result<&'a DeTable<'v>, ChainError> {
        value
            .get_ref()
            .as_table()
            .ok_or_else(|| self.unsuitable(key, value, "a table"))
    }

    fn version(&self, version: &Value<'_>) -> Result<i64, ChainError> {
        let unknown = |asked: String| {
            Err(ChainError::VersionUnknown {
                asked,
                allowed: VERSION,
            })
        };
        match version.get_ref() {
            DeValue::Integer(number) => match number.as_str().parse() {
                Ok(version @ 1..=VERSION) => Ok(version),
                _ => unknown(number.as_str().to_owned()),
            },
            other => unknown(format!("that is {}", kind(other))),
        }
    }

    fn check_version_of_keys(&self, table: &DeTable<'_>) -> Result<(), ChainError> {
        if self.version >= 2 {
            return Ok(());
        }
        for key in table.keys() {
            if let Some(&asked) = LATER.iter().find(|&later| later == key.get_ref()) {
                return Err(self.at(key.span(), ChainError::KeyOfVersion { asked, needed: 2 }));
            }
        }
        Ok(())
    }

    fn check_keys(&self, table: &DeTable<'_>, keys: &Keys) -> Result<(), ChainError> {
        let &Keys(known, allowed) = keys;
        for key in table.keys() {
            let asked: &str = key.get_ref();
            if !known.contains(&asked) {
                let nearest = nearest(asked, known.iter().copied()).unwrap_or_default();
                let asked = on_one_line(asked).into_owned();
                let error = ChainError::KeyUnknown {
                    asked,
                    nearest,
                    allowed,
                };
                return Err(self.at(key.span(), error));
            }
        }
        Ok(())
    }

    fn unsuitable(&self, key: &str, value: &Value<'_>, allowed: &'static str) -> ChainError {
        let found = kind(value.get_ref());
        let error = ChainError::TypeUnsuitable {
            key: key.to_string(),
            found,
            allowed,
        };
        self.at(value.span(), error)
    }

    fn not_toml(&self, error: &toml::de::Error) -> ChainError {
        let message = error.message().replace('\n', ", ");
        let error_span = error.span().unwrap_or_default();
        self.at(error_span, ChainError::NotToml { message })
    }

    fn at(&self, span: Range<usize>, error: ChainError) -> ChainError {
        let before = self.text.as_bytes().iter().take(span.start);
        error.at_line(1 + before.filter(|&&byte| byte == b'\n').count())
    }
}

const fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
