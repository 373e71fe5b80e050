import EventStore
import Synchronization

/// Ends transfers and waits of a storage from another thread, so that a server that stops does not wait for a slow
/// service. It cannot be taken back.
package final class Interruption: Sendable {
    private struct State {
        var waiting: [Int: Wake] = [:]
        var next = 0
    }

    private let stopped = Atomic(false)
    private let state = Mutex(State())

    package init() {}

    package var isStopped: Bool { stopped.load(ordering: .relaxed) }

    package func stop() {
        stopped.store(true, ordering: .sequentiallyConsistent)
        state.withLock { for wake in $0.waiting.values { wake.signal() } }
    }

    /// Blocks the calling thread for `duration` or until ``stop()``.
    func wait(_ duration: Duration) {
        let wake = Wake()
        let number = state.withLock { state in
            state.next += 1
            state.waiting[state.next] = wake
            return state.next
        }
        // Whoever stops after this sees the wake in the list; whoever stopped before is seen here.
        if !isStopped { wake.wait(milliseconds: max(1, duration.wholeMilliseconds)) }
        state.withLock { _ = $0.waiting.removeValue(forKey: number) }
    }
}

extension Duration {
    var wholeMilliseconds: Int { Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000) }
}
