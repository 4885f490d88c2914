//! Payment for the records that a client sends to its tower, and authorization to replace a record.
//!
//! A client buys tokens in advance. The tower signs them blindly (Chaum's blind signatures, in the Diffie-Hellman
//! variant of Wagner), so it cannot link a token to its sale. The tower learns which output it watches, but not who
//! paid. With each sale the tower proves that it signed with the key that it announced. Clients must compare the
//! announced keys with each other: a tower could recognize tokens by announcing a different key to each client.
//!
//! Each update costs one token and is signed with the key of the client's account. So nobody else can replace a record,
//! and the tower refuses an old update that is sent again. A client that skips states pays only for the updates that it
//! sends. The tower stores 32 bytes for each spent token. It can delete them when it has changed its key and no longer
//! accepts tokens of the old key.

use std::collections::BTreeSet;

use secp256k1::{Keypair, Parity, PublicKey, Scalar, SecretKey, XOnlyPublicKey};

use crate::error::ChannelError;
use crate::keys::{Entropy, Seed, scalar, sha256, sign_schnorr, tagged_hash, verify_schnorr};

/// Maps a token's secret to a curve point whose discrete logarithm nobody knows.
fn point(secret: &[u8; 32]) -> Result<PublicKey, ChannelError> {
    let found = (0..=u8::MAX).find_map(|attempt| {
        XOnlyPublicKey::from_byte_array(tagged_hash("sigstack/token", &[secret, &[attempt]])).ok()
    });
    let none = || ChannelError::refused("the secret has no point");
    Ok(PublicKey::from_x_only_public_key(found.ok_or_else(none)?, Parity::Even))
}

/// Recomputes a nonce point from a proof: `s * base - e * multiple`. `e` is the challenge, `s` is the response, and
/// `multiple` is `base` times the secret token key.
fn announced(
    (base, multiple): (&PublicKey, &PublicKey),
    e: &Scalar,
    s: &Scalar,
) -> Result<PublicKey, ChannelError> {
    Ok(base.mul_tweak(s)?.combine(&multiple.mul_tweak(e)?.negate())?)
}

/// Returns the challenge of a proof that the token key signed a blinded point. It is the hash of the tower's token key,
/// the blinded point, the signed point, and two nonce points.
fn challenge(points: [&PublicKey; 5]) -> [u8; 32] {
    tagged_hash("sigstack/token-proof", &points.map(PublicKey::serialize).each_ref().map(|bytes| &bytes[..]))
}

fn generator() -> Result<PublicKey, ChannelError> {
    Ok(crate::keys::generator_keypair()?.public_key())
}

/// A token that a client is buying. The client asks the tower to sign its blinded point.
#[derive(Debug)]
pub struct Purchase {
    secret: [u8; 32],
    blinding: SecretKey,
    blinded: PublicKey,
}

impl Purchase {
    /// Creates a token with a random secret. Blinds the curve point of this secret, so that the tower can sign the
    /// point without learning it.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if a derived key is invalid, which has a probability of 2^-128.
    pub fn new(entropy: &mut Entropy) -> Result<Purchase, ChannelError> {
        let (secret, blinding) = (entropy.draw(), SecretKey::from_secret_bytes(entropy.draw())?);
        let blinded = point(&secret)?.combine(&blinding.public_key())?;
        Ok(Purchase { secret, blinding, blinded })
    }

    /// Returns the blinded point, which the client sends to the tower.
    pub fn blinded(&self) -> &PublicKey {
        &self.blinded
    }

    /// Verifies the tower's proof that it signed with its token key `till`, and returns the unblinded token.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the proof is invalid.
    pub fn token(self, till: &PublicKey, sale: &Sale) -> Result<Token, ChannelError> {
        let (e, s) = (scalar(sale.challenge)?, scalar(sale.response)?);
        let first = announced((&generator()?, till), &e, &s)?;
        let second = announced((&self.blinded, &sale.signed), &e, &s)?;
        if challenge([till, &self.blinded, &sale.signed, &first, &second]) != sale.challenge {
            return Err(ChannelError::refused("the token is signed with another key than the tower's"));
        }
        let unblind = till.mul_tweak(&Scalar::from(self.blinding))?.negate();
        Ok(Token { secret: self.secret, signed: sale.signed.combine(&unblind)? })
    }
}

/// The tower's response to a blinded point: the signed point, and a proof that the token key signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    signed: PublicKey,
    challenge: [u8; 32],
    response: [u8; 32],
}

/// A token that pays a tower for one update of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    secret: [u8; 32],
    signed: PublicKey,
}

/// A message of a client that replaces the record of its account at a tower. It contains a token as payment and a
/// signature of the account's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Number of the update. The tower accepts it only if it is higher than the number of the account's last update.
    pub number: u64,
    /// The record that the tower stores after it accepts the update.
    pub record: Vec<u8>,
    /// Token with which the client pays for the update.
    pub token: Token,
    signature: [u8; 64],
}

impl Update {
    /// Creates an update of a client's record, and signs it with the key of the client's account. `till` is the tower's
    /// token key.
    pub fn new(account: &Keypair, till: &PublicKey, number: u64, record: Vec<u8>, token: Token) -> Update {
        let message = Update::message(till, number, &record, &token);
        Update { number, record, token, signature: sign_schnorr(account, &message) }
    }

    fn message(till: &PublicKey, number: u64, record: &[u8], token: &Token) -> [u8; 32] {
        let parts: [&[u8]; 4] = [&till.serialize(), &number.to_le_bytes(), &sha256(record), &token.secret];
        tagged_hash("sigstack/tower-update", &parts)
    }
}

/// A client's account at a tower: the public key that authorizes updates of the record, and the number of the last
/// update.
#[derive(Clone, Copy, Debug)]
struct Account {
    key: [u8; 32],
    number: u64,
}

/// The part of a tower that sells tokens and accepts updates of its clients' records.
#[derive(Debug)]
pub struct Desk {
    key: SecretKey,
    entropy: Entropy,
    spent: BTreeSet<[u8; 32]>,
    accounts: Vec<Account>,
}

impl Desk {
    /// Creates a desk (the part of a tower that sells tokens) without accounts. Its token key is derived from `seed`.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if a derived key is invalid, which has a probability of 2^-128.
    pub fn new(seed: &Seed, entropy: Entropy) -> Result<Desk, ChannelError> {
        let key = SecretKey::from_secret_bytes(seed.bytes("tower/till", &[]))?;
        Ok(Desk { key, entropy, spent: BTreeSet::new(), accounts: Vec::new() })
    }

    /// Returns the tower's public token key. With it, clients verify that the tower signed a token with the key that it
    /// announced.
    pub fn till(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Signs the blinded point of a token with the tower's token key. The caller must receive the payment first.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if a derived key is invalid, which has a probability of 2^-128.
    pub fn sell(&mut self, blinded: &PublicKey) -> Result<Sale, ChannelError> {
        let signed = blinded.mul_tweak(&Scalar::from(self.key))?;
        let nonce = SecretKey::from_secret_bytes(self.entropy.draw())?;
        let (first, second) = (nonce.public_key(), blinded.mul_tweak(&Scalar::from(nonce))?);
        let challenge = challenge([&self.till(), blinded, &signed, &first, &second]);
        let multiple = self.key.mul_tweak(&scalar(challenge)?)?;
        let response = nonce.add_tweak(&Scalar::from(multiple))?.to_secret_bytes();
        Ok(Sale { signed, challenge, response })
    }

    /// Opens an account with the public key `key` and accepts its first update. Returns the index of the account.
    ///
    /// # Errors
    ///
    /// Same errors as [`Desk::admit`].
    pub fn open(&mut self, key: [u8; 32], update: &Update) -> Result<usize, ChannelError> {
        self.check(&key, update)?;
        self.spent.insert(update.token.secret);
        self.accounts.push(Account { key, number: update.number });
        Ok(self.accounts.len() - 1)
    }

    /// Accepts an update of an account and marks its token as spent. The caller then replaces the account's record. A
    /// refused update does not spend its token.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] in these cases:
    /// - The account does not exist.
    /// - The number is not higher than that of the account's last update.
    /// - The account's signature is invalid.
    /// - This tower did not sign the token.
    /// - The token is already spent.
    pub fn admit(&mut self, account: usize, update: &Update) -> Result<(), ChannelError> {
        let known = self.accounts.get(account).copied();
        let known = known.ok_or_else(|| ChannelError::refused(format!("there is no account {account}")))?;
        if update.number <= known.number {
            let (number, last) = (update.number, known.number);
            return Err(ChannelError::refused(format!("update {number} is not newer than {last}")));
        }
        self.check(&known.key, update)?;
        self.spent.insert(update.token.secret);
        if let Some(account) = self.accounts.get_mut(account) {
            account.number = update.number;
        }
        Ok(())
    }

    fn check(&self, key: &[u8; 32], update: &Update) -> Result<(), ChannelError> {
        let message = Update::message(&self.till(), update.number, &update.record, &update.token);
        if !verify_schnorr(key, &message, &update.signature) {
            return Err(ChannelError::refused("the update is not signed by its account"));
        }
        if point(&update.token.secret)?.mul_tweak(&Scalar::from(self.key))? != update.token.signed {
            return Err(ChannelError::refused("the token is not signed by this tower"));
        }
        match self.spent.contains(&update.token.secret) {
            true => Err(ChannelError::refused("the token was spent before")),
            false => Ok(()),
        }
    }
}

/// Returns the key with which a party signs updates of its account at a tower. Each channel has its own account key, so
/// two accounts cannot be linked.
///
/// # Errors
///
/// [`ChannelError::Key`] if a derived key is invalid, which has a probability of 2^-128.
pub fn account_key(party: &super::PartyKeys) -> Result<Keypair, ChannelError> {
    Ok(Keypair::from_secret_bytes(party.secret("tower account"))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::x_only;
    use crate::model::{Construction, Content, Profile, Setup, SignedSequence, Stage};

    const CAPACITY: u64 = 1_000_000;

    fn desk(name: &str) -> Desk {
        Desk::new(&Seed::from_name(name), Entropy::from_name(name)).unwrap()
    }

    fn buy(desk: &mut Desk, entropy: &mut Entropy) -> Token {
        let purchase = Purchase::new(entropy).unwrap();
        let sale = desk.sell(purchase.blinded()).unwrap();
        purchase.token(&desk.till(), &sale).unwrap()
    }

    fn refused(result: Result<(), ChannelError>, reason: &str) {
        assert_eq!(result, Err(ChannelError::refused(reason)));
    }

    /// A client pays its tower for states 1 and 3 and skips state 2. Then the peer publishes state 2, which is old, and
    /// the tower answers it with the record of state 3.
    #[test]
    fn a_channel_pays_for_the_states_that_it_sends() {
        let content = |state: u64| Content::of(&[600_000 - 50_000 * state, 400_000 + 50_000 * state]);
        let setup = Setup::named("paid tower", 2, CAPACITY, 144).unwrap();
        let mut channel = SignedSequence::new(setup, Profile::AnyPrevOut, content(0)).unwrap();
        let mut stage = Stage::new(&channel).unwrap();
        stage.open(&mut channel).unwrap();
        let (mut desk, mut entropy) = (desk("tower"), Entropy::from_name("client"));
        let account = account_key(channel.setup().party(1).unwrap()).unwrap();
        let till = desk.till();
        let mut stored = Vec::new();
        let mut number = None;
        for state in 1..4 {
            channel.update(content(state)).unwrap();
            if state == 2 {
                continue;
            }
            let token = buy(&mut desk, &mut entropy);
            let update = Update::new(&account, &till, state, channel.tower_bytes(1), token);
            match number {
                None => number = Some(desk.open(x_only(&account), &update).unwrap()),
                Some(number) => desk.admit(number, &update).unwrap(),
            }
            stored = update.record;
        }
        assert_eq!(desk.spent.len(), 2);
        let old = stage.publish(channel.close(0, 2).unwrap().remove(0)).unwrap().step.tx;
        let justice = channel.tower_terms().unwrap().answer(&stored, &old, None).unwrap().unwrap();
        stage.publish_all(justice).unwrap();
        assert_eq!(stage.paid(&channel, 1), CAPACITY);
    }

    #[test]
    fn each_update_needs_a_token_of_its_own_and_the_account_s_signature() {
        let (mut desk, mut entropy) = (desk("tower"), Entropy::from_name("client"));
        let key = |name: &str| Seed::from_name(name).keypair("account", &[]).unwrap();
        let (account, other) = (key("account"), key("other"));
        let till = desk.till();
        let first = Update::new(&account, &till, 5, vec![1], buy(&mut desk, &mut entropy));
        let number = desk.open(x_only(&account), &first).unwrap();
        let token = buy(&mut desk, &mut entropy);
        let next = |number, token| Update::new(&account, &till, number, vec![2], token);

        refused(desk.admit(7, &next(6, token)), "there is no account 7");
        refused(desk.admit(number, &first), "update 5 is not newer than 5");
        refused(desk.admit(number, &next(4, token)), "update 4 is not newer than 5");
        let not_signed = "the update is not signed by its account";
        refused(desk.admit(number, &Update::new(&other, &till, 6, vec![2], token)), not_signed);
        let changed = Update { record: vec![3], ..next(6, token) };
        refused(desk.admit(number, &changed), not_signed);
        // A token copied from another update cannot pay for this one.
        let stolen = Update { token, ..next(6, first.token) };
        refused(desk.admit(number, &stolen), not_signed);
        refused(desk.admit(number, &next(6, first.token)), "the token was spent before");
        let forged = Token { signed: token.signed.negate(), ..token };
        refused(desk.admit(number, &next(6, forged)), "the token is not signed by this tower");
        // The refused updates did not spend the token.
        desk.admit(number, &next(6, token)).unwrap();
        refused(desk.admit(number, &next(7, token)), "the token was spent before");
    }

    #[test]
    fn tokens_are_signed_with_one_key_and_not_recognised() {
        let (mut desk, mut marked) = (desk("tower"), desk("another key"));
        let mut entropy = Entropy::from_name("client");
        let purchase = Purchase::new(&mut entropy).unwrap();
        let sale = marked.sell(purchase.blinded()).unwrap();
        let token = purchase.token(&desk.till(), &sale);
        let marked = ChannelError::refused("the token is signed with another key than the tower's");
        assert_eq!(token, Err(marked));
        // The token does not depend on the blinding, so it contains nothing that links it to its sale.
        let secret = entropy.draw();
        let mut bought = || {
            let blinding = SecretKey::from_secret_bytes(entropy.draw()).unwrap();
            let blinded = point(&secret).unwrap().combine(&blinding.public_key()).unwrap();
            let sale = desk.sell(&blinded).unwrap();
            (blinded, sale, Purchase { secret, blinding, blinded }.token(&desk.till(), &sale).unwrap())
        };
        let (one, other) = (bought(), bought());
        assert!(one.0 != other.0 && one.1.signed != other.1.signed);
        assert_eq!(one.2, other.2);
    }
}
