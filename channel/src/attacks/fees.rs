//! Attacks that use relay policy: dust outputs and pinning.

use bitcoin::TxOut;
use sigstack_interpreter::Flags;

use super::Trial;
use crate::chain::{Chain, Policy, PolicyError, Reject};
use crate::keys::Seed;
use crate::model::{Construction, Content, PlayError, Profile, Setup, SignedSequence, Stage};
use crate::tx::{input, outpoint, output, p2a, transaction};
use crate::wallet::Wallet;

const CAPACITY: u64 = 1_000_000;

/// Attack "trimmed-dust": a balance below the dust limit gets no output in the settlement. If its amount
/// becomes fee, the settlement is not relayed, because a transaction with a 0-sat P2A output must not pay a
/// fee. The signed sequence channel adds the amount to the P2A output instead, up to 239 sat.
pub(super) fn trimmed_dust() -> Result<Vec<Trial>, PlayError> {
    // Naive form: the amounts without an output become fee, and the P2A output has 0 sat.
    let mut chain = Chain::new(Flags::NONE, Policy::default());
    let wallet = Wallet::new(&Seed::from_name("dust"))?;
    let coin = wallet.mint(&mut chain, CAPACITY);
    let outs = vec![output(CAPACITY - 241, wallet.script_pubkey().clone()), output(0, p2a())];
    let mut tx = transaction(3, 0, vec![input(coin.0, 0)], outs);
    wallet.sign(&mut tx, std::slice::from_ref(&coin.1), 0)?;
    let refused = chain.submit(tx);
    let mut trials = vec![Trial {
        against: "trimmed amounts as fee beside an anchor of 0 sat",
        works: matches!(refused, Err(Reject::NonStandard(PolicyError::DustWithFee { .. }))),
        outcome: "the settlement is not relayed: dust in a transaction that pays a fee".to_owned(),
        shown: Vec::new(),
    }];
    let mut settled = Vec::new();
    let state = |dust: u64| Content::of(&[CAPACITY - dust, dust]);
    for dust in [238, 239] {
        let content = state(dust);
        let setup = Setup::named("dust", 2, CAPACITY, 10)?;
        let mut channel = SignedSequence::new(setup, Profile::Ctv, content.clone())?;
        let mut stage = Stage::new(&channel)?;
        // The settlement itself pays less than any minimum relay feerate, so it is submitted with a child
        // that pays for both.
        stage.open(&mut channel)?;
        channel.update(content)?;
        let mut steps = channel.close(0, 1)?.into_iter();
        let (Some(commitment), Some(settlement)) = (steps.next(), steps.next()) else { continue };
        stage.publish(commitment)?;
        let fee = settlement.fee();
        crate::model::wait_for(&mut stage.chain, &settlement.tx)
            .map_err(|reject| PlayError::Chain { label: "wait", reject })?;
        let funds = stage.wallet.mint(&mut stage.chain, 100_000);
        let child = stage.wallet.fee_child(&settlement.tx, &funds, 2_000)?;
        stage
            .chain
            .submit_package(settlement.tx, child)
            .map_err(|reject| PlayError::Chain { label: "settlement", reject })?;
        settled.push(format!("{dust} sat: fee {fee}"));
    }
    let refused =
        SignedSequence::new(Setup::named("dust", 2, CAPACITY, 10)?, Profile::Ctv, state(240)).is_err();
    trials.push(Trial {
        against: "trimmed amounts in the anchor, up to 239 sat",
        works: settled.len() != 2 || !refused,
        outcome: format!("relayed with a child: {}; a state with 240 sat is refused", settled.join(", ")),
        shown: Vec::new(),
    });
    Ok(trials)
}

/// Attack "fee-input": a settlement is signed with ANYPREVOUTANYSCRIPT, which does not commit to other inputs. One
/// trial pays the fee with an additional input, the other with a child transaction. Relay policy refuses the
/// settlement with the additional input, because it pays a fee and has a 0-sat P2A output.
pub(super) fn fee_input() -> Result<Vec<Trial>, PlayError> {
    let content = Content::of(&[600_000, 400_000]);
    let mut channel = SignedSequence::new(
        Setup::named("fee input", 2, CAPACITY, 10)?,
        Profile::AnyPrevOut,
        content.clone(),
    )?;
    let mut stage = Stage::new(&channel)?;
    stage.open(&mut channel)?;
    channel.update(content)?;
    let mut steps = channel.close(0, 1)?.into_iter();
    let (Some(commitment), Some(settlement)) = (steps.next(), steps.next()) else { return Ok(Vec::new()) };
    stage.publish(commitment)?;
    let stop = |reject| PlayError::Chain { label: "settlement", reject };
    crate::model::wait_for(&mut stage.chain, &settlement.tx).map_err(stop)?;
    let funds = stage.wallet.mint(&mut stage.chain, 2_000);
    let (mut tx, mut prevouts) = (settlement.tx.clone(), settlement.prevouts.clone());
    tx.input.push(input(funds.0, 0));
    prevouts.push(funds.1);
    stage.wallet.sign(&mut tx, &prevouts, 1)?;
    let refused = stage.chain.clone().submit(tx.clone());
    let miner = stage.chain.clone().mine_block(vec![tx]).is_ok();
    let with_fee_input = Trial {
        against: "a fee input beside an anchor of 0 sat",
        works: matches!(refused, Err(Reject::NonStandard(PolicyError::DustWithFee { .. }))),
        outcome: match miner {
            true => "valid in a block and not relayed: dust in a transaction that pays a fee",
            false => "not valid in a block",
        }
        .to_owned(),
        shown: Vec::new(),
    };
    let with_child = stage.publish(settlement);
    let by_child = Trial {
        against: "a child that pays for it and spends the anchor",
        works: with_child.is_err(),
        outcome: "the next block takes both".to_owned(),
        shown: Vec::new(),
    };
    Ok(vec![with_fee_input, by_child])
}

/// Attack "pinning": an attacker spends the anchor of a commitment transaction with a child of maximum size and low
/// feerate. Measures the fee that a victim must pay to replace this child, with transactions of version 2 and of
/// version 3.
pub(super) fn pinning() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for (against, version, outputs) in
        [("a commitment of version 2", 2, 2_300), ("a commitment of version 3", 3, 19)]
    {
        let mut chain = Chain::new(Flags::NONE, Policy::ONE_SAT_PER_VBYTE);
        let (attacker, victim) =
            (Wallet::new(&Seed::from_name("pin"))?, Wallet::new(&Seed::from_name("pinned"))?);
        let coin = attacker.mint(&mut chain, CAPACITY);
        let fee = 1_000;
        let outs = vec![output(CAPACITY - 240 - fee, attacker.script_pubkey().clone()), output(240, p2a())];
        let mut parent = transaction(version, 0, vec![input(coin.0, 0)], outs);
        attacker.sign(&mut parent, std::slice::from_ref(&coin.1), 0)?;
        let stop = |reject| PlayError::Chain { label: "pinning", reject };
        chain.submit(parent.clone()).map_err(stop)?;
        // The attacker's child: as heavy as possible at 1 sat/vB, spending the anchor.
        let funds = attacker.mint(&mut chain, 3_000_000);
        let outs: Vec<TxOut> = (0..outputs).map(|_| output(400, attacker.script_pubkey().clone())).collect();
        let mut heavy =
            transaction(version, 0, vec![input(outpoint(&parent, 1), 0), input(funds.0, 0)], outs);
        let vsize = crate::tx::weight(&heavy).div_ceil(4) + 17;
        heavy
            .output
            .push(output(3_000_240 - 400 * outputs - vsize - 43 - 2, attacker.script_pubkey().clone()));
        let prevouts = [output(240, p2a()), funds.1];
        attacker.sign(&mut heavy, &prevouts, 1)?;
        let size = crate::tx::weight(&heavy).div_ceil(4);
        chain.submit(heavy).map_err(stop)?;
        // Bisection of the fee that the victim's own child on the same anchor needs to replace the attacker's child.
        let own = victim.mint(&mut chain, 500_000);
        let (mut low, mut high) = (0u64, 400_000);
        while high - low > 1 {
            let middle = low.midpoint(high);
            let mut child = transaction(
                version,
                0,
                vec![input(outpoint(&parent, 1), 0), input(own.0, 0)],
                vec![output(500_240 - middle, victim.script_pubkey().clone())],
            );
            victim.sign(&mut child, &[output(240, p2a()), own.1.clone()], 1)?;
            match chain.clone().submit(child) {
                Ok(_) => high = middle,
                Err(_) => low = middle,
            }
        }
        trials.push(Trial {
            against,
            works: high > 10_000,
            outcome: format!("a child of {size} vB at 1 sat/vB: the victim pays {high} sat to replace it"),
            shown: Vec::new(),
        });
    }
    Ok(trials)
}
