//! Execution of the opcodes that proposed soft forks add. Each opcode is passed to the function `execute` in the folder
//! of its proposal.

use super::registry::for_each_proposal;
use crate::machine::Machine;
use crate::opcode::Opcode;
use crate::script_error::ScriptError;

/// Defines the function `execute` for the opcodes of the proposals that `registry.rs` lists.
macro_rules! dispatch {
    (
        proposals { $($folder:ident: $($name:ident)+ $(, opcode $opcode:ident)? $(, discouraged $discouraged:ident)? $(, errors $($own:ident)+)?;)* }
    ) => {
        /// Executes an opcode that a proposal adds.
        ///
        /// # Errors
        ///
        /// [`ScriptError::BadOpcode`] if no proposal adds this opcode. Otherwise the error of the proposal's rules.
        #[inline]
        pub(crate) fn execute(m: &mut Machine<'_>, opcode: Opcode) -> Result<(), ScriptError> {
            match opcode {
                $($(Opcode::$opcode => super::$folder::execute(m),)?)*
                _ => Err(ScriptError::BadOpcode),
            }
        }
    };
}

for_each_proposal! { dispatch! }
