//! A policy text after its names are resolved.

use std::collections::{BTreeMap, BTreeSet};

use crate::atom::Atom;
use crate::node::Node;
use crate::policy::Span;
use crate::reason::Reason;
use crate::tree::Shape;

/// The byte ranges of a policy and its parts in the policy text. They form a tree of the same shape as the [`Node`] of
/// the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Byte range of this policy in the policy text. If the policy is a name, this is where the name is used.
    pub span: Span,
    /// Byte ranges of the parts that this policy consists of, in the order of the text.
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

/// A policy text in which every name is replaced by its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Internal key of the output, which decides who can spend by the key path.
    pub internal: InternalKey,
    /// Policy that the leaves of the output enforce. `None` if the output has no leaves.
    pub root: Option<Node>,
    /// Byte ranges in the policy text of the policy in `root` and of its parts. `None` if the output has no leaves.
    pub places: Option<Places>,
    /// Byte range of the internal key in the policy text. Empty if the compiler chooses the internal key.
    pub internal_span: Span,
    /// Policies of the leaves and the shape of the taproot tree, if the text specifies the tree. `None` if the compiler
    /// chooses the leaves.
    pub tree: Option<(Vec<Node>, Shape)>,
    /// Conditions of the policy. Equal conditions are listed once.
    pub atoms: Vec<Atom>,
    /// Byte range in the policy text of the first occurrence of each condition, in the order of `atoms`.
    pub spans: Vec<Span>,
    /// Byte range of the policy in the policy text, without the surrounding `tr(…)`. Empty if the output has only a key
    /// path.
    pub span: Span,
    /// Names that the policy text gives to keys, by x-only public key.
    pub key_names: BTreeMap<[u8; 32], String>,
    /// Names that the policy text gives to digests and other byte strings, by their bytes. Reports show these names.
    pub byte_names: BTreeMap<Vec<u8>, String>,
    /// Keys whose owner promises to sign only templates for OP_CHECKSIGFROMSTACK.
    pub template_keys: BTreeSet<[u8; 32]>,
    /// Safety checks that the policy text or the caller disables.
    pub allowed: BTreeSet<Reason>,
}
