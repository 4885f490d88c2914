//! Generation of mutants: random changes of inputs.

use bitcoin::absolute::LockTime;
use bitcoin::consensus::{deserialize, serialize};
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, TxOut, Witness};
use sigstack_interpreter::{FlagKind, Flags};
use sigstack_vectors::InputQuestion;

use crate::generator::Tapscripts;
use crate::oracle::edit::{edit_bytes, edit_script, edit_stack, pad_script};
use crate::oracle::layout::{Layout, Place};
use crate::oracle::limits::{multisig, to_limit};
use crate::oracle::sign::Signer;
use crate::oracle::steps::executes_tapscript;
use crate::random::Random;

/// The kind of change by which a mutant is made from an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Only the flags under which the input is verified are changed.
    Flags,
    /// Random bytes of the serialized transaction are changed.
    RawTransaction,
    /// Transaction fields, the amount of the prevout, or the index of the verified input are changed.
    Fields,
    /// Random bytes of the scriptSig, of a witness element or of the spent scriptPubKey are changed. Commitments are
    /// not recomputed.
    Bytes,
    /// One to three random changes are made to the initial stack.
    Stack,
    /// Instructions of the executed script are changed, and commitments to the script are recomputed.
    Script,
    /// Instructions without effect are inserted into the executed script, and commitments to the script are recomputed.
    Padding,
    /// Leaf version, Merkle path, internal key or annex of a tapscript are changed. The output and the control block
    /// are recomputed.
    Leaf,
    /// The script and its initial stack are moved to a randomly chosen kind of output, such as P2WSH.
    Moved,
    /// The script or the initial stack is extended to about the size of a limit, at most slightly beyond it.
    /// Commitments to the script are recomputed.
    Limits,
    /// Script and stack are replaced by a random OP_CHECKMULTISIG script and a matching stack, for a random kind of
    /// output.
    Multisig,
    /// Witness, scriptSig or prevout are taken from another vector, or the scripts of two vectors are concatenated.
    Spliced,
    /// One change of a kind in [`SIGNED`] is made. Then public keys are replaced by keys with known secrets, and the
    /// signatures are recomputed.
    Signed,
    /// Random tapscript that is not derived from a vector. Half of these tapscripts are changed afterwards.
    RandomTapscript,
}

/// The kinds of mutants, each with its relative frequency.
const WEIGHTS: &[(Kind, usize)] = &[
    (Kind::Flags, 6),
    (Kind::RawTransaction, 8),
    (Kind::Fields, 6),
    (Kind::Bytes, 10),
    (Kind::Stack, 10),
    (Kind::Script, 16),
    (Kind::Padding, 10),
    (Kind::Leaf, 4),
    (Kind::Moved, 10),
    (Kind::Limits, 6),
    (Kind::Multisig, 8),
    (Kind::Spliced, 8),
    (Kind::Signed, 14),
    (Kind::RandomTapscript, 8),
];

/// The kinds of change that [`Kind::Signed`] may make before the signatures are recomputed.
const SIGNED: &[Kind] = &[
    Kind::Padding,
    Kind::Padding,
    Kind::Script,
    Kind::Fields,
    Kind::Moved,
    Kind::Limits,
    Kind::Multisig,
    Kind::Multisig,
];

/// Generator of mutants: random changes of inputs from vector files.
pub(crate) struct Mutator<'a> {
    questions: &'a [InputQuestion],
    /// Positions in `questions` of the inputs that execute a tapscript.
    with_tapscript: Vec<usize>,
    random_tapscripts: Tapscripts,
    signer: Signer,
    seed: u64,
    /// Whether mutants get policy flags too, or only consensus flags.
    policy: bool,
}

impl<'a> Mutator<'a> {
    pub(crate) fn new(questions: &'a [InputQuestion], seed: u64) -> Mutator<'a> {
        let executes = |nth: &usize| {
            executes_tapscript(&InputQuestion { flags: Flags::CONSENSUS, ..questions[*nth].clone() })
        };
        let with_tapscript = (0..questions.len()).filter(executes).collect();
        let random_tapscripts = Tapscripts::new(seed);
        Mutator { questions, with_tapscript, random_tapscripts, signer: Signer::new(), seed, policy: false }
    }

    /// Makes the generator give mutants policy flags too, in addition to consensus flags.
    pub(crate) fn with_policy(self) -> Mutator<'a> {
        Mutator { policy: true, ..self }
    }

    /// Returns the mutant with this number, and the kind of change. The mutant is `None` if it does not decode or does
    /// not differ from its original. Its flags are a valid combination of consensus flags, and of policy flags too
    /// after [`Mutator::with_policy`].
    pub(crate) fn mutant(&self, number: u64) -> (Kind, Option<InputQuestion>) {
        let mut random = Random::new(self.seed, number);
        // One mutant in three is made from an input that executes a tapscript, because tapscripts have the most rules.
        let original = match random.once_in(3) && !self.with_tapscript.is_empty() {
            true => &self.questions[*random.pick(&self.with_tapscript)],
            false => random.pick(self.questions),
        };
        let mut question = original.clone();
        question.flags = match self.policy {
            true => draw_policy_flags(question.flags, &mut random),
            false => draw_flags(question.flags, &mut random),
        };
        let kind = draw_kind(&mut random);
        let decodes = match kind {
            Kind::Signed => {
                let change = *random.pick(SIGNED);
                let decodes = self.apply(change, &mut question, &mut random);
                let flags = question.flags;
                self.signer.sign(&mut question, flags, &mut random);
                decodes
            }
            kind => self.apply(kind, &mut question, &mut random),
        };
        (kind, Some(question).filter(|question| decodes && question != original))
    }

    /// Replaces the public keys of an input by keys with known secrets, and recomputes its signatures for the given
    /// flags. In half of the inputs, instructions without effect are inserted into the script first.
    pub(crate) fn signed(&self, number: u64, question: &InputQuestion, flags: Flags) -> InputQuestion {
        let mut random = Random::new(self.seed, number);
        let mut question = InputQuestion { flags, ..question.clone() };
        if random.once_in(2) {
            self.apply(Kind::Padding, &mut question, &mut random);
        }
        self.signer.sign(&mut question, flags, &mut random);
        question
    }

    /// Makes a change of the given kind to an input. Returns false if the changed transaction does not decode.
    fn apply(&self, kind: Kind, question: &mut InputQuestion, random: &mut Random) -> bool {
        match kind {
            Kind::Flags | Kind::Signed => {}
            Kind::RawTransaction => return edit_transaction(question, random),
            Kind::Fields => edit_fields(question, random),
            Kind::Bytes => edit_part(question, random),
            Kind::Spliced => splice(question, random.pick(self.questions), random),
            Kind::RandomTapscript => {
                let spend = self.random_tapscripts.spend(random.next());
                let flags = question.flags;
                *question =
                    InputQuestion { tx: spend.tx, prevouts: spend.prevouts, index: spend.index, flags };
                match random.below(6) {
                    0 => edit_layout(Kind::Stack, question, random),
                    1 => edit_layout(Kind::Script, question, random),
                    2 => {
                        edit_layout(Kind::Padding, question, random);
                        self.signer.sign(question, flags, random);
                    }
                    _ => {}
                }
            }
            Kind::Stack
            | Kind::Script
            | Kind::Padding
            | Kind::Leaf
            | Kind::Moved
            | Kind::Limits
            | Kind::Multisig => {
                edit_layout(kind, question, random);
            }
        }
        true
    }
}

fn draw_kind(random: &mut Random) -> Kind {
    let mut drawn = random.below(WEIGHTS.iter().map(|(_, weight)| weight).sum());
    for (kind, weight) in WEIGHTS {
        match drawn.checked_sub(*weight) {
            Some(rest) => drawn = rest,
            None => return *kind,
        }
    }
    Kind::Flags
}

/// Draws a random set of consensus flags for a mutant. Often it is the set of all consensus flags, sometimes the
/// consensus flags of the original input (`own`).
fn draw_flags(own: Flags, random: &mut Random) -> Flags {
    let flags = match random.below(8) {
        0..5 => Flags::CONSENSUS,
        5 => own & Flags::CONSENSUS,
        _ => any_consensus_flags(random),
    };
    (flags & Flags::CONSENSUS).closure()
}

/// Returns all flags that Bitcoin Core defines: the consensus flags and the policy flags.
pub(crate) fn core_flags() -> Flags {
    Flags::CONSENSUS | Flags::of_kind(FlagKind::Policy)
}

/// Draws a random set of flags that Core defines, with policy flags. Most sets contain few policy flags, because with
/// all of them most mutants fail at the first encoding rule.
pub(crate) fn draw_policy_flags(own: Flags, random: &mut Random) -> Flags {
    let some = |count: usize, random: &mut Random| -> Flags {
        let flags: Vec<Flags> = core_flags().iter().map(|info| info.flag).collect();
        (0..count).map(|_| *random.pick(&flags)).collect()
    };
    let flags = match random.below(8) {
        0 => core_flags(),
        1 => Flags::CONSENSUS,
        2 => own & core_flags(),
        3 => (own & core_flags()) | some(2, random),
        4 => Flags::CONSENSUS | some(1, random),
        5 => Flags::CONSENSUS | some(3, random),
        6 => core_flags() - some(4, random),
        _ => some(1 + random.below(20), random),
    };
    flags.closure()
}

/// Returns each input four times, with different flags: the consensus flags of its row, all consensus flags, and two
/// random sets of consensus flags.
pub(crate) fn under_consensus_flags(questions: &[InputQuestion], seed: u64) -> Vec<InputQuestion> {
    let sets = |(number, question): (usize, &InputQuestion)| {
        let mut random = Random::new(seed, number as u64);
        let own = (question.flags & Flags::CONSENSUS).closure();
        let flags =
            [own, Flags::CONSENSUS, any_consensus_flags(&mut random), any_consensus_flags(&mut random)];
        flags.map(|flags| InputQuestion { flags, ..question.clone() })
    };
    questions.iter().enumerate().flat_map(sets).collect()
}

/// Returns a random set of consensus flags, and adds the flags that these require.
fn any_consensus_flags(random: &mut Random) -> Flags {
    let bits = random.next();
    let drawn = Flags::CONSENSUS.iter().enumerate().filter(|(nth, _)| bits >> nth & 1 == 1);
    drawn.map(|(_, info)| info.flag).collect::<Flags>().closure()
}

fn edit_transaction(question: &mut InputQuestion, random: &mut Random) -> bool {
    let mut bytes = serialize(&question.tx);
    for _ in 0..1 + random.below(2) {
        edit_bytes(&mut bytes, random);
    }
    let Ok(tx) = deserialize(&bytes) else { return false };
    question.tx = tx;
    question.tx.input.len() == question.prevouts.len()
}

fn edit_fields(question: &mut InputQuestion, random: &mut Random) {
    const SEQUENCES: &[u32] = &[0, 1, 0xffff, 1 << 22, 1 << 31, u32::MAX - 1, u32::MAX];
    const LOCK_TIMES: &[u32] = &[0, 1, 100, 499_999_999, 500_000_000, u32::MAX];
    let index = question.index;
    let tx = &mut question.tx;
    match random.below(8) {
        0 => tx.version = Version(*random.pick(&[0, 1, 2, 3, -1, i32::MIN])),
        1 => tx.lock_time = LockTime::from_consensus(*random.pick(LOCK_TIMES)),
        2 => tx.input[index].sequence = Sequence(*random.pick(SEQUENCES)),
        3 => tx.input[index].previous_output.vout ^= 1 << random.below(32),
        4 => question.prevouts[index].value = Amount::from_sat(random.next() >> random.below(64)),
        5 => drop(tx.output.pop()),
        6 => tx
            .output
            .push(TxOut { value: Amount::from_sat(random.next() >> 16), script_pubkey: ScriptBuf::new() }),
        _ => {
            question.index = random.below(tx.input.len());
        }
    }
}

fn edit_part(question: &mut InputQuestion, random: &mut Random) {
    let index = question.index;
    let input = &mut question.tx.input[index];
    match random.below(3) {
        0 if !input.script_sig.is_empty() => {
            let mut bytes = input.script_sig.to_bytes();
            edit_bytes(&mut bytes, random);
            input.script_sig = ScriptBuf::from(bytes);
        }
        0 | 1 if !input.witness.is_empty() => {
            let mut witness = input.witness.to_vec();
            let at = random.below(witness.len());
            edit_bytes(&mut witness[at], random);
            input.witness = Witness::from_slice(&witness);
        }
        _ => {
            let mut bytes = question.prevouts[index].script_pubkey.to_bytes();
            edit_bytes(&mut bytes, random);
            question.prevouts[index].script_pubkey = ScriptBuf::from(bytes);
        }
    }
}

/// Replaces parts of an input by parts of another vector's input. If scripts or stacks are exchanged, the commitments
/// are recomputed.
fn splice(question: &mut InputQuestion, other: &InputQuestion, random: &mut Random) {
    let (index, other_input) = (question.index, &other.tx.input[other.index]);
    let input = &mut question.tx.input[index];
    let element = |random: &mut Random| {
        let elements = other_input.witness.to_vec();
        if elements.is_empty() { vec![] } else { random.pick(&elements).clone() }
    };
    match random.below(8) {
        0 => input.witness.clone_from(&other_input.witness),
        1 => input.witness.push(element(random)),
        2 => {
            let mut elements = input.witness.to_vec();
            elements.truncate(random.below(elements.len() + 1));
            let others = other_input.witness.to_vec();
            elements.extend(others.into_iter().skip(random.below(3)));
            input.witness = Witness::from_slice(&elements);
        }
        3 => input.script_sig.clone_from(&other_input.script_sig),
        4 => question.prevouts[index].script_pubkey.clone_from(&other.prevouts[other.index].script_pubkey),
        5 => {
            input.script_sig.clone_from(&other_input.script_sig);
            input.witness.clone_from(&other_input.witness);
            question.prevouts[index].clone_from(&other.prevouts[other.index]);
        }
        kind => {
            if let (Some(mut layout), Some(other)) = (Layout::read(question), Layout::read(other)) {
                match kind {
                    6 => layout.stack = other.stack,
                    _ => {
                        layout.script = [layout.script, other.script].concat();
                        layout.stack = [other.stack, layout.stack].concat();
                    }
                }
                layout.write(question);
            }
        }
    }
}

/// Changes the script, the stack or the output kind of an input, and recomputes the commitments to the script. If the
/// input has no known script, changes some bytes of it instead.
fn edit_layout(kind: Kind, question: &mut InputQuestion, random: &mut Random) {
    let Some(mut layout) = Layout::read(question) else { return edit_part(question, random) };
    let whole = matches!(kind, Kind::Limits | Kind::Multisig);
    let times = if whole { 1 } else { 1 + random.below(3) };
    for _ in 0..times {
        match kind {
            Kind::Limits => to_limit(&mut layout, random),
            Kind::Multisig => multisig(&mut layout, random),
            Kind::Stack => edit_stack(&mut layout.stack, random),
            Kind::Script => edit_script(&mut layout.script, random),
            Kind::Padding => pad_script(&mut layout.script, random),
            Kind::Leaf => edit_leaf(&mut layout, random),
            _ => move_script(&mut layout, random),
        }
    }
    // Adds a second fault to the first one.
    if whole && random.once_in(3) {
        edit_script(&mut layout.script, random);
        edit_stack(&mut layout.stack, random);
    }
    layout.write(question);
}

fn edit_leaf(layout: &mut Layout, random: &mut Random) {
    let leaf = &mut layout.leaf;
    match random.below(6) {
        0 => leaf.version = random.byte() & 0xfe,
        1 => leaf.internal_key = random.bytes(32).try_into().unwrap(),
        2 => drop(leaf.path.pop()),
        3 => leaf.path.push(random.bytes(32).try_into().unwrap()),
        4 => layout.annex = None,
        _ => {
            let length = random.below(60);
            layout.annex = Some([vec![0x50], random.bytes(length)].concat());
        }
    }
}

/// Moves the script to a random kind of output, which may be the same as before. Tapscript is twice as likely as any
/// other.
fn move_script(layout: &mut Layout, random: &mut Random) {
    const PLACES: &[Place] =
        &[Place::Tapscript, Place::Tapscript, Place::Bare, Place::P2sh, Place::P2wsh, Place::P2shP2wsh];
    layout.place = *random.pick(PLACES);
}
