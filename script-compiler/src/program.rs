//! A policy text after its names are resolved.

use std::collections::{BTreeMap, BTreeSet};

use crate::atom::Atom;
use crate::node::Node;
use crate::policy::Span;
use crate::reason::Reason;
use crate::tree::Shape;

/// The places of a policy and its parts in the text, as a tree of the same shape as the [`Node`] of the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Place of the policy itself. For a named policy, the place where its name is used.
    pub span: Span,
    /// Places of the parts.
    pub parts: Vec<Places>,
}

/// The internal key, which decides who can spend by the key path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InternalKey {
    /// BIP 341's point without a known discrete logarithm: nobody can use the key path.
    Nums,
    /// The owner of this key can use the key path.
    Key([u8; 32]),
    /// The compiler chooses the internal key.
    Choose,
}

/// A document with its names resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The internal key of the output.
    pub internal: InternalKey,
    /// Policy of the leaves; `None` if the output has no leaves.
    pub root: Option<Node>,
    /// Places of the parts of `root`; `None` if there are no leaves.
    pub places: Option<Places>,
    /// Place of the internal key, if the text specifies one.
    pub internal_span: Span,
    /// The leaves and their tree, if the text specifies them.
    pub tree: Option<(Vec<Node>, Shape)>,
    /// The conditions, without duplicates.
    pub atoms: Vec<Atom>,
    /// Place of the first occurrence of each condition.
    pub spans: Vec<Span>,
    /// Place of the output.
    pub span: Span,
    /// Names of keys, by x-only public key.
    pub key_names: BTreeMap<[u8; 32], String>,
    /// Names of digests and other byte strings, used in reports.
    pub byte_names: BTreeMap<Vec<u8>, String>,
    /// Keys whose owner promises to sign only templates for OP_CHECKSIGFROMSTACK.
    pub template_keys: BTreeSet<[u8; 32]>,
    /// Safety checks that are disabled.
    pub allowed: BTreeSet<Reason>,
}
