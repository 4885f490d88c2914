//! Compiles a policy to a taproot output: runs the checks, chooses the internal key, and builds the leaves and the tree.

use std::collections::{BTreeMap, BTreeSet};

use crate::atom::Atom;
use crate::check::check;
use crate::check::output::{check_equal_scripts, check_leaves, check_limits, check_replaceable};
use crate::compiled::{Compiled, CompiledLeaf};
use crate::cut::{Cut, cut, written_leaves};
use crate::error::{Error, ErrorKind};
use crate::meaning::{MAX_PATHS, Meaning, Path, Set, conflict, minimal, paths, simplify, straight, tidy};
use crate::node::{Node, ONE, scale};
use crate::notes::{Note, NoteKind};
use crate::policy::{Document, Span};
use crate::program::{InternalKey, Program};
use crate::resolve::resolve;
use crate::spare;
use crate::tree::{depths, huffman, output};
use crate::warnings::warnings;
use sigstack_interpreter::taproot::NUMS_KEY;

/// Parses, checks and compiles a policy text.
///
/// # Errors
///
/// [`Error`] with its byte range in the text: see [`crate::parse`], [`resolve`] and [`crate::Reason`].
pub fn compile_text(text: &str) -> Result<Compiled, Error> {
    compile(&crate::parse::parse(text)?, &BTreeMap::new(), &BTreeSet::new())
}

/// Checks and compiles a document. `given` maps names that the document declares without a value to their values, as
/// text. `allowed` lists checks to disable, in addition to those that the document allows.
///
/// # Errors
///
/// [`Error`] with its byte range in the text: see [`resolve`] and [`crate::Reason`].
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

    let mut notes = Vec::new();
    if let (Some(root), Some(places)) = (&program.root, &program.places) {
        notes.extend(spare::implied(&program, root, places));
        match spare::look(&program, root, places) {
            Some(spare) => {
                notes.extend(spare.notes);
                // A tree that the text specifies is kept unchanged.
                if program.tree.is_none() {
                    leaves_root = spare.root;
                }
            }
            None => {
                let text = format!(
                    "there are more than {MAX_PATHS} ways to satisfy the policy: alternatives that another one makes pointless are \
                     not looked for"
                );
                notes.push(Note { kind: NoteKind::Unchecked, text, places: Vec::new() });
            }
        }
    }
    leaves_root = tidy(&leaves_root, &Set::new(), &program.atoms);
    // Drops ways to satisfy the policy that contradict themselves, such as a lock by height and a lock by time. Then
    // rebuilds the policy from the remaining ways.
    if let Some(written) = written
        && written.iter().any(|path| conflict(&path.set, &program.atoms).is_some())
    {
        leaves_root = of_paths(&minimal(written, &program.atoms));
        if leaves_root == Node::False {
            return Err(unsatisfiable(&program));
        }
    }

    let key = match program.tree {
        // The leaves are kept as the text specifies them.
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

    let found = match (&leaves_root, &program.tree) {
        (_, Some((written, shape))) => written_leaves(written, shape, &program.atoms),
        (Node::False, None) => Ok(Cut::default()),
        (node, None) => cut(node, &program.atoms),
    };
    let Cut { mut leaves, has_ended_early } = found.map_err(|kind| Error::new(kind, program.span))?;
    if has_ended_early {
        let text =
            "the search for the lightest leaves and tree ended at its budget: there may be lighter ones"
                .into();
        notes.push(Note { kind: NoteKind::SearchEnded, text, places: Vec::new() });
    }
    for leaf in &mut leaves {
        leaf.probability = scale(leaf.probability, ONE - key.probability);
    }
    let mut compiled = finish(program, root, key, leaves, meaning)?;
    check_replaceable(&compiled)?;
    if compiled.meaning.is_none() {
        let text = format!(
            "there are more than {MAX_PATHS} ways to satisfy the policy: only `plan` checks that nobody can replace a witness"
        );
        notes.push(Note { kind: NoteKind::Unchecked, text, places: Vec::new() });
    }
    compiled.notes = notes;
    Ok(compiled)
}

/// Returns a policy that exactly these sets of conditions satisfy.
fn of_paths(ways: &[Path]) -> Node {
    crate::meaning::disjunction(ways.iter().map(|path| (path.probability, straight(&path.set))))
}

/// The chosen internal key, the condition that a key path spend satisfies (`None` if there is no usable key path), and
/// the probability of the key path.
struct ChosenKey {
    internal: [u8; 32],
    path: Option<usize>,
    probability: u64,
}

/// Chooses the internal key: the one that the text specifies, or else the most probable key that can spend alone.
/// Removes the alternative that the key path replaces from `leaves`.
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
        InternalKey::Nums => return ChosenKey { internal: NUMS_KEY, path: None, probability: 0 },
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
        // The text specifies a key that the policy does not accept on its own. The key path is then one more way to spend,
        // as probable as all others together.
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
        (None, None) => ChosenKey { internal: NUMS_KEY, path: None, probability: 0 },
    }
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
    check_equal_scripts(&program, &leaves.iter().map(|leaf| leaf.script.as_slice()).collect::<Vec<_>>())?;
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
        notes: Vec::new(),
    };
    check_limits(&compiled).map_err(|kind| Error::new(kind, compiled.program.span))?;
    compiled.warnings = warnings(&compiled);
    Ok(compiled)
}
