//! Execution of the opcodes of proposals: each is passed to the rules in its folder.

use super::registry::for_each_proposal;
use crate::machine::Machine;
use crate::opcode::Opcode;
use crate::script_error::ScriptError;

/// Defines the function that executes the opcode of a proposal.
macro_rules! dispatch {
    (
        proposals { $($folder:ident: $($name:ident)+ $(, opcode $opcode:ident)? $(, discouraged $discouraged:ident)? $(, errors $($own:ident)+)?;)* }
    ) => {
        /// Executes the opcode of a proposal.
        ///
        /// # Errors
        ///
        /// [`ScriptError::BadOpcode`] for opcodes of no proposal; otherwise as the rules of the proposal say.
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
