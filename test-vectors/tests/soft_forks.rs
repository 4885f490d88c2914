//! Checks that the proposals are soft forks. While inactive they do not change today's rules; while active they accept
//! nothing that today's rules refuse. The comparison is with Bitcoin Core's code, and with verdicts of the engine from
//! before the proposals.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test"
)]

#[path = "../tapscripts/generator/mod.rs"]
mod generator;
mod oracle;
#[path = "../tapscripts/random.rs"]
mod random;
#[path = "../tapscripts/verdicts.rs"]
mod verdicts;

use std::collections::BTreeMap;

use generator::{TapscriptSpend, Tapscripts};
use oracle::consensus::core_accepts;
use oracle::corpus::Corpus;
use oracle::differential::{Counts, compare};
use oracle::mutate::{Mutator, under_consensus_flags};
use random::Random;
use rayon::prelude::*;
use sigstack_interpreter::{
    Event, FlagKind, Flags, Hook, Inspector, Instruction, KeyVersion, Machine, Opcode, PROPOSALS,
    SignedMessage, Spend,
};
use sigstack_vectors::InputQuestion;
use verdicts::{COUNT, SEED, verdict};

/// Verdicts that the engine returned before it supported the proposals. The README next to the file says how they were
/// computed.
const COMMITTED: &str = include_str!("../tapscripts/verdicts.txt");

/// Returns the flags that activate proposals, and the policy flags about proposals.
fn proposal_flags() -> Flags {
    Flags::of_kind(FlagKind::Proposal) | Flags::of_kind(FlagKind::ProposalPolicy)
}

fn expect_agreement(counts: &Counts) {
    counts
        .disagreements
        .iter()
        .for_each(|found| println!("{}: {}\n{}", found.number, found.problem, found.case));
    assert_eq!(counts.disagreements.len(), 0);
    assert_eq!((counts.agreed, counts.decoded), (counts.drawn, counts.drawn));
}

fn question(spend: TapscriptSpend, flags: Flags) -> InputQuestion {
    InputQuestion { tx: spend.tx, prevouts: spend.prevouts, index: spend.index, flags }
}

/// A normal test run verifies one in `ONE_OF` vectors and tapscripts; `.ci/run` verifies all of them.
const ONE_OF: usize = 10;

/// Returns every `step`-th input of the vector files, each with the flags that its file names.
fn vectors(step: usize) -> Vec<InputQuestion> {
    Corpus::read().questions.into_iter().step_by(step).collect()
}

/// Checks that the engine and Core return the same verdicts on the vectors while no proposal is active. Opcodes of
/// proposals must then have the meaning that they have today.
fn inactive_proposals_leave_the_consensus_of_vectors(step: usize, errors: usize) {
    let counts = compare(&under_consensus_flags(&vectors(step), 1));
    expect_agreement(&counts);
    println!("{} of {} accepted, {} errors", counts.accepted, counts.decoded, counts.errors.len());
    assert!(counts.accepted * 4 > counts.decoded && counts.errors.len() >= errors);
}

#[test]
fn inactive_proposals_leave_the_consensus_of_few_vectors_as_it_is() {
    inactive_proposals_leave_the_consensus_of_vectors(ONE_OF, 30);
}

#[test]
#[ignore = "verifies all vectors twice; a step of .ci/run"]
fn inactive_proposals_leave_the_consensus_of_the_vectors_as_it_is() {
    inactive_proposals_leave_the_consensus_of_vectors(1, 30);
}

/// Number of random tapscripts that a normal test run verifies.
const FEW: u64 = COUNT / ONE_OF as u64;

/// Checks that the engine and Core return the same verdicts on random tapscripts while no proposal is active. Two
/// thirds of the tapscripts contain opcodes or key types of proposals.
fn inactive_proposals_leave_the_consensus_of_tapscripts(count: u64) {
    let tapscripts = Tapscripts::new(SEED);
    let questions = |chunk: u64| -> Vec<InputQuestion> {
        let numbers = chunk * 1000..(chunk + 1) * 1000;
        numbers.map(|number| question(tapscripts.spend(number), Flags::CONSENSUS)).collect()
    };
    let (mut decoded, mut accepted, mut executed) = (0, 0, 0);
    for chunk in 0..count / 1000 {
        let counts = compare(&questions(chunk));
        expect_agreement(&counts);
        decoded += counts.decoded;
        accepted += counts.accepted;
        executed += counts.tapscripts;
    }
    assert_eq!(decoded, count);
    assert!((count / 4..count * 9 / 10).contains(&accepted), "{accepted}");
    assert!(executed > count / 3, "{executed}");
}

#[test]
fn inactive_proposals_leave_the_consensus_of_few_tapscripts_as_it_is() {
    inactive_proposals_leave_the_consensus_of_tapscripts(FEW);
}

#[test]
#[ignore = "verifies 100,000 tapscripts twice; a step of .ci/run"]
fn inactive_proposals_leave_the_consensus_of_tapscripts_as_it_is() {
    inactive_proposals_leave_the_consensus_of_tapscripts(COUNT);
}

/// Returns the committed verdicts: the name of the verdict for each random tapscript.
fn committed() -> Vec<&'static str> {
    let (head, letters) = COMMITTED.split_once("\n\n").unwrap();
    let legend = head.lines().filter_map(|line| line.split_once(' ')).filter(|(letter, _)| *letter != "#");
    let legend: BTreeMap<char, &str> =
        legend.map(|(letter, name)| (letter.chars().next().unwrap(), name)).collect();
    letters.lines().flat_map(str::chars).map(|letter| legend[&letter]).collect()
}

/// Checks verdicts under policy flags: they must equal the committed verdicts of the engine from before the proposals.
/// Where the older engine refused a proposal's upgrade mechanism by a generic discourage flag, the proposal's own
/// discourage flag is set too.
fn inactive_proposals_leave_policy(count: u64) {
    let committed = committed();
    assert_eq!(committed.len() as u64, COUNT);
    let tapscripts = Tapscripts::new(SEED);
    let differs = |number: &u64| verdict(&tapscripts.spend(*number), *number) != committed[*number as usize];
    let different: Vec<u64> = (0..count).into_par_iter().filter(differs).collect();
    let show = |number: &u64| {
        let now = verdict(&tapscripts.spend(*number), *number);
        println!("tapscript {number}: was {}, is {now}", committed[*number as usize]);
    };
    different.iter().take(20).for_each(show);
    assert_eq!(different.len(), 0);
}

#[test]
fn inactive_proposals_leave_policy_about_few_tapscripts_as_it_was() {
    inactive_proposals_leave_policy(FEW);
}

#[test]
#[ignore = "verifies 100,000 tapscripts; a step of .ci/run"]
fn inactive_proposals_leave_policy_as_it_was() {
    inactive_proposals_leave_policy(COUNT);
}

/// Inspector that records which proposals the verification of an input uses.
#[derive(Default)]
struct Uses {
    proposals: Vec<&'static str>,
}

impl Uses {
    fn add(&mut self, name: &'static str) {
        if !self.proposals.contains(&name) {
            self.proposals.push(name);
        }
    }
}

impl Inspector for Uses {
    fn step(&mut self, machine: &Machine<'_>, instruction: &Instruction<'_>) {
        let hooked = PROPOSALS.iter().find(|proposal| match proposal.hook {
            Hook::Success(opcode) | Hook::Nop(opcode) => opcode == instruction.opcode,
            Hook::KeyType(_) | Hook::Transaction => false,
        });
        if let (Some(proposal), true) = (hooked, machine.is_executing()) {
            self.add(proposal.name);
        }
    }

    fn event(&mut self, event: &Event) {
        if let Event::Signature(check) = event
            && let SignedMessage::Taproot { message, .. } = check.signed
            && message.tapscript.is_some_and(|tapscript| tapscript.key_version == KeyVersion::Bip118)
        {
            self.add("ANYPREVOUT");
        }
    }
}

/// Draws random flags with which all proposals are active. They include most of the consensus flags and few of the
/// policy flags.
fn new_rules(random: &mut Random) -> Flags {
    let drawn = |kind, random: &mut Random| -> Flags {
        let times = if kind == FlagKind::Consensus { 12 } else { 5 };
        let flags = Flags::of_kind(kind);
        let set = flags.iter().filter(|_| random.once_in(times)).map(|info| info.flag);
        let set: Flags = set.collect();
        if kind == FlagKind::Consensus { flags - set } else { set }
    };
    let flags = drawn(FlagKind::Consensus, random) | drawn(FlagKind::Policy, random);
    let own_policy = random.once_in(3).then_some(Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY);
    (flags | own_policy.unwrap_or_default() | Flags::of_kind(FlagKind::Proposal)).closure()
}

/// Number of inputs that the engine accepted while all proposals were active: in total, and for each proposal that they
/// use.
#[derive(Default)]
struct Accepted {
    all: u64,
    using: BTreeMap<&'static str, u64>,
}

impl Accepted {
    /// Counts an input if it is accepted under the new rules. Panics if the same input is rejected under the old rules,
    /// either by this engine without the proposals' flags or by Core.
    fn ask(mut self, question: &InputQuestion) -> Accepted {
        let spend = Spend::new(&question.tx, &question.prevouts).unwrap();
        let mut uses = Uses::default();
        if spend.verify_input_with(question.index, question.flags, &mut uses).is_err() {
            return self;
        }
        let old = question.flags - proposal_flags();
        assert_eq!(spend.verify_input(question.index, old).map(drop), Ok(()), "{question:?}");
        assert_eq!(core_accepts(question, old & Flags::CONSENSUS), Ok(true), "{question:?}");
        self.all += 1;
        uses.proposals.into_iter().for_each(|name| *self.using.entry(name).or_default() += 1);
        self
    }

    fn merged(mut self, other: Accepted) -> Accepted {
        self.all += other.all;
        other.using.into_iter().for_each(|(name, count)| *self.using.entry(name).or_default() += count);
        self
    }

    /// Checks that the test is meaningful: at least `all` inputs were accepted, and at least `each` inputs for each of
    /// these proposals.
    fn expect_at_least(&self, all: u64, each: u64, proposals: &[&str]) {
        println!("{} accepted by the new rules: {:?}", self.all, self.using);
        assert!(self.all >= all, "{}", self.all);
        for name in proposals {
            assert!(self.using.get(name).is_some_and(|count| *count >= each), "{name}: {:?}", self.using);
        }
    }
}

/// Checks that every tapscript that is valid while proposals are active is also valid without them. The random
/// tapscripts contain no valid BIP 118 signatures, so ANYPREVOUT is tested only with the vectors.
#[test]
#[ignore = "verifies 25,000 tapscripts three times; a step of .ci/run"]
fn what_active_proposals_accept_of_tapscripts_was_accepted() {
    active_proposals_accept_what_was_accepted(COUNT / 4);
}

#[test]
fn what_active_proposals_accept_of_few_tapscripts_was_accepted() {
    active_proposals_accept_what_was_accepted(FEW / 4);
}

/// Returns a random tapscript. Many of these tapscripts begin with the sample script of a randomly chosen proposal, so
/// that every proposal with a sample script is used.
fn after_sample(tapscripts: &Tapscripts, number: u64) -> TapscriptSpend {
    let mut random = Random::new(SEED + 4, number);
    match random.pick(PROPOSALS).sample.filter(|_| random.once_in(2)) {
        Some(sample) => {
            let script = [sample.script, &[Opcode::OP_DROP.0]].concat();
            tapscripts.spend_after(sample.stack, &script, number)
        }
        None => tapscripts.spend(number),
    }
}

fn active_proposals_accept_what_was_accepted(count: u64) {
    let tapscripts = Tapscripts::new(SEED + 1);
    let ask = |accepted: Accepted, number| {
        let flags = new_rules(&mut Random::new(SEED + 2, number));
        accepted.ask(&question(after_sample(&tapscripts, number), flags))
    };
    let numbers = (0..count).into_par_iter();
    let accepted = numbers.fold(Accepted::default, ask).reduce(Accepted::default, Accepted::merged);
    let of_scripts = PROPOSALS.iter().filter(|proposal| proposal.is_of_scripts());
    let names = of_scripts.map(|proposal| proposal.name).filter(|name| *name != "ANYPREVOUT");
    accepted.expect_at_least(count / 10, count / 125, &names.collect::<Vec<_>>());
}

/// Checks that the proposals accept no vector that today's rules refuse. Each vector is verified unchanged, and again
/// with known keys and recomputed signatures.
fn active_proposals_accept_what_was_accepted_of_vectors(step: usize, all: u64, each: u64) {
    let questions = vectors(step);
    let mutator = Mutator::new(&questions, SEED);
    let ask = |accepted: Accepted, (number, question): (usize, &InputQuestion)| {
        let flags = new_rules(&mut Random::new(SEED + 3, number as u64));
        let as_it_is = InputQuestion { flags, ..question.clone() };
        let signed = mutator.signed(number as u64, question, flags);
        accepted.ask(&as_it_is).ask(&signed)
    };
    let questions = questions.par_iter().enumerate();
    let accepted = questions.fold(Accepted::default, ask).reduce(Accepted::default, Accepted::merged);
    let of_scripts = PROPOSALS.iter().filter(|proposal| proposal.is_of_scripts());
    let names: Vec<&str> = of_scripts.map(|proposal| proposal.name).collect();
    accepted.expect_at_least(all, each, &names);
}

#[test]
fn what_active_proposals_accept_of_few_vectors_was_accepted() {
    active_proposals_accept_what_was_accepted_of_vectors(ONE_OF, 1_500, 5);
}

#[test]
#[ignore = "verifies all vectors three times; a step of .ci/run"]
fn what_active_proposals_accept_of_vectors_was_accepted() {
    active_proposals_accept_what_was_accepted_of_vectors(1, 15_000, 100);
}
