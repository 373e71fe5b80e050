/// Where sealing is: for health, metrics and whoever asked for a seal.
package struct SealStatus: Sendable, Equatable {
    package struct Day: Sendable, Equatable {
        /// Days since 1970-01-01.
        package var day: Int64
        /// That the archive or the day knows, and those of them whose day is sealed.
        package var tenants: Int
        package var done = 0
        package var quiet = 0
        package var events = 0
        package var contentBytes = 0
        package var fileBytes = 0
        package var copiedMembers = 0
        package var cutMembers = 0

        mutating func add(_ result: TenantSeal.Result) {
            done += 1
            quiet += result.day.state == .quiet ? 1 : 0
            events += result.day.events
            contentBytes += result.day.contentBytes
            fileBytes += result.day.fileBytes
            copiedMembers += result.copiedMembers
            cutMembers += result.cutMembers
        }
    }

    package struct Failure: Sendable, Equatable {
        /// Empty when it concerns the whole day.
        package var tenant: String
        package var day: Int64
        package var reason: String
    }

    /// The day that is being sealed, or was last.
    package var current: Day?
    package var failures: [Failure] = []
    /// Days that are over and not sealed.
    package var waitingDays = 0
    /// The clock stands so many days ahead of everything known that nothing is sealed unasked.
    package var clockJumpDays: Int64?
    /// Why the open day's checkpoints were last not made.
    package var openDayError: String?
    /// Why a day could last not leave the store.
    package var dropError: String?
    /// Since the start.
    package var sealedDays = 0
    package var sealedEvents = 0
    package var sealedBytes = 0

    package init() {}

    mutating func finished(_ day: Day) {
        current = day
        sealedDays += 1
        sealedEvents += day.events
        sealedBytes += day.fileBytes
    }
}
