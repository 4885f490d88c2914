//! Policy parameters that a node operator can change.

/// Parameters of relay policy. Feerates are in satoshi per 1,000 virtual bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Minimum relay feerate, in satoshi per 1,000 virtual bytes (Core `-minrelaytxfee`, 100 by default since version
    /// 30).
    pub min_relay: u64,
    /// Feerate that a replacement transaction must pay for its own size, in satoshi per 1,000 virtual bytes. The
    /// replacement pays this in addition to the fees of the transactions that it replaces (Core
    /// `-incrementalrelayfee`, 100 by default since version 30). Only a mempool uses this parameter.
    pub incremental: u64,
    /// Feerate from which dust limits are computed, in satoshi per 1,000 virtual bytes (Core `-dustrelayfee`).
    pub dust_relay: u64,
    /// Maximum total size of a transaction's `OP_RETURN` scripts in bytes (Core `-datacarriersize`). `None` refuses
    /// these outputs. Since version 30 the default is the size of the largest standard transaction.
    pub datacarrier: Option<u64>,
    /// Whether bare multisig outputs are relayed (Core `-permitbaremultisig`).
    pub bare_multisig: bool,
    /// Whether a taproot annex is relayed. Core has no such option and refuses every annex. Constructions that publish data in
    /// the annex depend on nodes that relay it.
    pub annex: bool,
}

impl Policy {
    /// Default policy parameters of Core 31.
    pub const CORE_31: Policy = Policy {
        min_relay: 100,
        incremental: 100,
        dust_relay: 3_000,
        datacarrier: Some(100_000),
        bare_multisig: true,
        annex: false,
    };

    /// Default policy parameters of Core 31, except for the feerates. The minimum relay feerate and the incremental
    /// relay feerate are 1 sat/vB, as they were by default before Core 30.
    pub const ONE_SAT_PER_VBYTE: Policy = Policy { min_relay: 1_000, incremental: 1_000, ..Policy::CORE_31 };

    /// Returns the fee in satoshi for a virtual size in bytes and a feerate in satoshi per 1,000 virtual bytes. The
    /// result is rounded up (Core `CFeeRate::GetFee`).
    pub const fn fee(feerate: u64, vsize: u64) -> u64 {
        feerate.saturating_mul(vsize).div_ceil(1_000)
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::CORE_31
    }
}
