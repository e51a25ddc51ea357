//! Functions and what they refer to, as release objects say.
//!
//! The compiler puts every function into a section of its own, and every place in it that refers to
//! something outside has a relocation: so the sections and their relocations are the graph of what
//! can be called, whatever runs. A table of functions is a section that refers to them, and whoever
//! refers to the table may call them.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex, SymbolIndex};

/// A section, by its place in [`Objects`].
pub type Place = usize;

/// What a section refers to: another one, or a name that none of the objects defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reference {
    Section(Place),
    Name(String),
}

/// The code of some libraries and what it refers to.
#[derive(Debug, Default)]
pub struct Objects {
    /// Demangled names of the functions in each section.
    functions: Vec<Vec<String>>,
    references: Vec<Vec<Reference>>,
    /// Sections of names that other objects may refer to.
    defined: HashMap<String, Place>,
}

/// A name that is reached but defined nowhere, and the functions on the way to it.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Its demangled name.
    pub name: String,
    /// From the root to the function that refers to it.
    pub way: Vec<String>,
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is reached by", self.name)?;
        self.way
            .iter()
            .try_for_each(|name| write!(f, "\n    {name}"))
    }
}

impl Objects {
    /// Reads the objects in some static libraries.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read<'a>(libraries: impl IntoIterator<Item = &'a Path>) -> Result<Self> {
        let mut objects = Self::default();
        for library in libraries {
            let data = std::fs::read(library)?;
            let named = || format!("reading {}", library.display());
            let archive = ArchiveFile::parse(&*data).with_context(named)?;
            for member in archive.members() {
                let member = member.with_context(named)?;
                if member.name().ends_with(b".o") {
                    objects.add(member.data(&*data)?).with_context(named)?;
                }
            }
        }
        objects.resolve();
        Ok(objects)
    }

    fn add(&mut self, data: &[u8]) -> Result<()> {
        let file = object::File::parse(data)?;
        let mut places: HashMap<SectionIndex, Place> = HashMap::new();
        for section in file.sections() {
            places.insert(section.index(), self.functions.len());
            self.functions.push(Vec::new());
            self.references.push(Vec::new());
        }
        for symbol in file.symbols() {
            let (Some(section), Ok(name)) = (symbol.section_index(), symbol.name()) else {
                continue;
            };
            let Some(&place) = places.get(&section) else {
                continue;
            };
            if symbol.kind() == object::SymbolKind::Text {
                self.functions[place].push(demangled(name));
            }
            if symbol.is_global() {
                self.defined.insert(name.to_owned(), place);
            }
        }
        for section in file.sections() {
            let place = places[&section.index()];
            let mut found: Vec<Reference> = section
                .relocations()
                .filter_map(|(_, relocation)| match relocation.target() {
                    RelocationTarget::Symbol(symbol) => target(&file, symbol, &places),
                    RelocationTarget::Section(section) => {
                        places.get(&section).copied().map(Reference::Section)
                    }
                    _ => None,
                })
                .collect();
            found.sort();
            found.dedup();
            self.references[place] = found;
        }
        Ok(())
    }

    /// Puts sections in the place of names that some object defines.
    fn resolve(&mut self) {
        for reference in self.references.iter_mut().flatten() {
            if let Reference::Name(name) = reference
                && let Some(&place) = self.defined.get(name)
            {
                *reference = Reference::Section(place);
            }
        }
    }

    /// The functions whose names `wanted` takes, in order of their names.
    pub fn find(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Place> {
        let mut found = BTreeMap::new();
        for (place, names) in self.functions.iter().enumerate() {
            for name in names.iter().filter(|name| wanted(name)) {
                found.insert(name.clone(), place);
            }
        }
        found
    }

    /// All that is reached from `root`: how many functions, and what is defined nowhere. Functions
    /// whose names `stop` takes are not looked into.
    pub fn reach(&self, root: Place, mut stop: impl FnMut(&str) -> bool) -> (usize, Vec<Outside>) {
        let mut from: HashMap<Place, Place> = HashMap::from([(root, root)]);
        let mut queue = VecDeque::from([root]);
        let mut told = HashSet::new();
        let (mut functions, mut outside) = (0, Vec::new());
        while let Some(place) = queue.pop_front() {
            if self.functions[place].iter().any(|name| stop(name)) {
                continue;
            }
            functions += usize::from(!self.functions[place].is_empty());
            for reference in &self.references[place] {
                match reference {
                    Reference::Section(next) => {
                        if !from.contains_key(next) {
                            from.insert(*next, place);
                            queue.push_back(*next);
                        }
                    }
                    Reference::Name(name) => {
                        if told.insert(name) {
                            let name = demangled(name);
                            let way = self.way(&from, root, place);
                            outside.push(Outside { name, way });
                        }
                    }
                }
            }
        }
        (functions, outside)
    }

    fn way(&self, from: &HashMap<Place, Place>, root: Place, last: Place) -> Vec<String> {
        let mut way = Vec::new();
        let mut place = last;
        loop {
            way.extend(self.functions[place].first().cloned());
            if place == root {
                break;
            }
            place = from[&place];
        }
        way.reverse();
        way
    }
}

fn target(
    file: &object::File<'_>,
    symbol: SymbolIndex,
    places: &HashMap<SectionIndex, Place>,
) -> Option<Reference> {
    let symbol = file.symbol_by_index(symbol).ok()?;
    match symbol.section_index() {
        Some(section) => places.get(&section).copied().map(Reference::Section),
        None => Some(Reference::Name(symbol.name().ok()?.to_owned())),
    }
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}
