//! Functions that build the cases of a rule: a valid input, and variants of this input that violate the rule.

use sigstack_interpreter::{Flags, Opcode, Phase, ScriptError, script_num};

use crate::group::{Accepted, Group, Rule};
use crate::item::Item;
use crate::script::Script;
use crate::shape::Shape;
use crate::spec::{Spec, StopsAt, Verdict, Version};

/// The script versions before tapscript.
pub(super) const EARLIER: &[Version] = &[Version::Bare, Version::P2sh, Version::P2wsh, Version::P2shP2wsh];

/// The script versions before segwit.
pub(super) const LEGACY: &[Version] = &[Version::Bare, Version::P2sh];

/// The script versions of segwit v0.
pub(super) const WITNESS_V0: &[Version] = &[Version::P2wsh, Version::P2shP2wsh];

/// The kinds of output that execute a script, such as P2WSH.
pub(super) const EVERY: &[Version] = Version::SCRIPTS;

/// Assembles a script from the notation of Core's test files.
pub(super) fn asm(text: &str) -> Script {
    Script::new().asm(text)
}

/// Parses the elements of a stack from text. A decimal number becomes its script number encoding, `0x` and hex digits
/// become bytes. `0x` alone is the empty element.
pub(super) fn elements(text: &str) -> Vec<Item> {
    let element = |word: &str| match (word.strip_prefix("0x"), word.parse()) {
        // A word that cannot be parsed gives an element that no case expects, so the generator fails.
        (Some(digits), _) => hex::decode(digits).unwrap_or_else(|_| b"wrong hex".to_vec()),
        (None, Ok(number)) => script_num::encode(number).as_bytes().to_vec(),
        (None, Err(_)) => b"wrong word".to_vec(),
    };
    text.split_whitespace().map(|word| Item::Bytes(element(word))).collect()
}

/// Describes an input that spends a script, in a transaction with one input and one output. `stack` lists the initial
/// stack as text, bottom first.
pub(super) fn spend(version: Version, script: Script, stack: &str) -> Spec {
    let mut shape = Shape::new(1, 1, 0);
    shape.outputs.iter_mut().for_each(|(_, script)| *script = vec![Opcode::OP_1.0]);
    Spec { shape, stack: elements(stack), ..Spec::new(version, script) }
}

/// Describes an input that spends a script. `stack` lists the initial stack, bottom first; its items may be signatures
/// of the transaction.
pub(super) fn signed(version: Version, script: Script, stack: &[Item]) -> Spec {
    Spec { stack: stack.to_vec(), ..spend(version, script, "") }
}

/// Creates an item of bytes that do not depend on the transaction.
pub(super) fn bytes(bytes: &[u8]) -> Item {
    Item::Bytes(bytes.to_vec())
}

/// Returns the phase of verification that executes the script of this kind of output.
pub(super) fn phase(version: Version) -> Phase {
    match version {
        Version::Bare => Phase::ScriptPubKey,
        Version::P2sh => Phase::RedeemScript,
        Version::P2wsh | Version::P2shP2wsh => Phase::WitnessScript,
        Version::Tapscript => Phase::Tapscript,
        Version::KeyPath => Phase::KeyPath,
        Version::Program | Version::P2shProgram => Phase::WitnessProgram,
    }
}

/// Returns the expected verdict that verification fails at this opcode with this error.
pub(super) fn at(opcode: Opcode, error: ScriptError) -> Verdict {
    Verdict::Reject(error, StopsAt::Opcode(opcode))
}

/// Returns the expected verdict that verification fails in this phase with this error, but not at an opcode.
pub(super) fn in_phase(phase: Phase, error: ScriptError) -> Verdict {
    Verdict::Reject(error, StopsAt::Phase(phase))
}

/// A valid case to be created for several script versions. Rejected cases are derived from it.
#[derive(Clone, Copy)]
pub(super) struct Good<'a> {
    /// Id of the valid case, without the name of the script version.
    pub(super) slug: &'a str,
    pub(super) rule: &'static Rule,
    pub(super) comment: &'a str,
    /// The initial stack as text, bottom first: decimal numbers, or bytes as `0x` and hex digits.
    pub(super) stack: &'a str,
    /// The script in the assembly of Core's test files.
    pub(super) script: &'a str,
    /// Flags under which the cases are verified, in addition to the consensus flags.
    pub(super) flags: Flags,
}

/// How a rejected case differs from the valid case that it is derived from.
#[derive(Clone, Copy)]
pub(super) enum Change<'a> {
    Stack(&'a str),
    Script(&'a str),
    Under(Flags),
}

/// Where a rejected case fails: at an opcode, or not at an opcode.
#[derive(Clone, Copy)]
pub(super) enum At {
    Op(Opcode),
    /// The script fails in the phase of verification that executes it, but not at an opcode. An example is a script
    /// that leaves false.
    Script,
}

/// A rejected case to be derived from a valid case by changing the stack, the script or the flags.
#[derive(Clone, Copy)]
pub(super) struct Bad<'a> {
    /// Suffix of the rejected case's id. It is appended to the id of the valid case.
    pub(super) slug: &'a str,
    /// Words that say how the rejected case differs from the valid case. The comment of the rejected case is "as …, but
    /// …", and these words follow "but".
    pub(super) differs: &'a str,
    pub(super) change: Change<'a>,
    pub(super) error: ScriptError,
    pub(super) at: At,
}

/// Describes a rejected case that fails at an opcode. It differs from a valid case by `change`.
pub(super) fn bad<'a>(
    slug: &'a str,
    differs: &'a str,
    change: Change<'a>,
    error: ScriptError,
    opcode: Opcode,
) -> Bad<'a> {
    Bad { slug, differs, change, error, at: At::Op(opcode) }
}

/// Describes a rejected case that fails in the phase that executes the script, but not at an opcode. An example is a
/// script that leaves false.
pub(super) fn bad_end<'a>(
    slug: &'a str,
    differs: &'a str,
    change: Change<'a>,
    error: ScriptError,
) -> Bad<'a> {
    Bad { slug, differs, change, error, at: At::Script }
}

/// Adds a valid case, and the rejected cases that are derived from it, once for each of these kinds of output.
pub(super) fn twins(group: &mut Group, versions: &[Version], good: Good<'_>, bad: &[Bad<'_>]) {
    for version in versions {
        let spec = spend(*version, asm(good.script), good.stack).under(good.flags);
        let base = accept(group, *version, good.slug, good.rule, good.comment, spec);
        for bad in bad {
            let slug = format!("{}-{}", good.slug, bad.slug);
            let stop = match bad.at {
                At::Op(opcode) => StopsAt::Opcode(opcode),
                At::Script => StopsAt::Phase(phase(*version)),
            };
            let verdict = Verdict::Reject(bad.error, stop);
            let change = |spec: &mut Spec| match bad.change {
                Change::Stack(stack) => spec.stack = elements(stack),
                Change::Script(script) => spec.script = asm(script),
                Change::Under(flags) => spec.flags = (spec.flags | flags).closure(),
            };
            reject(group, *version, &base, &slug, good.rule, bad.differs, change, verdict);
        }
    }
}

/// Adds a case that must be accepted, and puts the name of the script version before its id.
pub(super) fn accept(
    group: &mut Group,
    version: Version,
    slug: &str,
    rule: &'static Rule,
    comment: &str,
    spec: Spec,
) -> Accepted {
    group.accept(&format!("{}-{slug}", version.slug()), rule, comment, spec)
}

/// Adds a case that must be rejected, and puts the name of the script version before its id. `change` makes a copy of
/// the valid base case invalid.
#[allow(clippy::too_many_arguments, reason = "a case has as many parts")]
pub(super) fn reject(
    group: &mut Group,
    version: Version,
    twin: &Accepted,
    slug: &str,
    rule: &'static Rule,
    differs: &str,
    change: impl FnOnce(&mut Spec),
    verdict: Verdict,
) {
    group.reject(twin, &format!("{}-{slug}", version.slug()), rule, differs, change, verdict);
}
