//! `Debug` for types for which a derived implementation is impossible or of little use.

use core::fmt::{Debug, Formatter, Result};

use crate::machine::Machine;
use crate::mock::MockHost;
use crate::sighash::EcdsaMidstates;
use crate::stack::Stack;
use crate::view::TxCache;

impl Debug for Stack {
    /// Lists the elements of both stacks, bottom element first.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (main, alt): (Vec<&[u8]>, Vec<&[u8]>) = (self.iter().collect(), self.alt_iter().collect());
        f.debug_struct("Stack").field("main", &main).field("alt", &alt).finish_non_exhaustive()
    }
}

impl Debug for Machine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Machine")
            .field("stack", &self.stack)
            .field("context", &self.context)
            .field("flags", &self.flags)
            .field("position", &self.position)
            .field("op_count", &self.op_count)
            .finish_non_exhaustive()
    }
}

impl<F> Debug for MockHost<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("MockHost").finish_non_exhaustive()
    }
}

impl Debug for TxCache {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("TxCache").finish_non_exhaustive()
    }
}

impl Debug for EcdsaMidstates {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("EcdsaMidstates").finish_non_exhaustive()
    }
}
