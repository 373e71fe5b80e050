import Synchronization

/// How many slices may be normalised and on their way to the journal at once, whoever sends them: the memory of a flood
/// over a thousand connections is that of sixteen. First come, first served.
///
/// A holder only ever waits for the journal, which answers by itself; nobody waits for a permit to give one back.
final class SlicePermits: Sendable {
    private struct State {
        var free: Int
        var waiting: [UnsafeContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    func take() async {
        await withUnsafeContinuation { continuation in
            let isFree = state.withLock { state in
                if state.free == 0 {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func giveBack() {
        let next = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }

    var free: Int { state.withLock { $0.free } }
}
