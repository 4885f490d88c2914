//! Safety checks that refuse a policy by default. The policy text (`allow NAME;`) or the caller can disable each of them by
//! name. The checks here need only the policy; those in [`output`] need its leaves.

pub(crate) mod output;

use std::collections::{BTreeMap, BTreeSet};

use crate::atom::{Atom, KeyRef, SEQUENCE_BITS, SEQUENCE_TIME, is_time_lock};
use crate::error::{Error, ErrorKind};
use crate::meaning::{Conflict, Path, Set, conflict};
use crate::message::{Bounds, Msg};
use crate::node::Node;
use crate::policy::Span;
use crate::program::{InternalKey, Program};
use crate::reason::Reason;
use crate::repeat::{self, Repeat};

/// Runs the checks that need the policy but not its leaves. `paths` lists the ways to satisfy the policy, or is `None` if
/// there are too many to list.
///
/// # Errors
///
/// [`ErrorKind::Refused`] names the first reason that is not allowed.
pub(crate) fn check(program: &Program, root: &Node, paths: Option<&[Path]>) -> Result<(), Error> {
    let refuse = Refuser { program };
    for (index, atom) in program.atoms.iter().enumerate() {
        refuse.check_atom(index, atom)?;
    }
    refuse.check_roles()?;
    let atoms = &program.atoms;
    // Impossible combinations of locks are reported before unprotected ways to spend, because an impossible way needs no
    // protection.
    if lock_masks(root, atoms).iter().any(|mask| is_mixed(*mask)) {
        refuse.refuse(Reason::MixedLocks, None, "a way to spend needs a height and a time".into())?;
    }
    if is_unprotected(root, atoms) {
        let unprotected = |path: &&Path| !path.set.iter().any(|&a| atoms.get(a).is_some_and(Atom::protects));
        let example = paths.and_then(|paths| paths.iter().find(unprotected));
        let detail = match example {
            Some(path) if !path.set.is_empty() => format!("{} suffices", refuse.describe(&path.set)),
            _ => "the policy can be satisfied without a signature of the transaction".into(),
        };
        let first = example.and_then(|path| path.set.first().copied());
        refuse.refuse(Reason::Unprotected, first, detail)?;
    }
    refuse.check_repeats()?;
    match paths {
        Some(paths) => refuse.check_paths(paths),
        None => {
            let templates = atoms.iter().filter(|atom| matches!(atom, Atom::Ctv(_) | Atom::TemplateHash(_)));
            if templates.count() > 1 {
                let limit = crate::meaning::MAX_PATHS;
                let kind =
                    ErrorKind::TooLarge { what: "ways to satisfy a policy with several templates", limit };
                return Err(Error::new(kind, program.span));
            }
            Ok(())
        }
    }
}

struct Refuser<'a> {
    program: &'a Program,
}

impl Refuser<'_> {
    fn span(&self, atom: Option<usize>) -> Span {
        atom.and_then(|index| self.program.spans.get(index)).copied().unwrap_or(self.program.span)
    }

    fn refuse(&self, reason: Reason, atom: Option<usize>, detail: String) -> Result<(), Error> {
        if self.program.allowed.contains(&reason) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Refused(reason, detail), self.span(atom)))
    }

    fn key_name(&self, key: &[u8; 32]) -> String {
        self.program.key_names.get(key).cloned().unwrap_or_else(|| hex::encode(key))
    }

    fn describe(&self, set: &Set) -> String {
        let words: Vec<_> = set.iter().map(|&atom| self.program.describe(atom)).collect();
        words.join(" and ")
    }

    fn check_atom(&self, index: usize, atom: &Atom) -> Result<(), Error> {
        let (Atom::Signed(msg, _) | Atom::Opens(_, msg)) = atom else {
            if let Atom::Older(n) = atom
                && (n & !SEQUENCE_BITS != 0 || n & 0xffff == 0)
            {
                let detail = format!("older({n}) is a lock of {}", n & SEQUENCE_BITS);
                return self.refuse(Reason::LockBits, Some(index), detail);
            }
            return Ok(());
        };
        let is_zero = |part: &&Msg| matches!(part, Msg::Number(Bounds::Newer(0)) | Msg::NewerWide(0));
        if msg.parts().iter().any(is_zero) {
            self.refuse(Reason::NumberRange, Some(index), "a counter starts at 0".into())?;
        }
        if msg.has_ambiguous_cat() {
            let detail = "two parts of a `cat` have no fixed length".to_owned();
            self.refuse(Reason::CatLengths, Some(index), detail)?;
        }
        Ok(())
    }

    /// Refuses a key that has two roles. A key may sign either transactions or messages of one kind. A key that signs
    /// state numbers for `newer(n)` must have the same `n` everywhere.
    fn check_roles(&self) -> Result<(), Error> {
        let mut roles: BTreeMap<[u8; 32], (Role, usize)> = BTreeMap::new();
        if let InternalKey::Key(key) = self.program.internal {
            roles.insert(key, (Role::Transaction, usize::MAX));
        }
        // Keys that sign transactions come first, so that the error points to the message.
        let atoms = self.program.atoms.iter().enumerate();
        let (messages, transactions): (Vec<_>, Vec<_>) =
            atoms.partition(|(_, a)| matches!(a, Atom::Signed(..)));
        for (index, atom) in transactions.into_iter().chain(messages) {
            let role = match atom {
                // The script contains the signature, so the key signs nothing else.
                Atom::Presigned(..) => continue,
                Atom::Signed(msg, _) => Role::Message(role_of(msg)),
                _ => Role::Transaction,
            };
            for KeyRef { x, .. } in atom.keys() {
                let known = roles.entry(*x).or_insert_with(|| (role.clone(), index));
                if known.0 != role {
                    let detail = format!("{} signs {} and {role}", self.key_name(x), known.0);
                    self.refuse(Reason::KeyRoles, Some(index), detail)?;
                }
            }
        }
        Ok(())
    }

    /// Refuses a policy in which one signature or secret satisfies two conditions that are needed together.
    fn check_repeats(&self) -> Result<(), Error> {
        let Program { root: Some(root), places: Some(places), atoms, .. } = self.program else {
            return Ok(());
        };
        if self.program.allowed.contains(&Reason::Repeated) {
            return Ok(());
        }
        let Some(Repeat { first, second }) = repeat::find(root, places, atoms) else { return Ok(()) };
        let [one, other] = [first.0, second.0].map(|index| self.program.describe(index));
        let detail = match (atoms.get(first.0), atoms.get(second.0)) {
            _ if one == other => format!("`{one}` is needed twice in one way to spend, and counts for both"),
            (Some(Atom::Hash(..) | Atom::Opens(..)), _) => {
                format!(
                    "`{one}` and `{other}` are needed in one way to spend, and one secret counts for both"
                )
            }
            _ => format!("`{one}` and `{other}` are needed in one way to spend, and one key counts for both"),
        };
        let error = Error::new(ErrorKind::Refused(Reason::Repeated, detail), second.1);
        Err(Error { other: Some(first.1), ..error })
    }

    fn check_paths(&self, paths: &[Path]) -> Result<(), Error> {
        let atoms = &self.program.atoms;
        for path in paths {
            if conflict(&path.set, atoms) == Some(Conflict::Templates) {
                let detail = format!("{} is needed at once", self.describe(&path.set));
                self.refuse(Reason::TwoTemplates, path.set.first().copied(), detail)?;
            }
        }
        Ok(())
    }
}

/// The role of a key: whether it signs transactions, or messages of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    Transaction,
    Message(String),
}

impl core::fmt::Display for Role {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Role::Transaction => f.write_str("transactions"),
            Role::Message(kind) => write!(f, "messages of the kind {kind}"),
        }
    }
}

/// Returns the kind of a message, which is the role of a key that signs it. For `newer(n)` the kind includes `n`: a key
/// that signs for two values of `n` has two roles.
fn role_of(msg: &Msg) -> String {
    match msg {
        Msg::Fixed(_) => "fixed".into(),
        Msg::Any(_) | Msg::Any32(_) => "any".into(),
        Msg::Number(Bounds::Newer(n)) => format!("newer({n})"),
        Msg::Number(_) => "number".into(),
        Msg::NewerWide(n) => format!("newer_wide({n})"),
        Msg::NewerOpened(join, c) => format!("newer_{}({})", join.name(), hex::encode(c)),
        Msg::Locktime => "locktime".into(),
        Msg::Ctv(_) | Msg::TemplateHash => "template".into(),
        Msg::Delegate => "delegate".into(),
        Msg::Join(join, left, right) => format!("{}({},{})", join.name(), role_of(left), role_of(right)),
        Msg::Sha256(inner) => format!("sha256({})", role_of(inner)),
    }
}

/// Returns `true` if the policy can be satisfied without any condition that fixes where the coins go.
fn is_unprotected(node: &Node, atoms: &[Atom]) -> bool {
    node.can_lack(&|index| atoms.get(index).is_some_and(Atom::protects))
}

/// In a bit mask of lock kinds: the bit for absolute locks that are block heights.
const HEIGHT: u8 = 1;
const TIME: u8 = 2;
const AGE: u8 = 4;
const AGE_TIME: u8 = 8;

const fn is_mixed(mask: u8) -> bool {
    mask & (HEIGHT | TIME) == HEIGHT | TIME || mask & (AGE | AGE_TIME) == AGE | AGE_TIME
}

/// Returns every combination of lock kinds that some way to satisfy the policy needs, each as a bit mask.
fn lock_masks(node: &Node, atoms: &[Atom]) -> BTreeSet<u8> {
    let join = |left: &BTreeSet<u8>, right: &BTreeSet<u8>| -> BTreeSet<u8> {
        left.iter().flat_map(|a| right.iter().map(move |b| a | b)).collect()
    };
    match node {
        Node::True => BTreeSet::from([0]),
        Node::False => BTreeSet::new(),
        Node::Atom(index) => BTreeSet::from([match atoms.get(*index) {
            Some(Atom::After(n)) => {
                if is_time_lock(*n) {
                    TIME
                } else {
                    HEIGHT
                }
            }
            Some(Atom::Older(n)) => {
                if n & SEQUENCE_TIME != 0 {
                    AGE_TIME
                } else {
                    AGE
                }
            }
            _ => 0,
        }]),
        Node::And(children) => {
            let none = BTreeSet::from([0]);
            children.iter().fold(none, |all, child| join(&all, &lock_masks(child, atoms)))
        }
        Node::Or(children) => children.iter().flat_map(|(_, child)| lock_masks(child, atoms)).collect(),
        Node::Thresh(k, children) => {
            // `by_count[n]`: the combinations for n satisfied children among those examined so far.
            let mut by_count = vec![BTreeSet::new(); k + 1];
            if let Some(none) = by_count.first_mut() {
                none.insert(0);
            }
            for child in children {
                let masks = lock_masks(child, atoms);
                let before = by_count.clone();
                for (next, chosen) in by_count.iter_mut().skip(1).zip(&before) {
                    next.extend(join(chosen, &masks));
                }
            }
            by_count.pop().unwrap_or_default()
        }
    }
}
