//! The table of bars that long commands end with.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use xtask::bar::Bar;

/// Bars so far, and what was left out.
#[derive(Debug, Default)]
pub struct Table {
    bars: Vec<Bar>,
    skipped: Vec<(String, String)>,
}

impl Table {
    /// Puts a result in: what was measured, or why it does not hold.
    pub fn judge(&mut self, name: &str, result: Result<String>) {
        let (measured, holds) = match result {
            Ok(measured) => (measured, true),
            Err(error) => {
                eprintln!("{error:#}");
                ("see above".to_owned(), false)
            }
        };
        self.bars.push(Bar {
            name: name.to_owned(),
            measured,
            holds,
        });
    }

    /// Puts a bar in.
    pub fn push(&mut self, bar: Bar) {
        self.bars.push(bar);
    }

    /// Whether all of it holds so far.
    pub fn holds(&self) -> bool {
        self.bars.iter().all(|bar| bar.holds)
    }

    /// Puts all of another table in.
    pub fn append(&mut self, mut other: Self) {
        self.bars.append(&mut other.bars);
        self.skipped.append(&mut other.skipped);
    }

    /// Something was left out.
    pub fn skip(&mut self, name: &str, reason: &str) {
        println!("skipped: {name}: {reason}");
        self.skipped.push((name.to_owned(), reason.to_owned()));
    }

    /// Runs tests, shows what they print, and puts in the bars they tell and whether they passed.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub fn run(&mut self, name: &str, command: Command) -> Result<()> {
        let (passed, succeeded) = self.show(name, command)?;
        self.bars.push(Bar {
            name: name.to_owned(),
            measured: format!("{passed} tests passed"),
            holds: succeeded && passed > 0,
        });
        Ok(())
    }

    /// Runs a test many times at once, whose output is too mixed up to be counted: `times` says how
    /// often it passed if all did.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub fn run_many(&mut self, name: &str, command: Command, times: &str) -> Result<()> {
        let (passed, succeeded) = self.show(name, command)?;
        self.bars.push(Bar {
            name: name.to_owned(),
            measured: format!("passed with {times}"),
            holds: succeeded && passed > 0,
        });
        Ok(())
    }

    /// Runs a command and shows what it prints; how many tests passed, and whether it succeeded.
    fn show(&mut self, name: &str, mut command: Command) -> Result<(u64, bool)> {
        if command.get_args().all(|word| word != "--") {
            command.arg("--");
        }
        let mut child = command
            .arg("--show-output")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let output = child.stdout.take().context("output of cargo")?;
        let mut passed = 0;
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some(bar) = Bar::read(&line) {
                self.bars.push(bar);
            }
            passed += crate::steps::results(&line).map_or(0, |(passed, _)| passed);
            println!("{line}");
        }
        Ok((passed, child.wait()?.success()))
    }

    /// Prints it all.
    ///
    /// # Errors
    /// When a bar does not hold.
    pub fn finish(self) -> Result<()> {
        let width = |part: fn(&Bar) -> &str| {
            let widths = self.bars.iter().map(|bar| part(bar).chars().count());
            widths.max().unwrap_or(0)
        };
        let (names, measures) = (width(|bar| &bar.name), width(|bar| &bar.measured));
        println!("\n{:<names$}  {:<measures$}  holds", "bar", "measured");
        for bar in &self.bars {
            let holds = if bar.holds { "yes" } else { "NO" };
            println!("{:<names$}  {:<measures$}  {holds}", bar.name, bar.measured);
        }
        for (name, reason) in &self.skipped {
            println!("{name:<names$}  skipped: {reason}");
        }
        let missed = self.bars.iter().filter(|bar| !bar.holds).count();
        ensure!(missed == 0, "{missed} bars do not hold");
        Ok(())
    }
}
