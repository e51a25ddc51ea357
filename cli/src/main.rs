//! The program `ossicle`: plays, records and renders sound through a chain of effects.

mod args;
mod commands;
mod events;
mod exit;
mod folders;
mod keys;
mod loudness;
mod meter_bridge;
mod names;
mod output;
mod picture;
mod progress;
mod run;
mod seconds;
mod signals;
mod silence;
mod simulation;
mod split_text;
mod summary;
mod take_options;
mod takes;
mod timeline;
mod times;
mod unfinished;
mod wishes;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Arguments, Command};
use exit::{Exit, Failure};
use output::{Output, one_line, write_line};

/// In debug builds an allocation on a real-time thread ends the program.
#[cfg(debug_assertions)]
#[global_allocator]
static GUARD: ossicle::io::realtime::AllocatorGuard = ossicle::io::realtime::AllocatorGuard::new();

fn main() -> ExitCode {
    #[cfg(debug_assertions)]
    ossicle::io::realtime::abort_on_violation(true);
    let exit = match Arguments::try_parse() {
        Ok(arguments) => {
            let output = arguments.output();
            let exit = match dispatch(&arguments.command, output) {
                Ok(exit) => exit,
                Err(failure) => output.failure(&failure),
            };
            match output::unsaid().filter(|_| exit == Exit::Done) {
                Some(failure) => output.failure(&failure),
                None => exit,
            }
        }
        Err(error) => refuse(&error),
    };
    ExitCode::from(exit as u8)
}

fn dispatch(command: &Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Devices(command) => command.run(output)?,
        Command::Play(command) => command.run(output)?,
        Command::Rec(command) => command.run(output)?,
        Command::Recover(command) => command.run(output)?,
        Command::Live(command) => command.run(output)?,
        Command::Render(command) => command.run(output)?,
        Command::Info(command) => command.run(output)?,
        Command::Fx(command) => command.run(output)?,
        Command::Bench(command) => command.run(output)?,
        Command::Measure(command) => command.run(output)?,
        Command::Meter(command) => command.run(output)?,
        Command::Spectrogram(command) => command.run(output)?,
        Command::Tune(command) => command.run(output)?,
        Command::Doctor(command) => return command.run(output),
        Command::Replay(command) => return command.run(output),
        Command::Sim(command) => return command.run(output),
    }
    Ok(Exit::Done)
}

/// Answers a command line that was not taken, or that asked for help.
fn refuse(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            write_line(std::io::stdout(), error.render().to_string().trim_end());
            Exit::Done
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            write_line(std::io::stderr(), error.render().to_string().trim_end());
            Exit::Usage
        }
        _ => {
            let json = std::env::args_os().any(|argument| argument == "--json");
            let output = Output { quiet: false, json };
            output.failure(&Failure::usage(refusal(&error.render().to_string())))
        }
    }
}

/// What the parser says, in one line: all before its usage and hints.
fn refusal(rendered: &str) -> String {
    let told = rendered.split("\n\nUsage:").next().unwrap_or_default();
    let told = told
        .split("\n\nFor more information")
        .next()
        .unwrap_or_default();
    let told = told.trim().strip_prefix("error: ").unwrap_or(told);
    let parts: Vec<String> = told.split("\n\n").map(one_line).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn a_refusal_of_several_lines_becomes_one() {
        let rendered = "error: the following required arguments were not provided:\n  <OUT>\n\n\
                        Usage: ossicle render <IN> <OUT>\n\nFor more information, try '--help'.\n";
        let line = "the following required arguments were not provided: <OUT>";
        assert_eq!(refusal(rendered), line);
        let rendered = "error: unrecognized subcommand 'plai'\n\n  tip: a similar one: 'play'\n\n\
                        Usage: ossicle [OPTIONS] <COMMAND>\n";
        assert_eq!(
            refusal(rendered),
            "unrecognized subcommand 'plai', tip: a similar one: 'play'"
        );
    }
}
