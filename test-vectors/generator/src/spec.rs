//! Description of a case about one input, before its transaction is created and signed.

use core::fmt;
use std::rc::Rc;

use bitcoin::hashes::{Hash, hash160};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sigstack_interpreter::limits::LEAF_VERSION_TAPSCRIPT;
use sigstack_interpreter::taproot::{branch_hash, leaf_hash, tweak_hash};
use sigstack_interpreter::{Flags, Location, Opcode, Phase, ScriptError, Spend, VerifyError};

use super::item::{Item, Maker};
use super::keys::Key;
use super::script::{Script, minimal_push};
use super::shape::{Input, Shape};
use super::values::Values;
use sigstack_vectors::taptree;
use sigstack_vectors::{Case, Expect, Subject};

/// The kind of output that a case spends, such as P2WSH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// An output whose scriptPubKey is the executed script itself.
    Bare,
    /// A P2SH output (BIP 16) whose redeem script is not a witness program.
    P2sh,
    /// A P2WSH output, segwit v0 (BIP 141).
    P2wsh,
    /// A P2WSH output nested in P2SH.
    P2shP2wsh,
    /// A taproot output that is spent by a leaf of its script tree (BIP 341, BIP 342).
    Tapscript,
    /// A taproot output that is spent by a signature, without a script (BIP 341).
    KeyPath,
    /// The scriptPubKey is itself a witness program (BIP 141), of any version and length.
    Program,
    /// A witness program of any version and length, nested in a P2SH output.
    P2shProgram,
}

impl Version {
    /// The kinds of output that execute a script. Excludes the taproot key path and unknown witness programs.
    pub(super) const SCRIPTS: &'static [Version] =
        &[Version::Bare, Version::P2sh, Version::P2wsh, Version::P2shP2wsh, Version::Tapscript];

    /// Returns the name of the kind of output, as used in case ids.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Version::Bare => "bare",
            Version::P2sh => "p2sh",
            Version::P2wsh => "p2wsh",
            Version::P2shP2wsh => "p2sh-p2wsh",
            Version::Tapscript => "tapscript",
            Version::KeyPath => "keypath",
            Version::Program => "program",
            Version::P2shProgram => "p2sh-program",
        }
    }
}

/// Where verification of a rejected case must stop. An expected error alone could occur for another reason, so the
/// place is checked too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopsAt {
    /// Verification must stop at this opcode.
    Opcode(Opcode),
    /// Verification must stop in this phase, but not at an opcode.
    Phase(Phase),
}

impl StopsAt {
    fn is(self, location: Location) -> bool {
        match (self, location.position) {
            (StopsAt::Opcode(opcode), Some(position)) => position.opcode == opcode,
            (StopsAt::Phase(phase), None) => location.phase == phase,
            _ => false,
        }
    }
}

/// The verdict that a case about one input must get: valid, or rejected with this error at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    Reject(ScriptError, StopsAt),
}

/// Description of a case about one input: its script, its stack, its transaction, its flags. The case is created and
/// signed from this description.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) version: Version,
    pub(super) script: Script,
    pub(super) stack: Vec<Item>,
    pub(super) shape: Shape,
    pub(super) flags: Flags,
    /// Taproot internal key of the output. The output key is this key plus the tweak.
    pub(super) internal_key: Key,
    pub(super) leaf_version: u8,
    /// Merkle path of the tapscript leaf: the sibling hashes from the leaf to the root.
    pub(super) path: Vec<[u8; 32]>,
    pub(super) annex: Option<Vec<u8>>,
    /// First bytes of the scriptSig. The pushes that the kind of output requires are added after them.
    pub(super) script_sig: Vec<u8>,
    /// Changes to the complete and signed transaction. They are applied one after the other.
    pub(super) edits: Vec<Edit>,
}

/// A change of the complete and signed transaction. The function changes the verified input and its witness.
#[derive(Clone)]
pub(super) struct Edit(Rc<EditFn>);

type EditFn = dyn Fn(&mut Input, &mut Vec<Vec<u8>>);

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Edit")
    }
}

impl Spec {
    /// Describes an input that spends this script in this kind of output. The initial stack is empty, and the flags are
    /// the consensus flags.
    pub(super) fn new(version: Version, script: Script) -> Spec {
        Spec {
            version,
            script,
            stack: Vec::new(),
            shape: Shape::new(2, 2, 1),
            flags: Flags::CONSENSUS,
            internal_key: Key(0),
            leaf_version: LEAF_VERSION_TAPSCRIPT,
            path: Vec::new(),
            annex: None,
            script_sig: Vec::new(),
            edits: Vec::new(),
        }
    }

    /// Describes an input that spends this tapscript. The initial stack is empty, and the flags are the consensus
    /// flags.
    pub(super) fn tapscript(script: Script) -> Spec {
        Spec::new(Version::Tapscript, script)
    }

    /// Adds an item on top of the initial stack.
    pub(super) fn with(mut self, item: impl Into<Item>) -> Spec {
        self.stack.push(item.into());
        self
    }

    /// Adds these bytes as one element on top of the initial stack.
    pub(super) fn with_bytes(self, bytes: &[u8]) -> Spec {
        self.with(Item::Bytes(bytes.to_vec()))
    }

    /// Adds these flags, and the flags that they require, to the flags that the case is verified with.
    pub(super) fn under(mut self, flags: Flags) -> Spec {
        self.flags = (self.flags | flags).closure();
        self
    }

    /// Adds a change that is made when the transaction is complete and signed, for example to invalidate a commitment.
    pub(super) fn edited(mut self, edit: impl Fn(&mut Input, &mut Vec<Vec<u8>>) + 'static) -> Spec {
        self.edits.push(Edit(Rc::new(edit)));
        self
    }

    /// Removes these flags from the flags that the case is verified with.
    pub(super) fn without(mut self, flags: Flags) -> Spec {
        self.flags -= flags;
        self
    }

    /// Adds an annex so that the signature operation budget of the tapscript is exactly `weight`.
    pub(super) fn padded_to(mut self, weight: usize) -> Spec {
        self.annex = None;
        let mut shape = self.shape.clone();
        // An error in the spec is reported later, when its case is created.
        let witness = self.complete(&mut shape).unwrap_or_default();
        let missing = weight.saturating_sub(50 + bitcoin::Witness::from_slice(&witness).size());
        let length_size = if missing > 253 { 3 } else { 1 };
        self.annex = (missing > length_size)
            .then(|| [&[0x50], vec![0; missing - length_size - 1].as_slice()].concat());
        self
    }

    /// Creates the test case: creates and signs the transaction, and checks that the engine returns the expected
    /// verdict.
    pub(super) fn case(
        &self,
        comment: String,
        verdict: Verdict,
        extra: Map<String, Value>,
    ) -> Result<Case, String> {
        let mut case = self.unchecked_case(comment, verdict, extra)?;
        let spend = Spend::new(&case.tx, &case.prevouts).map_err(|error| error.to_string())?;
        let view = spend.view(self.shape.index).map_err(|error| error.to_string())?;
        let mut values = Values { view, values: Vec::new() };
        let result = spend.verify_input_with(self.shape.index, case.flags, &mut values).map(drop);
        match (verdict, &result) {
            (Verdict::Accept, Ok(())) => {}
            (Verdict::Reject(wanted, stop), Err(VerifyError::Script { error, location }))
                if *error == wanted && stop.is(*location) =>
            {
                case.extra.insert("stops_at".into(), location.to_string().into());
            }
            _ => return Err(format!("{verdict:?} expected, the engine says {result:?}")),
        }
        let values = values.values;
        if !values.is_empty() {
            case.extra.insert("values".into(), values.into());
        }
        Ok(case)
    }

    fn unchecked_case(
        &self,
        comment: String,
        verdict: Verdict,
        extra: Map<String, Value>,
    ) -> Result<Case, String> {
        let mut shape = self.shape.clone();
        let mut witness = self.complete(&mut shape)?;
        self.edits.iter().for_each(|Edit(edit)| edit(shape.own(), &mut witness));
        Ok(Case {
            id: None,
            comment,
            tx: shape.tx(&witness),
            subject: Subject::Input(shape.index),
            prevouts: shape.prevouts(),
            flags: self.flags,
            expect: match verdict {
                Verdict::Accept => Expect::Ok,
                Verdict::Reject(error, _) => Expect::Error(error),
            },
            extra,
        })
    }

    /// Fills in the scriptPubKey that the input spends and its scriptSig. Returns the witness of the input.
    fn complete(&self, shape: &mut Shape) -> Result<Vec<Vec<u8>>, String> {
        shape.own().script_sig = self.script_sig.clone();
        use Version::{Bare, KeyPath, P2sh, P2shP2wsh, P2shProgram, P2wsh, Program, Tapscript};
        let segwit = matches!(self.version, P2wsh | P2shP2wsh | Program | P2shProgram);
        // Items in the script are computed from the transaction before this prevout is filled in.
        let before = Maker {
            shape: &shape.clone(),
            annex: self.annex.as_deref(),
            leaf_hash: [0; 32],
            script_code: &[],
            segwit,
        };
        let script = self.script.build(|item| before.make(item))?;
        let sibling_root = |leaf| self.path.iter().fold(leaf, |node, sibling| branch_hash(&node, sibling));
        let leaf = leaf_hash(self.leaf_version, &script);
        let internal_key = self.internal_key.x_only();
        let root = (self.version == Version::Tapscript).then(|| sibling_root(leaf));
        let tweak = tweak_hash(&internal_key, root.as_ref());
        let (output_key, parity) = taptree::output_key(&internal_key, tweak)?;

        let witness_program = [&[0, 32], Sha256::digest(&script).as_slice()].concat();
        shape.own().script_pubkey = match self.version {
            Bare | Program => script.clone(),
            P2sh | P2shProgram => p2sh(&script),
            P2wsh => witness_program.clone(),
            P2shP2wsh => p2sh(&witness_program),
            Tapscript | KeyPath => taptree::output_script(&output_key).into_bytes(),
        };
        match self.version {
            P2shP2wsh => shape.own().script_sig.extend(minimal_push(&witness_program)),
            P2shProgram => shape.own().script_sig.extend(minimal_push(&script)),
            _ => {}
        }
        let maker = Maker {
            shape: &shape.clone(),
            annex: self.annex.as_deref(),
            leaf_hash: leaf,
            script_code: &script,
            segwit,
        };
        let key_path_tweak = if self.version == Version::KeyPath { Some(tweak) } else { None };
        let mut stack = Vec::new();
        for item in &self.stack {
            stack.push(maker.make_tweaked(item, key_path_tweak)?);
        }

        let pushes =
            |stack: &[Vec<u8>]| stack.iter().flat_map(|element| minimal_push(element)).collect::<Vec<u8>>();
        let own_script_sig = match self.version {
            Bare => pushes(&stack),
            P2sh => [pushes(&stack), minimal_push(&script)].concat(),
            _ => Vec::new(),
        };
        shape.own().script_sig.extend(own_script_sig);
        if matches!(self.version, Bare | P2sh) {
            return Ok(Vec::new());
        }
        if matches!(self.version, P2wsh | P2shP2wsh | Tapscript) {
            stack.push(script);
        }
        if self.version == Tapscript {
            stack.push(taptree::control_block(self.leaf_version, parity, &internal_key, &self.path));
        }
        stack.extend(self.annex.clone());
        Ok(stack)
    }
}

pub(super) fn p2sh(script: &[u8]) -> Vec<u8> {
    [
        &[Opcode::OP_HASH160.0, 20],
        hash160::Hash::hash(script).as_byte_array().as_slice(),
        &[Opcode::OP_EQUAL.0],
    ]
    .concat()
}
