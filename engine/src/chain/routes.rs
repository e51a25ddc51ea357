//! The table `routes` of a chain file: which channels of which devices go where.
//!
//! ```toml
//! version = 2
//!
//! [routes]
//! in = ["1:1", "2:1"]
//! out = ["1:1 = 1", "1:2 = 2", "2:1 = 1"]
//! ```

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ChainError;
use super::file::read_text;
use super::text::on_one_line;
use crate::session::{DeviceChannel, Routes};

const IN: &str = "device:channel, both from 1: \"2:1\"";
const OUT: &str = "device:channel = channel of the chain, all from 1: \"2:1 = 1\"";

impl Routes {
    /// Reads the routes of a chain file's text; none where it has no table `routes`. What else is in
    /// it is for [`Chain::from_toml`](super::Chain::from_toml).
    ///
    /// # Errors
    /// [`ChainError::AtLine`] with what is wrong there.
    pub fn from_toml(text: &str) -> Result<Self, ChainError> {
        let at = |start: usize, error: ChainError| {
            let before = text.as_bytes().iter().take(start);
            error.at_line(1 + before.filter(|&&byte| byte == b'\n').count())
        };
        let document = DeTable::parse(text).map_err(|error| {
            let message = error.message().replace('\n', ", ");
            at(
                error.span().unwrap_or_default().start,
                ChainError::NotToml { message },
            )
        })?;
        let Some(routes) = document.get_ref().get("routes") else {
            return Ok(Self::default());
        };
        let unsuitable = |key: &str, value: &Spanned<DeValue<'_>>, allowed| {
            let error = ChainError::TypeUnsuitable {
                key: key.to_owned(),
                found: "something else",
                allowed,
            };
            at(value.span().start, error)
        };
        let table = routes
            .get_ref()
            .as_table()
            .ok_or_else(|| unsuitable("routes", routes, "a table"))?;
        let mut read = Self::default();
        for (key, value) in table.iter() {
            let key: &str = key.get_ref();
            let allowed = if key == "in" { IN } else { OUT };
            if !matches!(key, "in" | "out") {
                let error = ChainError::KeyUnknown {
                    asked: on_one_line(key).into_owned(),
                    nearest: "in",
                    allowed: "in, out",
                };
                return Err(at(value.span().start, error));
            }
            let list = value.get_ref().as_array();
            let list = list.ok_or_else(|| unsuitable(key, value, "a list of texts"))?;
            for route in list.iter() {
                let text = route.get_ref().as_str();
                let text = text.ok_or_else(|| unsuitable(key, route, allowed))?;
                let done = match key {
                    "in" => channel(text).map(|channel| read.inputs.push(channel)),
                    _ => output(text).map(|output| read.outputs.push(output)),
                };
                if done.is_none() {
                    let asked = on_one_line(text).into_owned();
                    return Err(at(
                        route.span().start,
                        ChainError::RouteInvalid { asked, allowed },
                    ));
                }
            }
        }
        Ok(read)
    }

    /// Reads the routes of a chain file.
    ///
    /// # Errors
    /// As [`Chain::load`](super::Chain::load).
    pub fn load(path: &Path) -> Result<Self, ChainError> {
        Self::from_toml(&read_text(path)?).map_err(|source| ChainError::InFile {
            path: path.to_path_buf(),
            source: Box::new(source),
        })
    }
}

/// `2:1`
fn channel(text: &str) -> Option<DeviceChannel> {
    let (device, channel) = text.split_once(':')?;
    Some(DeviceChannel {
        device: number(device)?,
        channel: number(channel)?,
    })
}

/// `2:1 = 1`
fn output(text: &str) -> Option<(DeviceChannel, usize)> {
    let (to, from) = text.split_once('=')?;
    Some((channel(to)?, number(from)?))
}

/// A number from 1, counted from 0.
fn number(text: &str) -> Option<usize> {
    text.trim().parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Chain;

    #[test]
    fn routes_are_read_beside_the_chain() {
        let text = "version = 2\n[routes]\nin = [\"1:2\", \"2:1\"]\nout = [\"2:1 = 2\"]\n\
                    [[node]]\neffect = \"gain\"\n";
        let at = |device, channel| DeviceChannel { device, channel };
        let routes = Routes::from_toml(text).unwrap();
        assert_eq!(routes.inputs, [at(0, 1), at(1, 0)]);
        assert_eq!(routes.outputs, [(at(1, 0), 1)]);
        assert_eq!(Chain::from_toml(text).unwrap().to_text().unwrap(), "gain");
        assert_eq!(
            Routes::from_toml("version = 1\n").unwrap(),
            Routes::default()
        );
    }

    #[test]
    fn what_is_no_route_is_told_with_its_line() {
        for (routes, line) in [
            (
                "in = [\"1\"]",
                "line 3: route \"1\" is not understood (allowed: device:channel, both from 1: \"2:1\")",
            ),
            (
                "in = [\"0:1\"]",
                "line 3: route \"0:1\" is not understood (allowed: device:channel, both from 1: \"2:1\")",
            ),
            (
                "out = [\"1:1\"]",
                "line 3: route \"1:1\" is not understood (allowed: device:channel = channel of the chain, all from 1: \"2:1 = 1\")",
            ),
            (
                "to = []",
                "line 3: unknown key \"to\", nearest is in (allowed: in, out)",
            ),
            (
                "in = 1",
                "line 3: \"in\" is something else (allowed: a list of texts)",
            ),
        ] {
            let text = format!("version = 2\n[routes]\n{routes}\n");
            let error = Routes::from_toml(&text).unwrap_err();
            assert_eq!(error.to_string(), line);
        }
    }
}
