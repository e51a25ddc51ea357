//! The tools that come with JACK: ports listed and connected, the round trip measured.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::ANSWER_LIMIT;
use crate::process::{Process, describe, poll};
use crate::servers::Jack;

/// Connects an output port to an input port (`client:port`).
///
/// # Errors
/// When `jack_connect` refuses.
pub fn connect(server: &Jack, from: &str, to: &str) -> Result<()> {
    patch(server, "jack_connect", from, to)
}

/// Takes the connection of two ports away.
///
/// # Errors
/// When `jack_disconnect` refuses.
pub fn disconnect(server: &Jack, from: &str, to: &str) -> Result<()> {
    patch(server, "jack_disconnect", from, to)
}

/// All ports of the server, as `client:port`.
///
/// # Errors
/// When `jack_lsp` fails.
pub fn ports(server: &Jack) -> Result<Vec<String>> {
    let answer = server
        .tool("jack_lsp")
        .output()
        .context("running jack_lsp")?;
    ensure!(
        answer.status.success(),
        "jack_lsp: {}",
        describe(answer.status)
    );
    Ok(String::from_utf8_lossy(&answer.stdout)
        .lines()
        .map(str::to_owned)
        .collect())
}

/// Waits until the server has the port `client:port`.
///
/// # Errors
/// When it is not there within `limit`.
pub fn wait_for_port(server: &Jack, port: &str, limit: Duration) -> Result<()> {
    poll(&format!("waiting for port {port}"), limit, || {
        Ok(ports(server)?.iter().any(|name| name == port).then_some(()))
    })
}

/// Round trip that `jack_iodelay` measures, in frames.
///
/// It is started, connected by `patch` (its ports are `jack_delay:out` and `jack_delay:in`),
/// and read until five lines in a row agree.
///
/// # Errors
/// When `patch` fails, or no steady reading comes within 10 s.
pub fn iodelay(server: &Jack, patch: impl FnOnce() -> Result<()>) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    // Its standard output is a pipe and so would be held back in blocks.
    let mut command = server.tool("stdbuf");
    command.args(["-oL", "jack_iodelay"]).stdout(Stdio::piped());
    let mut process = Process::start(command, &folder.path().join("iodelay.log"))?;
    let stdout = process.stdout().context("output of jack_iodelay")?;
    wait_for_port(server, "jack_delay:in", ANSWER_LIMIT)?;
    patch()?;
    let (sender, lines) = std::sync::mpsc::channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut last = (0.0_f64, 0);
    let answer = poll("reading jack_iodelay", ANSWER_LIMIT, || {
        for line in lines.try_iter() {
            let Some(frames) = iodelay_line(&line) else {
                continue;
            };
            let again = (frames - last.0).abs() < 0.002;
            last = (frames, if again { last.1 + 1 } else { 1 });
            if last.1 == 5 {
                return Ok(Some(frames));
            }
        }
        Ok(None)
    });
    process.end();
    drop(lines);
    let _ = reader.join();
    answer
}

/// Reads a line such as `  256.000 frames      5.333 ms total roundtrip latency`.
fn iodelay_line(line: &str) -> Option<f64> {
    let (number, rest) = line.trim().split_once(" frames")?;
    let steady = rest.contains("roundtrip") && !rest.contains("??");
    steady.then(|| number.trim().parse().ok()).flatten()
}

fn patch(server: &Jack, tool: &str, from: &str, to: &str) -> Result<()> {
    let answer = server
        .tool(tool)
        .args([from, to])
        .output()
        .with_context(|| tool.to_owned())?;
    if !answer.status.success() {
        bail!(
            "{tool} {from} {to}: {}",
            String::from_utf8_lossy(&answer.stderr).trim()
        );
    }
    Ok(())
}
