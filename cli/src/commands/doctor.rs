//! `ossicle doctor`: what stands in the way of low latency.

use std::path::PathBuf;

use clap::Args;
use ossicle::io::doctor::{Diagnosis, Finding, Place, examine};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Say what stands in the way of low latency, and how to mend it
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  ossicle doctor\n\n\
    Ends with 0 when nothing stands in the way, with 3 when something does.")]
pub struct Doctor {
    /// Examine the files below this folder instead of this machine, and try nothing
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

#[derive(Serialize)]
struct DiagnosisObject<'a> {
    clear: bool,
    facts: Map<String, Value>,
    scheduling: Option<String>,
    wake_ups: Option<WakeUpsObject>,
    findings: Vec<FindingObject<'a>>,
}

#[derive(Serialize)]
struct WakeUpsObject {
    sleeps: usize,
    median_us: f64,
    p99_us: f64,
    worst_us: f64,
}

#[derive(Serialize)]
struct FindingObject<'a> {
    severity: String,
    what: &'a str,
    why: &'a str,
    mend: &'a [String],
}

impl Doctor {
    pub fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(folder) = self.root.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(Failure {
                exit: Exit::File,
                message: format!("{}: no such folder", folder.display()),
            });
        }
        let diagnosis = examine(&match &self.root {
            Some(folder) => Place::Files(folder.clone()),
            None => Place::Machine,
        });
        output.result(&object(&diagnosis), &text(&diagnosis));
        Ok(if diagnosis.is_clear() {
            Exit::Done
        } else {
            Exit::Device
        })
    }
}

fn object(diagnosis: &Diagnosis) -> DiagnosisObject<'_> {
    let facts = diagnosis.facts.iter();
    DiagnosisObject {
        clear: diagnosis.is_clear(),
        facts: facts
            .map(|fact| (fact.name.to_owned(), fact.value.clone().into()))
            .collect(),
        scheduling: diagnosis
            .scheduling
            .map(|scheduling| scheduling.to_string()),
        wake_ups: diagnosis.wake_ups.map(|wake_ups| WakeUpsObject {
            sleeps: wake_ups.sleeps,
            median_us: wake_ups.median_us,
            p99_us: wake_ups.p99_us,
            worst_us: wake_ups.worst_us,
        }),
        findings: diagnosis
            .findings
            .iter()
            .map(|finding| FindingObject {
                severity: finding.severity.to_string(),
                what: &finding.what,
                why: finding.why,
                mend: &finding.mend,
            })
            .collect(),
    }
}

fn text(diagnosis: &Diagnosis) -> String {
    let mut lines = Vec::new();
    for fact in &diagnosis.facts {
        let name = fact.name.replace('_', " ");
        lines.push(format!("{name:<16}{}", fact.value));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    for finding in &diagnosis.findings {
        lines.extend(of_finding(finding));
    }
    lines.push(if diagnosis.is_clear() {
        "nothing stands in the way of low latency".to_owned()
    } else {
        let count = diagnosis.findings.len();
        let findings = if count == 1 { "finding" } else { "findings" };
        format!("{count} {findings}: mend the first ones first")
    });
    lines.join("\n")
}

fn of_finding(finding: &Finding) -> Vec<String> {
    let line = |name: &str, text: &str| format!("{name:<10}{text}");
    let severity = finding.severity.to_string();
    let mut lines = vec![line(&severity, &finding.what), line("  why", finding.why)];
    for (number, step) in finding.mend.iter().enumerate() {
        lines.push(line(if number == 0 { "  mend" } else { "" }, step));
    }
    lines.push(String::new());
    lines
}
