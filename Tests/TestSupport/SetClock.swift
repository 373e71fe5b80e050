import EventModel
import Synchronization

/// A clock that stands where a test sets it.
package final class SetClock: Sendable {
    private let time: Mutex<Int64>

    /// `text`: RFC 3339, such as `2026-11-20T12:00:00Z`.
    package init(_ text: String) { time = Mutex(Timestamp(text)!.milliseconds) }

    package init(_ time: Timestamp) { self.time = Mutex(time.milliseconds) }

    package var now: Timestamp { Timestamp(milliseconds: time.withLock { $0 }) }

    package func set(_ text: String) { set(Timestamp(text)!) }

    package func set(_ now: Timestamp) { time.withLock { $0 = now.milliseconds } }

    package func advance(milliseconds: Int64) { time.withLock { $0 += milliseconds } }
}
