//! Resolves names: turns a [`Document`] into a [`Program`], in which every condition contains its values.

mod conditions;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::XOnlyPublicKey;

use crate::atom::{Atom, KeyRef};
use crate::error::{Error, ErrorKind};
use crate::message::{MAX_NUMBER, Msg};
use crate::node::{Node, ONE, share};
use crate::policy::*;
use crate::program::{InternalKey, Places, Program};
use crate::reason::Reason;
use crate::tree::Shape;
use sigstack_interpreter::taproot::NUMS_KEY;

/// Maximum number of conditions and branches of a policy, with named policies expanded.
pub const MAX_NODES: usize = 1_000;

/// The value that a document defines for a name. The inner `Option` is `None` if the document gives no value.
#[derive(Clone, Debug)]
enum Value<'a> {
    Key(Option<[u8; 32]>),
    Number(Option<u64>),
    Bytes(Option<Vec<u8>>),
    Policy(&'a Policy),
}

impl Value<'_> {
    const fn what(&self) -> &'static str {
        match self {
            Value::Key(_) => "a key",
            Value::Number(_) => "a number",
            Value::Bytes(_) => "bytes",
            Value::Policy(_) => "a policy",
        }
    }
}

struct Resolver<'a> {
    values: BTreeMap<&'a str, Value<'a>>,
    internal: Option<[u8; 32]>,
    atoms: Vec<Atom>,
    spans: Vec<Span>,
    slots: BTreeMap<String, usize>,
    nodes: usize,
    template_keys: BTreeSet<[u8; 32]>,
}

/// Resolves the names of a document.
///
/// `given` has values, as hex or digits, for names that the document declares without a value.
///
/// # Errors
///
/// [`Error`] if a name is undefined, has no value or is of another kind, if a number is out of range, if bytes have a wrong
/// length, if a key is not on the curve, or if the policy is too large.
pub fn resolve(document: &Document, given: &BTreeMap<String, String>) -> Result<Program, Error> {
    let mut resolver = Resolver {
        values: BTreeMap::new(),
        internal: None,
        atoms: Vec::new(),
        spans: Vec::new(),
        slots: BTreeMap::new(),
        nodes: 0,
        template_keys: BTreeSet::new(),
    };
    let (mut allowed, mut output, mut used) = (BTreeSet::new(), None, BTreeSet::new());
    for statement in document.statements() {
        match statement {
            Statement::Allow(name) => {
                let unknown = || Error::new(ErrorKind::UnknownReason(name.text.clone()), name.span);
                allowed.insert(Reason::from_name(&name.text).ok_or_else(unknown)?);
            }
            Statement::Output(found) => output = Some(found),
            Statement::Key(..) | Statement::Number(..) | Statement::Bytes(..) | Statement::Policy(..) => {
                let (name, value) = resolver.definition(statement, given)?;
                used.insert(name.text.as_str());
                if resolver.values.insert(&name.text, value).is_some() {
                    return Err(Error::new(ErrorKind::DuplicateName(name.text.clone()), name.span));
                }
            }
        }
    }
    if let Some(name) = given.keys().find(|name| !used.contains(name.as_str())) {
        let is_open = |value: &Value<'_>| !matches!(value, Value::Policy(_));
        let known = resolver.values.iter().filter(|(_, value)| is_open(value));
        let known = known.map(|(name, _)| (*name).to_owned()).collect();
        return Err(Error::new(ErrorKind::UnusedValue { name: name.clone(), known }, Span::default()));
    }
    let Some(output) = output else {
        return Err(Error::new(ErrorKind::Unsatisfiable, Span::default()));
    };
    resolver.program(output, allowed)
}

impl<'a> Resolver<'a> {
    /// Returns the name and value of a definition.
    fn definition(
        &mut self,
        statement: &'a Statement,
        given: &BTreeMap<String, String>,
    ) -> Result<(&'a Name, Value<'a>), Error> {
        let open = |name: &Name| given.get(&name.text);
        let bad = |name: &Name, needed| {
            Error::new(ErrorKind::GivenValue { name: name.text.clone(), needed }, name.span)
        };
        Ok(match statement {
            Statement::Key(name, value, purpose) => {
                let value = match open(name) {
                    Some(text) if crate::parse::is_compressed_key(text) => {
                        return Err(bad(name, "an x-only key (BIP 340): leave out the first byte, 02 or 03"));
                    }
                    Some(text) => {
                        let key = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
                        let key = key.ok_or_else(|| bad(name, "a key of 64 hex digits"))?;
                        check_key(&key, name.span).map_err(|_| {
                            bad(name, "a key: these 32 bytes are not the x coordinate of a point")
                        })?;
                        Some(key)
                    }
                    None => *value,
                };
                if let Some(key) = value {
                    check_key(&key, name.span)?;
                    if *purpose == Purpose::Templates {
                        self.template_keys.insert(key);
                    }
                }
                (name, Value::Key(value))
            }
            Statement::Number(name, value) => {
                let value = match open(name) {
                    Some(text) => {
                        Some(text.parse().map_err(|_| bad(name, "a whole number of at most 64 bits"))?)
                    }
                    None => *value,
                };
                (name, Value::Number(value))
            }
            Statement::Bytes(name, value) => {
                let value = match open(name) {
                    Some(text) => {
                        let digits = text.strip_prefix("0x").unwrap_or(text);
                        Some(hex::decode(digits).map_err(|_| bad(name, "bytes in hex"))?)
                    }
                    None => value.clone(),
                };
                (name, Value::Bytes(value))
            }
            Statement::Policy(name, policy) => {
                // The policy is resolved here once, so that an error in it is found even if the policy is not used.
                let (atoms, nodes) = (self.atoms.len(), self.nodes);
                let slots = self.slots.clone();
                self.internal = self.internal.or(Some([0; 32]));
                self.policy(policy, 0)?;
                self.internal = None;
                self.atoms.truncate(atoms);
                self.spans.truncate(atoms);
                (self.nodes, self.slots) = (nodes, slots);
                (name, Value::Policy(policy))
            }
            Statement::Allow(name) => {
                let is = "a check";
                let kind = ErrorKind::WrongKind { name: name.text.clone(), needed: "a definition", is };
                return Err(Error::new(kind, name.span));
            }
            Statement::Output(_) => return Err(Error::new(ErrorKind::Unsatisfiable, Span::default())),
        })
    }

    fn program(mut self, output: &'a Output, allowed: BTreeSet<Reason>) -> Result<Program, Error> {
        let (internal, policy) = match output {
            Output::Bare(policy) => (InternalKey::Choose, Some(policy)),
            Output::Tr(Internal::Nums(_), policy) => (InternalKey::Nums, policy.as_ref()),
            Output::Tr(Internal::Key(key), policy) => {
                let key = self.key(key)?;
                self.internal = Some(key.x);
                // The text contains BIP 341's point as a literal key.
                let internal = if key.x == NUMS_KEY { InternalKey::Nums } else { InternalKey::Key(key.x) };
                (internal, policy.as_ref())
            }
        };
        let span = policy.map_or(Span::default(), |policy| policy.span);
        let internal_span = match output {
            Output::Tr(Internal::Nums(span), _)
            | Output::Tr(Internal::Key(Key::Literal(_, span) | Key::Internal(span)), _) => *span,
            Output::Tr(Internal::Key(Key::Name(name)), _) => name.span,
            Output::Bare(_) => Span::default(),
        };
        let mut tree = None;
        let root = match policy {
            Some(Policy { kind: Kind::Tree(..), .. }) => {
                let mut leaves = Vec::new();
                let shape = policy.map(|policy| self.tree(policy, 0, &mut leaves)).transpose()?;
                let share = share(leaves.len());
                let root = Node::Or(leaves.iter().map(|(leaf, _)| (share, leaf.clone())).collect());
                let (leaves, parts) = leaves.into_iter().unzip();
                tree = shape.map(|shape| (leaves, shape));
                Some((root, Places { span, parts }))
            }
            Some(policy) => Some(self.policy(policy, 0)?),
            None => None,
        };
        let (root, places) = root.unzip();
        let (mut key_names, mut byte_names) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in &self.values {
            match value {
                Value::Key(Some(key)) => drop(key_names.entry(*key).or_insert_with(|| (*name).to_owned())),
                Value::Bytes(Some(bytes)) => {
                    byte_names.entry(bytes.clone()).or_insert_with(|| (*name).to_owned());
                }
                _ => {}
            }
        }
        Ok(Program {
            internal,
            root,
            places,
            internal_span,
            tree,
            atoms: self.atoms,
            spans: self.spans,
            span,
            key_names,
            byte_names,
            template_keys: self.template_keys,
            allowed,
        })
    }

    fn value(&self, name: &Name) -> Result<&Value<'a>, Error> {
        let undefined = || Error::new(ErrorKind::UndefinedName(name.text.clone()), name.span);
        self.values.get(name.text.as_str()).ok_or_else(undefined)
    }

    fn wrong_kind(name: &Name, needed: &'static str, value: &Value<'_>) -> Error {
        Error::new(ErrorKind::WrongKind { name: name.text.clone(), needed, is: value.what() }, name.span)
    }

    fn unset(name: &Name) -> Error {
        Error::new(ErrorKind::UnsetName(name.text.clone()), name.span)
    }

    fn key(&self, key: &Key) -> Result<KeyRef, Error> {
        match key {
            Key::Internal(span) => {
                let x = self.internal.ok_or_else(|| Error::new(ErrorKind::NoInternalKey, *span))?;
                Ok(KeyRef { x, internal: true })
            }
            Key::Literal(x, span) => check_key(x, *span).map(|()| KeyRef { x: *x, internal: false }),
            Key::Name(name) => match self.value(name)? {
                Value::Key(Some(x)) => Ok(KeyRef { x: *x, internal: false }),
                Value::Key(None) => Err(Self::unset(name)),
                other => Err(Self::wrong_kind(name, "a key", other)),
            },
        }
    }

    fn number(&self, number: &Number) -> Result<u64, Error> {
        let mut sum = 0u64;
        for term in &number.terms {
            let term = match term {
                Term::Literal(term) => *term,
                Term::Name(name) => match self.value(name)? {
                    Value::Number(Some(value)) => *value,
                    Value::Number(None) => return Err(Self::unset(name)),
                    other => return Err(Self::wrong_kind(name, "a number", other)),
                },
            };
            let overflow = || Error::new(ErrorKind::NumberOverflow, number.span);
            sum = sum.checked_add(term).ok_or_else(overflow)?;
        }
        Ok(sum)
    }

    fn ranged(&self, number: &Number, what: &'static str, range: (u64, u64)) -> Result<u64, Error> {
        let is = self.number(number)?;
        if (range.0..=range.1).contains(&is) {
            Ok(is)
        } else {
            Err(Error::new(ErrorKind::Range { what, range, is }, number.span))
        }
    }

    fn lock(&self, number: &Number, what: &'static str) -> Result<u32, Error> {
        let lock = self.ranged(number, what, (1, MAX_NUMBER))?;
        u32::try_from(lock).map_err(|_| Error::new(ErrorKind::NumberOverflow, number.span))
    }

    fn bytes(&self, bytes: &Bytes) -> Result<(Vec<u8>, Span), Error> {
        match bytes {
            Bytes::Literal(bytes, span) => Ok((bytes.clone(), *span)),
            Bytes::Name(name) => match self.value(name)? {
                Value::Bytes(Some(bytes)) => Ok((bytes.clone(), name.span)),
                Value::Bytes(None) => Err(Self::unset(name)),
                other => Err(Self::wrong_kind(name, "bytes", other)),
            },
        }
    }

    fn sized(&self, bytes: &Bytes, what: &'static str, needed: usize) -> Result<Vec<u8>, Error> {
        let (bytes, span) = self.bytes(bytes)?;
        if bytes.len() == needed {
            Ok(bytes)
        } else {
            Err(Error::new(ErrorKind::Length { what, needed, is: bytes.len() }, span))
        }
    }

    fn digest(&self, bytes: &Bytes, what: &'static str) -> Result<[u8; 32], Error> {
        let mut digest = [0; 32];
        digest.copy_from_slice(&self.sized(bytes, what, 32)?);
        Ok(digest)
    }

    fn policy(&mut self, policy: &'a Policy, depth: usize) -> Result<(Node, Places), Error> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let kind = ErrorKind::TooLarge { what: "conditions and branches", limit: MAX_NODES };
            return Err(Error::new(kind, policy.span));
        }
        if depth >= MAX_DEPTH {
            return Err(Error::new(ErrorKind::TooDeep, policy.span));
        }
        let (node, parts) = match &policy.kind {
            Kind::Trivial => (Node::True, Vec::new()),
            Kind::Unsatisfiable => (Node::False, Vec::new()),
            Kind::Named(name) => match *self.value(name)? {
                Value::Policy(named) => {
                    let (node, places) = self.policy(named, depth + 1)?;
                    (node, places.parts)
                }
                ref other => return Err(Self::wrong_kind(name, "a policy", other)),
            },
            Kind::And(children) => {
                let (nodes, parts) = self.policies(children, depth)?;
                (Node::And(nodes), parts)
            }
            Kind::Or(children) => {
                let total: u64 = children.iter().map(|(weight, _)| u64::from(*weight)).sum();
                let share = |(weight, _): &(u32, Policy)| {
                    let share = u64::from(*weight).saturating_mul(ONE).checked_div(total);
                    share.unwrap_or_default().max(1)
                };
                let (nodes, parts) = self.policies(children.iter().map(|(_, child)| child), depth)?;
                (Node::Or(children.iter().map(share).zip(nodes).collect()), parts)
            }
            Kind::Thresh(k, children) => {
                let k = usize::try_from(*k).unwrap_or(usize::MAX);
                if k == 0 || k > children.len() {
                    let kind = ErrorKind::Arguments("the threshold must be from 1 to the number of policies");
                    return Err(Error::new(kind, policy.span));
                }
                let (nodes, parts) = self.policies(children, depth)?;
                (Node::Thresh(k, nodes), parts)
            }
            _ => {
                let atom = self.atom(policy)?;
                (Node::Atom(self.intern(atom, policy.span)?), Vec::new())
            }
        };
        Ok((node, Places { span: policy.span, parts }))
    }

    /// Returns the shape of a tree that the text specifies, and adds the policy of each leaf to `leaves`.
    fn tree(
        &mut self,
        policy: &'a Policy,
        depth: usize,
        leaves: &mut Vec<(Node, Places)>,
    ) -> Result<Shape, Error> {
        let Kind::Tree(left, right) = &policy.kind else {
            leaves.push(self.policy(policy, depth)?);
            return Ok(Shape::Leaf(leaves.len() - 1));
        };
        let left = self.tree(left, depth + 1, leaves)?;
        let right = self.tree(right, depth + 1, leaves)?;
        Ok(Shape::Branch(Box::new(left), Box::new(right)))
    }

    fn policies(
        &mut self,
        children: impl IntoIterator<Item = &'a Policy>,
        depth: usize,
    ) -> Result<(Vec<Node>, Vec<Places>), Error> {
        let (mut nodes, mut places) = (Vec::new(), Vec::new());
        for child in children {
            let (node, place) = self.policy(child, depth + 1)?;
            nodes.push(node);
            places.push(place);
        }
        Ok((nodes, places))
    }

    /// Returns the index of a condition, and adds the condition if it is new. Equal conditions share one index.
    fn intern(&mut self, atom: Atom, span: Span) -> Result<usize, Error> {
        if let Some(known) = self.atoms.iter().position(|known| *known == atom) {
            return Ok(known);
        }
        let index = self.atoms.len();
        if let Atom::Signed(msg, _) | Atom::Opens(_, msg) = &atom {
            for part in msg.parts() {
                let (Msg::Any(slot) | Msg::Any32(slot)) = part else { continue };
                if self.slots.insert(slot.clone(), index).is_some() {
                    return Err(Error::new(ErrorKind::SharedSlot(slot.clone()), span));
                }
            }
        }
        self.atoms.push(atom);
        self.spans.push(span);
        Ok(index)
    }
}

fn check_key(key: &[u8; 32], span: Span) -> Result<(), Error> {
    XOnlyPublicKey::from_slice(key).map(|_| ()).map_err(|_| Error::new(ErrorKind::NotAKey, span))
}
