//! The policy parameters that a node's options change.

/// Policy parameters. Feerates are in satoshi per 1,000 virtual bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Minimum feerate for relay (Core `-minrelaytxfee`, 100 by default since version 30).
    pub min_relay: u64,
    /// Feerate that a replacement pays for its own size on top of the fees that it replaces (Core `-incrementalrelayfee`,
    /// 100 by default since version 30). Only a mempool uses it.
    pub incremental: u64,
    /// Feerate that defines dust (Core `-dustrelayfee`).
    pub dust_relay: u64,
    /// Maximum total size of `OP_RETURN` outputs in bytes, or `None` to refuse them (Core `-datacarriersize`, since
    /// version 30 by default the size of the largest standard transaction).
    pub datacarrier: Option<u64>,
    /// Whether bare multisig outputs are relayed (Core `-permitbaremultisig`).
    pub bare_multisig: bool,
    /// Whether a taproot annex is relayed. Core has no such option and refuses every annex; constructions that publish
    /// data in the annex depend on nodes that relay it.
    pub annex: bool,
}

impl Policy {
    /// The defaults of Core 31.
    pub const CORE_31: Policy = Policy {
        min_relay: 100,
        incremental: 100,
        dust_relay: 3_000,
        datacarrier: Some(100_000),
        bare_multisig: true,
        annex: false,
    };

    /// The rules of Core 31 with the minimum feerates that were the default until version 29: 1 sat/vB.
    pub const ONE_SAT_PER_VBYTE: Policy = Policy { min_relay: 1_000, incremental: 1_000, ..Policy::CORE_31 };

    /// Returns the fee of a virtual size at a feerate, rounded up (Core `CFeeRate::GetFee`).
    pub const fn fee(feerate: u64, vsize: u64) -> u64 {
        feerate.saturating_mul(vsize).div_ceil(1_000)
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::CORE_31
    }
}
