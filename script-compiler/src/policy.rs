//! What a policy file says, as written: names are not looked up yet and nothing is checked.
//!
//! Every node keeps the place in the text that it came from, so that whatever is wrong later can be shown there. Places
//! do not take part in comparison: two texts of one policy give equal documents.

use core::fmt;

/// Deepest nesting of a policy, in fragments. It bounds every recursion of this crate.
pub const MAX_DEPTH: usize = 48;

/// Longest text that is read, in bytes.
pub const MAX_TEXT: usize = 256 * 1024;

/// A place in the text: byte offsets, the end exclusive. All spans are equal, see the module.
#[derive(Clone, Copy, Default, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl PartialEq for Span {
    fn eq(&self, _: &Span) -> bool {
        true
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A key as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A key that the document or the caller defines.
    Name(Name),
    /// 32 bytes, x-only (BIP 340).
    Literal([u8; 32], Span),
    /// `internal`: the output's internal key, put on the stack by `OP_INTERNALKEY` (BIP 349), or written `OP_1` where BIP 118
    /// reads the one-byte key so.
    Internal(Span),
}

/// A number as written: a sum of terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The terms that are added.
    pub terms: Vec<Term>,
    /// Where it stands.
    pub span: Span,
}

/// A term of a sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A number that the document or the caller defines.
    Name(Name),
    /// The number itself.
    Literal(u64),
}

/// A string of bytes as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// Bytes that the document or the caller defines.
    Name(Name),
    /// The bytes themselves.
    Literal(Vec<u8>, Span),
}

/// A hash function with an opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashFn {
    /// SHA-256.
    Sha256,
    /// SHA-256 twice.
    Hash256,
    /// RIPEMD-160.
    Ripemd160,
    /// RIPEMD-160 of SHA-256.
    Hash160,
}

impl HashFn {
    /// All of them.
    pub const ALL: [HashFn; 4] = [HashFn::Sha256, HashFn::Hash256, HashFn::Ripemd160, HashFn::Hash160];

    /// The fragment's name.
    pub const fn name(self) -> &'static str {
        match self {
            HashFn::Sha256 => "sha256",
            HashFn::Hash256 => "hash256",
            HashFn::Ripemd160 => "ripemd160",
            HashFn::Hash160 => "hash160",
        }
    }

    /// Length of an image in bytes.
    pub const fn image_len(self) -> usize {
        match self {
            HashFn::Sha256 | HashFn::Hash256 => 32,
            HashFn::Ripemd160 | HashFn::Hash160 => 20,
        }
    }

    /// The image of `preimage`.
    pub fn hash(self, preimage: &[u8]) -> Vec<u8> {
        use bitcoin::hashes::{Hash, hash160, ripemd160, sha256, sha256d};
        match self {
            HashFn::Sha256 => sha256::Hash::hash(preimage).to_byte_array().to_vec(),
            HashFn::Hash256 => sha256d::Hash::hash(preimage).to_byte_array().to_vec(),
            HashFn::Ripemd160 => ripemd160::Hash::hash(preimage).to_byte_array().to_vec(),
            HashFn::Hash160 => hash160::Hash::hash(preimage).to_byte_array().to_vec(),
        }
    }
}

/// Which signature a BIP 118 key is meant to give. The script is the same; the plan asks for the hash type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rebind {
    /// `SIGHASH_ALL | ANYPREVOUT` (0x41): commits to amount and script, not to the outpoint.
    AnyPrevout,
    /// `SIGHASH_ALL | ANYPREVOUTANYSCRIPT` (0xc1): commits to neither.
    AnyPrevoutAnyScript,
}

impl Rebind {
    /// The hash type byte.
    pub const fn hash_type(self) -> u8 {
        match self {
            Rebind::AnyPrevout => 0x41,
            Rebind::AnyPrevoutAnyScript => 0xc1,
        }
    }
}

/// How a number of a message is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare<N> {
    /// Above the number: the signed-sequence check.
    Newer(N),
    /// The number or above.
    AtLeast(N),
    /// The number or below.
    AtMost(N),
    /// From the first number on, below the second.
    Between(N, N),
}

/// How a commitment is made of two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Join {
    /// `OP_PAIRCOMMIT` (BIP 442): commits to both lengths.
    Pair,
    /// `OP_CAT` (BIP 347): needs the length of one part to be fixed.
    Cat,
}

/// A message that `OP_CHECKSIGFROMSTACK` (BIP 348) verifies a signature over, or that a commitment opens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Bytes of the script.
    Fixed(Bytes),
    /// `any(slot)`: any bytes from the witness, in a named slot.
    Any(Name),
    /// `any32(slot)`: 32 bytes from the witness; the script checks the length.
    Any32(Name),
    /// `newer(n)`, `atleast(n)`, `atmost(n)`, `between(a, b)`: a number from the witness, compared by the script.
    Number(Compare<Number>),
    /// `newer_wide(n)`: a number of two 31-bit limbs, both signed through `OP_PAIRCOMMIT`.
    NewerWide(Number),
    /// `newer_pair(C)` and `newer_cat(C)`: a committed number above the one that `C` opens to.
    NewerOpened(Join, Bytes),
    /// `locktime`: a number from the witness that the transaction's nLockTime must have reached (BIP 65).
    Locktime,
    /// `ctv`: the transaction's BIP 119 template hash.
    Ctv,
    /// `templatehash`: the transaction's BIP 446 template hash.
    TemplateHash,
    /// `delegate`: a key from the witness that must sign the transaction.
    Delegate,
    /// `pair(x, y)` and `cat(x, y)`.
    Join(Join, Box<Message>, Box<Message>),
    /// `sha256(x)`.
    Sha256(Box<Message>),
}

/// A policy and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The fragment.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// The fragments of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `TRIVIAL`: always satisfied.
    Trivial,
    /// `UNSATISFIABLE`: never satisfied.
    Unsatisfiable,
    /// `pk(K)`: K signs the transaction.
    Pk(Key),
    /// `after(n)`: nLockTime of at least n (BIP 65).
    After(Number),
    /// `older(n)`: nSequence of at least n (BIP 112).
    Older(Number),
    /// `sha256(h)` and the like: a 32-byte preimage.
    Hash(HashFn, Bytes),
    /// `apo(K)`, `apoas(K)`: K signs the transaction with a BIP 118 key, which can be bound to another input.
    Rebind(Rebind, Key),
    /// `presigned(K, sig)`: a BIP 118 signature in the script; only the transaction that it signs can spend.
    Presigned(Key, Bytes),
    /// `ctv(h)`: the transaction has the BIP 119 template hash h.
    Ctv(Bytes),
    /// `templatehash(h)`: the transaction has the BIP 446 template hash h.
    TemplateHash(Bytes),
    /// `signed(message, K, …)`: every K signed the message (BIP 348).
    Signed(Message, Vec<Key>),
    /// `opens(C, message)`: the witness opens the commitment C.
    Opens(Bytes, Message),
    /// A policy defined before.
    Named(Name),
    /// `and(x, y, …)`.
    And(Vec<Policy>),
    /// `or(w@x, w@y, …)`: weights are relative.
    Or(Vec<(u32, Policy)>),
    /// `thresh(k, x, …)`.
    Thresh(u32, Vec<Policy>),
    /// `{x,y}`: two subtrees, in `tr` only. The tree is as written, and each policy in it is one leaf.
    Tree(Box<Policy>, Box<Policy>),
}

/// What a key's owner says that it signs over CSFS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Nothing is said.
    #[default]
    Any,
    /// `signs templates`: over CSFS, nothing but 32-byte template hashes and commitments that end in one.
    Templates,
}

/// What the internal key of the output is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Internal {
    /// `tr(nums, …)`: a point whose discrete logarithm nobody knows (BIP 341).
    Nums(Span),
    /// `tr(K, …)`: K can spend by the key path.
    Key(Key),
}

/// The output that a document describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// `tr(K)` and `tr(K, policy)`.
    Tr(Internal, Option<Policy>),
    /// A bare policy: the compiler chooses the internal key from it.
    Bare(Policy),
}

/// A statement of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `key NAME = hex signs templates;`
    Key(Name, Option<[u8; 32]>, Purpose),
    /// `number NAME = n;`
    Number(Name, Option<u64>),
    /// `bytes NAME = hex;`
    Bytes(Name, Option<Vec<u8>>),
    /// `policy NAME = expression;`
    Policy(Name, Policy),
    /// `allow REASON;`: a check that may be failed.
    Allow(Name),
    /// The output itself, last.
    Output(Output),
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An empty line.
    Blank,
    /// A comment on its own line, without the `#`.
    Comment(String),
    /// A statement, and the comment behind it on its line.
    Statement(Statement, Option<String>),
}

/// A policy text as read: comments, definitions and one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The parts in their order.
    pub items: Vec<Item>,
}

impl Document {
    /// The statements in their order.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.items.iter().filter_map(|item| match item {
            Item::Statement(statement, _) => Some(statement),
            Item::Blank | Item::Comment(_) => None,
        })
    }

    /// The document of a bare policy.
    pub fn of(policy: Policy) -> Document {
        Document { items: vec![Item::Statement(Statement::Output(Output::Bare(policy)), None)] }
    }
}

impl From<Kind> for Policy {
    fn from(kind: Kind) -> Policy {
        Policy { kind, span: Span::default() }
    }
}
