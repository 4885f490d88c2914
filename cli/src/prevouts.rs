//! The outputs that a transaction spends, as given on the command line.

use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};

use crate::input;
use crate::problem::Problem;
use sigstack_debugger::counted;

/// Returns the spent outputs given by `--prevout`, one entry for each input of `tx`. `named` is the index given by
/// `--input`.
pub(crate) fn of_outputs(
    tx: &Transaction,
    arguments: &[String],
    named: Option<usize>,
) -> Result<Vec<Option<TxOut>>, Problem> {
    let inputs = tx.input.len();
    let mut prevouts = vec![None; inputs];
    for (nth, argument) in arguments.iter().enumerate() {
        let numbered =
            argument.split_once('=').and_then(|(number, output)| Some((number.parse().ok()?, output)));
        let (index, output): (usize, &str) = match (numbered, named) {
            (Some(numbered), _) => numbered,
            // The only output given is that of the only verified input.
            (None, Some(input)) if arguments.len() == 1 && input < inputs => (input, argument),
            (None, _) if arguments.len() == inputs => (nth, argument),
            (None, _) => {
                return Err(Problem::new(format!("{} for {}", arguments.len(), counted(inputs, "input")))
                    .at("--prevout")
                    .hint("give one for each input, in input order, or name the input: --prevout 1=SATOSHI:SCRIPT"));
            }
        };
        let name = format!("--prevout {index}");
        let Some(place) = prevouts.get_mut(index) else {
            return Err(Problem::new(format!(
                "the transaction has {}, counted from 0",
                counted(inputs, "input")
            ))
            .at(name));
        };
        if place.replace(input::output(output, &name)?).is_some() {
            return Err(Problem::new(format!("the output that input {index} spends is given twice")).at(name));
        }
    }
    Ok(prevouts)
}

/// Returns the spent outputs of `tx` that the transactions given by `--prevtx` create, one entry for each input.
pub(crate) fn of_transactions(tx: &Transaction, arguments: &[String]) -> Result<Vec<Option<TxOut>>, Problem> {
    let mut prevouts = vec![None; tx.input.len()];
    for (nth, argument) in arguments.iter().enumerate() {
        let name = format!("--prevtx {nth}");
        let parent = input::transaction(argument, &name)?;
        let txid = parent.compute_txid();
        let mut is_spent = false;
        for ((nth, tx_input), prevout) in tx.input.iter().enumerate().zip(&mut prevouts) {
            let spent = tx_input.previous_output;
            if spent.txid == txid {
                let output = usize::try_from(spent.vout).ok().and_then(|vout| parent.output.get(vout));
                let count = parent.output.len();
                *prevout = Some(output.cloned().ok_or_else(|| {
                    let what = format!(
                        "input {nth} spends {spent}, but this transaction has {}",
                        counted(count, "output")
                    );
                    Problem::new(what).at(&*name)
                })?);
                is_spent = true;
            }
        }
        if !is_spent {
            return Err(Problem::new(format!("no input spends an output of {txid}")).at(name));
        }
    }
    Ok(prevouts)
}

/// Returns a spent output for each input of `tx`, so that the inputs with the indices `inputs` can be verified. Unknown
/// outputs that cannot influence their verdicts are replaced by placeholders. Fails if an unknown output could
/// influence a verdict, or if `tx` does not have one of the inputs.
pub(crate) fn complete(
    tx: &Transaction,
    known: &[Option<TxOut>],
    inputs: &[usize],
) -> Result<Vec<TxOut>, Problem> {
    let unknown: Vec<usize> =
        (0..).zip(known).filter(|(_, prevout)| prevout.is_none()).map(|(nth, _)| nth).collect();
    for input in inputs {
        match known.get(*input) {
            Some(Some(prevout)) if unknown.is_empty() || !depends_on_others(prevout) => {}
            Some(Some(_)) => {
                let what =
                    "a taproot input, whose signatures commit to the outputs that all inputs spend (BIP 341)";
                return Err(Problem::new(format!("{what}: those of {} are not given", list(&unknown)))
                    .at(format!("input {input}")));
            }
            Some(None) => return Err(missing(tx, *input)),
            None => {
                let what =
                    format!("the transaction has {}, counted from 0", counted(tx.input.len(), "input"));
                return Err(Problem::new(what).at(format!("--input {input}")));
            }
        }
    }
    Ok(known.iter().map(|prevout| prevout.clone().unwrap_or_else(placeholder)).collect())
}

/// Returns `true` if the verdict on an input can depend on the outputs that other inputs spend. Only the signature
/// hash of BIP 341 commits to those outputs. Legacy and BIP 143 signature hashes and template hashes do not.
fn depends_on_others(prevout: &TxOut) -> bool {
    prevout.script_pubkey.is_p2tr()
}

/// Returns a placeholder for an unknown spent output that no verified input depends on.
fn placeholder() -> TxOut {
    TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new() }
}

/// Returns the error for a coinbase transaction, which cannot be verified because it spends no output.
pub(crate) fn of_coinbase() -> Problem {
    Problem::new("the input of a coinbase transaction spends no output, so no script verifies it")
}

fn missing(tx: &Transaction, input: usize) -> Problem {
    let place = format!("input {input}");
    let spent = tx.input.get(input).map(|input| input.previous_output).unwrap_or_default();
    if spent.is_null() {
        return of_coinbase().at(place);
    }
    let alone = if tx.input.len() > 1 { "; --input N verifies one input alone" } else { "" };
    Problem::new("the output that it spends is not given").at(place).hint(format!(
        "--prevout {input}=SATOSHI:SCRIPT, or --prevtx with the transaction {}{alone}",
        spent.txid
    ))
}

/// Formats the indices of inputs as `input 1`, `inputs 0, 2` or, for three and more in a row, `inputs 0-5, 7`.
pub(crate) fn list(inputs: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for input in inputs {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == *input => *end = *input,
            _ => runs.push((*input, *input)),
        }
    }
    let run = |(start, end): (usize, usize)| match end - start {
        0 => start.to_string(),
        1 => format!("{start}, {end}"),
        _ => format!("{start}-{end}"),
    };
    let numbers: Vec<String> = runs.into_iter().map(run).collect();
    format!("input{} {}", if inputs.len() == 1 { "" } else { "s" }, numbers.join(", "))
}

#[cfg(test)]
mod tests {
    use sigstack_interpreter::{Event, FlagKind, Flags, Inspector, Spend, VerifyError};
    use sigstack_vectors::{InputQuestion, ReadOptions};

    use super::*;
    use crate::find::{self, Content};

    #[test]
    fn inputs_in_a_row_are_a_range() {
        for (inputs, text) in [
            (&[1][..], "input 1"),
            (&[0, 1], "inputs 0, 1"),
            (&[0, 1, 2], "inputs 0-2"),
            (&[0, 2, 3, 4, 6, 7], "inputs 0, 2-4, 6, 7"),
        ] {
            assert_eq!(list(inputs), text);
        }
    }

    /// Inspector that records the signature checks and template hashes of a verification.
    #[derive(Default)]
    struct Messages(Vec<Event>);

    impl Inspector for Messages {
        fn event(&mut self, event: &Event) {
            self.0.push(event.clone());
        }
    }

    fn verify(
        question: &InputQuestion,
        prevouts: &[TxOut],
        flags: Flags,
    ) -> (Result<(), VerifyError>, Vec<Event>) {
        let mut messages = Messages::default();
        let spend = Spend::new(&question.tx, prevouts).unwrap();
        let verdict = spend.verify_input_with(question.index, flags, &mut messages).map(drop);
        (verdict, messages.0)
    }

    /// For every non-taproot input in the project's vectors, verdict and signed messages are the same whatever
    /// outputs the other inputs spend. For taproot inputs they are not.
    #[test]
    fn only_taproot_depends_on_what_other_inputs_spend() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors");
        let (sources, _) = find::sources(&[folder]);
        let (mut alone, mut changed) = ([0; 2], 0);
        for source in sources {
            let Ok(Content::Vectors(file)) = source.read(ReadOptions::default()) else { continue };
            for question in file.entries.iter().flat_map(sigstack_vectors::Entry::input_questions) {
                let count = question.tx.input.len();
                let Some(own) = question.prevouts.get(question.index).filter(|_| count > 1) else { continue };
                let known: Vec<Option<TxOut>> =
                    (0..count).map(|input| (input == question.index).then(|| own.clone())).collect();
                let all = Flags::CONSENSUS | Flags::of_kind(FlagKind::Proposal);
                match complete(&question.tx, &known, &[question.index]) {
                    Ok(prevouts) => {
                        for flags in [question.flags, all] {
                            let whole = verify(&question, &question.prevouts, flags);
                            assert_eq!(
                                verify(&question, &prevouts, flags),
                                whole,
                                "{:?}",
                                question.tx.compute_txid()
                            );
                            alone[usize::from(!whole.1.is_empty())] += 1;
                        }
                    }
                    Err(problem) => {
                        assert!(
                            depends_on_others(own) && problem.to_string().contains("BIP 341"),
                            "{problem}"
                        );
                        let others: Vec<TxOut> =
                            known.into_iter().map(|prevout| prevout.unwrap_or_else(placeholder)).collect();
                        let whole = verify(&question, &question.prevouts, question.flags);
                        changed += usize::from(verify(&question, &others, question.flags) != whole);
                    }
                }
            }
        }
        assert!(alone[1] > 500 && changed > 500, "{alone:?} without and with a message, {changed} changed");
    }
}
