/// Days that the store does not hold, as lookups need them: files of one tenant and received-day, each with an index of
/// its own. A snapshot of the store decides for each day who answers: a day that the store held at that moment is answered
/// by the store, every other one by these. So a day must be here before it is dropped from the store.
package protocol OlderDays: Sendable {
    /// Files that may hold events of `tenants` (`nil`: all) with a time within `times`, at most `limit`, behind `key` in
    /// the order of their ``OlderDayKey``. Few are asked for at once, so years of thousands of tenants never lie in memory.
    func days(tenants: Set<UInt32>?, times: Range<Int64>, order: SearchOrder, after key: OlderDayKey?, limit: Int) throws -> [OlderDay]

    /// The file of one tenant and day; `nil` when there is none.
    func day(_ day: Int64, tenant: UInt32) throws -> OlderDay?

    /// Events of all tenants on a received-day that is here for good; `nil` when it is not. A store that has fewer, because
    /// it lost files, leaves the day's answers to these. Asked once a day.
    func events(day: Int64) -> Int?

    /// Opens a file, or gives the one that is open already; `nil` when it is no longer there. Adds to `bytesRead` what it
    /// read for that.
    func open(_ day: OlderDay, bytesRead: inout Int) throws -> (any OlderDayIndex)?

    /// Whether a file seems to be whole, told without opening it: where nothing of it is asked but what is known already.
    func isWhole(_ day: OlderDay) -> Bool

    /// Has fetched what ``open(_:bytesRead:)`` will read, meanwhile: the caller does not wait. `false` where nothing can be
    /// fetched that way, as from far away; such a file is not to be opened before its turn, since each read has its price.
    func prepare(_ day: OlderDay) -> Bool

    /// Something cannot be read; named in health. Its events are missing from answers.
    func noteDamage(_ day: OlderDay, reason: String)

    /// What was noted since the start, for health.
    var damage: [String] { get }
}

/// One file of one tenant and received-day.
package struct OlderDay: Sendable, Equatable {
    package var tenant: UInt32
    package var tenantName: String
    /// Received-day, days since 1970-01-01.
    package var day: Int64
    package var events: Int
    /// Event times, milliseconds since 1970, both inclusive. An event may be received long after its time.
    package var minTime: Int64
    package var maxTime: Int64
    /// Of the file; `nil` where that is not known.
    package var fileBytes: Int?

    package init(tenant: UInt32, tenantName: String, day: Int64, events: Int, minTime: Int64, maxTime: Int64, fileBytes: Int? = nil) {
        self.tenant = tenant
        self.tenantName = tenantName
        self.day = day
        self.events = events
        self.minTime = minTime
        self.maxTime = maxTime
        self.fileBytes = fileBytes
    }

    package func key(_ order: SearchOrder) -> OlderDayKey {
        OlderDayKey(time: order == .descending ? maxTime : minTime, day: day, tenant: tenant)
    }
}

/// Where a file stands: descending by `maxTime`, then day, then tenant, all from high to low; ascending by `minTime`, then
/// day, then tenant, all from low to high.
package struct OlderDayKey: Sendable, Equatable, Comparable {
    package var time: Int64
    package var day: Int64
    package var tenant: UInt32

    package init(time: Int64, day: Int64, tenant: UInt32) {
        self.time = time
        self.day = day
        self.tenant = tenant
    }

    package static func < (left: OlderDayKey, right: OlderDayKey) -> Bool {
        (left.time, left.day, left.tenant) < (right.time, right.day, right.tenant)
    }
}

/// The index of one file. Safe for several threads at once.
package protocol OlderDayIndex: AnyObject, Sendable {
    var blocks: OlderBlocks { get }
    /// Numbers (from 1) of the blocks that may hold a term of `range`, ascending for each term. Adds to `bytesRead` what it
    /// read for that.
    func candidates(_ range: ClosedRange<UInt64>, bytesRead: inout Int) throws -> [UInt32]
    /// Has fetched what ``candidates(_:bytesRead:)`` will read, as ``OlderDays/prepare(_:)``.
    func prepare(_ range: ClosedRange<UInt64>)
    /// Counts by hour (since 1970, of event time) and kind, action, outcome; in any order, and a row may come in parts.
    func rollups(
        bytesRead: inout Int, _ visit: (_ hour: Int64, _ kind: String, _ action: String, _ outcome: String, _ count: Int) -> Void) throws
}

/// A place that members are read from: a file, or an object far away.
package protocol MemberSource: Sendable {
    /// Names it where it is damaged.
    var path: String { get }
    /// Fills `target`; `false` when that cannot be read.
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool
    /// Has it fetched meanwhile, where that is possible and free.
    func prepare(_ range: Range<Int>)
}

// Whoever can fetch nothing ahead needs to say nothing.
extension OlderDays {
    package func prepare(_ day: OlderDay) -> Bool { false }
}

extension OlderDayIndex {
    package func prepare(_ range: ClosedRange<UInt64>) {}
}

extension MemberSource {
    package func prepare(_ range: Range<Int>) {}
}
