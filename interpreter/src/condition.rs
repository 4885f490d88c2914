//! [`Conditions`]: the state of nested IF and NOTIF branches (Core `ConditionStack`). It takes constant space, and each
//! operation takes constant time.

/// The open IF and NOTIF branches of a running script, which decide whether opcodes are executed.
///
/// A script can observe two things only: how many branches are open, and whether any of them is not taken. Two numbers are
/// therefore enough: the count of open branches and the depth of the outermost branch that is not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    depth: u32,
    /// Number of branches that enclose the outermost branch that is not taken; `None` if all open branches are taken.
    first_false: Option<u32>,
}

impl Conditions {
    /// Returns whether all open branches are taken, so that opcodes are executed.
    #[inline]
    pub fn all_true(&self) -> bool {
        self.first_false.is_none()
    }

    /// Returns the number of open branches.
    #[inline]
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Opens a branch (OP_IF, OP_NOTIF). If `taken` is false, the opcodes in the branch are not executed.
    #[inline]
    pub(crate) fn push(&mut self, taken: bool) {
        if !taken && self.first_false.is_none() {
            self.first_false = Some(self.depth);
        }
        // A script has fewer opcodes than u32::MAX, since a block has fewer bytes.
        self.depth = self.depth.saturating_add(1);
    }

    /// Closes the innermost branch (OP_ENDIF). Returns false if no branch is open.
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

    /// Switches the innermost branch between taken and not taken (OP_ELSE). Returns false if no branch is open.
    #[inline]
    #[must_use]
    pub(crate) fn toggle(&mut self) -> bool {
        let Some(innermost) = self.depth.checked_sub(1) else { return false };
        match self.first_false {
            None => self.first_false = Some(innermost),
            Some(first) if first == innermost => self.first_false = None,
            // An outer branch is not taken, so neither the IF part nor the ELSE part of the inner branch is executed.
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
        // Every sequence of eight operations, each of: open a taken branch, open a branch that is not taken, toggle, close.
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
