/// What the store holds of one received-day.
package struct StoredDay: Sendable, Equatable {
    /// Days since 1970-01-01.
    package var day: Int64
    /// By number, ascending; each has at least one event.
    package var tenants: [StoredTenant]

    package init(day: Int64, tenants: [StoredTenant]) {
        self.day = day
        self.tenants = tenants
    }

    package var events: Int { tenants.reduce(0) { $0 + $1.events } }
    /// Journal position of the day's last event.
    package var lastPosition: UInt64 { tenants.reduce(0) { max($0, $1.lastPosition) } }
}

/// What a received-day has of one tenant.
package struct StoredTenant: Sendable, Equatable {
    package var number: UInt32
    package var name: String
    package var events: Int
    package var lastSeq: UInt64
    package var lastPosition: UInt64
    /// Event times, milliseconds since 1970, both inclusive.
    package var minTime: Int64
    package var maxTime: Int64

    package init(number: UInt32, name: String, events: Int, lastSeq: UInt64, lastPosition: UInt64, minTime: Int64, maxTime: Int64) {
        self.number = number
        self.name = name
        self.events = events
        self.lastSeq = lastSeq
        self.lastPosition = lastPosition
        self.minTime = minTime
        self.maxTime = maxTime
    }
}

/// One line that a rewrite replaced.
package struct RewrittenLine: Sendable, Equatable {
    package var tenant: UInt32
    package var seq: UInt64

    package init(tenant: UInt32, seq: UInt64) {
        self.tenant = tenant
        self.seq = seq
    }
}
