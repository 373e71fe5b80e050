import CLinux
import Foundation
import Synchronization

/// The few threads that lookups run on. Inflating and comparing megabytes would starve the cooperative pool, and more
/// threads than these would take the cores from the intake.
final class LookupThreads: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var head = 0
        var isClosed = false
        var running = 0

        var isIdle: Bool { head == waiting.count }
    }

    private let state = Mutex(State())
    private let largestWaiting: Int
    private let wakes: [Wake]

    init(count: Int, largestWaiting: Int) {
        self.largestWaiting = largestWaiting
        wakes = (0..<max(1, count)).map { _ in Wake() }
        for (index, wake) in wakes.enumerated() {
            let thread = Thread { [self] in
                clinux_name_thread("lookup-\(index)")
                run(wake)
            }
            thread.stackSize = 1 << 20
            thread.start()
        }
    }

    var waitingCount: Int { state.withLock { $0.waiting.count - $0.head } }

    /// Runs `work` on one of the threads.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws(SearchError) -> Value) async throws(SearchError) -> Value {
        let result: Result<Value, SearchError> = await withCheckedContinuation { continuation in
            let refusal = state.withLock { state -> SearchError? in
                if state.isClosed { return .closed }
                let waiting = state.waiting.count - state.head
                if waiting >= largestWaiting { return .busy(waiting: waiting) }
                state.waiting.append {
                    do throws(SearchError) { continuation.resume(returning: .success(try work())) } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
                return nil
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) } else { for wake in wakes { wake.signal() } }
        }
        return try result.get()
    }

    /// Runs `help` on a thread that has nothing else to do, if there is one; whoever offers it cannot rely on it.
    func offer(_ help: @escaping @Sendable () -> Void) {
        let isTaken = state.withLock { state -> Bool in
            guard state.isIdle, state.running < wakes.count, !state.isClosed else { return false }
            state.waiting.append(help)
            return true
        }
        if isTaken { for wake in wakes { wake.signal() } }
    }

    /// Lets what waits finish, then ends the threads.
    func close() {
        state.withLock { $0.isClosed = true }
        for wake in wakes { wake.signal() }
    }

    private func run(_ wake: Wake) {
        var isRunning = false
        while true {
            let (work, ends) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
                if isRunning { state.running -= 1 }
                isRunning = false
                guard state.head < state.waiting.count else {
                    state.waiting.removeAll(keepingCapacity: true)
                    state.head = 0
                    return (nil, state.isClosed)
                }
                state.head += 1
                state.running += 1
                isRunning = true
                return (state.waiting[state.head - 1], false)
            }
            if let work { work() } else if ends { return } else { wake.wait(milliseconds: 60_000) }
        }
    }
}
