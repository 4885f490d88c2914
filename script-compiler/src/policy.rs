//! The syntax tree of a policy text. Names are not resolved yet, and nothing is checked.
//!
//! Every node has its byte range in the text, so that later errors can point to it. Comparisons ignore these ranges:
//! two layouts of the same policy give equal documents.

use core::fmt;

/// Maximum nesting of a policy, in fragments. This bounds every recursion of this crate.
pub const MAX_DEPTH: usize = 48;

/// Maximum length of a policy text in bytes.
pub const MAX_TEXT: usize = 256 * 1024;

/// A byte range in the policy text, with an exclusive end. All spans compare as equal, so that comparisons of documents
/// ignore the layout of their texts.
#[derive(Clone, Copy, Default, Eq)]
pub struct Span {
    /// Byte offset in the policy text of the first byte in this range.
    pub start: usize,
    /// Byte offset in the policy text of the first byte after this range.
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

/// A name in the policy text, with its byte range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Text of the name.
    pub text: String,
    /// Byte range of the name in the policy text.
    pub span: Span,
}

/// A key as written in the policy text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Name of a key that the document or the caller defines.
    Name(Name),
    /// X-only public key of 32 bytes (BIP 340).
    Literal([u8; 32], Span),
    /// `internal`: the output's internal key. The script pushes it with `OP_INTERNALKEY` (BIP 349), or with `OP_1` where BIP
    /// 118 uses the one-byte key for it.
    Internal(Span),
}

/// A number as written in the policy text: a sum of terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// Terms of the sum.
    pub terms: Vec<Term>,
    /// Byte range of the number in the policy text.
    pub span: Span,
}

/// A term of a sum that gives a number in the policy text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Name of a number that the document or the caller defines.
    Name(Name),
    /// A number that the policy text gives in decimal digits.
    Literal(u64),
}

/// A string of bytes as written in the policy text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// Name of bytes that the document or the caller defines.
    Name(Name),
    /// Bytes that the policy text gives in hex.
    Literal(Vec<u8>, Span),
}

/// A hash function that Script has an opcode for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashFn {
    /// SHA-256.
    Sha256,
    /// SHA-256 applied twice.
    Hash256,
    /// RIPEMD-160.
    Ripemd160,
    /// RIPEMD-160 of SHA-256.
    Hash160,
}

impl HashFn {
    /// All hash functions of the policy language.
    pub const ALL: [HashFn; 4] = [HashFn::Sha256, HashFn::Hash256, HashFn::Ripemd160, HashFn::Hash160];

    /// Returns the name of the fragment for this hash function, such as `sha256`.
    pub const fn name(self) -> &'static str {
        match self {
            HashFn::Sha256 => "sha256",
            HashFn::Hash256 => "hash256",
            HashFn::Ripemd160 => "ripemd160",
            HashFn::Hash160 => "hash160",
        }
    }

    /// Returns the length of a hash in bytes.
    pub const fn image_len(self) -> usize {
        match self {
            HashFn::Sha256 | HashFn::Hash256 => 32,
            HashFn::Ripemd160 | HashFn::Hash160 => 20,
        }
    }

    /// Returns the hash of `preimage`.
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

/// The hash type of a signature by a BIP 118 key. The script is the same for both hash types. The [`Plan`](crate::Plan)
/// states which hash type the signer must use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rebind {
    /// `SIGHASH_ALL | ANYPREVOUT` (0x41): commits to the amount and the script of the spent output, but not to the outpoint.
    AnyPrevout,
    /// `SIGHASH_ALL | ANYPREVOUTANYSCRIPT` (0xc1): commits to neither amount, script nor outpoint of the spent output.
    AnyPrevoutAnyScript,
}

impl Rebind {
    /// Returns the hash type byte of the signature: 0x41 or 0xc1.
    pub const fn hash_type(self) -> u8 {
        match self {
            Rebind::AnyPrevout => 0x41,
            Rebind::AnyPrevoutAnyScript => 0xc1,
        }
    }
}

/// A comparison of a number from the witness with the numbers that the policy specifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare<N> {
    /// The number from the witness must be greater than this number. Used for the state numbers of channels.
    Newer(N),
    /// The number from the witness must be at least this number.
    AtLeast(N),
    /// The number from the witness must be at most this number.
    AtMost(N),
    /// The number from the witness must be at least the first number and less than the second.
    Between(N, N),
}

/// The opcode that joins two parts of a message or commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Join {
    /// `OP_PAIRCOMMIT` (BIP 442): the hash of both parts and their lengths. The lengths fix where the first part ends.
    Pair,
    /// `OP_CAT` (BIP 347): concatenates both parts without their lengths. One part must have a fixed length, so that
    /// the result cannot be split elsewhere.
    Cat,
}

/// A message that `OP_CHECKSIGFROMSTACK` (BIP 348) verifies a signature over, or that a commitment opens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A message of fixed bytes, which the script pushes.
    Fixed(Bytes),
    /// `any(slot)`: any bytes from the witness. The name identifies the witness element in the plan.
    Any(Name),
    /// `any32(slot)`: 32 bytes from the witness, whose length the script checks. The name identifies the witness
    /// element in the plan.
    Any32(Name),
    /// `newer(n)`, `atleast(n)`, `atmost(n)`, `between(a, b)`: a number from the witness, compared by the script.
    Number(Compare<Number>),
    /// `newer_wide(n)`: a number greater than `n`, encoded in two limbs of 31 bits. The message is the `OP_PAIRCOMMIT`
    /// of both limbs.
    NewerWide(Number),
    /// `newer_pair(C)` and `newer_cat(C)`: a commitment to a number. The witness opens both this commitment and `C`,
    /// and the number must be greater than the one in `C`.
    NewerOpened(Join, Bytes),
    /// `locktime`: a number from the witness that the transaction's nLockTime must have reached (BIP 65).
    Locktime,
    /// `ctv`: the transaction's BIP 119 template hash.
    Ctv,
    /// `templatehash`: the transaction's BIP 446 template hash.
    TemplateHash,
    /// `delegate`: a key from the witness that must sign the transaction.
    Delegate,
    /// `pair(x, y)` and `cat(x, y)`: two messages joined by `OP_PAIRCOMMIT` or `OP_CAT`.
    Join(Join, Box<Message>, Box<Message>),
    /// `sha256(x)`: the SHA-256 of a message.
    Sha256(Box<Message>),
}

/// A policy or a part of one, with its byte range in the policy text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Fragment that the policy consists of, with its arguments.
    pub kind: Kind,
    /// Byte range of this policy in the policy text.
    pub span: Span,
}

/// The fragments of the policy language, such as `pk` and `and`.
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
    /// `sha256(h)`, `hash256(h)`, `ripemd160(h)`, `hash160(h)`: the witness has a 32-byte preimage of h.
    Hash(HashFn, Bytes),
    /// `apo(K)`, `apoas(K)`: K signs the transaction as a BIP 118 key. The signature can be rebound to another input.
    Rebind(Rebind, Key),
    /// `presigned(K, sig)`: the script contains a BIP 118 signature, so that only the signed transaction can spend.
    Presigned(Key, Bytes),
    /// `ctv(h)`: the transaction has the BIP 119 template hash h.
    Ctv(Bytes),
    /// `templatehash(h)`: the transaction has the BIP 446 template hash h.
    TemplateHash(Bytes),
    /// `signed(message, K, …)`: every K signed the message (BIP 348).
    Signed(Message, Vec<Key>),
    /// `opens(C, message)`: the witness opens the commitment C.
    Opens(Bytes, Message),
    /// The name of a policy that the document defines with `policy NAME = …;`.
    Named(Name),
    /// `and(x, y, …)`: requires all of the policies x, y, ….
    And(Vec<Policy>),
    /// `or(w@x, w@y, …)`: requires one of the policies x, y, …. The weights w are relative probabilities.
    Or(Vec<(u32, Policy)>),
    /// `thresh(k, x, …)`: requires k of the policies x, ….
    Thresh(u32, Vec<Policy>),
    /// `{x,y}`: two subtrees, allowed in `tr` only. The compiler keeps the tree as written, and each policy in it becomes
    /// one leaf.
    Tree(Box<Policy>, Box<Policy>),
}

/// A promise of a key's owner about the messages that the key signs for OP_CHECKSIGFROMSTACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Purpose {
    /// The owner makes no promise: the key may sign any message.
    #[default]
    Any,
    /// `signs templates`: for OP_CHECKSIGFROMSTACK the key signs only 32-byte template hashes and commitments that contain
    /// one.
    Templates,
}

/// The internal key of the output as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Internal {
    /// `tr(nums, …)`: BIP 341's point whose discrete logarithm nobody knows, so that nobody can use the key path.
    Nums(Span),
    /// `tr(K, …)`: K can spend by the key path.
    Key(Key),
}

/// The output that a document describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// `tr(K)` and `tr(K, policy)`: a taproot output whose internal key the text specifies.
    Tr(Internal, Option<Policy>),
    /// An output that is a policy without `tr(…)`. The compiler chooses the internal key.
    Bare(Policy),
}

/// A statement of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `key NAME = hex signs templates;` defines a key. The key is `None` if the text gives no value.
    Key(Name, Option<[u8; 32]>, Purpose),
    /// `number NAME = n;` defines a number. The number is `None` if the text gives no value.
    Number(Name, Option<u64>),
    /// `bytes NAME = hex;` defines a string of bytes. The bytes are `None` if the text gives no value.
    Bytes(Name, Option<Vec<u8>>),
    /// `policy NAME = expression;` defines a part of a policy.
    Policy(Name, Policy),
    /// `allow REASON;`: disables a safety check.
    Allow(Name),
    /// The output of the document, which is the last statement.
    Output(Output),
}

/// A line of a policy text: empty, a comment, or a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An empty line of the policy text.
    Blank,
    /// A comment on its own line, without the `#`.
    Comment(String),
    /// A statement, and the comment after it on the same line.
    Statement(Statement, Option<String>),
}

/// A parsed policy text: comments, definitions and one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Lines of the policy text, in their order.
    pub items: Vec<Item>,
}

impl Document {
    /// Returns the statements of the document in their order, without blank lines and comments.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.items.iter().filter_map(|item| match item {
            Item::Statement(statement, _) => Some(statement),
            Item::Blank | Item::Comment(_) => None,
        })
    }

    /// Returns a document that consists of a bare policy.
    pub fn of(policy: Policy) -> Document {
        Document { items: vec![Item::Statement(Statement::Output(Output::Bare(policy)), None)] }
    }
}

impl From<Kind> for Policy {
    fn from(kind: Kind) -> Policy {
        Policy { kind, span: Span::default() }
    }
}
