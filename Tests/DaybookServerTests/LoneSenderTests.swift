import NIOCore
import NIOPosix
import Testing

@testable import Collectors

@Suite struct LoneSenderTests {
    private final class Connection {}
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test("A connection is alone while no other sends, and again when the others were silent for long enough")
    func silence() async throws {
        let senders = LoneSender()
        let (one, other) = (Connection(), Connection())
        let loops = Array(group.makeIterator())
        senders.opened(on: loops[0])
        senders.opened(on: loops[1])
        func asks(_ connection: Connection, _ loop: Int, after time: TimeAmount) -> Bool {
            senders.isAlone(ObjectIdentifier(connection), on: loops[loop], at: start + time)
        }
        #expect(asks(one, 0, after: .milliseconds(0)))
        #expect(asks(one, 0, after: .milliseconds(1)))
        #expect(!asks(other, 1, after: .milliseconds(2)))
        #expect(!asks(one, 0, after: .milliseconds(3)))
        #expect(!asks(one, 0, after: .milliseconds(11)))
        #expect(asks(one, 0, after: .milliseconds(12)))
        // Few events of many connections, far apart.
        #expect(asks(other, 1, after: .milliseconds(40)))
        #expect(asks(one, 0, after: .milliseconds(80)))
        try await group.shutdownGracefully()
    }

    @Test("A connection that shares its loop is never alone, whatever the others do")
    func sharedLoop() async throws {
        let senders = LoneSender()
        let connection = Connection()
        let loop = group.next()
        senders.opened(on: loop)
        #expect(senders.isAlone(ObjectIdentifier(connection), on: loop, at: start))
        senders.opened(on: loop)
        #expect(!senders.isAlone(ObjectIdentifier(connection), on: loop, at: start + .seconds(1)))
        senders.closed(on: loop)
        #expect(senders.isAlone(ObjectIdentifier(connection), on: loop, at: start + .seconds(2)))
        try await group.shutdownGracefully()
    }
}
