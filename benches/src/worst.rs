//! Searches for the block that takes longest to verify, under every set of rules.
//!
//! - Tapscript: each shape (tapscript that repeats one opcode) of [`crate::opcodes`] is timed relative to the weight
//!   that it fills. A shape without signature checks fills a whole block. Signature checks are limited by their budget
//!   to at most 80,000 in a block. They leave most of the weight unused, which is then filled with the slowest other
//!   shape.
//! - Legacy: the block spends outputs of earlier blocks whose scripts are as long as the rules allow. These scripts do
//!   not count toward the weight of the block; see [`legacy`].

pub mod legacy;

use sigstack_interpreter::Flags;

use crate::keys::Keys;
use crate::measure::time;
use crate::opcodes;
use crate::shape::Shape;
use crate::workload::Case;

/// Weight available for transactions in a block, in weight units. It is the block limit without the header, the
/// transaction count and a small coinbase transaction.
pub const BLOCK_WEIGHT: usize = 4_000_000 - 1_000;

/// Weight that is reserved for the parts of a transaction that are not repeated, in weight units.
const OVERHEAD: usize = 4_000;

/// Weight in weight units of the tapscript with which the search times a shape.
const SAMPLE_WEIGHT: usize = 20_000;

/// A shape is timed again if its cost is at least this fraction of the highest cost of a shape with the same opcode.
const CLOSE: f64 = 0.75;

/// A shape (tapscript that repeats one opcode) with its measured time.
#[derive(Clone, Debug)]
pub struct Timed {
    /// The tapscript whose time was measured.
    pub shape: Shape,
    /// Name of the flag of the proposal that the shape needs. `None` for today's opcodes.
    pub proposal: Option<&'static str>,
    /// Time of one repetition of the shape's body (its sequence of opcodes) in nanoseconds.
    pub nanoseconds: f64,
}

impl Timed {
    /// Returns the time per weight unit in nanoseconds. If the shape checks signatures, the weight is the signature
    /// operation budget that they use up.
    pub fn per_weight(&self) -> f64 {
        self.nanoseconds / self.weight() as f64
    }

    /// Returns the weight of one repetition of the shape's body, or the signature operation budget that its signature
    /// checks use up if that is more.
    pub fn weight(&self) -> usize {
        self.shape.weight().max(50 * self.shape.checks)
    }
}

/// Verifies a transaction three times and returns the shortest time in nanoseconds.
fn quickest(case: &Case, flags: Flags) -> f64 {
    let run = || time(|| assert!(case.verify(flags), "a shape is not valid")).as_secs_f64() * 1e9;
    (0..3).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// Returns the time of one repetition of a shape's body in nanoseconds. It is measured with a script of about the
/// given weight.
fn time_body(shape: &Shape, weight: usize) -> f64 {
    let repetitions = weight / shape.weight().max(50 * shape.checks);
    let once = quickest(&shape.case(&mut Keys::of("search", 0), 1), shape.flags);
    let often = quickest(&shape.case(&mut Keys::of("search", 0), 1 + repetitions), shape.flags);
    (often - once).max(0.0) / repetitions as f64
}

/// Times every shape (tapscript that repeats one opcode), both of today's opcodes and of proposals. Shapes that may be
/// the costliest of their opcode are timed again with longer scripts, and only these are returned.
pub fn search() -> Vec<Timed> {
    let proposed = opcodes::proposed().into_iter().map(|(proposal, shape)| (Some(proposal), shape));
    let all = opcodes::today().into_iter().map(|shape| (None, shape)).chain(proposed);
    let mut timed: Vec<Timed> = all
        .map(|(proposal, shape)| {
            let nanoseconds = time_body(&shape, SAMPLE_WEIGHT);
            Timed { shape, proposal, nanoseconds }
        })
        .collect();
    let limit = |one: &Timed| {
        let same = |other: &&Timed| (other.proposal, other.shape.opcode) == (one.proposal, one.shape.opcode);
        costliest(timed.iter().filter(same)).map_or(0.0, |worst| CLOSE * worst.per_weight())
    };
    let limits: Vec<f64> = timed.iter().map(limit).collect();
    let mut limits = limits.into_iter();
    timed.retain(|one| limits.next().is_some_and(|limit| one.per_weight() >= limit));
    for one in &mut timed {
        one.nanoseconds = time_body(&one.shape, 5 * SAMPLE_WEIGHT);
    }
    timed
}

/// Returns the shape with the longest time per weight unit, or `None` if `timed` is empty.
pub fn costliest<'t>(timed: impl IntoIterator<Item = &'t Timed>) -> Option<&'t Timed> {
    timed.into_iter().max_by(|a, b| a.per_weight().total_cmp(&b.per_weight()))
}

/// A block of transactions, or a part of a block from which the time of the whole block is extrapolated.
#[derive(Clone, Debug)]
pub struct Block {
    /// Name of the opcode, of the proposal, or of the set of rules for which this is the worst block.
    pub subject: String,
    /// Description of the script that the block repeats.
    pub script: String,
    /// Transaction that fills the part of the block that is built.
    pub case: Case,
    /// Script flags under which the block's transaction is verified.
    pub flags: Flags,
    /// Weight of a whole block, divided by the weight of the built part.
    pub parts: f64,
}

impl Block {
    /// Builds a block that repeats one shape without signature checks. `weight` is the weight of the part of the block
    /// that is built.
    fn of_one(subject: &str, one: &Timed, weight: usize) -> Block {
        let shape = &one.shape;
        let repetitions = (weight - OVERHEAD - base_weight(shape)) / shape.weight();
        let case = shape.case(&mut Keys::of(subject, 0), repetitions);
        Block::new(subject, shape.name(), case, shape.flags, weight)
    }

    /// Builds a block with as many signature checks as the budget allows. The remaining weight is filled with the
    /// shape `filler`. `weight` is the weight of the part of the block that is built.
    fn of_checks(subject: &str, checks: &Timed, filler: &Timed, weight: usize) -> Block {
        let (checks, filler) = (&checks.shape, &filler.shape);
        let room = weight - OVERHEAD - base_weight(checks) - base_weight(filler);
        let times = room / 50;
        let left = room - times * checks.weight();
        let repetitions = left / filler.weight();
        let case = filler.case_above(&mut Keys::of(subject, 0), repetitions, Some((checks, times)));
        let script = format!("{times} times {}, {repetitions} times {}", checks.name(), filler.name());
        Block::new(subject, script, case, checks.flags | filler.flags, weight)
    }

    fn new(subject: &str, script: String, case: Case, flags: Flags, weight: usize) -> Block {
        let used = case.weight();
        assert!(used <= weight, "{subject}: {used} weight units are more than {weight}");
        Block { subject: subject.to_owned(), script, case, flags, parts: BLOCK_WEIGHT as f64 / used as f64 }
    }

    /// Builds the worst block that contains the shape `one`. If the shape checks signatures, the remaining weight is
    /// filled with the slowest shape of today without signature checks. Otherwise the shape is combined with the
    /// slowest signature checks of today, or fills the block alone if that takes longer.
    fn worst_with(subject: &str, one: &Timed, today: &Today<'_>, weight: usize) -> Block {
        if one.shape.checks > 0 {
            return Block::of_checks(subject, one, today.filler, weight);
        }
        // Weight that remains of the 50 weight units of budget for each check.
        let left = 50.0 - today.checks.shape.weight() as f64;
        let mixed = today.checks.nanoseconds + left * one.per_weight();
        if mixed > 50.0 * one.per_weight() {
            Block::of_checks(subject, today.checks, one, weight)
        } else {
            Block::of_one(subject, one, weight)
        }
    }

    /// Verifies the built part of the block once, and returns the time of the whole block in seconds.
    pub fn seconds(&self) -> f64 {
        let case = &self.case;
        time(|| assert!(case.verify(self.flags), "{}: not valid", self.subject)).as_secs_f64() * self.parts
    }
}

/// Returns the weight of a transaction with no repetition of the shape's body.
fn base_weight(shape: &Shape) -> usize {
    shape.case(&mut Keys::of("weight", 0), 0).weight()
}

/// The slowest shapes of today's opcodes: one with and one without signature checks. The worst blocks consist of
/// these.
struct Today<'t> {
    checks: &'t Timed,
    filler: &'t Timed,
}

/// Builds the worst blocks: one for today's tapscript, one for each proposal, and one for each opcode of today. An
/// opcode fills its block alone, unless it checks signatures.
///
/// Of each block, only a part with the weight `part` is built and returned. If the machine's speed varies, several
/// short measurements in alternation with the reference block are more accurate than one long measurement. For today's
/// tapscript and for proposals, the whole block is also built and verified once.
pub fn blocks(timed: &[Timed], part: usize) -> Vec<Block> {
    let of_today = || timed.iter().filter(|one| one.proposal.is_none());
    let (with_checks, without): (Vec<&Timed>, Vec<&Timed>) = of_today().partition(|one| one.shape.checks > 0);
    let today = Today {
        checks: costliest(with_checks).expect("a shape"),
        filler: costliest(without).expect("a shape"),
    };
    let worst_with = |subject: &str, worst: &Timed| {
        let whole = Block::worst_with(subject, worst, &today, BLOCK_WEIGHT);
        whole.seconds();
        Block { script: whole.script, ..Block::worst_with(subject, worst, &today, part) }
    };
    let mut blocks = vec![worst_with(TAPSCRIPT_TODAY, today.filler)];
    let mut proposals: Vec<&str> = timed.iter().filter_map(|one| one.proposal).collect();
    proposals.dedup();
    for proposal in proposals {
        let worst = costliest(timed.iter().filter(|one| one.proposal == Some(proposal))).expect("a shape");
        blocks.push(worst_with(proposal, worst));
    }
    let mut opcodes: Vec<&str> = of_today().map(|one| one.shape.opcode).collect();
    opcodes.sort_unstable();
    opcodes.dedup();
    for opcode in opcodes {
        let worst = costliest(of_today().filter(|one| one.shape.opcode == opcode)).expect("a shape");
        let subject = format!("OP_{opcode}");
        blocks.push(match worst.shape.checks {
            0 => Block::of_one(&subject, worst, part),
            _ => Block::of_checks(&subject, worst, today.filler, part),
        });
    }
    blocks
}

/// Name of the worst tapscript block that uses no proposals, in the results.
pub const TAPSCRIPT_TODAY: &str = "tapscript today";

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(opcode: &str) -> Timed {
        let of_opcode = |shape: &Shape| shape.opcode == opcode;
        let today = opcodes::today().into_iter().map(|shape| (None, shape));
        let proposed = opcodes::proposed().into_iter().map(|(proposal, shape)| (Some(proposal), shape));
        let (proposal, shape) = today.chain(proposed).find(|(_, shape)| of_opcode(shape)).unwrap();
        Timed { shape, proposal, nanoseconds: 100.0 }
    }

    #[test]
    fn parts_of_blocks_are_full_and_valid() {
        let filler = shape("SHA256");
        for opcode in ["SHA256", "CHECKSIG", "CHECKSIGADD", "CHECKSIGFROMSTACK", "CAT", "ROLL"] {
            let one = shape(opcode);
            let block = match one.shape.checks {
                0 => Block::of_one(opcode, &one, 40_000),
                _ => Block::of_checks(opcode, &one, &filler, 40_000),
            };
            let weight = block.case.weight();
            assert!((30_000..=40_000).contains(&weight), "{opcode}: {weight}");
            assert!(block.case.verify(block.flags), "{opcode}");
        }
    }

    #[test]
    fn the_worst_block_is_mixed_where_that_costs_more() {
        let (mut checks, mut filler, hash) = (shape("CHECKSIGVERIFY"), shape("SHA256"), shape("HASH160"));
        (checks.nanoseconds, filler.nanoseconds) = (30_000.0, 900.0);
        let today = Today { checks: &checks, filler: &hash };
        let mixed = Block::worst_with("mixed", &filler, &today, 40_000);
        assert!(
            mixed.script.contains("CHECKSIGVERIFY") && mixed.script.contains("SHA256"),
            "{}",
            mixed.script
        );
        // A check that takes less time than the filler in its place is left out.
        let mut cheap = checks.clone();
        cheap.nanoseconds = 100.0;
        let today = Today { checks: &cheap, filler: &hash };
        assert!(!Block::worst_with("alone", &filler, &today, 40_000).script.contains("CHECKSIGVERIFY"));
    }

    #[test]
    fn a_check_of_a_signature_costs_its_budget() {
        let (check, hash) = (shape("CHECKSIGVERIFY"), shape("SHA256"));
        assert_eq!((check.weight(), hash.weight()), (50, 3));
        assert_eq!(costliest([&check, &hash]).unwrap().shape.opcode, "SHA256");
    }
}
