//! The nesting of IF and NOTIF, in constant space and time.

/// What the open IF branches say about whether opcodes are executed.
///
/// Only two things can be seen of the nested branches: how many are open, and whether one of them is not taken. So
/// their number and the depth of the outermost branch that is not taken are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    depth: u32,
    /// How many branches enclose the outermost one that is not taken.
    first_false: Option<u32>,
}

impl Conditions {
    /// Whether opcodes are executed here.
    #[inline]
    pub fn all_true(&self) -> bool {
        self.first_false.is_none()
    }

    /// How many branches are open.
    #[inline]
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Opens a branch.
    #[inline]
    pub(crate) fn push(&mut self, taken: bool) {
        if !taken && self.first_false.is_none() {
            self.first_false = Some(self.depth);
        }
        // A script has fewer opcodes than u32::MAX, since a block has fewer bytes.
        self.depth = self.depth.saturating_add(1);
    }

    /// Closes the innermost branch; false if none is open.
    #[inline]
    #[must_use]
    pub(crate) fn pop(&mut self) -> bool {
        let Some(depth) = self.depth.checked_sub(1) else { return false };
        self.depth = depth;
        if self.first_false == Some(depth) {
            self.first_false = None;
        }
        true
    }

    /// Turns to the other side of the innermost branch; false if none is open.
    #[inline]
    #[must_use]
    pub(crate) fn toggle(&mut self) -> bool {
        let Some(innermost) = self.depth.checked_sub(1) else { return false };
        match self.first_false {
            None => self.first_false = Some(innermost),
            Some(first) if first == innermost => self.first_false = None,
            // An outer branch is not taken: which side of the inner one is on cannot be seen.
            Some(_) => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_vector_of_booleans() {
        // Every sequence of eight operations of: open taken, open not taken, toggle, close.
        for sequence in 0..4u32.pow(8) {
            let (mut model, mut conditions) = (Vec::new(), Conditions::default());
            for step in 0..8 {
                match sequence >> (2 * step) & 3 {
                    0 => (model.push(true), conditions.push(true)).0,
                    1 => (model.push(false), conditions.push(false)).0,
                    2 => {
                        let toggled = model.last_mut().map(|last| *last = !*last);
                        assert_eq!(conditions.toggle(), toggled.is_some());
                    }
                    _ => assert_eq!(conditions.pop(), model.pop().is_some()),
                }
                assert_eq!(conditions.all_true(), model.iter().all(|taken| *taken));
                assert_eq!(conditions.depth() as usize, model.len());
            }
        }
    }
}
