//! The list of gaps beside a take, against the take.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::scene::{Around, TOLERANCE};
use super::take::{Account, Take};

/// The frames that are listed as lost: position, frames, cause.
pub type Listed = Vec<(u64, u64, String)>;

/// Reads the list beside a take, `take.wav.gaps.json`; `None` where there is none.
///
/// # Errors
/// When it is not what it should be.
pub fn read(file: &Path) -> Result<Option<Listed>> {
    let mut path = file.as_os_str().to_owned();
    path.push(".gaps.json");
    let path = PathBuf::from(path);
    if !path.exists() {
        return Ok(None);
    }
    let list: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    ensure!(list["version"].is_u64(), "{}: no version", path.display());
    let gaps = list["gaps"].as_array();
    let gaps = gaps.with_context(|| format!("{}: no gaps", path.display()))?;
    let entry = |gap: &Value| {
        let cause = gap["cause"].as_str().unwrap_or_default().to_owned();
        Some((gap["position"].as_u64()?, gap["frames"].as_u64()?, cause))
    };
    let all: Option<Listed> = gaps.iter().map(entry).collect();
    let all = all.with_context(|| format!("{}: no position or frames", path.display()))?;
    Ok(Some(all))
}

/// What is listed is silent, in order, once, and has a cause; and what the counter misses is listed.
/// A take without gaps needs no list.
///
/// # Errors
/// The first place that is not so.
pub fn check(list: &Listed, take: &Take, account: &Account, around: Around) -> Result<()> {
    let mut end = 0;
    for (position, frames, cause) in list {
        ensure!(*position >= end, "{position}: twice or out of order");
        ensure!(!cause.is_empty(), "{position}: no cause");
        ensure!(
            position + frames <= take.claimed && take.is_silent(*position, *frames),
            "{position}: {frames} frames listed as lost are not silent"
        );
        end = position + frames;
    }
    // Silence that came from the server, or from a source that was a cycle late, is no loss.
    let played = around.silent as f64 + TOLERANCE;
    for gap in &account.gaps {
        let (begin, end) = (gap.position, gap.position + gap.silence);
        let overlap = |(position, frames, _): &(u64, u64, String)| {
            (position + frames)
                .min(end)
                .saturating_sub((*position).max(begin))
        };
        let listed: u64 = list.iter().map(overlap).sum();
        let is_listed = if around.server_hit {
            listed > 0 || gap.silence as f64 <= played
        } else {
            // More than passed: the server stood still as well.
            gap.silence.min(gap.passed).saturating_sub(listed) <= around.server.slack
        };
        ensure!(
            is_listed,
            "{begin}: {} frames of silence for {} that passed, {listed} listed",
            gap.silence,
            gap.passed
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rig::Tolerance;
    use super::super::take::wav;
    use super::{Around, Take, check};

    #[test]
    fn a_list_is_true_only_if_it_says_what_is_missing_and_nothing_else() {
        let number = |frame: u32| (!(40..55).contains(&frame)).then_some(frame + 1_000);
        let numbers: Vec<Option<u32>> = (0..100).map(number).collect();
        let take = Take::parse(wav(&numbers)).unwrap();
        let account = take.account(100);
        let around = Around {
            shift: Some(0.0),
            number: None,
            server: Tolerance::default(),
            silent: 0,
            server_hit: false,
        };
        let said = |gaps: &[(u64, u64, &str)]| {
            let list = gaps
                .iter()
                .map(|(position, frames, cause)| (*position, *frames, (*cause).to_owned()));
            check(&list.collect(), &take, &account, around)
        };
        assert!(said(&[(40, 15, "xrun")]).is_ok());
        assert!(said(&[(40, 10, "xrun"), (50, 5, "stall")]).is_ok());
        let untrue: [&[_]; 7] = [
            &[(50, 5, "stall"), (40, 10, "xrun")],
            &[],
            &[(40, 14, "xrun")],
            &[(40, 16, "xrun")],
            &[(40, 15, "")],
            &[(40, 15, "xrun"), (40, 15, "xrun")],
            &[(40, 15, "xrun"), (90, 20, "xrun")],
        ];
        for list in untrue {
            assert!(said(list).is_err(), "{list:?}");
        }
    }
}
