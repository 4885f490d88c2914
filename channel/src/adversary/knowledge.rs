//! The knowledge of the corrupted side (keys, received signatures, preimages), and the transactions that it
//! can complete with this knowledge.

mod witness;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, ScriptBuf, Transaction, TxOut};
use secp256k1::Keypair;
use sigstack_interpreter::Spend;

use witness::at;

use super::paths::{Id, Node, Path, paths};
use crate::keys::{generator_keypair, sign_schnorr, x_only};
use crate::model::{Construction, Held, Known, PlayError, Step};

use crate::tx::{SEQUENCE_FREE, input, output, set_witness, transaction};

/// A transaction whose outputs are fixed because the other party signed it or a script commits to it, with
/// the signatures that the corrupted side received for it. `number` is the number of its channel state.
#[derive(Clone, Debug)]
struct Template {
    label: String,
    tx: Transaction,
    prevouts: Vec<TxOut>,
    annex: Option<Vec<u8>>,
    signatures: Vec<Vec<u8>>,
    number: u32,
}

/// One spending path of a script, with candidates for its witness elements. Each entry of `choices` is one
/// combination of elements. An element that depends on the spending transaction, such as a signature, is
/// `None`.
#[derive(Clone, Debug)]
struct Plan {
    script: Vec<u8>,
    path: Path,
    choices: Vec<Vec<Option<Vec<u8>>>>,
}

/// A transaction that the corrupted side can complete and publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Name of the transaction in the printed list of moves.
    pub(super) label: String,
    /// The transaction with its complete witness.
    pub(super) tx: Transaction,
    /// The outputs that the transaction spends, in input order.
    pub(super) prevouts: Vec<TxOut>,
    /// Whether the corrupted side built the transaction to pay the output to its own wallet, with the fee
    /// [`OWN_FEE`].
    pub(super) is_own: bool,
    /// Whether the transaction closes the channel in the latest state.
    pub(super) closes_latest: bool,
}

/// Maximum number of combinations of witness elements kept for one script path.
const MAX_CHOICES: usize = 64;

/// Everything that the corrupted side knows: its keys, the signatures and data that it received, and transactions
/// with fixed outputs ([`Template`]). It also knows the scripts of the channel's outputs, and the script paths by
/// which it may spend them.
#[derive(Debug)]
pub(super) struct Knowledge {
    keys: BTreeMap<[u8; 32], Keypair>,
    held: Held,
    templates: Vec<Template>,
    outputs: BTreeMap<ScriptBuf, (Known, Vec<Plan>)>,
    funding: ScriptBuf,
    payout: ScriptBuf,
    capacity: bitcoin::Amount,
    latest: u32,
}

impl Knowledge {
    /// Collects everything that `party` knows: its keys, the signatures that it received, `preimages`, and the
    /// transactions that it can complete in any state. `payout` is the script of its wallet.
    pub(super) fn of(
        channel: &dyn Construction,
        party: usize,
        preimages: &[[u8; 32]],
        payout: ScriptBuf,
    ) -> Result<Knowledge, PlayError> {
        let mut held = channel.held(party)?;
        held.data.extend(preimages.iter().map(|preimage| preimage.to_vec()));
        held.keys.push(generator_keypair()?.secret_key());
        let pairs = held.keys.iter().map(Keypair::from_secret_key);
        let keys: BTreeMap<[u8; 32], Keypair> = pairs.map(|pair| (x_only(&pair), pair)).collect();
        held.data.extend(keys.values().map(|pair| pair.public_key().serialize().to_vec()));
        let funding = channel.funding_output().script_pubkey.clone();
        let mut knowledge = Knowledge {
            keys,
            held,
            templates: Vec::new(),
            outputs: BTreeMap::new(),
            funding,
            payout,
            capacity: bitcoin::Amount::from_sat(channel.setup().capacity),
            latest: channel.number(),
        };
        for number in 0..=channel.number() {
            for step in channel.close(party, number)? {
                knowledge.add_template(step, number);
            }
            knowledge.add_claims(channel, party, number, preimages);
        }
        for tx in std::mem::take(&mut knowledge.held.fixed) {
            knowledge.add_template(Step { label: "justice", tx, prevouts: Vec::new() }, 0);
        }
        for known in channel.outputs()? {
            knowledge.add_output(known);
        }
        Ok(knowledge)
    }

    /// Returns whether a transaction pays the whole channel capacity to one output. In a construction that closes a
    /// channel with two transactions, the first of the two does this.
    pub(super) fn is_state(&self, tx: &Transaction) -> bool {
        tx.output.iter().any(|out| out.value == self.capacity)
    }

    fn add_template(&mut self, step: Step, number: u32) {
        let elements: Vec<Vec<u8>> = step.tx.input.iter().flat_map(|input| input.witness.to_vec()).collect();
        let is_annex = |element: &&Vec<u8>| element.first() == Some(&0x50) && element.len() == 33;
        let annex = elements.last().filter(is_annex).cloned();
        let signatures = elements.into_iter().filter(|element| (64..=73).contains(&element.len()));
        let signatures = signatures.collect();
        let label = format!("{} {number}", step.label);
        self.templates.push(Template {
            label,
            tx: step.tx,
            prevouts: step.prevouts,
            annex,
            signatures,
            number,
        });
    }

    /// Adds the transactions with which `party` claims the HTLCs of state `number`. It claims a received HTLC
    /// with the preimage, and takes back an offered HTLC after the expiry.
    fn add_claims(&mut self, channel: &dyn Construction, party: usize, number: u32, preimages: &[[u8; 32]]) {
        let (Ok(content), Ok(steps)) = (channel.state(number), channel.close(party, number)) else { return };
        for htlc in &content.htlcs {
            let known = preimages.iter().find(|preimage| crate::keys::sha256(*preimage) == htlc.payment_hash);
            let preimage = known.filter(|_| htlc.to == party).copied();
            if preimage.is_none() && htlc.from != party {
                continue;
            }
            let claims = steps.iter().filter_map(|step| channel.claim_htlc(step, htlc, preimage).ok());
            for claim in claims.collect::<Vec<Step>>() {
                self.add_template(claim, number);
            }
        }
    }

    /// Adds an output of the channel. For each of its scripts, keeps the spending paths for which the
    /// corrupted side has the data.
    fn add_output(&mut self, known: Known) {
        let script_pubkey = known.script_pubkey();
        if self.outputs.contains_key(&script_pubkey) {
            return;
        }
        let scripts: Vec<(Vec<u8>, Option<[u8; 32]>)> = match &known {
            Known::Tap(out) => {
                out.scripts().map(|script| (script.to_vec(), Some(*out.internal_key()))).collect()
            }
            Known::Script(script) => vec![(script.clone(), None)],
        };
        let mut plans = Vec::new();
        for (script, key) in scripts {
            for path in paths(&script, key.as_ref()) {
                let choices = self.choices(&path);
                if !choices.is_empty() {
                    plans.push(Plan { script: script.clone(), path, choices });
                }
            }
        }
        self.outputs.insert(script_pubkey, (known, plans));
    }

    /// Returns whether an output has the script of the channel's funding output or of another channel output.
    pub(super) fn knows(&self, out: &TxOut) -> bool {
        out.script_pubkey == self.funding || self.outputs.contains_key(&out.script_pubkey)
    }

    /// Returns the scripts of the channel's outputs. They are used to create decoy outputs.
    pub(super) fn scripts(&self) -> impl Iterator<Item = &ScriptBuf> {
        self.outputs.keys()
    }

    /// Returns the combinations of witness elements with which the corrupted side may be able to satisfy a
    /// script path. Elements that depend on the spending transaction are `None`.
    fn choices(&self, path: &Path) -> Vec<Vec<Option<Vec<u8>>>> {
        let mut pool: Vec<Vec<u8>> = self.held.data.clone();
        for node in &path.nodes {
            // The script compares a witness element with a constant. The corrupted side may choose any number
            // here, so the constant plus one is a candidate.
            if let Node::Above(_, than) = node
                && let Some(number) = path.nodes.get(*than).and_then(number_of)
            {
                pool.push(
                    sigstack_interpreter::script_num::encode(number.saturating_add(1)).as_bytes().to_vec(),
                );
            }
        }
        pool.extend(self.held.statements.iter().map(|(_, message, _)| message.clone()));
        let mut partial: Vec<Vec<Option<Vec<u8>>>> = vec![vec![None; path.elements]];
        for place in 0..path.elements {
            let options = options(path, place, &pool);
            let mut next: Vec<Vec<Option<Vec<u8>>>> = Vec::new();
            for option in options {
                for chosen in &partial {
                    let mut chosen = chosen.clone();
                    if let Some(element) = chosen.get_mut(place) {
                        element.clone_from(&option);
                    }
                    let fits = path.allows(&path.evaluate(&chosen, None)) && self.can_state(path, &chosen);
                    if fits && !next.contains(&chosen) && next.len() < 16 * MAX_CHOICES {
                        next.push(chosen);
                    }
                }
            }
            partial = next;
        }
        partial.truncate(MAX_CHOICES);
        partial
    }

    /// Returns whether the corrupted side has, or can make, a signature for every OP_CHECKSIGFROMSTACK of the path
    /// whose key and message are already known.
    fn can_state(&self, path: &Path, chosen: &[Option<Vec<u8>>]) -> bool {
        let values = path.evaluate(chosen, None);
        path.nodes.iter().all(|node| match node {
            Node::Stated { key, message, .. } => match (at(&values, *key), at(&values, *message)) {
                (Some(key), Some(message)) => self.statement(key, message).is_some(),
                _ => true,
            },
            _ => true,
        })
    }

    /// Returns a signature of `message` under `key` for OP_CHECKSIGFROMSTACK: a received signature, or one
    /// made with the corrupted side's own key. Returns `None` if it has neither.
    fn statement(&self, key: &[u8], message: &[u8]) -> Option<[u8; 64]> {
        let key: [u8; 32] = key.try_into().ok()?;
        let received = self.held.statements.iter().find(|(by, what, _)| *by == key && what == message);
        received
            .map(|(_, _, signature)| *signature)
            .or_else(|| self.keys.get(&key).map(|pair| sign_schnorr(pair, message)))
    }

    /// Returns all transactions with which the corrupted side can spend an output. `version` is the
    /// transaction version of those that it builds itself. The result contains:
    ///
    /// - transactions that were signed for exactly this outpoint
    /// - transactions whose signatures can be rebound to this outpoint
    /// - transactions that pay the corrupted side's wallet
    pub(super) fn spends(&self, outpoint: OutPoint, out: &TxOut, version: i32) -> Vec<Candidate> {
        let mut found = Vec::new();
        for template in &self.templates {
            if template.tx.input.first().is_some_and(|input| input.previous_output == outpoint) {
                found.push(Candidate {
                    label: template.label.clone(),
                    tx: template.tx.clone(),
                    prevouts: template.prevouts.clone(),
                    is_own: false,
                    closes_latest: template.number == self.latest && out.script_pubkey == self.funding,
                });
            }
        }
        let Some((_, plans)) = self.outputs.get(&out.script_pubkey) else { return found };
        for plan in plans {
            let own = self.own_spend(outpoint, out, plan, version);
            found.extend(self.complete(own, plan, None, &[], "spend of its own", true));
            for template in &self.templates {
                let mut tx = template.tx.clone();
                let Some(first) = tx.input.first_mut() else { continue };
                first.previous_output = outpoint;
                let unsigned = (tx, vec![out.clone()]);
                let annex = template.annex.as_deref();
                let made = self.complete(unsigned, plan, annex, &template.signatures, &template.label, false);
                found.extend(made.filter(|made| !found.iter().any(|other| other.tx == made.tx)));
            }
        }
        found
    }

    /// Builds an unsigned transaction that spends an output by the script path of `plan` and pays the
    /// corrupted side's wallet.
    fn own_spend(
        &self,
        outpoint: OutPoint,
        out: &TxOut,
        plan: &Plan,
        version: i32,
    ) -> (Transaction, Vec<TxOut>) {
        let sequence = plan.path.sequence.unwrap_or(SEQUENCE_FREE);
        let pays = output(out.value.to_sat().saturating_sub(OWN_FEE), self.payout.clone());
        let tx = transaction(version, plan.path.lock_time, vec![input(outpoint, sequence)], vec![pays]);
        (tx, vec![out.clone()])
    }

    /// Adds the witness of the first input, which spends its output by the script path of `plan`. Returns
    /// `None` if a signature or another witness element is not available.
    fn complete(
        &self,
        (mut tx, prevouts): (Transaction, Vec<TxOut>),
        plan: &Plan,
        annex: Option<&[u8]>,
        received: &[Vec<u8>],
        label: &str,
        is_own: bool,
    ) -> Option<Candidate> {
        let witness = self.witness(&tx, &prevouts, 0, plan, annex, received)?;
        set_witness(&mut tx, 0, &witness);
        Some(Candidate { label: label.to_owned(), tx, prevouts, is_own, closes_latest: false })
    }

    /// Makes input `place` of `changed` valid again, after the rest of the transaction was changed. The
    /// witness of `original` is kept if it is still valid. If it is not, a new witness is completed from the
    /// received signatures and the corrupted side's keys. Returns `None` if the signatures commit to what was
    /// changed.
    pub(super) fn again(&self, changed: &Candidate, place: usize, original: &Candidate) -> Option<Candidate> {
        let mut made = changed.clone();
        let kept = original.tx.input.first()?.witness.clone();
        if let Some(input) = made.tx.input.get_mut(place) {
            input.witness = kept;
        }
        if valid(&made, place) {
            return Some(made);
        }
        let out = made.prevouts.get(place)?;
        let (_, plans) = self.outputs.get(&out.script_pubkey)?;
        let elements: Vec<Vec<u8>> = original.tx.input.first()?.witness.to_vec();
        let received: Vec<Vec<u8>> =
            elements.iter().filter(|element| (64..=73).contains(&element.len())).cloned().collect();
        let annex = elements.last().filter(|element| element.first() == Some(&0x50) && element.len() == 33);
        let witness = plans.iter().find_map(|plan| {
            self.witness(&made.tx, &made.prevouts, place, plan, annex.map(Vec::as_slice), &received)
        })?;
        set_witness(&mut made.tx, place, &witness);
        Some(made)
    }
}

/// Fee, in satoshi, of each transaction that the corrupted side builds to pay its own wallet. The fee exceeds the
/// market fee in every scenario in which such a transaction must be mined.
pub(super) const OWN_FEE: u64 = 4_000;

/// Returns whether an input of a transaction is valid under consensus with all proposed soft forks active.
pub(super) fn valid(candidate: &Candidate, place: usize) -> bool {
    let flags = sigstack_interpreter::Flags::CONSENSUS
        | sigstack_interpreter::Flags::of_kind(sigstack_interpreter::FlagKind::Proposal);
    Spend::new(&candidate.tx, &candidate.prevouts).is_ok_and(|spend| spend.verify_input(place, flags).is_ok())
}

fn number_of(node: &Node) -> Option<i64> {
    match node {
        Node::Data(data) => sigstack_interpreter::script_num::decode(data, 4, true).ok(),
        _ => None,
    }
}

/// Returns the candidate values of the witness element with index `place`. Signatures and template hashes are computed
/// later from the transaction, so the only candidate for them is `None`.
fn options(path: &Path, place: usize, pool: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
    let is_place = |id: &Id| path.nodes.get(*id) == Some(&Node::Element(place));
    let signature = path.nodes.iter().any(|node| match node {
        Node::Signed { signature, .. } | Node::Stated { signature, .. } => is_place(signature),
        Node::Multi { signatures, .. } => signatures.iter().any(is_place),
        _ => false,
    });
    if signature || path.template.as_ref().is_some_and(is_place) {
        return vec![None];
    }
    if let Some((_, truth)) = path.must.iter().find(|(id, _)| is_place(id)) {
        return vec![Some(if *truth { vec![1] } else { Vec::new() })];
    }
    let unique: BTreeSet<&Vec<u8>> = pool.iter().collect();
    let empty = core::iter::once(Some(Vec::new()));
    unique.into_iter().cloned().map(Some).chain(empty).collect()
}
