//! Tests of the acceptance rules for states of an outer channel, whose outputs fund inner channels.

use super::*;

fn hook(form: Form, capacity: u64) -> Factory {
    Factory::new(Setup::named("hook", 2, capacity, DELAY).unwrap(), form).unwrap()
}

#[test]
fn a_hook_fits_one_transaction_and_its_channels_have_outputs() {
    let capacity = 10_000_000;
    let funding = OutPoint { vout: 1, ..OutPoint::null() };
    let open = |factory: &mut Factory, count: usize, size: u64| {
        let rest = capacity - size * count as u64;
        factory.open(funding, (&[rest / 2, rest - rest / 2], &vec![(vec![0, 1], size); count]))
    };
    for form in [Form::PairCommit, Form::AnyPrevOut] {
        for (count, size) in [(229, 1_000), (240, 10_000)] {
            let mut factory = hook(form, capacity);
            let found = factory.hook().acceptance().weight(2 + count as u64, 0);
            let heavy = Unacceptable::Weight { found, most: 40_000 };
            assert_eq!(open(&mut factory, count, size), Err(ChannelError::Content(heavy)));
        }
    }
    let mut factory = hook(Form::PairCommit, capacity);
    open(&mut factory, 228, 1_000).unwrap();
    assert_eq!(factory.close_hook(0).unwrap()[1].weight(), 39_920);
    let content = factory.hook().content();
    assert_eq!(Content::from_bytes(&content.to_bytes()).as_ref(), Ok(content));
    for size in [0, 330, 999] {
        let small = Unacceptable::Channel { channel: 0, sat: size };
        let opened = open(&mut hook(Form::PairCommit, capacity), 2, size);
        assert_eq!(opened, Err(ChannelError::Content(small)));
    }
}

/// An HTLC of an inner channel can be claimed only after the outer channel is settled, so its expiry must be later than
/// that of an HTLC in the outer channel.
#[test]
fn expiries_inside_a_hook_are_beyond_both_delays() {
    let mut factory = hook(Form::TemplateHash, 3_000_000);
    let funding = OutPoint { vout: 1, ..OutPoint::null() };
    factory.open(funding, (&[1_000_000, 1_000_000], &[(vec![0, 1], CAPACITY)])).unwrap();
    factory.see_height(START_HEIGHT + 100);
    let least = START_HEIGHT + 100 + 2 * (2 * 144 + 24) + 1;
    let mut update = |expiry| factory.update_inner(0, with(vec![htlc(0, 5_000, expiry)])).map(drop);
    let early = Unacceptable::Expiry { htlc: 0, expiry: least - 1, least };
    assert_eq!(update(least - 1), Err(ChannelError::Content(early)));
    assert_eq!(update(least), Ok(()));
}
