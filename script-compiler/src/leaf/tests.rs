//! Tests that the scripts of fragments have the declared properties. Every fragment that the optimizer keeps for small
//! policies is run with every possible witness, on a host that accepts exactly one signature per key.

use std::collections::{BTreeMap, BTreeSet};

use sigstack_interpreter::proposals::checktemplateverify::check_template_digest;
use sigstack_interpreter::{
    Context, Flags, Host, Inspector, Instruction, Machine, MockHost, NoInspector, PROPOSALS, Question,
    ScriptError, Stack as Elements, Tapscript, run_script,
};

use super::*;
use crate::atom::KeyRef;
use crate::fragment::{Element, Stack};
use crate::message::Msg;
use crate::policy::{HashFn, Rebind};
use crate::script::{Writer, element_size};

/// Witness elements, bottom first.
type Witness = Vec<Vec<u8>>;

/// The internal key of the output. Scripts obtain it with OP_INTERNALKEY, so no witness contains it.
const INTERNAL: [u8; 32] = [0x99; 32];

/// Returns elements that anybody can create: an empty signature, the two branch selectors, and two values that are not
/// preimages of any hash used.
fn made_by_anybody() -> Witness {
    vec![vec![], vec![1], vec![0xee; 32], vec![0xed; 32]]
}

fn key(byte: u8) -> KeyRef {
    KeyRef { x: [byte; 32], internal: false }
}

/// Returns one condition of each kind that takes at most one witness element.
fn conditions() -> Vec<Atom> {
    vec![
        Atom::Sig(key(0xa0)),
        Atom::Sig(key(0xa1)),
        Atom::Sig(KeyRef { x: INTERNAL, internal: true }),
        Atom::Rebind(Rebind::AnyPrevout, key(0xa3)),
        Atom::Signed(Msg::Fixed(vec![0x55; 3]), vec![key(0xa4)]),
        Atom::Hash(HashFn::Sha256, HashFn::Sha256.hash(&[0xb5; 32])),
        Atom::Hash(HashFn::Hash160, HashFn::Hash160.hash(&[0xb6; 32])),
        Atom::After(500),
        Atom::Older(5),
        Atom::Ctv(mock_template()),
        Atom::Presigned(key(0xaa), [vec![0xaa; 64], vec![0x41]].concat()),
    ]
}

/// Returns the template hash of the transaction that scripts see on the mock host.
fn mock_template() -> [u8; 32] {
    let host = MockHost::new(|_| false);
    check_template_digest(&host.view())
}

/// Returns the mock signature of a key: the key's first byte, 64 times.
fn signature(key: &[u8; 32]) -> Vec<u8> {
    key[0..1].repeat(64)
}

/// Returns the element that satisfies a condition, or `None` if the condition takes no element.
fn element(atom: &Atom) -> Option<Vec<u8>> {
    match atom {
        Atom::Sig(key) => Some(signature(&key.x)),
        Atom::Signed(_, keys) => Some(signature(&keys[0].x)),
        Atom::Rebind(kind, key) => Some([signature(&key.x), vec![kind.hash_type()]].concat()),
        Atom::Hash(function, image) => {
            (0..=255).map(|byte| vec![byte; 32]).find(|preimage| function.hash(preimage) == *image)
        }
        _ => None,
    }
}

/// Returns the script of a fragment. `held` says which conditions can be satisfied. If a template condition cannot be
/// satisfied, the script contains a template hash that the mock transaction does not have.
fn script(frag: &Frag, atoms: &[Atom], held: &[bool]) -> Vec<u8> {
    let changed = |(atom, held): (&Atom, &bool)| match atom {
        Atom::Ctv(_) if !held => Atom::Ctv([0x78; 32]),
        atom => atom.clone(),
    };
    let atoms: Vec<Atom> = atoms.iter().zip(held).map(changed).collect();
    let mut out = Writer::default();
    frag.write(&atoms, &mut out);
    out.bytes
}

/// Inspector that records the maximum number of elements on both stacks.
#[derive(Default)]
struct Peak(usize);

impl Inspector for Peak {
    fn script(&mut self, machine: &Machine<'_>) {
        self.0 = machine.stack().len();
    }

    fn step_end(
        &mut self,
        machine: &Machine<'_>,
        _: &Instruction<'_>,
        _: core::result::Result<(), ScriptError>,
    ) {
        self.0 = self.0.max(machine.stack().len() + machine.stack().alt_len());
    }
}

/// Runs a script and returns the remaining stack, or `None` if the script fails. Returns an error if the script runs out of
/// elements.
fn left(script: &[u8], witness: &Witness, atoms: &[Atom], held: &[bool]) -> Result<Option<Witness>, ()> {
    run(script, witness, atoms, held, &mut NoInspector)
}

fn run(
    script: &[u8],
    witness: &Witness,
    atoms: &[Atom],
    held: &[bool],
    inspector: &mut impl Inspector,
) -> Result<Option<Witness>, ()> {
    let holds = |wanted: &Atom| atoms.iter().zip(held).any(|(atom, held)| *held && atom == wanted);
    let mut host = MockHost::new(|question: Question<'_>| match question {
        Question::Schnorr { signature: given, public_key, .. } => {
            let presigned =
                atoms.iter().find(|atom| matches!(atom, Atom::Presigned(key, _) if key.x == *public_key));
            presigned.is_none_or(holds) && given[..] == signature(public_key)
        }
        Question::LockTime(lock) => holds(&Atom::After(u32::try_from(lock).unwrap())),
        Question::Sequence(lock) => holds(&Atom::Older(u32::try_from(lock).unwrap())),
        Question::Ecdsa { .. } | Question::SingleOutput => panic!("no script asks this"),
    });
    let flags = PROPOSALS.iter().fold(Flags::CONSENSUS, |flags, proposal| flags | proposal.flag);
    let mut stack = Elements::new();
    witness.iter().for_each(|element| stack.push(element).unwrap());
    let context = Context::Tapscript(Tapscript::new([0; 32], INTERNAL, None, 100_000));
    match run_script(&mut stack, script, context, flags, &mut host, inspector) {
        Ok(()) => Ok(Some(stack.iter().map(<[u8]>::to_vec).collect())),
        Err(stop) => match stop.error {
            ScriptError::InvalidStackOperation | ScriptError::UnbalancedConditional => Err(()),
            _ => Ok(None),
        },
    }
}

/// All witnesses that can be built from the available elements and from those that anybody can create, grouped by the
/// script's outcome: `sat` leaves a true result or nothing, `dis` leaves an empty result.
#[derive(Default)]
struct Witnesses {
    sat: Vec<(Witness, Option<Vec<u8>>)>,
    dis: Vec<Witness>,
}

impl Witnesses {
    /// Returns the number of satisfying witnesses and the number of dissatisfying witnesses. More than 2 are counted as
    /// 2.
    fn ways(&self) -> (u8, u8) {
        let counted = |ways: usize| u8::try_from(ways.min(2)).unwrap();
        (counted(self.sat.len()), counted(self.dis.len()))
    }

    fn all(&self) -> impl Iterator<Item = &Witness> {
        self.sat.iter().map(|(witness, _)| witness).chain(&self.dis)
    }
}

/// Finds all witnesses of a fragment. Deeper elements are tried only if the script runs out of elements, so that each
/// combination is visited once.
fn witnesses(frag: &Frag, atoms: &[Atom], held: &[bool]) -> Witnesses {
    let script = script(frag, atoms, held);
    let mut alphabet = made_by_anybody();
    alphabet.extend(atoms.iter().zip(held).filter(|(_, held)| **held).filter_map(|(atom, _)| element(atom)));
    alphabet.extend(atoms.iter().flat_map(Atom::keys).map(|key| key.x.to_vec()));
    let (mut found, mut open) = (Witnesses::default(), vec![Witness::new()]);
    while let Some(witness) = open.pop() {
        match left(&script, &witness, atoms, held) {
            Err(()) => {
                assert!(witness.len() < 12, "{frag:?} takes more than it should");
                let deeper = |element: &Vec<u8>| [vec![element.clone()], witness.clone()].concat();
                open.extend(alphabet.iter().map(deeper));
            }
            Ok(None) => {}
            Ok(Some(mut left)) => {
                assert!(left.len() < 2, "{frag:?} leaves {left:?}");
                match left.pop() {
                    Some(result) if result.is_empty() => found.dis.push(witness),
                    result => found.sat.push((witness, result)),
                }
            }
        }
    }
    found
}

fn cost(witness: &Witness) -> usize {
    witness.iter().map(|element| element_size(element.len())).sum()
}

/// The witnesses of a fragment for each subset of conditions that are satisfiable.
struct Known {
    by_choice: Vec<(Vec<bool>, Witnesses)>,
}

impl Known {
    fn of(frag: &Frag, atoms: &[Atom]) -> Known {
        let held = |set: usize| (0..atoms.len()).map(|bit| set >> bit & 1 == 1).collect::<Vec<bool>>();
        let choices = (0..1usize << atoms.len()).map(held);
        Known { by_choice: choices.map(|held| (held.clone(), witnesses(frag, atoms, &held))).collect() }
    }

    fn with(&self, held: impl Fn(usize) -> bool) -> &Witnesses {
        let is_it =
            |(choice, _): &&(Vec<bool>, _)| choice.iter().enumerate().all(|(index, is)| *is == held(index));
        &self.by_choice.iter().find(is_it).unwrap().1
    }
}

/// Returns the bytes of the elements of a planned witness, with mock signatures.
fn filled(stack: &Stack, atoms: &[Atom]) -> Witness {
    let fill = |part: &Element| match part {
        Element::Atom(index) => element(&atoms[*index]),
        Element::Key(index) => Some(atoms[*index].keys()[0].x.to_vec()),
        Element::Empty => Some(vec![]),
        Element::One => Some(vec![1]),
    };
    stack.elements.iter().filter_map(fill).collect()
}

/// Verifies the size and the witnesses that the fragment declares, for every subset of satisfiable conditions.
fn check_fragment(frag: &Frag, atoms: &[Atom], known: &Known) {
    for (held, known) in &known.by_choice {
        assert_eq!(frag.ways(atoms, held), known.ways(), "ways of {frag:?} with {held:?}");
        let size = |(atom, held): (&Atom, &bool)| {
            held.then(|| element(atom).map_or(0, |element| element_size(element.len())))
        };
        let sizes: Vec<Option<usize>> = atoms.iter().zip(held).map(size).collect();
        let satisfaction = frag.satisfy(atoms, &sizes);
        let cheapest = known.sat.iter().map(|(witness, _)| cost(witness)).min();
        assert_eq!(satisfaction.sat.as_ref().map(|stack| stack.size), cheapest, "{frag:?} with {held:?}");
        for stack in satisfaction.sat.iter().chain(&satisfaction.dis) {
            let witness = filled(stack, atoms);
            assert_eq!(cost(&witness), stack.size, "{frag:?}");
            assert!(known.all().any(|known| *known == witness), "{frag:?} does not take {witness:?}");
        }
        if held.iter().all(|held| *held) {
            let runs = frag.runs(atoms).sat;
            let script = script(frag, atoms, held);
            let peak = |witness: &Witness| {
                let mut peak = Peak::default();
                run(&script, witness, atoms, held, &mut peak).unwrap();
                peak.0
            };
            let seen = || known.sat.iter().map(|(witness, _)| witness);
            assert_eq!(runs.map(|run| run.takes), seen().map(Vec::len).max(), "{frag:?}");
            assert_eq!(runs.map(|run| run.peak), seen().map(peak).max(), "{frag:?}");
        }
    }
}

/// Verifies the Miniscript properties that a piece (a script fragment with its costs) declares. Also verifies that the
/// declared size and cost are those of the fragment.
fn check_piece(piece: &Piece, node: &Node, atoms: &[Atom], choices: &Known) {
    let Piece { frag, prop } = piece;
    assert!(prop.sound);
    assert_eq!(prop.size, bytes(script(frag, atoms, &vec![true; atoms.len()]).len()), "size of {frag:?}");
    let known = choices.with(|_| true);
    let have = |count: usize| known.all().all(|witness| witness.len() == count);
    let args = if have(0) {
        Args::Zero
    } else if have(1) {
        Args::One
    } else {
        Args::Many
    };
    assert_eq!(prop.args, args, "what {frag:?} takes");
    let is_one = |(_, result): &(_, Option<Vec<u8>>)| result.as_deref() == Some(&[1]);
    assert_eq!(prop.unit, known.sat.iter().all(is_one), "whether {frag:?} leaves 1");
    if prop.nonzero {
        let top = |(witness, _): &(Witness, _)| witness.last().is_some_and(|top| !top.is_empty());
        assert!(known.sat.iter().all(top), "{frag:?} takes an empty element");
    }
    let signs = |atom: &Atom| matches!(atom, Atom::Sig(_) | Atom::Rebind(..) | Atom::Signed(..));
    let known = choices.with(|index| !signs(&atoms[index]));
    assert_eq!(prop.signed, known.sat.is_empty(), "whether {frag:?} needs a signature");
    assert_eq!(prop.forced, known.dis.is_empty(), "whether {frag:?} cannot be refused");
    if let Some(refused) = prop.dis {
        let [witness] = known.dis.as_slice() else {
            panic!("{frag:?} can be refused in {} ways", known.dis.len())
        };
        assert_eq!(refused, bytes(cost(witness)), "dissatisfaction of {frag:?}");
    }
    check_expectation(piece, node, choices);
}

/// Verifies the expected cost of a satisfaction: the average over all ways to satisfy the policy, where each way satisfies
/// exactly the conditions that it needs.
fn check_expectation(piece: &Piece, node: &Node, choices: &Known) {
    let (mut expected, mut total) = (0.0, 0.0);
    for path in crate::meaning::paths(node).unwrap() {
        let known = choices.with(|index| path.set.contains(&index));
        let cheapest = known.sat.iter().map(|(witness, _)| cost(witness)).min().unwrap();
        let probability = path.probability as f64;
        expected += probability * cheapest as f64;
        total += probability;
        // Nobody can build another witness from the elements that this one publishes.
        assert_eq!(known.sat.len(), 1, "{:?} with {:?}", piece.frag, path.set);
    }
    let (expected, is) = (expected / total, piece.prop.sat as f64 / f64::from(1 << COST_BITS));
    assert!((expected - is).abs() < 0.01, "{:?} costs {expected}, not {is}", piece.frag);
}

/// Returns policies. Each comes with a list that maps its conditions 0, 1, … to indices in [`conditions`].
fn policies() -> Vec<(Vec<usize>, Node)> {
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(Node::Atom);
    let or = |at: u64, x: &Node, y: &Node| Node::Or(vec![(at, x.clone()), (ONE - at, y.clone())]);
    let and = |parts: &[&Node]| Node::And(parts.iter().map(|&part| part.clone()).collect());
    let (rarely, evenly, mostly) = (ONE / 16, ONE / 2, ONE / 16 * 15);
    let mut all = Vec::new();
    let count = conditions().len();
    for x in 0..count {
        all.push((vec![x], a.clone()));
        for y in x + 1..count {
            all.push((vec![x, y], and(&[&a, &b])));
            all.extend([rarely, evenly, mostly].map(|at| (vec![x, y], or(at, &a, &b))));
        }
    }
    let threes = [
        and(&[&a, &b, &c]),
        or(rarely, &and(&[&a, &b]), &c),
        or(mostly, &and(&[&a, &b]), &c),
        and(&[&or(mostly, &a, &b), &c]),
        Node::Or(vec![(rarely, a.clone()), (evenly, b.clone()), (evenly - rarely, c.clone())]),
        Node::Thresh(2, vec![a.clone(), b.clone(), c.clone()]),
    ];
    for nth in 0..count {
        for node in &threes {
            all.push((vec![nth, (nth + 2) % count, (nth + 5) % count], node.clone()));
            all.push((vec![(nth + 4) % count, nth, (nth + 1) % count], node.clone()));
        }
    }
    all.push((vec![0, 1, 3, 5, 6], Node::Thresh(2, vec![c.clone(), and(&[&a, &d]), and(&[&b, &e])])));
    all.push((vec![0, 3, 4, 7], or(mostly, &or(evenly, &a, &b), &and(&[&c, &d]))));
    all
}

#[test]
fn pieces_keep_their_promises() {
    let conditions = conditions();
    let (mut forms, mut costs) = (BTreeSet::new(), 0);
    for (indices, node) in policies() {
        let atoms: Vec<Atom> = indices.iter().map(|&index| conditions[index].clone()).collect();
        let mut optimizer = Optimizer::new(&atoms);
        for chance in [(ONE, 0), (ONE, ONE / 16), (ONE, ONE), (ONE / 8, ONE)] {
            optimizer.part(&node, chance.0, chance.1);
        }
        let (mut fragments, mut pieces) = (BTreeMap::new(), BTreeSet::new());
        for ((node, sat, dis), kept) in &optimizer.parts {
            let classes = [&kept.verify, &kept.result, &kept.unit, &kept.choice, &kept.key, &kept.key_choice];
            costs += classes.into_iter().flatten().map(|piece| Pieces::cost(piece, *sat, *dis)).sum::<u128>();
            let keys = [&kept.key, &kept.key_choice].into_iter().flatten().map(|piece| {
                let prop = Prop { size: piece.prop.size + bytes(1), unit: true, signed: true, ..piece.prop };
                Piece { frag: Frag::CheckSig(piece.frag.clone().boxed()), prop }
            });
            let others =
                [&kept.verify, &kept.result, &kept.unit, &kept.choice].into_iter().flatten().cloned();
            for piece in others.chain(keys).filter(|piece| pieces.insert(format!("{node:?} {piece:?}"))) {
                let known = fragments.entry(format!("{:?}", piece.frag)).or_insert_with(|| {
                    let known = Known::of(&piece.frag, &atoms);
                    check_fragment(&piece.frag, &atoms, &known);
                    known
                });
                check_piece(&piece, node, &atoms, known);
            }
        }
        let is_letter = |letter: char| letter.is_alphabetic();
        forms.extend(
            fragments.keys().flat_map(|text| text.split(|letter| !is_letter(letter))).map(str::to_owned),
        );
    }
    // Every form of fragment occurred.
    let forms: Vec<&str> = forms.iter().map(String::as_str).filter(|form| !form.is_empty()).collect();
    assert_eq!(
        forms.join(" "),
        "Add AddIf AddSig Alt And AndB AndOr Atom CheckSig DupIf False Key KeyHash NonZero OrB OrC OrD OrI Swap Thresh True \
         Unit Verify"
    );
    // Expected cost in bytes. An optimizer that finds cheaper scripts lowers this number.
    assert_eq!(costs / u128::from(bytes(1)) / u128::from(ONE), 2_348_203);
}

#[test]
fn what_the_optimizer_does_not_keep_is_counted_too() {
    let atoms: Vec<Atom> = conditions().into_iter().skip(5).take(3).collect();
    let [a, b, lock] = [0, 1, 2].map(|index| Frag::Atom(index).boxed());
    let swap = |frag: &Frag| Frag::Swap(frag.clone().boxed()).boxed();
    // Hashes can be dissatisfied in more than one way.
    let fragments = [
        Frag::AndB(a.clone(), swap(&b)),
        Frag::OrB(a.clone(), swap(&b)),
        Frag::OrD(a.clone(), b.clone()),
        Frag::AndOr(a.clone(), b.clone(), lock.clone()),
        Frag::AndOr(a.clone(), lock, b.clone()),
        Frag::OrI(a.clone(), b.clone()),
        Frag::Thresh(1, a.clone(), vec![Frag::Add(swap(&b))]),
        Frag::NonZero(a),
    ];
    for frag in fragments {
        for (held, known) in Known::of(&frag, &atoms).by_choice {
            assert_eq!(frag.ways(&atoms, &held), known.ways(), "ways of {frag:?} with {held:?}");
        }
    }
}

#[test]
fn work_has_a_bound() {
    let atoms: Vec<Atom> = (1..=200).map(Atom::Older).collect();
    let leaves = |from: usize| (from..200).map(Node::Atom).collect::<Vec<_>>();
    let mut optimizer = Optimizer::new(&atoms);
    let mut tried = 0;
    while !optimizer.is_exhausted() {
        assert!(tried < 2 * MAX_WORK / 200, "no bound is reached");
        optimizer.part(&Node::Thresh(2, leaves(tried % 100)), ONE, u64::try_from(tried).unwrap());
        tried += 1;
    }
    assert!(optimizer.part(&Node::True, ONE, 0).result.is_none());
    assert!(optimizer.leaf(&Node::Thresh(1, leaves(0))).is_none());
    let mut trees = Optimizer::new(&atoms);
    assert!(trees.takes_tree(MAX_COMPARED_LEAVES - 1) && !trees.takes_tree(1));
}
