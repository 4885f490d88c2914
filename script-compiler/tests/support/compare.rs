//! Compares this compiler with rust-miniscript's taproot compiler, on policies that both languages can express.

use sigstack_interpreter::taproot::NUMS_KEY;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use bitcoin::hashes::Hash;
use bitcoin::taproot::Signature;
use bitcoin::{TapLeafHash, XOnlyPublicKey, absolute, relative};
use miniscript::policy::{Concrete, Liftable, Semantic};
use miniscript::{Descriptor, Preimage32, Satisfier, hash256};
use sigstack_compiler::policy::HashFn;
use sigstack_compiler::{Atom, Compiled, Path, Reason, Set, compile, minimal, parse, paths};

use super::generate::Generator;
use super::{World, held_set};

/// Policies from rust-miniscript's own tests (miniscript 13, CC0), with names for their keys, and from its compiler's
/// documentation. Policies that its taproot compiler refuses are left out.
pub const MINISCRIPT_POLICIES: &[&str] = &[
    "pk(A)",
    "and(pk(A),pk(B))",
    "or(pk(A),pk(B))",
    "or(99@pk(X),1@pk(Y))",
    "or(1@and(pk(A),pk(B)),127@pk(C))",
    "and(pk(X),or(99@pk(Y),1@older(12960)))",
    "and(pk(C),older(12960))",
    "and(pk(Alice),older(100))",
    "and(and(or(2@pk(I),1@pk(J)),or(1@pk(K),20@pk(L))),pk(M))",
    "and(older(10000),thresh(2,pk(A),pk(B),pk(C)))",
    "and(older(4096),thresh(2,pk(A),pk(B),pk(C)))",
    "or(and(pk(A),pk(B)),and(pk(C),pk(D)))",
    "or(and(pk(A),pk(B)),pk(C))",
    "or(pk(Alice),and(pk(Judge),pk(Bob)))",
    "or(and(pk(Alice),older(100)),and(pk(Bob),sha256(H)))",
    "or(thresh(1,pk(A),pk(B)),pk(C))",
    "thresh(2,pk(A),pk(B),pk(C))",
    "thresh(1,pk(A),pk(B),pk(C),pk(D))",
    "thresh(2,pk(A),pk(B),pk(C),pk(D))",
    "thresh(3,pk(A),pk(B),pk(C),pk(D))",
    "thresh(4,pk(A),pk(B),pk(C),pk(D))",
    "thresh(3,pk(A),pk(B),pk(C),pk(D),pk(E))",
    "thresh(3,pk(F),pk(G),pk(H))",
    "thresh(2,pk(Alice),pk(Bob),pk(Judge))",
    "thresh(7,pk(A),pk(B),pk(C),pk(D),pk(E),pk(F),pk(G),pk(H))",
    "thresh(11,pk(F1),pk(F2),pk(F3),pk(F4),pk(F5),pk(F6),pk(F7),pk(F8),pk(F9),pk(F10),pk(F11),pk(F12),pk(F13),pk(F14))",
    "or(and(older(4096),thresh(2,pk(A),pk(B),pk(C))),thresh(11,pk(F1),pk(F2),pk(F3),pk(F4),pk(F5),pk(F6),pk(F7),pk(F8),\
     pk(F9),pk(F10),pk(F11),pk(F12),pk(F13),pk(F14)))",
    "or(4@or(3@pk(0),7@pk(1)),6@thresh(1,or(4@pk(2),6@pk(3)),pk(4),or(9@pk(5),1@pk(6))))",
    "or(pk(ROOT),or(pk(A1),or(pk(B1),pk(B2))))",
    "thresh(3,pk(A),pk(B),pk(C),older(12960))",
    "and(pk(A),or(pk(B),or(9@pk(C),older(1000))))",
];

/// A policy whose text contains its keys and hashes as hex.
pub struct Shared {
    pub name: String,
    pub text: String,
    pub world: World,
}

/// Returns the policies of rust-miniscript's tests.
pub fn fixed() -> Vec<Shared> {
    let fill = |policy: &&str| {
        let mut world = World::default();
        let (mut text, mut rest) = (String::new(), *policy);
        while let Some(at) = rest.find("pk(").into_iter().chain(rest.find("sha256(")).min() {
            let open = at + rest[at..].find('(').unwrap();
            let close = open + rest[open..].find(')').unwrap();
            let name = &rest[open + 1..close];
            let value = if rest[at..].starts_with("pk") {
                hex::encode(world.key(name))
            } else {
                hex::encode(world.preimage(HashFn::Sha256, name))
            };
            text += &rest[..=open];
            text += &value;
            rest = &rest[close..];
        }
        text += rest;
        Shared { name: (*policy).replace(char::is_whitespace, ""), text, world }
    };
    MINISCRIPT_POLICIES.iter().map(fill).collect()
}

/// Generates, from a seed, a policy that both languages can express.
pub fn generated(seed: u64) -> Shared {
    let mut generator = Generator::new(seed, true);
    let most = if seed.is_multiple_of(5) { 10 } else { 7 };
    let (name, text) = generator.shared_policy(most);
    Shared { name, text, world: generator.world }
}

/// The conditions that are satisfied in one way to spend, as a source of signatures and preimages for miniscript.
struct Held<'a> {
    atoms: &'a [Atom],
    set: &'a Set,
}

impl Held<'_> {
    fn has(&self, wanted: impl Fn(&Atom) -> bool) -> bool {
        self.set.iter().any(|&index| wanted(&self.atoms[index]))
    }

    fn signature(&self, key: &XOnlyPublicKey) -> Option<Signature> {
        let has = self.has(|atom| matches!(atom, Atom::Sig(k) if k.x == key.serialize()));
        let signature = bitcoin::secp256k1::schnorr::Signature::from_slice(&[2; 64]).unwrap();
        has.then_some(Signature { signature, sighash_type: bitcoin::TapSighashType::Default })
    }

    fn preimage(&self, function: HashFn, image: &[u8]) -> Option<Preimage32> {
        let has = self.has(|atom| matches!(atom, Atom::Hash(f, h) if *f == function && h == image));
        has.then_some([7; 32])
    }
}

impl Satisfier<XOnlyPublicKey> for Held<'_> {
    fn lookup_tap_key_spend_sig(&self, key: &XOnlyPublicKey) -> Option<Signature> {
        self.signature(key)
    }

    fn lookup_tap_leaf_script_sig(&self, key: &XOnlyPublicKey, _: &TapLeafHash) -> Option<Signature> {
        self.signature(key)
    }

    fn lookup_sha256(&self, h: &bitcoin::hashes::sha256::Hash) -> Option<Preimage32> {
        self.preimage(HashFn::Sha256, h.as_byte_array())
    }

    fn lookup_hash256(&self, h: &hash256::Hash) -> Option<Preimage32> {
        self.preimage(HashFn::Hash256, h.as_byte_array())
    }

    fn lookup_ripemd160(&self, h: &bitcoin::hashes::ripemd160::Hash) -> Option<Preimage32> {
        self.preimage(HashFn::Ripemd160, h.as_byte_array())
    }

    fn lookup_hash160(&self, h: &bitcoin::hashes::hash160::Hash) -> Option<Preimage32> {
        self.preimage(HashFn::Hash160, h.as_byte_array())
    }

    fn check_older(&self, lock: relative::LockTime) -> bool {
        self.has(|atom| matches!(atom, Atom::Older(n) if atom.implies(&Atom::Older(lock.to_consensus_u32())) && *n > 0))
    }

    fn check_after(&self, lock: absolute::LockTime) -> bool {
        self.has(|atom| atom.implies(&Atom::After(lock.to_consensus_u32())))
    }
}

fn is_satisfied(policy: &Semantic<XOnlyPublicKey>, held: &Held<'_>) -> bool {
    match policy {
        Semantic::Unsatisfiable => false,
        Semantic::Trivial => true,
        Semantic::Key(key) => held.signature(key).is_some(),
        Semantic::After(lock) => held.check_after((*lock).into()),
        Semantic::Older(lock) => held.check_older((*lock).into()),
        Semantic::Sha256(h) => held.lookup_sha256(h).is_some(),
        Semantic::Hash256(h) => held.lookup_hash256(h).is_some(),
        Semantic::Ripemd160(h) => held.lookup_ripemd160(h).is_some(),
        Semantic::Hash160(h) => held.lookup_hash160(h).is_some(),
        Semantic::Thresh(thresh) => {
            thresh.iter().filter(|part| is_satisfied(part, held)).count() >= thresh.k()
        }
    }
}

/// Expected witness sizes in bytes of one policy, compiled by this compiler (`ours`) and by rust-miniscript (`theirs`).
pub struct Compared {
    pub ours: f64,
    pub theirs: f64,
    /// Expected witness sizes of this compiler and of rust-miniscript before the division by the total probability, in
    /// units of 2^-32 bytes. Comparisons use these exact values.
    pub exact: (u128, u128),
    pub ways: usize,
}

fn witness_size(stack: &[Vec<u8>]) -> usize {
    let slices: Vec<&[u8]> = stack.iter().map(Vec::as_slice).collect();
    bitcoin::consensus::serialize(&bitcoin::Witness::from_slice(&slices)).len()
}

/// Which of the two compilers refuses a policy that both languages can express.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Refused {
    Both,
    Miniscript,
    Sigstack,
}

/// Compares one policy. Returns which compiler refuses the policy, if one does.
///
/// # Errors
///
/// A description of the difference, if the meanings differ or a witness is missing.
pub fn compare(shared: &mut Shared) -> Result<Result<Compared, Refused>, String> {
    let unspendable = XOnlyPublicKey::from_slice(&NUMS_KEY).unwrap();
    let concrete = Concrete::<XOnlyPublicKey>::from_str(&shared.text).ok();
    let theirs = concrete.and_then(|policy| policy.compile_tr(Some(unspendable)).ok());
    // Miniscript accepts repeated locks and hashes, so the check for repeated conditions is disabled.
    let ours = parse(&shared.text)
        .and_then(|document| compile(&document, &BTreeMap::new(), &BTreeSet::from([Reason::Repeated])));
    let (descriptor, compiled) = match (theirs, ours) {
        (Some(descriptor), Ok(compiled)) => (descriptor, compiled),
        (None, Ok(_)) => return Ok(Err(Refused::Miniscript)),
        (Some(_), Err(_)) => return Ok(Err(Refused::Sigstack)),
        (None, Err(_)) => return Ok(Err(Refused::Both)),
    };
    let Descriptor::Tr(ref tr) = descriptor else { return Err("not a taproot descriptor".into()) };
    let lifted = descriptor.lift().map_err(|error| format!("lift: {error}"))?;
    same_meaning(&lifted, &compiled)?;

    let written = paths(&compiled.root).ok_or("too many ways")?;
    let ways: Vec<Path> = minimal(written, compiled.atoms());
    let (mut ours, mut theirs, mut total) = (0u128, 0u128, 0u128);
    for way in &ways {
        let assets = shared.world.assets(compiled.atoms(), way.set.iter().copied());
        let plan = compiled.plan(&assets).map_err(|error| format!("{way:?}: {error}"))?;
        let held = Held { atoms: compiled.atoms(), set: &way.set };
        // If miniscript finds no non-malleable witness, its smallest malleable one is counted.
        let theirs_best = tr.get_satisfaction(&held).or_else(|_| tr.get_satisfaction_mall(&held));
        let (stack, _) = theirs_best.map_err(|error| format!("{way:?}: miniscript: {error}"))?;
        ours += u128::from(way.probability) * plan.witness_size() as u128;
        theirs += u128::from(way.probability) * witness_size(&stack) as u128;
        total += u128::from(way.probability);
    }
    let bytes = |sum: u128| sum as f64 / total as f64;
    Ok(Ok(Compared { ours: bytes(ours), theirs: bytes(theirs), exact: (ours, theirs), ways: ways.len() }))
}

/// Compares the canonical form with the policy that miniscript derives from its descriptor. The two are evaluated on every
/// subset of the conditions or, if there are too many, on the minimal sets and on those sets without one condition.
fn same_meaning(lifted: &Semantic<XOnlyPublicKey>, compiled: &Compiled) -> Result<(), String> {
    let atoms = compiled.atoms();
    let meaning = compiled.meaning.as_ref().ok_or("no canonical form")?;
    let subsets: BTreeSet<Set> = if atoms.len() <= 12 {
        (0..1u64 << atoms.len()).map(|bits| held_set(atoms, bits)).collect()
    } else {
        let without = |set: &Set| {
            let mut all: Vec<Set> =
                set.iter().map(|a| set.iter().copied().filter(|b| a != b).collect()).collect();
            all.push(set.clone());
            all
        };
        meaning.sets.iter().flat_map(without).collect()
    };
    for set in subsets {
        let theirs = is_satisfied(lifted, &Held { atoms, set: &set });
        if meaning.is_satisfied_by(&set, atoms) != theirs {
            return Err(format!("{set:?}: miniscript says {theirs}"));
        }
    }
    Ok(())
}

/// Results of the comparison with rust-miniscript over all policies.
#[derive(Default)]
pub struct Table {
    pub lines: Vec<String>,
    pub compared: usize,
    pub refused: BTreeMap<Refused, usize>,
    pub smaller: usize,
    pub equal: usize,
    pub larger: Vec<String>,
}

/// Compares this compiler with rust-miniscript: first on policies from rust-miniscript's tests, then on generated ones
/// until `generated_policies` of these were compared.
pub fn table(generated_policies: usize) -> Result<Table, String> {
    let mut table = Table::default();
    for mut shared in fixed() {
        if !table.add(&mut shared)? {
            return Err(format!("{} is not compared", shared.name));
        }
    }
    let (mut seed, mut compared) = (0, 0);
    while compared < generated_policies {
        seed += 1;
        compared += usize::from(table.add(&mut generated(seed))?);
    }
    Ok(table)
}

impl Table {
    fn add(&mut self, shared: &mut Shared) -> Result<bool, String> {
        let result = compare(shared).map_err(|error| format!("{}: {error}", shared.name))?;
        let Compared { ours, theirs, exact, ways } = match result {
            Ok(compared) => compared,
            Err(refused) => {
                *self.refused.entry(refused).or_default() += 1;
                return Ok(false);
            }
        };
        self.compared += 1;
        let line = format!("{ours:>10.3} {theirs:>10.3} {:>9.3} {ways:>4}  {}", theirs - ours, shared.name);
        match exact.0.cmp(&exact.1) {
            core::cmp::Ordering::Less => self.smaller += 1,
            core::cmp::Ordering::Equal => self.equal += 1,
            core::cmp::Ordering::Greater => self.larger.push(line.clone()),
        }
        self.lines.push(line);
        Ok(true)
    }
}
