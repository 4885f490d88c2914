use super::*;
use crate::keys::verify_schnorr;

const ID: NonceId<'_> = NonceId { outpoint: &[1; 36], number: 5, role: "state" };

fn parties(count: usize) -> Vec<(Seed, Keypair)> {
    (0..count)
        .map(|party| {
            let seed = Seed::from_name(&format!("party {party}"));
            let keypair = seed.keypair("funding", &[]).unwrap();
            (seed, keypair)
        })
        .collect()
}

fn aggregate(parties: &[(Seed, Keypair)]) -> AggregateKey {
    let keys: Vec<PublicKey> = parties.iter().map(|(_, keypair)| keypair.public_key()).collect();
    AggregateKey::new(&keys).unwrap()
}

#[test]
fn two_and_more_parties_sign_under_one_key() {
    for count in [1, 2, 3, 7] {
        let parties = parties(count);
        let key = aggregate(&parties).tweaked(Some(&[7; 32])).unwrap();
        let signers: Vec<Keypair> = parties.iter().map(|(_, keypair)| *keypair).collect();
        let mut entropy = Entropy::from_name("test");
        let signature = sign_together(&key, &signers, &mut entropy, &[3; 32]).unwrap();
        assert!(verify_schnorr(&key.x_only(), &[3; 32], &signature), "{count} parties");
        assert!(!verify_schnorr(&key.x_only(), &[4; 32], &signature), "{count} parties");
    }
}

#[test]
fn a_wrong_part_is_found_before_and_after_adding_up() {
    let parties = parties(2);
    let key = aggregate(&parties);
    let (first, second) = (&parties[0], &parties[1]);
    let mut entropy = Entropy::from_name("test");
    let nonce_a = Nonce::fresh(&mut entropy, &first.1, &key, &[3; 32]).unwrap();
    let nonce_b = Nonce::answering(&second.1, &key, &[nonce_a.public()], &[3; 32]).unwrap();
    let publics = [nonce_a.public(), nonce_b.public()];
    let session = SigningSession::new(&key, &publics, [3; 32]).unwrap();
    let (part_a, part_b) =
        (session.sign(nonce_a, &first.1).unwrap(), session.sign(nonce_b, &second.1).unwrap());
    assert!(session.verify_partial(&part_a, &publics[0], &first.1.public_key()));
    assert!(!session.verify_partial(&part_b, &publics[0], &first.1.public_key()));
    assert!(session.aggregate(&[part_a, part_b]).is_ok());
    let incorrect = Err(ChannelError::Key(secp256k1::Error::IncorrectSignature));
    assert_eq!(session.aggregate(&[part_a, part_a]), incorrect);
}

#[test]
fn answering_nonces_repeat_for_the_same_challenge_only() {
    let parties = parties(2);
    let key = aggregate(&parties);
    let ahead = |salt| Nonce::ahead(&parties[0].0, &parties[0].1, &ID, salt).unwrap().public();
    let (one, other) = (ahead(&[9; 32]), ahead(&[8; 32]));
    assert_ne!(one, other);
    let signing = |nonce, message| Nonce::answering(&parties[1].1, &key, &[nonce], message).unwrap().public();
    assert_eq!(signing(one, &[3; 32]), signing(one, &[3; 32]));
    assert_ne!(signing(one, &[3; 32]), signing(one, &[4; 32]));
    assert_ne!(signing(one, &[3; 32]), signing(other, &[3; 32]));
}

#[test]
fn fresh_nonces_never_repeat() {
    let parties = parties(2);
    let key = aggregate(&parties);
    let mut entropy = Entropy::from_name("test");
    let mut nonce = || Nonce::fresh(&mut entropy, &parties[0].1, &key, &[3; 32]).unwrap().public();
    assert_ne!(nonce(), nonce());
    let mut split = Entropy::from_name("test").split();
    assert_ne!(split.draw(), Entropy::from_name("test").draw());
}

#[test]
fn a_nonce_signs_for_its_key_and_in_its_session_only() {
    let parties = parties(2);
    let key = aggregate(&parties);
    let mut entropy = Entropy::from_name("test");
    let mut fresh = |party: usize| Nonce::fresh(&mut entropy, &parties[party].1, &key, &[3; 32]).unwrap();
    let (a, b) = (fresh(0), fresh(1));
    let session = SigningSession::new(&key, &[a.public(), b.public()], [3; 32]).unwrap();
    assert_eq!(
        session.sign(a, &parties[1].1).unwrap_err(),
        ChannelError::refused("the nonce belongs to another key")
    );
    assert_eq!(
        session.sign(fresh(1), &parties[1].1).unwrap_err(),
        ChannelError::refused("the nonce is not one of this session")
    );
    assert!(session.sign(b, &parties[1].1).is_ok());
}

/// If stored data of a commitment signature was modified, the owner must not use its nonce for another message.
/// Partial signatures of different messages with one nonce can reveal the secret key.
#[test]
fn a_stored_part_is_completed_for_its_own_message_only() {
    let parties = parties(2);
    let key = aggregate(&parties);
    let (owner, other) = ((&parties[0].0, &parties[0].1), &parties[1].1);
    let mut entropy = Entropy::from_name("test");
    let made = PartialCommitment::make(&key, owner, other, &ID, &mut entropy, &[3; 32]).unwrap();
    let complete =
        |stored: &PartialCommitment, message| stored.complete(&key, owner, &other.public_key(), &ID, message);
    let signature = complete(&made, &[3; 32]).unwrap();
    assert!(verify_schnorr(&key.x_only(), &[3; 32], &signature));
    assert_eq!(complete(&made, &[3; 32]).unwrap(), signature, "the same bytes again");
    assert_eq!(complete(&made, &[4; 32]), Err(ChannelError::PartialSignature(1)));
    let again = PartialCommitment::make(&key, owner, other, &ID, &mut entropy, &[3; 32]).unwrap();
    assert_ne!(again.salt, made.salt);
    let mixed = PartialCommitment { salt: made.salt, ..again };
    assert_eq!(complete(&mixed, &[3; 32]), Err(ChannelError::PartialSignature(1)));
}

/// A partial signature can verify although its signer did not make it in answer to the owner's nonce. To find out, the
/// signer makes the partial signature again and compares.
#[test]
fn a_shown_part_is_proved_by_making_it_again() {
    let parties = parties(2);
    let key = aggregate(&parties);
    let (owner, other) = ((&parties[0].0, &parties[0].1), &parties[1].1);
    let mut entropy = Entropy::from_name("test");
    let made = PartialCommitment::make(&key, owner, other, &ID, &mut entropy, &[3; 32]).unwrap();
    let ahead = Nonce::ahead(owner.0, owner.1, &ID, &made.salt).unwrap().public();
    assert_eq!(made.is_made_by(&key, &ahead, other, &[3; 32]), Ok(true));
    assert_eq!(made.is_made_by(&key, &ahead, other, &[4; 32]), Ok(false));

    // A partial signature of the same message that verifies, but with another nonce of the signer.
    let secret = Nonce::fresh(&mut entropy, other, &key, &[3; 32]).unwrap();
    let nonce = secret.public();
    let session = SigningSession::new(&key, &[ahead, nonce], [3; 32]).unwrap();
    let part = session.sign(secret, other).unwrap();
    assert!(session.verify_partial(&part, &nonce, &other.public_key()));
    let shown = PartialCommitment { nonce: nonce.serialize(), part: part.serialize(), ..made };
    assert_eq!(shown.is_made_by(&key, &ahead, other, &[3; 32]), Ok(false));
    assert!(shown.complete(&key, owner, &other.public_key(), &ID, &[3; 32]).is_ok());
}
