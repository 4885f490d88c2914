//! Workloads of tapscripts without signature checks: stack operations, arithmetic, branches and hashes. Their names
//! begin with g0 to g12, as in the measurements for the engine's design.

use sigstack_interpreter::Flags;

use crate::keys::Keys;
use crate::lock::{Item, Lock, Tapscript};
use crate::script::{push, repeat, script};
use crate::spends::pay;
use crate::workload::Workload;

const VARIANTS: usize = 4;

/// The part of the engine that a script workload uses most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only the fixed cost of a script path spend. The script does nothing else.
    Fixed,
    /// Opcodes for stack operations, numbers and branches take most of the time.
    Engine,
    /// Hash functions take most of the time. The performance goals cover the workloads with HASH256, SHA256 and SHA1.
    Hash,
}

fn workload(name: &str, stack: &[usize], build: impl Fn(&mut Keys) -> Vec<u8>) -> Workload {
    Workload::new(name, Flags::CONSENSUS, VARIANTS, |variant| {
        let mut keys = Keys::of(name, variant);
        let script = build(&mut keys);
        let element = |keys: &mut Keys, size: usize| {
            Item::Bytes(keys.bytes().iter().copied().cycle().take(size).collect())
        };
        let stack = stack.iter().map(|size| element(&mut keys, *size)).collect();
        let leaf = Tapscript::new(&mut keys, script, stack);
        pay(&mut keys, &[Lock::Leaf(leaf)])
    })
}

/// Returns a script that consists of `before`, then `count` repetitions of `body`, then `after`.
fn around(before: &str, body: &str, count: usize, after: &str) -> Vec<u8> {
    [script(before), repeat(body, count), script(after)].concat()
}

/// Returns all workloads of tapscripts without signature checks, with the part of the engine that each uses most.
pub fn all() -> Vec<(Kind, Workload)> {
    let deep =
        |op: &str| around(&"1 ".repeat(985), &format!("0xd403 {op} DROP"), 1_900, &"2DROP ".repeat(492));
    let rolling = around(&"1 ".repeat(985), "0xd403 ROLL", 1_900, &"2DROP ".repeat(492));
    let mix = "SWAP ROT OVER TUCK TOALTSTACK FROMALTSTACK 2DROP";
    let numbers = "DUP 1ADD OVER SUB 2DUP MIN MAX NEGATE ABS ADD NOT DROP 1 2 5 WITHIN DROP 7";
    vec![
        (Kind::Fixed, workload("g0-fixed", &[], |_| script("1"))),
        (Kind::Hash, workload("g1-hash256-32", &[32], |_| around("", "DUP HASH256 DROP", 3_413, "DROP 1"))),
        (Kind::Engine, workload("g2-add", &[], |_| around("0", "1 ADD", 5_000, ""))),
        (Kind::Engine, workload("g3-pick-980", &[], move |_| deep("PICK"))),
        (Kind::Engine, workload("g4-roll-980", &[], move |_| rolling.clone())),
        (Kind::Hash, workload("g5a-sha256-520", &[520], |_| around("", "DUP SHA256 DROP", 3_413, "DROP 1"))),
        (
            Kind::Hash,
            workload("g5b-ripemd160-520", &[520], |_| around("", "DUP RIPEMD160 DROP", 3_413, "DROP 1")),
        ),
        (Kind::Hash, workload("g5c-sha1-520", &[520], |_| around("", "DUP SHA1 DROP", 3_413, "DROP 1"))),
        (Kind::Engine, workload("g6-dup-drop-520", &[520], |_| around("", "DUP DROP", 5_000, "DROP 1"))),
        (Kind::Engine, workload("g7-dup-drop-32", &[32], |_| around("", "DUP DROP", 5_000, "DROP 1"))),
        (Kind::Engine, workload("g8-nop", &[], |_| around("", "NOP", 10_000, "1"))),
        (Kind::Engine, workload("g9-if-endif", &[], |_| around("", "1 IF ENDIF", 3_333, "1"))),
        (
            Kind::Engine,
            workload("g10-push-drop-32", &[], |keys| {
                let mut pushes = Vec::new();
                for _ in 0..300 {
                    push(&mut pushes, &keys.bytes());
                    pushes.extend(script("DROP"));
                }
                pushes.extend(script("1"));
                pushes
            }),
        ),
        (Kind::Engine, workload("g11-stack-mix", &[], move |_| around("1 2 3", mix, 1_400, "2DROP DROP 1"))),
        (Kind::Engine, workload("g12-number-mix", &[], move |_| around("3", numbers, 500, "DROP 1"))),
    ]
}
