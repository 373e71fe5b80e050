import NIOCore
import Synchronization

/// Tells whether one connection alone sends events at present, on an event loop of its own.
///
/// Such a loop has nothing else to do, so it may commit by itself. With several senders it must not: while it waits for the
/// disk, what the others send would gather in the sockets and not in the journal's queue, and each would get a sync of its
/// own. Nor may it with other connections on the loop, whatever they ask: they would wait for the disk as well.
final class LoneSender: Sendable {
    private struct State {
        var sender: ObjectIdentifier?
        var sent = NIODeadline.distantPast
        /// When anybody but `sender` sent last.
        var othersSent = NIODeadline.distantPast
        /// Open ones, by event loop.
        var connections: [ObjectIdentifier: Int] = [:]
    }

    private let state = Mutex(State())
    /// Some fifty syncs of a quick disk: whoever was silent for that long does not gain from being in a group.
    static let silence = TimeAmount.milliseconds(10)

    func opened(on loop: any EventLoop) { state.withLock { $0.connections[ObjectIdentifier(loop), default: 0] += 1 } }

    func closed(on loop: any EventLoop) { state.withLock { $0.connections[ObjectIdentifier(loop), default: 0] -= 1 } }

    /// Called at each request of events; true when no other connection sent one for ``silence``, nor is open on the loop.
    func isAlone(_ sender: ObjectIdentifier, on loop: any EventLoop, at now: NIODeadline) -> Bool {
        state.withLock { state in
            if state.sender != sender {
                state.othersSent = state.sent
                state.sender = sender
            }
            state.sent = now
            guard state.connections[ObjectIdentifier(loop)] == 1 else { return false }
            return state.othersSent == .distantPast || now - state.othersSent >= Self.silence
        }
    }
}
