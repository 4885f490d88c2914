//! Names to values: a [`Document`] to a [`Program`], whose conditions have their bytes.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::XOnlyPublicKey;

use crate::atom::{Atom, KeyRef};
use crate::check::Reason;
use crate::error::{Error, ErrorKind};
use crate::message::{Bounds, MAX_NUMBER, Msg};
use crate::policy::*;
use crate::tree::Shape;

/// Most conditions and branches of a policy, named policies written out.
pub const MAX_NODES: usize = 1_000;

/// The sum of the weights of an `or`: probabilities are integers, in units of this.
pub const ONE: u64 = 1 << 32;

/// A policy whose conditions are indices into [`Program::atoms`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// Always satisfied.
    True,
    /// Never satisfied.
    False,
    /// A condition.
    Atom(usize),
    /// All of them.
    And(Vec<Node>),
    /// One of them; the weights are probabilities in units of [`ONE`].
    Or(Vec<(u64, Node)>),
    /// As many as the number says.
    Thresh(usize, Vec<Node>),
}

/// Who can spend by the key path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InternalKey {
    /// Nobody (BIP 341's point).
    Nums,
    /// The owner of this key.
    Key([u8; 32]),
    /// The compiler chooses.
    Choose,
}

/// A document with its names looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The internal key.
    pub internal: InternalKey,
    /// What the leaves say; `None` if there are none.
    pub root: Option<Node>,
    /// The leaves and their tree, where the text gives it.
    pub tree: Option<(Vec<Node>, Shape)>,
    /// The conditions, each once.
    pub atoms: Vec<Atom>,
    /// Where each condition was first written.
    pub spans: Vec<Span>,
    /// Where the output is written.
    pub span: Span,
    /// Names of keys.
    pub key_names: BTreeMap<[u8; 32], String>,
    /// Names of other values, for reports.
    pub byte_names: BTreeMap<Vec<u8>, String>,
    /// Keys whose owner says that they sign nothing but templates over CSFS.
    pub template_keys: BTreeSet<[u8; 32]>,
    /// The checks that may be failed.
    pub allowed: BTreeSet<Reason>,
}

/// A definition.
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

/// Looks the names of a document up.
///
/// `given` holds values for names that the document leaves open, as text: hex or digits.
///
/// # Errors
///
/// [`Error`] if a name is undefined, unset or of another kind, a number is out of its range, bytes have a wrong length, a
/// key is not on the curve, or the policy is too large.
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
        return Err(Error::new(ErrorKind::UnusedValue(name.clone()), Span::default()));
    }
    let Some(output) = output else {
        return Err(Error::new(ErrorKind::Unsatisfiable, Span::default()));
    };
    resolver.program(output, allowed)
}

impl<'a> Resolver<'a> {
    /// The name and value of a definition.
    fn definition(
        &mut self,
        statement: &'a Statement,
        given: &BTreeMap<String, String>,
    ) -> Result<(&'a Name, Value<'a>), Error> {
        let open = |name: &Name| given.get(&name.text);
        let bad = |name: &Name, what| {
            Error::new(
                ErrorKind::WrongKind { name: name.text.clone(), needed: what, is: "something else" },
                name.span,
            )
        };
        Ok(match statement {
            Statement::Key(name, value, purpose) => {
                let value = match open(name) {
                    Some(text) => Some(
                        hex::decode(text)
                            .ok()
                            .and_then(|bytes| bytes.try_into().ok())
                            .ok_or_else(|| bad(name, "a key of 64 hex digits"))?,
                    ),
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
                    Some(text) => Some(text.parse().map_err(|_| bad(name, "a number"))?),
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
                // Read once here, so that a mistake in it is found even where it is not used.
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
            Statement::Allow(name) => return Err(bad(name, "a definition")),
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
                (InternalKey::Key(key.x), policy.as_ref())
            }
        };
        let span = policy.map_or(Span::default(), |policy| policy.span);
        let mut tree = None;
        let root = match policy {
            Some(Policy { kind: Kind::Tree(..), .. }) => {
                let mut leaves = Vec::new();
                let shape = policy.map(|policy| self.tree(policy, 0, &mut leaves)).transpose()?;
                let share = crate::meaning::share(leaves.len());
                let root = Node::Or(leaves.iter().map(|leaf| (share, leaf.clone())).collect());
                tree = shape.map(|shape| (leaves, shape));
                Some(root)
            }
            Some(policy) => Some(self.policy(policy, 0)?),
            None => None,
        };
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

    /// A message that an element can hold.
    fn whole_message(&self, message: &Message, span: Span, is_trusted: bool) -> Result<Msg, Error> {
        let msg = self.message(message, span, is_trusted)?;
        if msg.is_too_long() {
            let limit = sigstack_interpreter::limits::MAX_SCRIPT_ELEMENT_SIZE;
            return Err(Error::new(ErrorKind::TooLarge { what: "bytes in a `cat`", limit }, span));
        }
        Ok(msg)
    }

    /// `is_trusted`: the keys sign nothing but templates, so that the length of a template needs no check.
    fn message(&self, message: &Message, span: Span, is_trusted: bool) -> Result<Msg, Error> {
        const NUMBER: (u64, u64) = (0, MAX_NUMBER);
        Ok(match message {
            Message::Fixed(bytes) => {
                let (bytes, span) = self.bytes(bytes)?;
                let limit = sigstack_interpreter::limits::MAX_SCRIPT_ELEMENT_SIZE;
                if bytes.len() > limit {
                    return Err(Error::new(ErrorKind::TooLarge { what: "bytes in a message", limit }, span));
                }
                Msg::Fixed(bytes)
            }
            Message::Any(name) => Msg::Any(name.text.clone()),
            Message::Any32(name) => Msg::Any32(name.text.clone()),
            Message::Number(compare) => Msg::Number(match compare {
                Compare::Newer(n) => Bounds::Newer(self.ranged(n, "newer", NUMBER)?),
                Compare::AtLeast(n) => Bounds::AtLeast(self.ranged(n, "atleast", NUMBER)?),
                Compare::AtMost(n) => Bounds::AtMost(self.ranged(n, "atmost", NUMBER)?),
                Compare::Between(a, b) => {
                    let low = self.ranged(a, "between", NUMBER)?;
                    let is = self.ranged(b, "between", NUMBER)?;
                    if is <= low {
                        let kind =
                            ErrorKind::Arguments("the upper bound of `between` is not above the lower one");
                        return Err(Error::new(kind, b.span));
                    }
                    Bounds::Between(low, is)
                }
            }),
            Message::NewerWide(n) => Msg::NewerWide(self.ranged(n, "newer_wide", (0, (1 << 62) - 1))?),
            Message::NewerOpened(join, c) => Msg::NewerOpened(*join, self.digest(c, "the commitment")?),
            Message::Locktime => Msg::Locktime,
            Message::Ctv => Msg::Ctv(!is_trusted),
            Message::TemplateHash => Msg::TemplateHash,
            Message::Delegate => Msg::Delegate,
            Message::Join(join, left, right) => {
                // In a concatenation the key signs more than the template, whatever it signs elsewhere.
                let is_trusted = is_trusted && *join == Join::Pair;
                let (left, right) =
                    (self.message(left, span, is_trusted)?, self.message(right, span, is_trusted)?);
                if left == Msg::Delegate || right == Msg::Delegate {
                    let kind =
                        ErrorKind::MisplacedMessage("`delegate` is a whole message, never a part of one");
                    return Err(Error::new(kind, span));
                }
                Msg::Join(*join, Box::new(left), Box::new(right))
            }
            Message::Sha256(inner) => match self.message(inner, span, is_trusted)? {
                Msg::Delegate => {
                    let kind =
                        ErrorKind::MisplacedMessage("`delegate` is a whole message, never a part of one");
                    return Err(Error::new(kind, span));
                }
                inner => Msg::Sha256(Box::new(inner)),
            },
        })
    }

    fn policy(&mut self, policy: &'a Policy, depth: usize) -> Result<Node, Error> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let kind = ErrorKind::TooLarge { what: "conditions and branches", limit: MAX_NODES };
            return Err(Error::new(kind, policy.span));
        }
        if depth >= MAX_DEPTH {
            return Err(Error::new(ErrorKind::TooDeep, policy.span));
        }
        match &policy.kind {
            Kind::Trivial => Ok(Node::True),
            Kind::Unsatisfiable => Ok(Node::False),
            Kind::Named(name) => match *self.value(name)? {
                Value::Policy(named) => self.policy(named, depth + 1),
                ref other => Err(Self::wrong_kind(name, "a policy", other)),
            },
            Kind::And(children) => Ok(Node::And(self.policies(children, depth)?)),
            Kind::Or(children) => {
                let total: u64 = children.iter().map(|(weight, _)| u64::from(*weight)).sum();
                let node = |(weight, child): &'a (u32, Policy)| {
                    let share = u64::from(*weight).saturating_mul(ONE).checked_div(total);
                    self.policy(child, depth + 1).map(|node| (share.unwrap_or_default().max(1), node))
                };
                Ok(Node::Or(children.iter().map(node).collect::<Result<_, _>>()?))
            }
            Kind::Thresh(k, children) => {
                let k = usize::try_from(*k).unwrap_or(usize::MAX);
                if k == 0 || k > children.len() {
                    let kind = ErrorKind::Arguments("the threshold must be from 1 to the number of policies");
                    return Err(Error::new(kind, policy.span));
                }
                Ok(Node::Thresh(k, self.policies(children, depth)?))
            }
            _ => {
                let atom = self.atom(policy)?;
                self.intern(atom, policy.span).map(Node::Atom)
            }
        }
    }

    /// The shape of a tree; its policies are added to `leaves`.
    fn tree(&mut self, policy: &'a Policy, depth: usize, leaves: &mut Vec<Node>) -> Result<Shape, Error> {
        let Kind::Tree(left, right) = &policy.kind else {
            leaves.push(self.policy(policy, depth)?);
            return Ok(Shape::Leaf(leaves.len() - 1));
        };
        let left = self.tree(left, depth + 1, leaves)?;
        let right = self.tree(right, depth + 1, leaves)?;
        Ok(Shape::Branch(Box::new(left), Box::new(right)))
    }

    fn policies(&mut self, children: &'a [Policy], depth: usize) -> Result<Vec<Node>, Error> {
        children.iter().map(|child| self.policy(child, depth + 1)).collect()
    }

    fn atom(&self, policy: &Policy) -> Result<Atom, Error> {
        let keys = |keys: &[Key]| keys.iter().map(|key| self.key(key)).collect::<Result<Vec<_>, _>>();
        Ok(match &policy.kind {
            Kind::Pk(key) => Atom::Sig(self.key(key)?),
            Kind::After(n) => Atom::After(self.lock(n, "after")?),
            Kind::Older(n) => Atom::Older(self.lock(n, "older")?),
            Kind::Hash(hash, image) => Atom::Hash(*hash, self.sized(image, "the image", hash.image_len())?),
            Kind::Rebind(rebind, key) => Atom::Rebind(*rebind, self.key(key)?),
            Kind::Presigned(key, signature) => {
                let key = self.key(key)?;
                let bytes = self.sized(signature, "the signature with its hash type", 65)?;
                // Other hash types leave outputs open, or commit to the script that the signature stands in.
                if bytes.last() != Some(&Rebind::AnyPrevoutAnyScript.hash_type()) {
                    let what = "a signature in a script is ALL|ANYPREVOUTANYSCRIPT: its hash type is 0xc1";
                    return Err(Error::new(ErrorKind::Arguments(what), self.bytes(signature)?.1));
                }
                Atom::Presigned(key, bytes)
            }
            Kind::Ctv(hash) => Atom::Ctv(self.digest(hash, "the template hash")?),
            Kind::TemplateHash(hash) => Atom::TemplateHash(self.digest(hash, "the template hash")?),
            Kind::Signed(message, signers) => {
                let keys = keys(signers)?;
                let mut sorted: Vec<_> = keys.iter().map(|key| key.x).collect();
                sorted.sort_unstable();
                sorted.dedup();
                if sorted.len() != keys.len() {
                    let kind = ErrorKind::Arguments("a key signs the same message twice");
                    return Err(Error::new(kind, policy.span));
                }
                let is_trusted = sorted.iter().any(|key| self.template_keys.contains(key));
                let msg = self.whole_message(message, policy.span, is_trusted)?;
                if is_trusted && !msg.is_for_template_keys() {
                    let what = "a key that `signs templates` signs template hashes, and `pair` or `sha256` that hold one";
                    return Err(Error::new(ErrorKind::MisplacedMessage(what), policy.span));
                }
                Atom::Signed(msg, keys)
            }
            Kind::Opens(commitment, message) => {
                let (commitment, span) = self.bytes(commitment)?;
                let msg = self.whole_message(message, policy.span, false)?;
                let misplaced = |what| Err(Error::new(ErrorKind::MisplacedMessage(what), policy.span));
                if msg == Msg::Delegate {
                    return misplaced("`delegate` needs a signature: `signed(delegate, K)`");
                }
                if msg.is_computed() {
                    return misplaced("a commitment opens to something from the witness");
                }
                let is_digest = matches!(msg, Msg::Sha256(_) | Msg::Join(Join::Pair, ..));
                if !is_digest || commitment.len() != 32 {
                    let what = "a commitment is the 32 bytes of `pair(…)` or `sha256(…)`";
                    return Err(Error::new(ErrorKind::MisplacedMessage(what), span));
                }
                Atom::Opens(commitment, msg)
            }
            Kind::Trivial
            | Kind::Unsatisfiable
            | Kind::Named(_)
            | Kind::And(_)
            | Kind::Or(_)
            | Kind::Thresh(..)
            | Kind::Tree(..) => {
                return Err(Error::new(ErrorKind::Arguments("a condition is needed here"), policy.span));
            }
        })
    }

    /// The index of a condition; equal conditions share it.
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
