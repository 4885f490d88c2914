//! A reference implementation of MuSig2 that follows BIP 327 directly. It is slow and supports messages of any length.
//! The tests use it for cases that the interface of libsecp256k1 cannot express.
//!
//! Points and scalars are those of the library. `None` stands for the point at infinity and for the scalar zero.
//! Nothing here is constant-time.

use secp256k1::{PublicKey, Scalar, SecretKey};
use sigstack_channel::keys::tagged_hash;

/// A failure of an operation of BIP 327, with the values by which the vectors describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A value that another participant contributed is invalid. The number is the index of this signer, or `None` for
    /// the aggregator. The text names the value.
    Contribution(Option<u64>, &'static str),
    /// A value that the caller itself provided is invalid. The text is the error message in the vectors.
    Value(&'static str),
}

type Point = Option<PublicKey>;
type Num = Option<SecretKey>;

fn num(bytes: [u8; 32]) -> Option<Num> {
    match bytes == [0; 32] {
        true => Some(None),
        false => SecretKey::from_secret_bytes(bytes).ok().map(Some),
    }
}

/// Reduces 32 bytes modulo the group order n. A single subtraction is enough, because 2^256 is less than 2n.
fn reduce(bytes: [u8; 32]) -> Num {
    if let Some(num) = num(bytes) {
        return num;
    }
    // Here `bytes` is at least n. If bytes - 1 were below n, `bytes` would be equal to n.
    let mut less = bytes;
    for byte in less.iter_mut().rev() {
        let (value, borrow) = byte.overflowing_sub(1);
        *byte = value;
        if !borrow {
            break;
        }
    }
    assert!(num(less).is_none(), "a hash this close to the order does not occur in the vectors");
    // Subtract n byte by byte.
    const ORDER: [u8; 32] = secp256k1::constants::CURVE_ORDER;
    let mut out = [0; 32];
    let mut borrow = 0i16;
    for i in (0..32).rev() {
        let diff = i16::from(bytes[i]) - i16::from(ORDER[i]) - borrow;
        borrow = i16::from(diff < 0);
        out[i] = (diff & 0xff) as u8;
    }
    num(out).unwrap()
}

fn mul(a: Num, b: Num) -> Num {
    let (Some(a), Some(b)) = (a, b) else { return None };
    Some(a.mul_tweak(&Scalar::from(b)).unwrap())
}

fn add(a: Num, b: Num) -> Num {
    match (a, b) {
        (None, x) | (x, None) => x,
        (Some(a), Some(b)) => a.add_tweak(&Scalar::from(b)).ok(),
    }
}

fn neg(a: Num) -> Num {
    a.map(SecretKey::negate)
}

fn point_mul(p: Point, k: Num) -> Point {
    let (Some(p), Some(k)) = (p, k) else { return None };
    Some(p.mul_tweak(&Scalar::from(k)).unwrap())
}

fn point_add(a: Point, b: Point) -> Point {
    match (a, b) {
        (None, x) | (x, None) => x,
        (Some(a), Some(b)) => a.combine(&b).ok(),
    }
}

fn base_mul(k: Num) -> Point {
    k.map(|k| PublicKey::from_secret_key(&k))
}

fn odd(p: &PublicKey) -> bool {
    p.serialize()[0] == 3
}

fn one() -> Num {
    let mut bytes = [0; 32];
    bytes[31] = 1;
    num(bytes).unwrap()
}

fn sec(p: Point) -> [u8; 33] {
    p.map_or([0; 33], |p| p.serialize())
}

fn sec_opt(bytes: &[u8]) -> Option<Point> {
    match bytes.iter().all(|byte| *byte == 0) {
        true => Some(None),
        false => PublicKey::from_slice(bytes).ok().map(Some),
    }
}

/// The key aggregation context of BIP 327, which KeyAgg and ApplyTweak return.
#[derive(Clone)]
pub(crate) struct KeyAgg {
    q: PublicKey,
    gacc: Num,
    tacc: Num,
}

fn coefficient(keys: &[Vec<u8>], key: &[u8]) -> Num {
    let second = keys.iter().find(|other| **other != keys[0]);
    if second.is_some_and(|second| second == key) {
        return one();
    }
    let list = tagged_hash("KeyAgg list", &[&keys.concat()]);
    reduce(tagged_hash("KeyAgg coefficient", &[&list, key]))
}

/// Runs KeyAgg of BIP 327, followed by ApplyTweak for each tweak. A tweak's flag is true if the tweak is x-only.
pub(crate) fn key_agg(keys: &[Vec<u8>], tweaks: &[([u8; 32], bool)]) -> Result<KeyAgg, Failure> {
    let mut q = None;
    for (signer, key) in keys.iter().enumerate() {
        let point =
            PublicKey::from_slice(key).map_err(|_| Failure::Contribution(Some(signer as u64), "pubkey"))?;
        q = point_add(q, point_mul(Some(point), coefficient(keys, key)));
    }
    let mut agg = KeyAgg { q: q.unwrap(), gacc: one(), tacc: None };
    for (tweak, is_xonly) in tweaks {
        let g = if *is_xonly && odd(&agg.q) { neg(one()) } else { one() };
        let t = num(*tweak).ok_or(Failure::Value("The tweak must be less than n."))?;
        agg.q = point_add(point_mul(Some(agg.q), g), base_mul(t))
            .ok_or(Failure::Value("The result of tweaking cannot be infinity."))?;
        agg.gacc = mul(g, agg.gacc);
        agg.tacc = add(t, mul(g, agg.tacc));
    }
    Ok(agg)
}

/// Runs NonceGen of BIP 327 with the given random bytes. Returns the secret nonce (97 bytes) and the public nonce (66
/// bytes).
pub(crate) fn nonce_gen(
    rand: [u8; 32],
    sk: Option<[u8; 32]>,
    pk: &[u8],
    aggpk: Option<&[u8]>,
    msg: Option<&[u8]>,
    extra: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let rand = match sk {
        Some(sk) => {
            let mask = tagged_hash("MuSig/aux", &[&rand]);
            std::array::from_fn(|i| sk[i] ^ mask[i])
        }
        None => rand,
    };
    let aggpk = aggpk.unwrap_or(&[]);
    let msg = match msg {
        None => vec![0],
        Some(msg) => [&[1][..], &(msg.len() as u64).to_be_bytes(), msg].concat(),
    };
    let k = |i: u8| {
        let extra_len = (extra.len() as u32).to_be_bytes();
        let (pk_len, agg_len) = ([pk.len() as u8], [aggpk.len() as u8]);
        let parts: [&[u8]; 9] = [&rand, &pk_len, pk, &agg_len, aggpk, &msg, &extra_len, extra, &[i]];
        reduce(tagged_hash("MuSig/nonce", &parts)).unwrap()
    };
    let (k1, k2) = (k(0), k(1));
    let secnonce = [&k1.to_secret_bytes()[..], &k2.to_secret_bytes(), pk].concat();
    (secnonce, [sec(base_mul(Some(k1))), sec(base_mul(Some(k2)))].concat())
}

/// Runs NonceAgg of BIP 327, which aggregates public nonces. Returns the aggregate nonce (66 bytes).
pub(crate) fn nonce_agg(nonces: &[Vec<u8>]) -> Result<Vec<u8>, Failure> {
    let mut sums = [None, None];
    for (signer, nonce) in nonces.iter().enumerate() {
        for (half, sum) in sums.iter_mut().enumerate() {
            let point = PublicKey::from_slice(&nonce[33 * half..33 * half + 33])
                .map_err(|_| Failure::Contribution(Some(signer as u64), "pubnonce"))?;
            *sum = point_add(*sum, Some(point));
        }
    }
    Ok(sums.map(sec).concat())
}

/// The session context of BIP 327: the data that all signers of a message share.
pub(crate) struct Context<'a> {
    /// Serialized aggregate nonce of the session, 66 bytes.
    pub(crate) aggnonce: &'a [u8],
    /// Public keys of all signers, in the order in which they are aggregated.
    pub(crate) keys: &'a [Vec<u8>],
    /// Tweaks of the aggregate key, each with a flag that is true if the tweak is x-only.
    pub(crate) tweaks: &'a [([u8; 32], bool)],
    /// Message that is signed. It can have any length.
    pub(crate) msg: &'a [u8],
}

struct Values {
    agg: KeyAgg,
    b: Num,
    r: PublicKey,
    e: Num,
}

impl Context<'_> {
    fn values(&self) -> Result<Values, Failure> {
        let agg = key_agg(self.keys, self.tweaks)?;
        let q = &agg.q.serialize()[1..];
        let b = reduce(tagged_hash("MuSig/noncecoef", &[self.aggnonce, q, self.msg]));
        let half = |range| sec_opt(&self.aggnonce[range]).ok_or(Failure::Contribution(None, "aggnonce"));
        let sum = point_add(half(0..33)?, point_mul(half(33..66)?, b));
        let r = sum.or_else(|| base_mul(one())).unwrap();
        let e = reduce(tagged_hash("BIP0340/challenge", &[&r.serialize()[1..], q, self.msg]));
        Ok(Values { agg, b, r, e })
    }

    fn key_coefficient(&self, key: &[u8]) -> Result<Num, Failure> {
        match self.keys.iter().any(|other| other == key) {
            true => Ok(coefficient(self.keys, key)),
            false => Err(Failure::Value("The signer's pubkey must be included in the list of pubkeys.")),
        }
    }

    /// Runs Sign of BIP 327. Returns the partial signature of the signer with this secret key.
    pub(crate) fn sign(&self, secnonce: &[u8], sk: [u8; 32]) -> Result<[u8; 32], Failure> {
        let Values { agg, b, r, e } = self.values()?;
        let k = |range: std::ops::Range<usize>, problem| {
            let bytes: [u8; 32] = secnonce[range].try_into().unwrap();
            num(bytes).flatten().ok_or(Failure::Value(problem))
        };
        let k1 = k(0..32, "first secnonce value is out of range.")?;
        let k2 = k(32..64, "second secnonce value is out of range.")?;
        let sign = |k: SecretKey| if odd(&r) { neg(Some(k)) } else { Some(k) };
        let d = num(sk).unwrap();
        let a = self.key_coefficient(&sec(base_mul(d)))?;
        let g = if odd(&agg.q) { neg(one()) } else { one() };
        let d = mul(mul(g, agg.gacc), d);
        let s = add(add(sign(k1), mul(b, sign(k2))), mul(mul(e, a), d));
        Ok(s.map_or([0; 32], |s| s.to_secret_bytes()))
    }

    /// Runs PartialSigVerify of BIP 327 for the signer with this public nonce and index.
    pub(crate) fn verify(&self, psig: [u8; 32], pubnonce: &[u8], signer: usize) -> Result<bool, Failure> {
        let Values { agg, b, r, e } = self.values()?;
        let Some(s) = num(psig) else { return Ok(false) };
        let half = |range| {
            PublicKey::from_slice(&pubnonce[range])
                .map_err(|_| Failure::Contribution(Some(signer as u64), "pubnonce"))
        };
        let own = point_add(Some(half(0..33)?), point_mul(Some(half(33..66)?), b));
        let own = if odd(&r) { point_mul(own, neg(one())) } else { own };
        let key = PublicKey::from_slice(&self.keys[signer]).unwrap();
        let g = if odd(&agg.q) { neg(one()) } else { one() };
        let factor = mul(mul(e, self.key_coefficient(&self.keys[signer])?), mul(g, agg.gacc));
        Ok(base_mul(s) == point_add(own, point_mul(Some(key), factor)))
    }
}

/// Runs DeterministicSign of BIP 327. Returns the public nonce and the partial signature.
pub(crate) fn deterministic_sign(
    sk: [u8; 32],
    aggothernonce: &[u8],
    keys: &[Vec<u8>],
    tweaks: &[([u8; 32], bool)],
    msg: &[u8],
    rand: Option<[u8; 32]>,
) -> Result<(Vec<u8>, [u8; 32]), Failure> {
    let masked = match rand {
        Some(rand) => {
            let mask = tagged_hash("MuSig/aux", &[&rand]);
            std::array::from_fn(|i| sk[i] ^ mask[i])
        }
        None => sk,
    };
    let aggpk = key_agg(keys, tweaks)?.q.serialize();
    let length = (msg.len() as u64).to_be_bytes();
    let k = |i: u8| {
        let parts: [&[u8]; 6] = [&masked, aggothernonce, &aggpk[1..], &length, msg, &[i]];
        reduce(tagged_hash("MuSig/deterministic/nonce", &parts))
    };
    let (k1, k2) = (k(0), k(1));
    let pubnonce = [sec(base_mul(k1)), sec(base_mul(k2))].concat();
    let mut halves = Vec::new();
    for half in 0..2 {
        let theirs = PublicKey::from_slice(&aggothernonce[33 * half..33 * half + 33])
            .map_err(|_| Failure::Contribution(None, "aggothernonce"))?;
        halves.extend_from_slice(&sec(point_add(Some(theirs), base_mul([k1, k2][half]))));
    }
    let secret = |k: Num| k.unwrap().to_secret_bytes();
    let secnonce = [&secret(k1)[..], &secret(k2)].concat();
    let context = Context { aggnonce: &halves, keys, tweaks, msg };
    Ok((pubnonce, context.sign(&secnonce, sk)?))
}
