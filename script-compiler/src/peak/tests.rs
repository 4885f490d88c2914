//! Tests of the number of witness elements that conditions take. `leaf::tests` compares the maximum stack sizes with the engine.

use super::*;
use crate::atom::KeyRef;
use crate::message::Bounds;
use crate::policy::{HashFn, Join};

fn key(byte: u8) -> KeyRef {
    KeyRef { x: [byte; 32], internal: false }
}

#[test]
fn conditions_take_elements() {
    let opened = Msg::NewerOpened(Join::Cat, [0; 32]);
    let number = Msg::Number(Bounds::AtLeast(1));
    let pair = Msg::Join(Join::Pair, Box::new(opened.clone()), Box::new(number.clone()));
    let cases = [
        (Atom::Sig(key(1)), 1),
        (Atom::Rebind(crate::policy::Rebind::AnyPrevout, key(1)), 1),
        (Atom::Hash(HashFn::Sha256, vec![0; 32]), 1),
        (Atom::After(1), 0),
        (Atom::Ctv([0; 32]), 0),
        (Atom::Presigned(key(1), vec![]), 0),
        (Atom::Signed(Msg::Fixed(vec![1]), vec![key(1)]), 1),
        (Atom::Signed(Msg::TemplateHash, vec![key(1), key(2)]), 2),
        (Atom::Signed(Msg::Ctv(true), vec![key(1)]), 2),
        (Atom::Signed(Msg::NewerWide(1), vec![key(1)]), 3),
        (Atom::Signed(Msg::Delegate, vec![key(1)]), 3),
        (Atom::Signed(number.clone(), vec![key(1), key(2)]), 3),
        (Atom::Opens(vec![0; 32], opened), 4),
        (Atom::Opens(vec![0; 32], number), 1),
        (Atom::Opens(vec![0; 32], pair), 5),
    ];
    for (atom, count) in cases {
        assert_eq!(elements(&atom), count, "{atom:?}");
    }
}
