//! Generates policies from a seed.

use sigstack_compiler::policy::{HashFn, Join};
use sigstack_compiler::{LIMB_BITS, Value, commit_number, pair_commit};

use super::{Template, World, hash, keypair, template_output};

/// SplitMix64, a small random number generator with a seed and the same output on every machine. It may start with given
/// bytes, whose values are drawn first; a fuzzer uses these to steer the generated policies.
#[derive(Default)]
pub struct Rng {
    state: u64,
    /// Given bytes that `next` returns before it returns random numbers. They are stored in reverse order: the last one
    /// is returned first.
    choices: Vec<u8>,
}

impl Rng {
    pub fn new(state: u64) -> Rng {
        Rng { state, choices: Vec::new() }
    }

    /// Creates a generator that first returns these bytes, one at a time, and then random numbers from seed 0.
    pub fn of_bytes(bytes: &[u8]) -> Rng {
        Rng { state: 0, choices: bytes.iter().rev().copied().collect() }
    }

    pub fn next(&mut self) -> u64 {
        if let Some(choice) = self.choices.pop() {
            return choice.into();
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Generates one policy from random numbers, and collects the definitions and secrets that the policy needs.
pub struct Generator {
    pub rng: Rng,
    pub world: World,
    names: usize,
    definitions: String,
    signers: Vec<String>,
    atoms: usize,
    /// `true` if the generated policies contain only fragments of Miniscript's policy language.
    shared: bool,
    times: (bool, bool),
    /// `true` if the whole policy uses one template, `false` if it uses several of one kind. A transaction matches only one
    /// template of each kind.
    one_template: bool,
}

const HEIGHTS: [u32; 4] = [100, 1_000, 65_535, 800_000];
const TIMES: [u32; 4] = [500_000_100, 1_000_000_000, 1_700_000_000, 1_800_000_000];
const AGES: [u32; 4] = [10, 16, 144, 52_560];

impl Generator {
    pub fn new(seed: u64, shared: bool) -> Generator {
        Generator::drawing(Rng::new(seed), shared)
    }

    pub fn drawing(mut rng: Rng, shared: bool) -> Generator {
        let times = (rng.chance(50), rng.chance(50));
        let one_template = rng.chance(50);
        let world = World { signed_lock: if times.0 { 500_000_000 } else { 1 }, ..World::default() };
        Generator {
            rng,
            world,
            names: 0,
            definitions: String::new(),
            signers: Vec::new(),
            atoms: 0,
            shared,
            times,
            one_template,
        }
    }

    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn key(&mut self, purpose: &str) -> String {
        let name = self.name("K");
        let key = self.world.key(&name);
        self.definitions += &format!("key {name} = {}{purpose};\n", hex::encode(key));
        name
    }

    fn bytes(&mut self, prefix: &str, bytes: &[u8]) -> String {
        let name = self.name(prefix);
        let mark = if [20, 32, 65].contains(&bytes.len()) { "" } else { "0x" };
        self.definitions += &format!("bytes {name} = {mark}{};\n", hex::encode(bytes));
        name
    }

    fn lock(&mut self) -> u32 {
        let table = if self.times.0 { TIMES } else { HEIGHTS };
        table[self.rng.below(4)]
    }

    fn age(&mut self) -> u32 {
        AGES[self.rng.below(4)] | if self.times.1 { 1 << 22 } else { 0 }
    }

    /// Returns a template whose locks satisfy every lock that the generator draws.
    fn template(&mut self) -> Template {
        let name = if self.one_template { "template".into() } else { self.name("template") };
        Template {
            lock_time: if self.times.0 { 1_900_000_000 } else { 900_000 },
            sequence: 60_000 | if self.times.1 { 1 << 22 } else { 0 },
            outputs: vec![template_output(&name)],
        }
    }

    fn hash_condition(&mut self) -> String {
        let function = HashFn::ALL[self.rng.below(4)];
        let name = self.name("preimage");
        let image = self.world.preimage(function, &name);
        let image = self.bytes("H", &image);
        format!("{}({image})", function.name())
    }

    fn signer(&mut self) -> String {
        if !self.signers.is_empty() && self.rng.chance(12) {
            let nth = self.rng.below(self.signers.len());
            return self.signers[nth].clone();
        }
        let key = self.key("");
        self.signers.push(key.clone());
        key
    }

    /// Generates one condition. Most often it is a signature by a key, as in typical policies.
    fn atom(&mut self) -> String {
        self.atoms += 1;
        match self.rng.below(if self.shared { 60 } else { 100 }) {
            0..=37 => format!("pk({})", self.signer()),
            38..=44 => format!("after({})", self.lock()),
            45..=51 => format!("older({})", self.age()),
            52..=59 => self.hash_condition(),
            60..=71 => self.statement(),
            72..=79 => {
                let name = ["apo", "apoas"][self.rng.below(2)];
                format!("{name}({})", self.key(""))
            }
            80..=85 => {
                let template = self.template();
                let hashes = self.world.template(&template);
                if !self.one_template || self.rng.chance(50) {
                    format!("ctv({})", self.bytes("T", &hashes.ctv))
                } else {
                    format!("templatehash({})", self.bytes("T", &hashes.template_hash))
                }
            }
            86..=88 if self.one_template => {
                let template = self.template();
                let key = self.key("");
                let signature = self.world.presign(&keypair(&key), &template);
                format!("presigned({key},{})", self.bytes("S", &signature))
            }
            86..=91 => self.opening(),
            _ => self.protected_statement(),
        }
    }

    fn opening(&mut self) -> String {
        let (x, r) = (self.name("x"), self.name("r"));
        let left = self.world.slot(&x);
        let right = self.world.slot(&r);
        let values = vec![Value::Bytes(left.clone()), Value::Bytes(right.clone())];
        let (commitment, form) = if self.rng.chance(50) {
            (pair_commit(&left, &right), format!("pair(any({x}),any({r}))"))
        } else {
            (
                HashFn::Sha256.hash(&[left, right].concat()).try_into().unwrap(),
                format!("sha256(cat(any({x}),any32({r})))"),
            )
        };
        self.world.openings.insert(commitment.to_vec(), values);
        format!("opens({},{form})", self.bytes("C", &commitment))
    }

    /// Generates a `signed(…)` condition whose message does not commit to the transaction.
    fn statement(&mut self) -> String {
        let n = [1, 16, 17, 70_000, (1 << 31) - 2][self.rng.below(5)];
        let message = match self.rng.below(10) {
            0 => self.bytes("M", &hash(&["fixed"])[..7]),
            1 => format!("any({})", self.name("slot")),
            2 | 3 => format!("newer({n})"),
            4 => format!("newer_wide({})", n << self.rng.below(LIMB_BITS as usize)),
            5 => {
                let join = [Join::Pair, Join::Cat][self.rng.below(2)];
                let name = self.name("number");
                let commitment = self.world.commit(join, n, &name);
                debug_assert_eq!(commitment, commit_number(join, n, &hash(&["blinding", &name])));
                format!("newer_{}({})", join.name(), self.bytes("C", &commitment))
            }
            6 => format!("between({n},{})", n + 1),
            7 => format!("atmost({n})"),
            8 => {
                let tag = self.bytes("tag", &hash(&["tag"]));
                let join = ["cat", "pair"][self.rng.below(2)];
                format!("{join}({tag},atleast({n}))")
            }
            _ => "locktime".into(),
        };
        let mut keys = self.key("");
        if self.rng.chance(20) {
            keys += &format!(",{}", self.key(""));
        }
        format!("signed({message},{keys})")
    }

    /// Generates a `signed(…)` condition whose message commits to the transaction.
    fn protected_statement(&mut self) -> String {
        let purpose = ["", " signs templates"][self.rng.below(2)];
        let template = ["ctv", "templatehash"][self.rng.below(2)];
        let (message, purpose) = match self.rng.below(5) {
            0 => ("delegate".into(), ""),
            1 => (template.into(), purpose),
            2 => (format!("pair(any({}),{template})", self.name("slot")), purpose),
            3 => (format!("pair(newer(70000),pair(any({}),{template}))", self.name("slot")), purpose),
            _ => (format!("cat(newer(70000),{template})"), ""),
        };
        format!("signed({message},{})", self.key(purpose))
    }

    fn policy(&mut self, budget: usize) -> String {
        if budget <= 1 {
            return self.atom();
        }
        let kind = self.rng.below(10);
        // Miniscript's `and` and `or` have exactly two arguments.
        let most = if self.shared && kind < 8 { 1 } else { 3 };
        let parts = 2 + self.rng.below(most.min(budget - 1));
        let mut budgets = vec![1; parts];
        for _ in parts..budget {
            let nth = self.rng.below(parts);
            budgets[nth] += 1;
        }
        let parts: Vec<String> = budgets.iter().map(|budget| self.policy(*budget)).collect();
        match kind {
            0..=3 => format!("and({})", parts.join(",")),
            4..=7 => {
                let weighted: Vec<String> = parts
                    .iter()
                    .map(|part| format!("{}@{part}", [1, 1, 2, 9, 99][self.rng.below(5)]))
                    .collect();
                format!("or({})", weighted.join(","))
            }
            _ => format!("thresh({},{})", 1 + self.rng.below(parts.len()), parts.join(",")),
        }
    }

    /// Generates a policy that Miniscript's language can express. Returns its short form, and the text with keys and hashes
    /// written out.
    pub fn shared_policy(&mut self, most: usize) -> (String, String) {
        let budget = 1 + self.rng.below(most);
        let name = self.policy(budget);
        let mut text = name.clone();
        let definitions = self.definitions.clone();
        for line in definitions.lines().rev() {
            let words: Vec<&str> = line.trim_end_matches(';').split(' ').collect();
            text = text.replace(&format!("({})", words[1]), &format!("({})", words[3]));
        }
        (name, text)
    }

    /// Generates a whole document with up to `most` conditions.
    pub fn document(&mut self, most: usize) -> String {
        let budget = 1 + self.rng.below(most);
        let policy = self.policy(budget);
        let output = match self.rng.below(10) {
            0 => format!("tr(nums,{policy})"),
            1 if !self.shared => {
                let key = self.key("");
                format!("tr({key},{policy})")
            }
            _ => policy,
        };
        format!("{}\n{output}", self.definitions)
    }
}
