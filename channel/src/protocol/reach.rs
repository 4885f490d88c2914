//! A liveness check: whether every state of a model has a path to a goal state.

use std::collections::HashMap;

use stateright::Model;

/// Result of a check whether every state of a model has a path to a goal state.
pub(super) struct Reached<A> {
    /// Number of distinct states of the explored model.
    pub(super) states: usize,
    /// Actions that lead to a state from which no goal state can be reached. `None` if every state has a path to a
    /// goal state.
    pub(super) stuck: Option<Vec<A>>,
}

/// Explores all states of a model, then searches backward from the goal states. A state that the backward search does
/// not find has no path to a goal state.
pub(super) fn explore<M>(model: &M, is_goal: impl Fn(&M::State) -> bool) -> Reached<M::Action>
where
    M: Model,
    M::State: Clone + Eq + core::hash::Hash,
    M::Action: Clone,
{
    let mut places: HashMap<M::State, usize> = HashMap::new();
    let mut states: Vec<M::State> = Vec::new();
    let mut origins: Vec<Option<(usize, M::Action)>> = Vec::new();
    let mut before: Vec<Vec<usize>> = Vec::new();
    let mut add =
        |state: M::State, origin: Option<(usize, M::Action)>, states: &mut Vec<M::State>| -> usize {
            *places.entry(state).or_insert_with_key(|state| {
                states.push(state.clone());
                origins.push(origin);
                states.len() - 1
            })
        };
    for state in model.init_states() {
        add(state, None, &mut states);
    }
    let mut next = 0;
    while let Some(state) = states.get(next).cloned() {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for action in actions {
            let Some(after) = model.next_state(&state, action.clone()) else { continue };
            if !model.within_boundary(&after) {
                continue;
            }
            let place = add(after, Some((next, action)), &mut states);
            if before.len() <= place {
                before.resize(place + 1, Vec::new());
            }
            if let Some(before) = before.get_mut(place) {
                before.push(next);
            }
        }
        next += 1;
    }
    let mut met: Vec<bool> = states.iter().map(&is_goal).collect();
    let mut open: Vec<usize> = (0..met.len()).filter(|place| met.get(*place) == Some(&true)).collect();
    while let Some(place) = open.pop() {
        for origin in before.get(place).into_iter().flatten() {
            if let Some(is_met) = met.get_mut(*origin)
                && !*is_met
            {
                *is_met = true;
                open.push(*origin);
            }
        }
    }
    let stuck = met.iter().position(|is_met| !is_met).map(|place| way(&origins, place));
    Reached { states: states.len(), stuck }
}

/// Returns the actions that lead from an initial state to the state with index `place`. For each state, `origins`
/// contains the index of the preceding state and the action between the two, or `None` for an initial state.
fn way<A: Clone>(origins: &[Option<(usize, A)>], place: usize) -> Vec<A> {
    let mut actions = Vec::new();
    let mut place = place;
    while let Some(Some((origin, action))) = origins.get(place) {
        actions.push(action.clone());
        place = *origin;
    }
    actions.reverse();
    actions
}
