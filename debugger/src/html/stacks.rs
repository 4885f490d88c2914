//! Encodes each stack as its difference from the previous stack.

use std::collections::BTreeMap;

use crate::frame::Element;

/// The distinct elements of all stacks of a page, each with an id.
#[derive(Default)]
pub(super) struct Pool {
    ids: BTreeMap<Element, usize>,
    /// The distinct elements. The id of an element is its index in this list.
    pub(super) elements: Vec<Element>,
    /// For each element, the index of the first stop whose stack contains the element. A stop is a frame at which the
    /// user of the page can pause.
    pub(super) stops: Vec<usize>,
}

impl Pool {
    fn id(&mut self, element: &Element, stop: usize) -> usize {
        if let Some(id) = self.ids.get(element) {
            return *id;
        }
        let id = self.elements.len();
        self.ids.insert(element.clone(), id);
        self.elements.push(element.clone());
        self.stops.push(stop);
        id
    }

    /// Returns how to build the stack `after` from the stack `before`, as a list of numbers:
    ///
    /// - the number of elements to keep, counted from the bottom
    /// - the number of elements to skip above them
    /// - the number of elements to keep above the skipped ones
    /// - the ids of the elements to push
    ///
    /// The remaining elements of `before` are dropped. An opcode removes at most one element below the top few, so the
    /// list is short for every opcode, however deep the stack is. `stop` is the index of the stop at which the stack is
    /// shown.
    pub(super) fn difference(&mut self, before: &[Element], after: &[Element], stop: usize) -> Vec<usize> {
        let same = |old: &[Element], new: &[Element]| {
            old.iter().zip(new).take_while(|(old, new)| old == new).count()
        };
        let kept = same(before, after);
        let below = before.get(kept + 1..).unwrap_or_default();
        let above = same(below, after.get(kept..).unwrap_or_default());
        let skipped = usize::from(above > 0);
        let pushed = after.iter().skip(kept + above).map(|element| self.id(element, stop));
        [kept, skipped, above].into_iter().chain(pushed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds a stack from the stack before it and a difference, in the same way as the page's JavaScript.
    fn apply(pool: &Pool, before: &[Element], difference: &[usize]) -> Vec<Element> {
        let [kept, skipped, above, pushed @ ..] = difference else { panic!("{difference:?}") };
        let again = before.iter().skip(kept + skipped).take(*above);
        let pushed = pushed.iter().map(|id| &pool.elements[*id]);
        before.iter().take(*kept).chain(again).chain(pushed).cloned().collect()
    }

    #[test]
    fn differences_are_short_and_give_the_stack_again() {
        let element = |number: u32| Element::from(number.to_le_bytes());
        let stack = |numbers: &[u32]| numbers.iter().copied().map(element).collect::<Vec<_>>();
        let deep: Vec<u32> = (0..1000).collect();
        let rolled: Vec<u32> = (1..1000).chain([0]).collect();
        let cases = [
            (vec![], deep.clone(), 1003),
            // OP_ROLL moves the lowest element to the top.
            (deep.clone(), rolled, 4),
            (deep.clone(), deep[..980].to_vec(), 3),
            (deep.clone(), [&deep[..998], &[999, 998]].concat(), 4),
            (vec![7, 7, 7], vec![7, 7, 7, 7], 4),
            (vec![1, 2], vec![], 3),
        ];
        for (before, after, most) in cases {
            let mut pool = Pool::default();
            let (before, after) = (stack(&before), stack(&after));
            for number in 0..1000 {
                pool.id(&element(number), 0);
            }
            let difference = pool.difference(&before, &after, 0);
            assert!(difference.len() <= most, "{difference:?}");
            assert_eq!(apply(&pool, &before, &difference), after);
        }
    }
}
