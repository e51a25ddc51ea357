//! The chain: what the sound passes, before anything runs.
//!
//! A chain is written as text (`gain:gain=-6dB | pan:pan=-50%`), kept in a TOML file, or built link
//! by link. It is serial; a link may be a node, parallel branches, a send to a bus, or the bus
//! itself. Every value in it is checked when it is put in; whether its parts fit each other and the
//! number of channels is checked when it is compiled.

mod amount;
mod error;
mod file;
mod parser;
mod routes;
mod text;
mod toml_reader;
mod toml_writer;

use core::fmt;

use ossicle_dsp::node::Node;
use ossicle_dsp::settings::Settings;

pub use error::{ChainError, EffectIds};
pub use file::{MAX_FILE_BYTES, VERSION};

/// The lowest level of a branch or a send in decibels; it means silence.
pub const MIN_LEVEL_DB: f64 = -120.0;
/// The highest level of a branch or a send in decibels.
pub const MAX_LEVEL_DB: f64 = 24.0;

/// How deep branches and buses may stand in one another.
pub const MAX_DEPTH: usize = 16;

/// Links in series: the first takes the input, the last gives the output.
///
/// An empty chain passes its input through unchanged. Paths that meet again are aligned to the
/// frame, whatever the latency of what they pass.
///
/// # Examples
/// ```
/// use ossicle::chain::Chain;
/// let chain = Chain::parse("gain:gain=-6dB | pan:pan=-50%")?;
/// assert_eq!(chain.nodes().len(), 2);
/// assert_eq!(Chain::parse(&chain.to_text()?)?.to_text()?, chain.to_text()?);
/// # Ok::<(), ossicle::chain::ChainError>(())
/// ```
#[derive(Debug, Default)]
pub struct Chain {
    links: Vec<Link>,
}

/// One place in a chain.
#[derive(Debug)]
pub enum Link {
    /// A node.
    Node(NodeLink),
    /// Branches that all get the same input and whose outputs are added.
    Parallel(Vec<Branch>),
    /// Adds what passes to a bus, and passes it on unchanged.
    Send(SendLink),
    /// Adds what a bus gives to what passes.
    Bus(BusLink),
}

/// A node and how it stands in its path.
#[derive(Debug)]
pub struct NodeLink {
    /// The node.
    pub node: LinkNode,
    /// How much of the node is heard, 0 to 1: `dry + wet (node - dry)`, where the dry sound is
    /// delayed as the node delays it.
    pub wet: f64,
    /// Whether the node is passed by: it runs on, and only the dry sound is heard.
    pub bypassed: bool,
    /// The bus that is the node's side-chain.
    pub side_chain: Option<String>,
}

/// One of several parallel branches.
#[derive(Debug, Default)]
pub struct Branch {
    /// What the sound passes; nothing for the dry sound.
    pub chain: Chain,
    /// Level with which it is added, in decibels, [`MIN_LEVEL_DB`] (silence) to [`MAX_LEVEL_DB`].
    pub level_db: f64,
}

/// A send to a bus.
#[derive(Clone, Debug, PartialEq)]
pub struct SendLink {
    /// Name of the bus.
    pub bus: String,
    /// Level with which it is added, in decibels, [`MIN_LEVEL_DB`] (silence) to [`MAX_LEVEL_DB`].
    pub level_db: f64,
}

/// Where a bus comes back. All sends to it stand before.
#[derive(Debug, Default)]
pub struct BusLink {
    /// Name of the bus.
    pub name: String,
    /// What the sum of the sends passes before it is added.
    pub chain: Chain,
}

/// What stands in one place of a chain.
pub enum LinkNode {
    /// An effect of the registry and the values given to it.
    Effect(Settings),
    /// A node of the caller's own. It has no text and no file form.
    Own(Box<dyn Node>),
}

impl From<LinkNode> for NodeLink {
    /// The node fully heard, without a side-chain.
    fn from(node: LinkNode) -> Self {
        Self {
            node,
            wet: 1.0,
            bypassed: false,
            side_chain: None,
        }
    }
}

impl Chain {
    /// A chain without links.
    #[must_use]
    pub const fn new() -> Self {
        Self { links: Vec::new() }
    }

    /// Puts a link at the end.
    ///
    /// # Errors
    /// [`ChainError::Settings`] when values of an effect contradict each other (a raw and a timed
    /// form of one parameter), [`ChainError::LevelOutOfRange`], [`ChainError::WetOutOfRange`],
    /// [`ChainError::NoBranches`], [`ChainError::BusName`], [`ChainError::TooDeep`]; the chain is
    /// unchanged then.
    pub fn push(&mut self, link: Link) -> Result<(), ChainError> {
        self.check(&link)?;
        self.links.push(link);
        Ok(())
    }

    /// Puts an effect at the end.
    ///
    /// # Errors
    /// [`ChainError::Settings`], as [`push`](Self::push).
    pub fn push_effect(&mut self, settings: Settings) -> Result<(), ChainError> {
        self.push(Link::Node(LinkNode::Effect(settings).into()))
    }

    /// Puts a node of the caller's own at the end.
    pub fn push_node(&mut self, node: Box<dyn Node>) {
        self.links.push(Link::Node(LinkNode::Own(node).into()));
    }

    /// The links in order.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The links in order, each to be taken over.
    #[must_use]
    pub fn into_links(self) -> Vec<Link> {
        self.links
    }

    /// All nodes, those in branches and behind buses too, in the order in which they are written.
    #[must_use]
    pub fn nodes(&self) -> Vec<&NodeLink> {
        let mut nodes = Vec::new();
        self.collect_nodes(&mut nodes);
        nodes
    }

    /// Whether the chain has no links.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    fn collect_nodes<'a>(&'a self, nodes: &mut Vec<&'a NodeLink>) {
        for link in &self.links {
            match link {
                Link::Node(node) => nodes.push(node),
                Link::Parallel(branches) => {
                    for branch in branches {
                        branch.chain.collect_nodes(nodes);
                    }
                }
                Link::Send(_) => {}
                Link::Bus(bus) => bus.chain.collect_nodes(nodes),
            }
        }
    }

    /// How deep branches and buses stand in one another. Bounded, as every chain in it was checked.
    fn depth(&self) -> usize {
        let depths = self.links.iter().map(|link| match link {
            Link::Node(_) | Link::Send(_) => 0,
            Link::Parallel(branches) => {
                let depths = branches.iter().map(|branch| branch.chain.depth());
                1 + depths.max().unwrap_or(0)
            }
            Link::Bus(bus) => 1 + bus.chain.depth(),
        });
        depths.max().unwrap_or(0)
    }

    fn check(&self, link: &Link) -> Result<(), ChainError> {
        match link {
            Link::Node(link) => self.check_node(link),
            Link::Parallel(branches) if branches.is_empty() => Err(ChainError::NoBranches),
            Link::Parallel(branches) => branches.iter().try_for_each(|branch| {
                check_level(branch.level_db)?;
                check_depth(&branch.chain)
            }),
            Link::Send(send) => check_bus(&send.bus).and_then(|()| check_level(send.level_db)),
            Link::Bus(bus) => check_bus(&bus.name).and_then(|()| check_depth(&bus.chain)),
        }
    }

    fn check_node(&self, link: &NodeLink) -> Result<(), ChainError> {
        let node = || self.nodes().len() + 1;
        if let LinkNode::Effect(settings) = &link.node {
            settings.check().map_err(|source| ChainError::Settings {
                node: node(),
                source,
            })?;
        }
        let asked = link.wet;
        if !(0.0..=1.0).contains(&asked) {
            let node = node();
            return Err(ChainError::WetOutOfRange { node, asked });
        }
        link.side_chain.as_deref().map_or(Ok(()), check_bus)
    }
}

/// What is inside of one more bracket.
fn check_depth(inside: &Chain) -> Result<(), ChainError> {
    if inside.depth() < MAX_DEPTH {
        return Ok(());
    }
    Err(ChainError::TooDeep { allowed: MAX_DEPTH })
}

fn check_level(asked: f64) -> Result<(), ChainError> {
    if (MIN_LEVEL_DB..=MAX_LEVEL_DB).contains(&asked) {
        return Ok(());
    }
    Err(ChainError::LevelOutOfRange { asked })
}

/// A name is of letters, digits, `_` and `-`.
fn check_bus(asked: &str) -> Result<(), ChainError> {
    let fits = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    if !asked.is_empty() && asked.chars().all(fits) {
        return Ok(());
    }
    let asked = asked.to_owned();
    Err(ChainError::BusName { asked })
}

impl fmt::Debug for LinkNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Effect(settings) => formatter.debug_tuple("Effect").field(settings).finish(),
            Self::Own(_) => formatter.debug_tuple("Own").finish_non_exhaustive(),
        }
    }
}
