//! Policy parameters that a node operator can change.

/// Policy parameters. Feerates are in satoshi per 1,000 virtual bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Minimum relay feerate (Core `-minrelaytxfee`, 100 by default since version 30).
    pub min_relay: u64,
    /// Feerate that a replacement transaction must pay for its own size, in addition to the fees of the transactions
    /// that it replaces (Core `-incrementalrelayfee`, 100 by default since version 30). Only a mempool uses this
    /// parameter.
    pub incremental: u64,
    /// Feerate from which dust limits are computed (Core `-dustrelayfee`).
    pub dust_relay: u64,
    /// Maximum total size of `OP_RETURN` outputs in bytes, or `None` to refuse them (Core `-datacarriersize`). Since version 30
    /// the default is the size of the largest standard transaction.
    pub datacarrier: Option<u64>,
    /// Whether bare multisig outputs are relayed (Core `-permitbaremultisig`).
    pub bare_multisig: bool,
    /// Whether a taproot annex is relayed. Core has no such option and refuses every annex. Constructions that publish data in
    /// the annex depend on nodes that relay it.
    pub annex: bool,
}

impl Policy {
    /// Default parameters of Core 31.
    pub const CORE_31: Policy = Policy {
        min_relay: 100,
        incremental: 100,
        dust_relay: 3_000,
        datacarrier: Some(100_000),
        bare_multisig: true,
        annex: false,
    };

    /// Default parameters of Core 31, but with the feerates that were Core's defaults before version 30: 1 sat/vB for
    /// relay and for replacement.
    pub const ONE_SAT_PER_VBYTE: Policy = Policy { min_relay: 1_000, incremental: 1_000, ..Policy::CORE_31 };

    /// Returns the fee in satoshi of a virtual size at a feerate in satoshi per 1,000 virtual bytes, rounded up (Core
    /// `CFeeRate::GetFee`).
    pub const fn fee(feerate: u64, vsize: u64) -> u64 {
        feerate.saturating_mul(vsize).div_ceil(1_000)
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::CORE_31
    }
}
