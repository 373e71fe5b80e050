import Hummingbird
import NIOCore

@testable import Collectors
@testable import DaybookServer
@testable import QueryAPI

/// Reads a stream's history step by step, as the endpoint does for a client that lies behind.
final class StreamCollector {
    private let server: Server
    private(set) var ids: [Int] = []
    /// What the stream said that it lacks, as JSON.
    private(set) var gaps: [String] = []
    private var position: UInt64

    init(_ server: Server, from position: Int) {
        self.server = server
        self.position = UInt64(position)
    }

    func readAll() async throws {
        let request = Request(
            head: .init(method: .get, scheme: nil, authority: nil, path: "/v1/events/stream"), body: .init(buffer: ByteBuffer()))
        let parameters = try QueryParameters(request, known: [])
        var reader = try StreamReader(parameters, allowedTenant: nil, directory: server.journal.tenants, position: position)
        let history = StreamHistory(journal: server.journal, store: server.store)
        while reader.position < server.journal.endPosition { try await history.read(into: &reader) }
        for block in String(decoding: reader.takeText(), as: UTF8.self).split(separator: "\n\n") {
            let lines = block.split(separator: "\n")
            if lines.first == "event: gap" {
                gaps.append(String(lines.last!.dropFirst(6)))
            } else {
                ids.append(Int(lines.first!.dropFirst(4))!)
            }
        }
        position = reader.position
    }
}
