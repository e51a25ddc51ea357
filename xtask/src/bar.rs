//! Bars: what is measured against a limit, told by a test to the `cargo xtask` command that ran it.
//!
//! A test prints a line of this form with [`tell`]; the command reads it with [`Bar::read`] and puts
//! it into its table.

use std::fmt;

/// How a line of a bar begins.
const BEGIN: &str = "bar: ";
/// What stands between the parts of a line.
const BETWEEN: &str = " | ";

/// One thing measured against its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What was measured, with the limit.
    pub name: String,
    /// What came out, with its unit.
    pub measured: String,
    /// Whether it is within the limit.
    pub holds: bool,
}

/// Prints a bar on a line of its own.
pub fn tell(name: &str, measured: &str, holds: bool) {
    let bar = Bar {
        name: name.to_owned(),
        measured: measured.to_owned(),
        holds,
    };
    println!("{bar}");
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holds = if self.holds { "yes" } else { "no" };
        let Self { name, measured, .. } = self;
        write!(f, "{BEGIN}{name}{BETWEEN}{measured}{BETWEEN}{holds}")
    }
}

impl Bar {
    /// Reads a line as printed by a test; the test runner may have put something before it.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let (_, bar) = line.split_once(BEGIN)?;
        let mut parts = bar.split(BETWEEN);
        let (name, measured, holds) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            name: name.to_owned(),
            measured: measured.to_owned(),
            holds: holds == "yes",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Bar;

    #[test]
    fn a_bar_is_read_as_it_was_told() {
        let bar = Bar {
            name: "page faults in 10 callbacks, 0".to_owned(),
            measured: "3".to_owned(),
            holds: false,
        };
        assert_eq!(Bar::read(&format!("test a ... {bar}")), Some(bar));
        assert_eq!(Bar::read("test a ... ok"), None);
    }
}
