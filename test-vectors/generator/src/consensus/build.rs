//! How the cases of a rule are written down: an accepted spend, and what is changed in it to break the rule.

use sigstack_interpreter::{Flags, Opcode, Phase, ScriptError, script_num};

use crate::group::{Accepted, Group, Rule};
use crate::item::Item;
use crate::script::Script;
use crate::shape::Shape;
use crate::spec::{Spec, StopsAt, Verdict, Version};

/// The script versions before tapscript.
pub(super) const EARLIER: &[Version] = &[Version::Bare, Version::P2sh, Version::P2wsh, Version::P2shP2wsh];

/// The script versions of before segwit.
pub(super) const LEGACY: &[Version] = &[Version::Bare, Version::P2sh];

/// Segwit v0.
pub(super) const WITNESS_V0: &[Version] = &[Version::P2wsh, Version::P2shP2wsh];

/// Every script version.
pub(super) const EVERY: &[Version] = Version::SCRIPTS;

/// A script in the assembly of Core's test files.
pub(super) fn asm(text: &str) -> Script {
    Script::new().asm(text)
}

/// The elements that words stand for: decimal numbers, bytes after `0x` (nothing after it: the empty element).
pub(super) fn elements(text: &str) -> Vec<Item> {
    let element = |word: &str| match (word.strip_prefix("0x"), word.parse()) {
        // A word that is neither makes an element that no case expects.
        (Some(digits), _) => hex::decode(digits).unwrap_or_else(|_| b"wrong hex".to_vec()),
        (None, Ok(number)) => script_num::encode(number).as_bytes().to_vec(),
        (None, Err(_)) => b"wrong word".to_vec(),
    };
    text.split_whitespace().map(|word| Item::Bytes(element(word))).collect()
}

/// A spend of a script with elements on the stack, in a transaction of one input and one output.
pub(super) fn spend(version: Version, script: Script, stack: &str) -> Spec {
    let mut shape = Shape::new(1, 1, 0);
    shape.outputs.iter_mut().for_each(|(_, script)| *script = vec![Opcode::OP_1.0]);
    Spec { shape, stack: elements(stack), ..Spec::new(version, script) }
}

/// A spend of a script with items on the stack.
pub(super) fn signed(version: Version, script: Script, stack: &[Item]) -> Spec {
    Spec { stack: stack.to_vec(), ..spend(version, script, "") }
}

/// An element.
pub(super) fn bytes(bytes: &[u8]) -> Item {
    Item::Bytes(bytes.to_vec())
}

/// The part of verification that runs the script of a version.
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

/// Rejected at an opcode.
pub(super) fn at(opcode: Opcode, error: ScriptError) -> Verdict {
    Verdict::Reject(error, StopsAt::Opcode(opcode))
}

/// Rejected in a part of verification, at no opcode.
pub(super) fn in_phase(phase: Phase, error: ScriptError) -> Verdict {
    Verdict::Reject(error, StopsAt::Phase(phase))
}

/// An accepted spend of a script, in more than one version.
#[derive(Clone, Copy)]
pub(super) struct Good<'a> {
    /// The id, without the version.
    pub(super) slug: &'a str,
    pub(super) rule: &'static Rule,
    pub(super) comment: &'a str,
    /// The elements on the stack, in words.
    pub(super) stack: &'a str,
    /// The script, in assembly.
    pub(super) script: &'a str,
    /// The flags beside those of the consensus.
    pub(super) flags: Flags,
}

/// The one thing that differs.
#[derive(Clone, Copy)]
pub(super) enum Change<'a> {
    Stack(&'a str),
    Script(&'a str),
    Under(Flags),
}

/// Where a script stops.
#[derive(Clone, Copy)]
pub(super) enum At {
    Op(Opcode),
    /// In the part of verification that runs the script, at no opcode.
    Script,
}

/// A spend that differs from an accepted one in one thing and is rejected.
#[derive(Clone, Copy)]
pub(super) struct Bad<'a> {
    /// What follows the id of the accepted one.
    pub(super) slug: &'a str,
    /// What differs, in words: "as …, but …".
    pub(super) differs: &'a str,
    pub(super) change: Change<'a>,
    pub(super) error: ScriptError,
    pub(super) at: At,
}

/// A change that makes an accepted spend fail at an opcode.
pub(super) fn bad<'a>(
    slug: &'a str,
    differs: &'a str,
    change: Change<'a>,
    error: ScriptError,
    opcode: Opcode,
) -> Bad<'a> {
    Bad { slug, differs, change, error, at: At::Op(opcode) }
}

/// A change that makes an accepted spend fail at the end of the script.
pub(super) fn bad_end<'a>(
    slug: &'a str,
    differs: &'a str,
    change: Change<'a>,
    error: ScriptError,
) -> Bad<'a> {
    Bad { slug, differs, change, error, at: At::Script }
}

/// Adds an accepted spend and its rejected twins in each of these versions.
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

/// Adds an accepted case of a version.
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

/// Adds a rejected case of a version.
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
