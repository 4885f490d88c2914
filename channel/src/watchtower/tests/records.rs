//! Tests of the records that a tower accepts when a client registers or replaces its record.

use bitcoin::OutPoint;

use super::*;

/// Every byte of a record is verified, both when a client registers and when its record is replaced. An older
/// record never replaces a newer one.
#[test]
fn damaged_forged_and_older_records_are_refused() {
    for (name, kind) in KINDS {
        let kind = match kind {
            Kind::Tree(..) => Kind::Tree(3, 3, 6),
            kind => *kind,
        };
        let mut channel = kind.build(Setup::named(name, 2, CAPACITY, 144).unwrap(), content(0)).unwrap();
        let channel = channel.as_mut();
        let mut stage = Stage::new(channel).unwrap();
        stage.open(channel).unwrap();
        let Some(terms) = channel.tower_terms() else { continue };
        channel.update(content(1)).unwrap();
        let older = channel.tower_bytes(1);
        channel.update(content(2)).unwrap();
        let record = channel.tower_bytes(1);
        let mut tower = tower();
        tower.hire(&mut stage.chain, terms, record.clone()).unwrap();
        // The same record can be sent again without effect.
        tower.replace(0, record.clone()).unwrap();
        let older = tower.replace(0, older).unwrap_err().to_string();
        assert_eq!(older, "refused: the record is not newer than the one that the tower has", "{name}");
        assert!(tower.hire(&mut stage.chain, terms, record[1..].to_vec()).is_err(), "{name}");
        assert!(tower.hire(&mut stage.chain, terms, [&record[..], &[0]].concat()).is_err(), "{name}");
        assert!(tower.hire(&mut stage.chain, terms, record[..record.len() - 1].to_vec()).is_err(), "{name}");
        // A justice kit is encrypted, so it can be verified only after its commitment transaction is published.
        if !name.starts_with("ln-") {
            let mut forged = record.clone();
            *forged.last_mut().unwrap() ^= 1;
            assert!(tower.hire(&mut stage.chain, terms, forged.clone()).is_err(), "{name}");
            assert!(tower.replace(0, forged).is_err(), "{name}");
        }
        assert_eq!(tower.stored(0), record.len());
    }
}

/// If a newer record differs in a field that updates never change, it belongs to another channel and is refused.
#[test]
fn a_record_of_another_channel_is_refused_whatever_its_number_is() {
    for (name, kind) in KINDS {
        let kind = match kind {
            Kind::Tree(..) => Kind::Tree(3, 3, 6),
            kind => *kind,
        };
        let record = |seed: &str, updates: u64, funding: Option<OutPoint>| {
            let setup = Setup::named(seed, 2, CAPACITY, 144).unwrap();
            let mut channel = kind.build(setup, content(0)).unwrap();
            let mut stage = Stage::new(channel.as_ref()).unwrap();
            stage.open(channel.as_mut()).unwrap();
            if let Some(funding) = funding {
                channel.open(funding).unwrap();
            }
            for state in 1..=updates {
                channel.update(content(state)).unwrap();
            }
            (channel.tower_terms(), channel.tower_bytes(1), channel.setup().funding, stage)
        };
        let (Some(terms), own, funding, mut stage) = record(name, 1, None) else { continue };
        let mut tower = tower();
        tower.hire(&mut stage.chain, terms, own).unwrap();
        for (_, other, _, _) in [record("other", 2, None), record("other", 2, Some(funding))] {
            let reason = match terms {
                TowerTerms::LnPenalty => "the record lacks entries that the tower has",
                _ => "the record is of another channel",
            };
            assert_eq!(tower.replace(0, other), Err(ChannelError::refused(reason)), "{name}");
        }
        let (_, newer, _, _) = record(name, 2, None);
        tower.replace(0, newer).unwrap();
    }
}
