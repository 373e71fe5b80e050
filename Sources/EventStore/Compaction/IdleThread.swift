import CLinux
import Foundation
import Synchronization

/// A thread that works only when no other has anything to do. A thread cannot come back from that priority, and while
/// it holds a lock others may wait for it as long as they keep the processors busy; so it gets the long work that needs
/// no lock, piece by piece, and whoever hands it over does the rest.
package final class IdleThread<Value: Sendable>: Sendable {
    private struct State {
        var work: (@Sendable () throws -> Value)?
        var isWorking = false
        var result: Result<Value, any Error>?
        var ends = false
    }

    private let state = Mutex(State())
    private let wake = Wake()
    package let done = Wake()

    package init() {}

    package func start(name: String) {
        let thread = Thread { [self] in
            clinux_name_thread(name)
            clinux_idle_priority()
            run()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// One at a time; ``done`` is signalled behind it.
    package func begin(_ work: @escaping @Sendable () throws -> Value) {
        state.withLock { state in
            precondition(!state.isWorking, "the work before has not ended")
            state.work = work
            state.isWorking = true
        }
        wake.signal()
    }

    /// What the work gave, once; `nil` while it goes on.
    package func result() throws -> Value? {
        try state.withLock { state in
            defer { state.result = nil }
            return state.result
        }?.get()
    }

    package func end() {
        state.withLock { $0.ends = true }
        wake.signal()
    }

    private func run() {
        while true {
            let (work, ends) = state.withLock { state in
                defer { state.work = nil }
                return (state.work, state.ends)
            }
            guard let work else {
                if ends { return }
                wake.wait(milliseconds: 60_000)
                continue
            }
            let result = Result { try work() }
            state.withLock { state in
                state.result = result
                state.isWorking = false
            }
            done.signal()
        }
    }
}
