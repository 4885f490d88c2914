//! Relay limits, and the validation weight that signature checks cost.

use sigstack_interpreter::limits::{VALIDATION_WEIGHT_OFFSET, VALIDATION_WEIGHT_PER_SIGOP};

/// Maximum size in bytes of a tapscript witness element that Bitcoin Core relays (Core
/// `MAX_STANDARD_TAPSCRIPT_STACK_ITEM_SIZE`).
pub const MAX_STANDARD_ELEMENT: usize = 80;

/// Maximum weight of a transaction that Bitcoin Core relays (Core `MAX_STANDARD_TX_WEIGHT`).
pub const MAX_STANDARD_WEIGHT: usize = 400_000;

/// Returns the validation weight that remains after all signature checks, for a witness of `size` bytes (BIP 342). A
/// negative result means that the script fails.
pub fn budget(size: usize, signature_checks: usize) -> i64 {
    let cost =
        i64::try_from(signature_checks).unwrap_or(i64::MAX).saturating_mul(VALIDATION_WEIGHT_PER_SIGOP);
    i64::try_from(size).unwrap_or(i64::MAX).saturating_add(VALIDATION_WEIGHT_OFFSET).saturating_sub(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_costs_fifty_units() {
        // BIP 342, "Resource limits": the budget is the witness's size plus 50, and each check costs 50.
        assert_eq!((budget(100, 0), budget(100, 3), budget(0, 1), budget(49, 2)), (150, 0, 0, -1));
        assert_eq!(budget(usize::MAX, 0), i64::MAX);
        assert_eq!(budget(0, usize::MAX), 50 - i64::MAX);
    }
}
