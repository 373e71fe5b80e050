/// What the archive holds of one tenant and received-day.
package struct ArchivedDay: Sendable, Equatable {
    package enum State: Int, Sendable {
        /// Manifest and checkpoint alone: the tenant received nothing that day.
        case quiet = 0
        case sealed = 1
        /// Manifest and checkpoint are kept, the events went by plan.
        case pruned = 2
    }

    package var tenant: UInt32
    package var tenantName: String
    /// Received-day, days since 1970-01-01.
    package var day: Int64
    package var state: State
    /// 0 on a quiet day, as everything up to `maxTime`.
    package var events = 0
    /// Of the lines with their newlines.
    package var contentBytes = 0
    /// Of `events.ndjson.gz`.
    package var fileBytes = 0
    package var firstSeq: UInt64 = 0
    package var lastSeq: UInt64 = 0
    /// Journal position of the day's last event.
    package var lastPosition: UInt64 = 0
    /// Event times, milliseconds since 1970, both inclusive.
    package var minTime: Int64 = 0
    package var maxTime: Int64 = 0
    /// Leaves and root of the tenant's tree at the end of the day.
    package var treeSize: UInt64
    package var root: Digest
    /// SHA-256 of `_manifest.json`.
    package var manifest: Digest
    /// Whether `events.ndjson.gz` lies in the folder, and in object storage.
    package var isLocal = false
    package var isRemote = false
}

/// Where a tenant's chain of days ends: what the next day's manifest begins with.
package struct TenantChain: Sendable, Equatable {
    package var number: UInt32
    package var name: String
    /// Received-days, days since 1970-01-01, both inclusive.
    package var firstDay: Int64
    package var lastDay: Int64
    package var lastSeq: UInt64
    package var lastPosition: UInt64
    package var tree: CompactRange
    /// SHA-256 of the last day's manifest.
    package var manifest: Digest
}
