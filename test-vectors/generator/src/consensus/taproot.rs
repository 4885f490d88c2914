//! Cases of taproot script path spends: the control block, the commitment, leaf versions, the annex.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, Opcode as Op, Phase, ScriptError};

use super::build::{accept, asm, at, in_phase, reject, spend};
use crate::group::{Group, Rule};
use crate::keys::{OFF_CURVE, digest_of};
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;

const SIZE: Rule = Rule {
    source: "BIP 341, Script validation rules",
    text: "a control block has 33 bytes and 0 to 128 times 32 more",
    only: None,
};
const COMMITMENT: Rule = Rule {
    source: "BIP 341, Script validation rules",
    text: "leaf version, script, path, internal key and parity are those that the output key commits to",
    only: None,
};
const LEAF_VERSION: Rule = Rule {
    source: "BIP 341, Script validation rules",
    text: "leaves of other versions than 0xc0 succeed; policy refuses them",
    only: None,
};
const ANNEX: Rule = Rule {
    source: "BIP 341, Script validation rules",
    text: "of two or more elements a last one that begins with 0x50 is the annex and no part of the rest",
    only: None,
};
const EMPTY: Rule =
    Rule { source: "BIP 341, Script validation rules", text: "the witness is not empty", only: None };
const INACTIVE: Rule = Rule {
    source: "BIP 341, Deployment",
    text: "before taproot version 1 programs were anyone's to spend",
    only: None,
};

const VERSION: Version = Version::Tapscript;

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("taproot");
    sizes(&mut group);
    commitment(&mut group);
    leaf_versions(&mut group);
    annex(&mut group);
    let base = accept(&mut group, VERSION, "witness", &EMPTY, "a script and a control block", leaf("1"));
    let change = |spec: &mut Spec| *spec = spec.clone().edited(|_, witness| witness.clear());
    let verdict = in_phase(Phase::WitnessProgram, ScriptError::WitnessProgramWitnessEmpty);
    reject(&mut group, VERSION, &base, "witness-empty", &EMPTY, "the witness is empty", change, verdict);
    let spec = leaf("1 RETURN").without(Flags::TAPROOT);
    let comment = "a leaf that would fail, before taproot";
    let base = accept(&mut group, VERSION, "inactive", &INACTIVE, comment, spec);
    let change = |spec: &mut Spec| spec.flags |= Flags::TAPROOT;
    let verdict = at(Op::OP_RETURN, ScriptError::OpReturn);
    reject(&mut group, VERSION, &base, "inactive-active", &INACTIVE, "taproot is active", change, verdict);
    group.finish()
}

fn leaf(script: &str) -> Spec {
    spend(VERSION, asm(script), "")
}

/// Returns a Merkle path of `nodes` fixed sibling hashes.
fn path(nodes: usize) -> Vec<[u8; 32]> {
    (0..nodes).map(|nth| digest_of(&format!("sibling {nth}"))).collect()
}

/// Returns a copy of a tapscript case with a changed control block, which is the last witness element.
fn with_control_block(spec: &Spec, edit: impl Fn(&mut Vec<u8>) + 'static) -> Spec {
    spec.clone().edited(move |_, witness| witness.iter_mut().last().into_iter().for_each(&edit))
}

fn sizes(group: &mut Group) {
    let wrong = in_phase(Phase::TaprootCommitment, ScriptError::TaprootWrongControlSize);
    for nodes in [0, 1, 2, 127, 128] {
        let spec = Spec { path: path(nodes), ..leaf("1") };
        let id = format!("path-{nodes}");
        let comment = format!("a path of {nodes} siblings");
        let base = accept(group, VERSION, &id, &SIZE, &comment, spec);
        let longer = |spec: &mut Spec| *spec = with_control_block(spec, |block| block.push(0));
        reject(group, VERSION, &base, &format!("{id}-more"), &SIZE, "there is a byte more", longer, wrong);
        if nodes == 128 {
            let change = |spec: &mut Spec| spec.path = path(129);
            reject(group, VERSION, &base, "path-129", &SIZE, "there are 129", change, wrong);
        }
        if nodes == 0 {
            // For longer paths, control blocks that lack a byte are tested in boundaries_taproot.rs.
            let shorter = |spec: &mut Spec| *spec = with_control_block(spec, |block| _ = block.pop());
            let differs = "there is a byte less";
            reject(group, VERSION, &base, "path-0-less", &SIZE, differs, shorter, wrong);
            let change = |spec: &mut Spec| *spec = with_control_block(spec, Vec::clear);
            let differs = "the control block is empty";
            reject(group, VERSION, &base, "control-block-empty", &SIZE, differs, change, wrong);
        }
    }
}

type EditBytes = fn(&mut Vec<u8>);

fn commitment(group: &mut Group) {
    let spec = Spec { path: path(2), ..leaf("1") };
    let base = accept(group, VERSION, "commitment", &COMMITMENT, "a leaf of three", spec);
    let mismatch = in_phase(Phase::TaprootCommitment, ScriptError::WitnessProgramMismatch);
    let rows: [(&str, &str, EditBytes); 6] = [
        ("parity", "the parity is the other one", |block| block[0] ^= 1),
        ("leaf-version", "the leaf version is 0xc2", |block| block[0] ^= 2),
        ("internal-key", "the internal key is not on the curve", |block| {
            block[1..33].copy_from_slice(&OFF_CURVE)
        }),
        ("sibling", "a bit of the first sibling is flipped", |block| block[33] ^= 1),
        ("last-sibling", "a bit of the last sibling is flipped", |block| block[96] ^= 1),
        ("order", "the siblings have changed places", |block| block[33..].rotate_left(32)),
    ];
    for (slug, differs, edit) in rows {
        let id = format!("commitment-{slug}");
        let change = |spec: &mut Spec| *spec = with_control_block(spec, edit);
        reject(group, VERSION, &base, &id, &COMMITMENT, differs, change, mismatch);
    }
    let change = |spec: &mut Spec| *spec = spec.clone().edited(|_, witness| witness[0] = vec![0x52]);
    let differs = "the script is another one";
    reject(group, VERSION, &base, "commitment-script", &COMMITMENT, differs, change, mismatch);
    let change = |spec: &mut Spec| {
        *spec = spec.clone().edited(|input, _| input.script_pubkey.splice(2.., OFF_CURVE).for_each(drop));
    };
    let differs = "the output key is not on the curve";
    reject(group, VERSION, &base, "commitment-output-key", &COMMITMENT, differs, change, mismatch);
}

fn leaf_versions(group: &mut Group) {
    // Any even number is a possible leaf version, except 0x50, which marks an annex.
    for leaf_version in [0x00, 0x02, 0x52, 0x66, 0xbe, 0xc2, 0xfe] {
        let spec = Spec { leaf_version, ..leaf("1 RETURN") };
        let id = format!("leaf-{leaf_version:02x}");
        let comment = format!("a leaf of version {leaf_version:#04x} that would fail as a tapscript");
        let base = accept(group, VERSION, &id, &LEAF_VERSION, &comment, spec);
        let change = |spec: &mut Spec| spec.flags |= Flags::DISCOURAGE_UPGRADABLE_TAPROOT_VERSION;
        let verdict = in_phase(Phase::TaprootCommitment, ScriptError::DiscourageUpgradableTaprootVersion);
        let id = format!("{id}-refused");
        reject(group, VERSION, &base, &id, &LEAF_VERSION, "policy refuses it", change, verdict);
        if leaf_version == 0xc2 {
            let change = |spec: &mut Spec| spec.leaf_version = 0xc0;
            let verdict = at(Op::OP_RETURN, ScriptError::OpReturn);
            reject(group, VERSION, &base, "leaf-c0", &LEAF_VERSION, "its version is 0xc0", change, verdict);
        }
    }
}

fn annex(group: &mut Group) {
    for (slug, annex) in [("short", vec![0x50]), ("long", [&[0x50][..], &[1; 600]].concat())] {
        let id = format!("annex-{slug}");
        let comment = format!("an annex of {} bytes", annex.len());
        let spec = Spec { annex: Some(annex), ..leaf("DEPTH NOT") };
        let base = accept(group, VERSION, &id, &ANNEX, &comment, spec);
        let change = |spec: &mut Spec| {
            *spec = spec.clone().edited(|_, witness| {
                witness.iter_mut().last().into_iter().for_each(|last| last[0] = 0x51);
            });
        };
        let verdict = in_phase(Phase::TaprootCommitment, ScriptError::TaprootWrongControlSize);
        let differs = "it begins with 0x51: it is the control block then";
        reject(group, VERSION, &base, &format!("{id}-51"), &ANNEX, differs, change, verdict);
        let change = |spec: &mut Spec| *spec = spec.clone().edited(|_, witness| witness.push(vec![0x50]));
        let differs = "there are two, of which only the last is one";
        reject(group, VERSION, &base, &format!("{id}-two"), &ANNEX, differs, change, verdict);
    }
    // The last element is an annex. Without the annex a single element is left, so this is a key path spend.
    let base = accept(group, VERSION, "annex-script", &ANNEX, "a script and a control block", leaf("1"));
    let change = |spec: &mut Spec| {
        *spec = spec.clone().edited(|_, witness| *witness = vec![vec![0x51], vec![0x50]]);
    };
    let verdict = in_phase(Phase::KeyPath, ScriptError::SchnorrSigSize);
    let differs = "an annex stands in the place of the control block: the script is a signature then";
    reject(group, VERSION, &base, "annex-key-path", &ANNEX, differs, change, verdict);
}
