//! A policy to leaves and a taproot output.
//!
//! Three ways to cut the policy into leaves are followed, each cut further wherever that lowers the expected weight: one leaf,
//! a leaf for each alternative at the top, and a leaf for each way to satisfy it. The lightest result is taken.

use std::collections::{BTreeMap, BTreeSet};

use sigstack_interpreter::Flags;

use crate::atom::Atom;
use crate::check::{check, check_leaves, check_twins};
use crate::error::{Error, ErrorKind};
use crate::fragment::Frag;
use crate::leaf::{Leaf, Optimizer, collect_atoms};
use crate::limits;
use crate::meaning::{
    Meaning, Path, Set, conflict, minimal, paths, scale, share, simplify, straight, subsets, tidy,
};
use crate::piece::COST_BITS;
use crate::policy::{Document, Span};
use crate::resolve::{InternalKey, Node, ONE, Program, resolve};
use crate::script::{Writer, element_size};
use crate::tree::{NUMS, Shape, TapOutput, control_block_size, depths, huffman, output};

/// Most leaves of a tree.
pub const MAX_LEAVES: usize = 256;

/// Most pieces that one alternative of a leaf is cut into at once.
const MAX_CUT: usize = 40;

/// A leaf of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompiledLeaf {
    pub(crate) frag: Frag,
    /// The script.
    pub script: Vec<u8>,
    /// Merkle steps to the root.
    pub depth: usize,
    /// How likely it is to be used, in units of [`ONE`].
    pub probability: u64,
    /// What it says.
    pub policy: Node,
    /// The conditions in it.
    pub atoms: BTreeSet<usize>,
}

/// A compiled policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compiled {
    /// What was compiled, names looked up.
    pub program: Program,
    /// The whole policy, the key path included, simplified.
    pub root: Node,
    /// The key that can spend by the key path, as a condition; `None` if nobody can.
    pub key_path: Option<usize>,
    /// How likely the key path is, in units of [`ONE`].
    pub key_path_probability: u64,
    /// The leaves.
    pub leaves: Vec<CompiledLeaf>,
    /// The tree; `None` without leaves.
    pub shape: Option<Shape>,
    /// The output.
    pub output: TapOutput,
    /// The canonical form, if the policy is small enough to write it out.
    pub meaning: Option<Meaning>,
    /// What the designer should know.
    pub warnings: Vec<String>,
}

impl Compiled {
    /// The conditions.
    pub fn atoms(&self) -> &[Atom] {
        &self.program.atoms
    }

    /// The flags that must be active for the scripts to mean what they say, beside those of today's consensus.
    pub fn flags(&self) -> Flags {
        self.leaves
            .iter()
            .flat_map(|leaf| &leaf.atoms)
            .filter_map(|&atom| self.program.atoms.get(atom))
            .map(Atom::flags)
            .collect()
    }
}

/// Reads, checks and compiles a policy text.
///
/// # Errors
///
/// [`Error`] with its place: see [`crate::parse`], [`resolve`] and [`crate::Reason`].
pub fn compile_text(text: &str) -> Result<Compiled, Error> {
    compile(&crate::parse::parse(text)?, &BTreeMap::new(), &BTreeSet::new())
}

/// Checks and compiles a document. `given` holds values of names that the document leaves open, `allowed` checks that may be
/// failed beside those that the document allows.
///
/// # Errors
///
/// [`Error`] with its place: see [`resolve`] and [`crate::Reason`].
pub fn compile(
    document: &Document,
    given: &BTreeMap<String, String>,
    allowed: &BTreeSet<crate::Reason>,
) -> Result<Compiled, Error> {
    let mut program = resolve(document, given)?;
    program.allowed.extend(allowed);
    compile_program(program)
}

fn compile_program(mut program: Program) -> Result<Compiled, Error> {
    let unsatisfiable = |program: &Program| Error::new(ErrorKind::Unsatisfiable, program.span);
    let mut leaves_root = program.root.as_ref().map_or(Node::False, simplify);
    if leaves_root == Node::False && program.root.is_some() {
        return Err(unsatisfiable(&program));
    }
    let written = paths(&leaves_root);
    check(&program, &leaves_root, written.as_deref())?;

    leaves_root = tidy(&leaves_root, &Set::new(), &program.atoms);
    // Ways that contradict themselves are dropped, which takes the policy apart.
    if let Some(written) = written
        && written.iter().any(|path| conflict(&path.set, &program.atoms).is_some())
    {
        leaves_root = of_paths(&minimal(written, &program.atoms));
        if leaves_root == Node::False {
            return Err(unsatisfiable(&program));
        }
    }

    let key = match program.tree {
        // The leaves stay as they are written.
        Some(_) => choose_key(&mut program, &mut leaves_root.clone()),
        None => choose_key(&mut program, &mut leaves_root),
    };
    let root = match key.path {
        Some(atom) if leaves_root == Node::False => Node::Atom(atom),
        Some(atom) => crate::meaning::disjunction(
            [
                (key.probability.max(1), Node::Atom(atom)),
                (ONE - key.probability.min(ONE - 1), leaves_root.clone()),
            ]
            .into_iter(),
        ),
        None => leaves_root.clone(),
    };
    let meaning = crate::meaning::meaning(&root, &program.atoms);

    let mut leaves = match (&leaves_root, &program.tree) {
        (_, Some((written, shape))) => written_leaves(written, shape, &program.atoms),
        (Node::False, None) => Ok(Vec::new()),
        (node, None) => cut(node, &program.atoms),
    }
    .map_err(|kind| Error::new(kind, program.span))?;
    for leaf in &mut leaves {
        leaf.probability = scale(leaf.probability, ONE - key.probability);
    }
    finish(program, root, key, leaves, meaning)
}

/// The policy that is satisfied in these ways.
fn of_paths(ways: &[Path]) -> Node {
    crate::meaning::disjunction(ways.iter().map(|path| (path.probability, straight(&path.set))))
}

/// The key path that was chosen.
struct ChosenKey {
    internal: [u8; 32],
    path: Option<usize>,
    probability: u64,
}

/// Takes the internal key: the one that the text gives, or the likeliest key that can spend alone. What the key path can
/// do is taken out of `leaves`.
fn choose_key(program: &mut Program, leaves: &mut Node) -> ChosenKey {
    let alone = |node: &Node, program: &Program| match node {
        Node::Atom(index) => match program.atoms.get(*index) {
            Some(Atom::Sig(key)) => Some((*index, key.x)),
            _ => None,
        },
        _ => None,
    };
    let alternatives: Vec<(u64, Node)> = match &*leaves {
        Node::Or(children) => children.clone(),
        Node::False => Vec::new(),
        other => vec![(ONE, other.clone())],
    };
    let wanted = match program.internal {
        InternalKey::Nums => return ChosenKey { internal: NUMS, path: None, probability: 0 },
        InternalKey::Key(x) => Some(x),
        InternalKey::Choose => None,
    };
    let fits = |node: &Node| alone(node, program).filter(|(_, x)| wanted.is_none_or(|wanted| wanted == *x));
    let found = alternatives
        .iter()
        .enumerate()
        .filter_map(|(nth, (weight, node))| {
            fits(node).map(|(atom, x)| (*weight, core::cmp::Reverse(nth), atom, x))
        })
        .max();
    match (found, wanted) {
        (Some((weight, core::cmp::Reverse(nth), atom, x)), _) => {
            let rest = alternatives.into_iter().enumerate().filter(|(other, _)| *other != nth);
            *leaves = crate::meaning::disjunction(rest.map(|(_, alternative)| alternative));
            let probability = if *leaves == Node::False { ONE } else { weight };
            ChosenKey { internal: x, path: Some(atom), probability }
        }
        // The text gives a key that the policy does not name alone: the key path is one more way, as likely as all others.
        (None, Some(x)) => {
            let key = Atom::Sig(crate::atom::KeyRef { x, internal: false });
            let atom = program.atoms.iter().position(|known| *known == key).unwrap_or_else(|| {
                program.atoms.push(key);
                program.spans.push(Span::default());
                program.atoms.len() - 1
            });
            let probability = if *leaves == Node::False { ONE } else { ONE / 2 };
            ChosenKey { internal: x, path: Some(atom), probability }
        }
        (None, None) => ChosenKey { internal: NUMS, path: None, probability: 0 },
    }
}

/// A leaf in the making.
#[derive(Clone)]
struct Draft {
    probability: u64,
    node: Node,
}

/// A way to cut the policy: leaves that nothing compiles count first, then the expected weight.
type Cost = (usize, u128);

fn cost(drafts: &[Draft], optimizer: &mut Optimizer<'_>) -> Cost {
    let weights: Vec<u64> = drafts.iter().map(|draft| draft.probability).collect();
    let depths = huffman(&weights).map(|shape| depths(&shape, drafts.len())).unwrap_or_default();
    let (mut bad, mut sum) = (0, 0u128);
    for (draft, depth) in drafts.iter().zip(depths) {
        let Some(leaf) = optimizer.leaf(&draft.node) else {
            bad += 1;
            continue;
        };
        let script = usize::try_from(leaf.size).unwrap_or(usize::MAX >> 8);
        let fixed = element_size(script) + element_size(control_block_size(depth));
        let weight = (u128::try_from(fixed).unwrap_or(u128::MAX) << COST_BITS) + u128::from(leaf.sat);
        sum = sum.saturating_add(weight.saturating_mul(u128::from(draft.probability)));
    }
    (bad, sum)
}

/// The ways to cut one leaf: by its alternatives, by an alternative inside of an `and`, by a threshold.
fn cuts(draft: &Draft) -> Vec<Vec<Draft>> {
    let alternatives = |node: &Node| -> Option<Vec<(u64, Node)>> {
        match node {
            Node::Or(children) => Some(children.clone()),
            Node::Thresh(k, children) => {
                let subsets = subsets(children.len(), *k, MAX_CUT)?;
                let share = share(subsets.len());
                let all = |subset: &Vec<usize>| {
                    let chosen = subset.iter().filter_map(|&index| children.get(index).cloned());
                    (share, crate::meaning::conjunction(chosen))
                };
                Some(subsets.iter().map(all).collect())
            }
            _ => None,
        }
    };
    let scaled = |found: Vec<(u64, Node)>| -> Vec<Draft> {
        found
            .into_iter()
            .map(|(weight, node)| Draft { probability: scale(draft.probability, weight), node })
            .collect()
    };
    let mut all = Vec::new();
    all.extend(alternatives(&draft.node).map(scaled));
    if let Node::Or(children) = &draft.node {
        // One alternative against the others.
        for (nth, (weight, node)) in children.iter().enumerate().filter(|_| children.len() > 2) {
            let rest: Vec<_> = children.iter().enumerate().filter(|(other, _)| *other != nth).collect();
            let others = rest.iter().map(|(_, (weight, _))| *weight).sum();
            let others =
                (others, crate::meaning::disjunction(rest.into_iter().map(|(_, child)| child.clone())));
            all.push(scaled(vec![(*weight, node.clone()), others]));
        }
    }
    if let Node::And(children) = &draft.node {
        for (nth, child) in children.iter().enumerate() {
            let Some(found) = alternatives(child) else { continue };
            let distribute = |(weight, node): (u64, Node)| {
                let parts = children.iter().enumerate();
                let parts = parts.map(|(at, part)| if at == nth { node.clone() } else { part.clone() });
                (weight, crate::meaning::conjunction(parts))
            };
            all.push(scaled(found.into_iter().map(distribute).collect()));
        }
    }
    all
}

/// Cuts leaves as long as it helps.
fn improve(mut drafts: Vec<Draft>, optimizer: &mut Optimizer<'_>) -> (Cost, Vec<Draft>) {
    let mut best = cost(&drafts, optimizer);
    loop {
        let mut found: Option<(Cost, Vec<Draft>)> = None;
        for (nth, draft) in drafts.iter().enumerate() {
            for pieces in cuts(draft) {
                let leaves = drafts.len() + pieces.len();
                if leaves > MAX_LEAVES || !optimizer.takes_tree(leaves) {
                    continue;
                }
                let mut next = drafts.clone();
                next.splice(nth..=nth, pieces);
                let next_cost = cost(&next, optimizer);
                if next_cost < found.as_ref().map_or(best, |(known, _)| *known) {
                    found = Some((next_cost, next));
                }
            }
            // A leaf that nothing compiles is cut wherever it can be.
            if best.0 > 0 && found.is_some() {
                break;
            }
        }
        match found {
            Some((cost, next)) => (best, drafts) = (cost, next),
            None => return (best, drafts),
        }
    }
}

/// Cuts a policy into leaves.
fn cut(root: &Node, atoms: &[Atom]) -> Result<Vec<CompiledLeaf>, ErrorKind> {
    let mut optimizer = Optimizer::new(atoms);
    // The policy as it is written, and, where ways overlap, as the ways that remain: two forms of one meaning.
    let ways = paths(root).map(|paths| minimal(paths, atoms)).filter(|ways| ways.len() <= MAX_LEAVES);
    let mut starts = vec![vec![Draft { probability: ONE, node: root.clone() }]];
    if let Node::Or(children) = root
        && children.len() <= MAX_LEAVES
    {
        let draft = |(weight, node): &(u64, Node)| Draft { probability: *weight, node: node.clone() };
        starts.push(children.iter().map(draft).collect());
    }
    if let Some(ways) = ways {
        let draft = |way: &Path| Draft { probability: way.probability, node: straight(&way.set) };
        starts.push(ways.iter().map(draft).collect());
    }
    let mut best: Option<(Cost, Vec<Draft>)> = None;
    for start in starts {
        let next = improve(start, &mut optimizer);
        if best.as_ref().is_none_or(|(known, _)| next.0 < *known) {
            best = Some(next);
        }
    }
    let (_, drafts) = best.ok_or(ErrorKind::Unsatisfiable)?;
    let too_many = ErrorKind::TooLarge { what: "ways to spend that each need a leaf", limit: MAX_LEAVES };
    let leaf = |draft: Draft| write_leaf(draft, &mut optimizer).ok_or_else(|| too_many.clone());
    drafts.into_iter().map(leaf).collect()
}

/// The leaves of a tree that the text gives, likelier the nearer to the root.
fn written_leaves(nodes: &[Node], shape: &Shape, atoms: &[Atom]) -> Result<Vec<CompiledLeaf>, ErrorKind> {
    let mut optimizer = Optimizer::new(atoms);
    let depths = depths(shape, nodes.len());
    let leaf = |(node, depth): (&Node, usize)| {
        let node = tidy(&simplify(node), &Set::new(), atoms);
        if node == Node::False {
            return Err(ErrorKind::Unsatisfiable);
        }
        let probability =
            u32::try_from(depth).ok().and_then(|depth| ONE.checked_shr(depth)).unwrap_or(0).max(1);
        let split = ErrorKind::Arguments(
            "a leaf of this tree could be malleated: split its alternatives into leaves",
        );
        write_leaf(Draft { probability, node }, &mut optimizer).ok_or(split)
    };
    nodes.iter().zip(depths).map(leaf).collect()
}

fn write_leaf(draft: Draft, optimizer: &mut Optimizer<'_>) -> Option<CompiledLeaf> {
    let Leaf { frag, .. } = optimizer.leaf(&draft.node)?;
    let mut script = Writer::default();
    frag.write(optimizer.atoms(), &mut script);
    let mut used = Vec::new();
    collect_atoms(&draft.node, &mut used);
    Some(CompiledLeaf {
        frag,
        script: script.bytes,
        depth: 0,
        probability: draft.probability,
        atoms: used.into_iter().collect(),
        policy: draft.node,
    })
}

fn finish(
    program: Program,
    root: Node,
    key: ChosenKey,
    mut leaves: Vec<CompiledLeaf>,
    meaning: Option<Meaning>,
) -> Result<Compiled, Error> {
    let sets: Vec<BTreeSet<usize>> = leaves.iter().map(|leaf| leaf.atoms.clone()).collect();
    check_leaves(&program, &sets)?;
    check_twins(&program, &leaves.iter().map(|leaf| leaf.script.as_slice()).collect::<Vec<_>>())?;
    let weights: Vec<u64> = leaves.iter().map(|leaf| leaf.probability).collect();
    let shape = match &program.tree {
        Some((_, shape)) => Some(shape.clone()),
        None => huffman(&weights),
    };
    if let Some(shape) = &shape {
        for (leaf, depth) in leaves.iter_mut().zip(depths(shape, weights.len())) {
            leaf.depth = depth;
        }
    }
    let scripts: Vec<Vec<u8>> = leaves.iter().map(|leaf| leaf.script.clone()).collect();
    let Some(output) = output(&key.internal, &scripts, shape.as_ref()) else {
        return Err(Error::new(ErrorKind::NotAKey, program.span));
    };
    let mut compiled = Compiled {
        program,
        root,
        key_path: key.path,
        key_path_probability: key.probability,
        leaves,
        shape,
        output,
        meaning,
        warnings: Vec::new(),
    };
    limits::check(&compiled).map_err(|kind| Error::new(kind, compiled.program.span))?;
    compiled.warnings = limits::warnings(&compiled);
    Ok(compiled)
}
