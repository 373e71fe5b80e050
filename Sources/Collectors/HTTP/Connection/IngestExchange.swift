import NIOCore

/// A request that the handler answers itself.
struct IngestExchange {
    let session: IngestSession
    let isKeptAlive: Bool
    private(set) var body = ByteBuffer()

    init(_ session: IngestSession, isKeptAlive: Bool) {
        self.session = session
        self.isKeptAlive = isKeptAlive
    }

    /// Most bodies come in one piece, which is then not copied.
    mutating func add(_ piece: ByteBuffer) {
        if body.readableBytes == 0 {
            body = piece
        } else {
            body.writeImmutableBuffer(piece)
        }
    }

    /// The body's end never came.
    func abandon() {
        let session = transferred
        Task { await session.value.abandon() }
    }

    /// To a task that has it from then on, until it calls back.
    var transferred: Transferred { Transferred(value: session) }

    /// Unchecked: an event loop gives the session to one task and does not touch it before the task has come back to
    /// the loop, which orders the two.
    struct Transferred: @unchecked Sendable { let value: IngestSession }
}
