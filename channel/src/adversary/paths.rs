//! Finds the spending paths of a script, and the conditions that each puts on the witness, by running the
//! script on symbolic values.
//!
//! A path is one sequence of branch decisions. The nodes of a path are the values that the script computes
//! from the witness elements; each node comes after the nodes that it depends on. Nothing here is specific
//! to a construction: scripts are parsed from their bytes.

use sigstack_interpreter::{Instructions, Opcode, script_num};

use crate::keys::sha256;
use crate::leaves::{CTV, pair_commit};
use crate::tx::hash160;

/// Index of a script value (node) in [`Path::nodes`].
pub(super) type Id = usize;

/// A symbolic value in the execution of a script: a constant, a witness element, or a result computed from other
/// values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Data pushed by the script.
    Data(Vec<u8>),
    /// A witness element, given by its index from the top of the initial stack.
    Element(usize),
    /// HASH160 of the script value with this node index.
    Hash160(Id),
    /// SHA256 of the script value with this node index.
    Sha256(Id),
    /// Length in bytes of the script value with this node index (OP_SIZE).
    Size(Id),
    /// Concatenation of the two script values with these node indices (OP_CAT).
    Joined(Id, Id),
    /// `PairCommit` hash of the two script values with these node indices (OP_PAIRCOMMIT).
    Paired(Id, Id),
    /// Whether the first script number is greater than the second (OP_GREATERTHAN, or OP_LESSTHAN with the operands
    /// swapped). Both numbers are given by their node indices.
    Above(Id, Id),
    /// Whether the two script values with these node indices are equal (OP_EQUAL, OP_EQUALVERIFY).
    Same(Id, Id),
    /// The template hash of the transaction (BIP 446).
    Template,
    /// Whether a signature of the transaction is valid for a key (OP_CHECKSIG).
    Signed {
        /// The public key, as an index into [`Path::nodes`].
        key: Id,
        /// The signature, as an index into [`Path::nodes`].
        signature: Id,
    },
    /// Whether a signature of a message is valid for a key (OP_CHECKSIGFROMSTACK).
    Stated {
        /// The public key, as an index into [`Path::nodes`].
        key: Id,
        /// The signed message, as an index into [`Path::nodes`].
        message: Id,
        /// The signature, as an index into [`Path::nodes`].
        signature: Id,
    },
    /// Whether OP_CHECKMULTISIG succeeds with one signature per key, in the order of the keys.
    Multi {
        /// The public keys, as indices into [`Path::nodes`].
        keys: Vec<Id>,
        /// The signatures, as indices into [`Path::nodes`], in the order of their keys.
        signatures: Vec<Id>,
    },
}

/// One spending path of a script: the values that it computes and the conditions under which it succeeds.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    /// Script values (nodes) of the path. Each comes after the values from which it is computed.
    pub(super) nodes: Vec<Node>,
    /// Number of witness elements that the path consumes.
    pub(super) elements: usize,
    /// Conditions under which the path succeeds. Each consists of a node's index and the truth value that this node
    /// must have.
    pub(super) must: Vec<(Id, bool)>,
    /// Highest argument of OP_CHECKLOCKTIMEVERIFY on the path, or 0.
    pub(super) lock_time: u32,
    /// Argument of OP_CHECKSEQUENCEVERIFY on the path. `None` if the path does not execute this opcode.
    pub(super) sequence: Option<u32>,
    /// Index of the node that is the argument of OP_CHECKTEMPLATEVERIFY. `None` if the path does not execute this
    /// opcode.
    pub(super) template: Option<Id>,
}

/// A symbolic execution that has not reached the end of the script.
#[derive(Clone, Debug, Default)]
struct Run {
    path: Path,
    stack: Vec<Id>,
    /// Open OP_IF blocks; each entry says whether the current branch is executed.
    branches: Vec<bool>,
    at: usize,
}

/// Maximum number of paths collected for one script. Scripts of the constructions have at most three.
const MAX_PATHS: usize = 16;

/// Returns the spending paths of a script, at most [`MAX_PATHS`]. A path with an opcode that this module does not
/// support is left out.
pub(super) fn paths(script: &[u8], internal_key: Option<&[u8; 32]>) -> Vec<Path> {
    let Ok(instructions) = Instructions::new(script).collect::<Result<Vec<_>, _>>() else {
        return Vec::new();
    };
    let (mut open, mut found) = (vec![Run::default()], Vec::new());
    while let Some(mut run) = open.pop() {
        let Some(instruction) = instructions.get(run.at) else {
            found.extend(run.end());
            if found.len() >= MAX_PATHS {
                break;
            }
            continue;
        };
        run.at += 1;
        if let Some(fork) = run.step(instruction.opcode, instruction.data, internal_key) {
            open.extend(fork);
        }
    }
    found
}

impl Run {
    fn add(&mut self, node: Node) -> Id {
        self.path.nodes.push(node);
        self.path.nodes.len() - 1
    }

    fn push(&mut self, node: Node) {
        let id = self.add(node);
        self.stack.push(id);
    }

    /// Pops the top of the stack. If all values that the script pushed are used up, the next witness element
    /// is popped.
    fn pop(&mut self) -> Id {
        if let Some(id) = self.stack.pop() {
            return id;
        }
        self.path.elements += 1;
        self.add(Node::Element(self.path.elements - 1))
    }

    fn number(&self, id: Id) -> Option<u32> {
        match self.path.nodes.get(id)? {
            Node::Data(data) => u32::try_from(script_num::decode(data, 5, true).ok()?).ok(),
            _ => None,
        }
    }

    /// Executes one instruction. Returns the symbolic executions that continue after it: one, or two if the
    /// instruction branches. Returns `None` if the instruction fails or is not supported. The execution then ends
    /// without a spending path.
    fn step(&mut self, opcode: Opcode, data: &[u8], internal_key: Option<&[u8; 32]>) -> Option<Vec<Run>> {
        use Opcode as O;
        match opcode {
            O::OP_ELSE => {
                let branch = self.branches.last_mut()?;
                *branch = !*branch;
                return Some(vec![self.clone()]);
            }
            O::OP_ENDIF => {
                self.branches.pop()?;
                return Some(vec![self.clone()]);
            }
            O::OP_IF | O::OP_NOTIF if !self.running() => {
                // This OP_IF is nested in a branch that is not executed.
                self.branches.push(false);
                return Some(vec![self.clone()]);
            }
            _ if !self.running() => return Some(vec![self.clone()]),
            O::OP_IF | O::OP_NOTIF => {
                let condition = self.pop();
                return Some(
                    [true, false].map(|truth| self.branch(condition, truth, opcode == O::OP_IF)).into(),
                );
            }
            O::OP_IFDUP => {
                let value = self.pop();
                return Some([true, false].map(|truth| self.dup_if(value, truth)).into());
            }
            _ => {}
        }
        if opcode.0 <= O::OP_PUSHDATA4.0 {
            self.push(Node::Data(data.to_vec()));
        } else if (O::OP_1.0..=O::OP_16.0).contains(&opcode.0) {
            self.push(Node::Data(vec![opcode.0 - O::OP_1.0 + 1]));
        } else if opcode == O::OP_INTERNALKEY {
            self.push(Node::Data(internal_key?.to_vec()));
        } else {
            self.stack_operation(opcode)
                .or_else(|| self.value_operation(opcode))
                .or_else(|| self.check(opcode))?;
        }
        Some(vec![self.clone()])
    }

    /// Returns whether the current instruction is executed, that is, whether every open OP_IF is in its
    /// executed branch.
    fn running(&self) -> bool {
        self.branches.iter().all(|run| *run)
    }

    fn branch(&self, condition: Id, truth: bool, runs_if: bool) -> Run {
        let mut run = self.clone();
        run.path.must.push((condition, truth));
        run.branches.push(truth == runs_if);
        run
    }

    fn dup_if(&self, value: Id, truth: bool) -> Run {
        let mut run = self.clone();
        run.path.must.push((value, truth));
        run.stack.push(value);
        if truth {
            run.stack.push(value);
        }
        run
    }

    /// Executes an opcode that only moves, copies or drops values on the stack. Returns `None` for any other opcode.
    fn stack_operation(&mut self, opcode: Opcode) -> Option<()> {
        use Opcode as O;
        match opcode {
            O::OP_DROP => drop(self.pop()),
            O::OP_DUP => {
                let top = self.pop();
                self.stack.extend([top, top]);
            }
            O::OP_SWAP | O::OP_OVER | O::OP_TUCK | O::OP_2DUP => {
                let (top, below) = (self.pop(), self.pop());
                match opcode {
                    O::OP_SWAP => self.stack.extend([top, below]),
                    O::OP_OVER => self.stack.extend([below, top, below]),
                    O::OP_TUCK => self.stack.extend([top, below, top]),
                    _ => self.stack.extend([below, top, below, top]),
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Executes an opcode that computes or verifies a value, for example a hash or a comparison. Returns `None` for
    /// any other opcode.
    fn value_operation(&mut self, opcode: Opcode) -> Option<()> {
        use Opcode as O;
        match opcode {
            O::OP_HASH160 | O::OP_SHA256 | O::OP_SIZE => {
                let value = self.pop();
                match opcode {
                    O::OP_HASH160 => self.push(Node::Hash160(value)),
                    O::OP_SHA256 => self.push(Node::Sha256(value)),
                    _ => {
                        self.stack.push(value);
                        self.push(Node::Size(value));
                    }
                }
            }
            O::OP_CAT | O::OP_PAIRCOMMIT | O::OP_GREATERTHAN | O::OP_LESSTHAN | O::OP_EQUAL => {
                let (second, first) = (self.pop(), self.pop());
                self.push(match opcode {
                    O::OP_CAT => Node::Joined(first, second),
                    O::OP_PAIRCOMMIT => Node::Paired(first, second),
                    O::OP_GREATERTHAN => Node::Above(first, second),
                    O::OP_LESSTHAN => Node::Above(second, first),
                    _ => Node::Same(first, second),
                });
            }
            O::OP_TEMPLATEHASH => self.push(Node::Template),
            O::OP_VERIFY => {
                let value = self.pop();
                self.path.must.push((value, true));
            }
            O::OP_EQUALVERIFY => {
                let (second, first) = (self.pop(), self.pop());
                let same = self.add(Node::Same(first, second));
                self.path.must.push((same, true));
            }
            _ => return None,
        }
        Some(())
    }

    /// Executes opcodes that check signatures, locks and templates. Returns `None` for any other opcode.
    fn check(&mut self, opcode: Opcode) -> Option<()> {
        use Opcode as O;
        match opcode {
            O::OP_CHECKSIG | O::OP_CHECKSIGVERIFY => {
                let (key, signature) = (self.pop(), self.pop());
                let signed = self.add(Node::Signed { key, signature });
                match opcode {
                    O::OP_CHECKSIG => self.stack.push(signed),
                    _ => self.path.must.push((signed, true)),
                }
            }
            O::OP_CHECKSIGFROMSTACK => {
                let (key, message, signature) = (self.pop(), self.pop(), self.pop());
                self.push(Node::Stated { key, message, signature });
            }
            O::OP_CHECKMULTISIG => {
                let (keys, signatures) = (self.popped_list()?, self.popped_list()?);
                let dummy = self.pop();
                self.path.must.push((dummy, false));
                self.push(Node::Multi { keys, signatures });
            }
            O::OP_CHECKLOCKTIMEVERIFY | O::OP_CHECKSEQUENCEVERIFY => {
                let value = self.pop();
                self.stack.push(value);
                let number = self.number(value)?;
                match opcode {
                    O::OP_CHECKLOCKTIMEVERIFY => self.path.lock_time = self.path.lock_time.max(number),
                    _ => self.path.sequence = Some(number),
                }
            }
            _ if opcode == CTV => {
                let value = self.pop();
                self.stack.push(value);
                self.path.template = Some(value);
            }
            _ => return None,
        }
        Some(())
    }

    /// Pops a count and then that many values, as OP_CHECKMULTISIG does. Returns the values in the order in
    /// which they were pushed.
    fn popped_list(&mut self) -> Option<Vec<Id>> {
        let count = self.pop();
        let count = self.number(count)?;
        let mut values: Vec<Id> = (0..count.min(20)).map(|_| self.pop()).collect();
        values.reverse();
        Some(values)
    }

    /// Ends this symbolic execution after the last instruction. Returns its path, with the condition that the last
    /// value on the stack is true. Returns `None` if more than one value is left or an OP_IF is not closed.
    fn end(mut self) -> Option<Path> {
        let last = self.pop();
        self.path.must.push((last, true));
        (self.stack.is_empty() && self.branches.is_empty()).then_some(self.path)
    }
}

impl Path {
    /// Computes the values of all nodes from the witness elements and the transaction's template hash. A
    /// value is `None` if it depends on a signature check, or on an element or template hash that is not
    /// known.
    pub(super) fn evaluate(
        &self,
        elements: &[Option<Vec<u8>>],
        template: Option<&[u8; 32]>,
    ) -> Vec<Option<Vec<u8>>> {
        let mut values: Vec<Option<Vec<u8>>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let value = |id: &Id| values.get(*id).and_then(|value| value.as_deref());
            let both = |a: &Id, b: &Id| value(a).zip(value(b));
            let made = match node {
                Node::Data(data) => Some(data.clone()),
                Node::Element(nth) => elements.get(*nth).cloned().flatten(),
                Node::Hash160(of) => value(of).map(|of| hash160(of).to_vec()),
                Node::Sha256(of) => value(of).map(|of| sha256(of).to_vec()),
                Node::Size(of) => value(of).map(|of| {
                    script_num::encode(i64::try_from(of.len()).unwrap_or_default()).as_bytes().to_vec()
                }),
                Node::Joined(a, b) => both(a, b).map(|(a, b)| [a, b].concat()),
                Node::Paired(a, b) => both(a, b).map(|(a, b)| pair_commit(a, b).to_vec()),
                Node::Same(a, b) => both(a, b).map(|(a, b)| truth(a == b)),
                Node::Above(a, b) => both(a, b).map(|(a, b)| {
                    let number = |bytes| script_num::decode(bytes, 4, true).ok();
                    truth(number(a).zip(number(b)).is_some_and(|(a, b)| a > b))
                }),
                Node::Template => template.map(|template| template.to_vec()),
                Node::Signed { .. } | Node::Stated { .. } | Node::Multi { .. } => None,
            };
            values.push(made);
        }
        values
    }

    /// Returns whether the path's conditions can still be met by the node values `values`. A `None` in `values` means
    /// that the value is not known, so it contradicts no condition.
    pub(super) fn allows(&self, values: &[Option<Vec<u8>>]) -> bool {
        self.must.iter().all(|(id, truth)| match values.get(*id) {
            Some(Some(value)) => script_num::is_true(value) == *truth,
            _ => true,
        })
    }
}

fn truth(is: bool) -> Vec<u8> {
    if is { vec![1] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaves;

    #[test]
    fn leaves_have_one_path_and_htlc_scripts_of_today_three() {
        let key = [7; 32];
        let contest = paths(&leaves::contest(70_000, &key, &key), None);
        assert_eq!((contest.len(), contest[0].elements), (1, 3));
        let public = secp256k1::Keypair::from_secret_bytes([1; 32]).unwrap().public_key();
        let parts = crate::bolt3::scripts::HtlcScript {
            revocation: &public,
            local_htlc: &public,
            remote_htlc: &public,
            payment_hash: &[3; 32],
            expiry: 900_020,
            one_block_lock: true,
        };
        for (script, lock_times) in [(parts.offered(), [0, 0, 0]), (parts.received(), [0, 0, 900_020])] {
            let mut found: Vec<u32> = paths(&script, None).iter().map(|path| path.lock_time).collect();
            found.sort_unstable();
            assert_eq!(found, lock_times);
        }
        let local = paths(&crate::bolt3::scripts::to_local(&public, 144, &public), None);
        assert_eq!(local.iter().map(|path| path.sequence).collect::<Vec<_>>(), [Some(144), None]);
        // An unsupported opcode yields no paths.
        assert!(paths(&[0x51, Opcode::OP_RIPEMD160.0], None).is_empty());
        assert_eq!(paths(&[0x51], None).len(), 1);
    }
}
