//! Warns of takes that were not closed where a recording begins.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ossicle::io::file::recover::{final_path, takes_in};
use ossicle::record::RecordConfig;

/// A line for each folder of the recordings that has such takes.
pub fn warnings(record: &[RecordConfig]) -> Vec<String> {
    let folders: BTreeSet<PathBuf> = record
        .iter()
        .flat_map(|record| [record.path.parent(), record.spill.as_deref()])
        .flatten()
        .map(|folder| match folder {
            folder if folder == Path::new("") => PathBuf::from("."),
            folder => folder.to_owned(),
        })
        .collect();
    folders
        .iter()
        .filter_map(|folder| warning(folder))
        .collect()
}

fn warning(folder: &Path) -> Option<String> {
    // What is wrong with the folder is told when a file is made there.
    let takes = takes_in(folder).ok()?.open;
    let first = final_path(takes.first()?);
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    let (others, verb, them) = match takes.len() - 1 {
        0 => (String::new(), "was", "it"),
        others => (format!(" and {others} more"), "were", "them"),
    };
    let folder = folder.display();
    Some(format!(
        "{folder}: {name}{others} {verb} not closed: \"ossicle recover {folder}\" finishes {them}"
    ))
}
