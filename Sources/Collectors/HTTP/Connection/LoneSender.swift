import NIOCore
import Synchronization

/// Tells whether one connection alone sends events at present.
///
/// Such a connection's event loop has nothing else to take in, so it may commit by itself. With several senders it must
/// not: while it waits for the disk, what the others send would gather in the sockets and not in the journal's queue,
/// and each would get a sync of its own.
final class LoneSender: Sendable {
    private struct State {
        var sender: ObjectIdentifier?
        var sent = NIODeadline.distantPast
        /// When anybody but `sender` sent last.
        var othersSent = NIODeadline.distantPast
    }

    private let state = Mutex(State())
    /// Some fifty syncs of a quick disk: whoever was silent for that long does not gain from being in a group.
    static let silence = TimeAmount.milliseconds(10)

    /// Called at each request of events; true when no other connection sent one for ``silence``.
    func isAlone(_ sender: ObjectIdentifier, at now: NIODeadline) -> Bool {
        state.withLock { state in
            if state.sender != sender {
                state.othersSent = state.sent
                state.sender = sender
            }
            state.sent = now
            return state.othersSent == .distantPast || now - state.othersSent >= Self.silence
        }
    }
}
