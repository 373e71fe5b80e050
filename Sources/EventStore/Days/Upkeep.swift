import Synchronization

/// Who works on a partition's files behind the packer: merger and compactor side by side, or alone whoever drops or
/// rewrites the day.
final class Upkeep: Sendable {
    private struct State {
        var users = 0
        var isTaken = false
    }

    private let state = Mutex(State())
    private let changed = Wake()

    /// `false` while somebody has it, or waits to have it, alone; then the work is for later.
    func begin() -> Bool {
        state.withLock { state in
            if state.isTaken { return false }
            state.users += 1
            return true
        }
    }

    func end() {
        state.withLock { $0.users -= 1 }
        changed.signal()
    }

    /// Returns when nobody else works on it, and nobody will until ``endAlone()``. One at a time.
    func beginAlone() {
        while !state.withLock({ state in
            defer { state.isTaken = true }
            return !state.isTaken
        }) { changed.wait(milliseconds: 50) }
        while state.withLock({ $0.users > 0 }) { changed.wait(milliseconds: 50) }
    }

    func endAlone() {
        state.withLock { $0.isTaken = false }
        changed.signal()
    }
}
