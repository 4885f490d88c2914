//! The result of an exploration, and the events that lead to a loss.

use core::fmt;

use stateright::{Model, Path};

/// Result of the exploration of an update protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// Number of distinct states that were explored, over all models of the protocol.
    pub states: usize,
    /// Description of the loss that was found, or of the failure to reach the last state number. `None` if there was
    /// neither.
    pub loss: Option<&'static str>,
    /// Events that lead from the initial state of the model to the loss.
    pub trace: Vec<String>,
}

/// Returns the events up to the first state that violates the property `name`. `path` is the path that the checker
/// reports, which may continue after that state.
pub(super) fn trace<M: Model>(model: &M, name: &str, path: Path<M::State, M::Action>) -> Vec<String>
where
    M::Action: fmt::Display,
{
    let property = model.properties().into_iter().find(|property| property.name == name);
    let broken =
        |state: &M::State| property.as_ref().is_some_and(|property| !(property.condition)(model, state));
    let mut events = Vec::new();
    for (state, event) in path.into_vec() {
        if broken(&state) {
            break;
        }
        events.extend(event.map(|event| event.to_string()));
    }
    events
}
