//! Writes the text of a chain file.

use super::amount::{written_level, written_wet};
use super::text::written;
use super::{Branch, Chain, Link, LinkNode, NodeLink, VERSION};

/// The text of a chain file; nodes of the caller's own were refused before.
pub(super) fn write(chain: &Chain) -> String {
    let serial = chain.links().iter().all(is_bare);
    let mut text = format!("version = {}\n", if serial { 1 } else { VERSION });
    for link in chain.links() {
        text.push_str("\n[[node]]\n");
        for pair in pairs(link, 0) {
            text.push_str(&pair);
            text.push('\n');
        }
    }
    text
}

/// Whether version 1 can say it.
fn is_bare(link: &Link) -> bool {
    match link {
        Link::Node(link) => link.wet == 1.0 && !link.bypassed && link.side_chain.is_none(),
        _ => false,
    }
}

/// The keys and values of a link; `depth` is how far they are indented.
fn pairs(link: &Link, depth: usize) -> Vec<String> {
    match link {
        Link::Node(link) => node(link),
        Link::Parallel(branches) => {
            let tables = branches.iter().map(|branch| branch_table(branch, depth));
            vec![format!("parallel = {}", list(tables, depth))]
        }
        Link::Send(send) => {
            let mut pairs = vec![format!("send = \"{}\"", send.bus)];
            pairs.extend(level(send.level_db));
            pairs
        }
        Link::Bus(bus) => {
            let mut pairs = vec![format!("bus = \"{}\"", bus.name)];
            pairs.extend(nodes(&bus.chain, depth));
            pairs
        }
    }
}

fn node(link: &NodeLink) -> Vec<String> {
    let mut pairs = Vec::new();
    if let LinkNode::Effect(settings) = &link.node {
        pairs.push(format!("effect = \"{}\"", settings.effect().id));
        let values: Vec<String> = written(settings)
            .map(|(id, value)| format!("{id} = \"{value}\""))
            .collect();
        if !values.is_empty() {
            pairs.push(format!("set = {{ {} }}", values.join(", ")));
        }
    }
    pairs.extend(written_wet(link.wet).map(|wet| format!("wet = \"{wet}\"")));
    if link.bypassed {
        pairs.push("bypass = true".to_owned());
    }
    let side_chain = link.side_chain.iter();
    pairs.extend(side_chain.map(|bus| format!("side_chain = \"{bus}\"")));
    pairs
}

fn branch_table(branch: &Branch, depth: usize) -> String {
    let mut pairs: Vec<String> = level(branch.level_db).into_iter().collect();
    pairs.extend(nodes(&branch.chain, depth + 1));
    table(&pairs)
}

fn level(level_db: f64) -> Option<String> {
    written_level(level_db).map(|level| format!("level = \"{level}\""))
}

/// The list of a chain's links, if it has any.
fn nodes(chain: &Chain, depth: usize) -> Option<String> {
    let links = chain.links().iter();
    let tables = links.map(|link| table(&pairs(link, depth + 1)));
    (!chain.is_empty()).then(|| format!("node = {}", list(tables, depth)))
}

fn table(pairs: &[String]) -> String {
    match pairs {
        [] => "{}".to_owned(),
        pairs => format!("{{ {} }}", pairs.join(", ")),
    }
}

/// A list with an entry on each line.
fn list(entries: impl Iterator<Item = String>, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let lines = entries.map(|entry| format!("{indent}  {entry},\n"));
    format!("[\n{}{indent}]", lines.collect::<String>())
}
