import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

@testable import Collectors
@testable import DaybookServer

/// All rooms on a temporary folder, asked through the real responder. The folder goes with the object.
final class TestServer: @unchecked Sendable {
    // Unchecked: `server` is replaced only by `reopen`, which a test awaits before it goes on.
    let folder: String
    private(set) var server: Server

    static let pipelines = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
        .appendingPathComponent("Pipelines").resolvingSymlinksInPath().path

    private let configure: @Sendable (inout Settings) -> Void

    init(tails: [TailEntry] = [], configure: @escaping @Sendable (inout Settings) -> Void = { _ in }) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-server-\(UUID().uuidString)").path
        self.configure = configure
        server = try await Self.open(folder, tails, configure)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private static func open(_ folder: String, _ tails: [TailEntry], _ configure: (inout Settings) -> Void) async throws -> Server {
        var settings = try Settings.read(ServeOptions(data: folder, listen: "127.0.0.1:0", pipelines: pipelines), environment: [:])
        settings.tails = tails
        configure(&settings)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try await Server.open(settings, logger: logger)
    }

    func close() async { await server.close() }

    func reopen() async throws {
        await server.close()
        let tails = server.settings.tails
        server = try await Self.open(folder, tails, configure)
    }

    var key: String {
        get throws { try String(contentsOfFile: folder + "/admin.key", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    func ask(_ method: HTTPRequest.Method, _ uri: String, _ headers: [String: String] = [:], body: [UInt8] = [], authorised: Bool = true)
        async throws -> Answer
    {
        var fields = HTTPFields()
        if authorised { fields[.authorization] = "Bearer \(try key)" }
        for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
        let headers = fields
        return try await Application(responder: server.responder).test(.router) { client in
            try await client.execute(uri: uri, method: method, headers: headers, body: ByteBuffer(bytes: body)) { response in
                Answer(status: response.status.code, headers: response.headers, body: Array(response.body.readableBytesView))
            }
        }
    }

    func get(_ uri: String) async throws -> Answer { try await ask(.get, uri) }

    func post(_ uri: String, _ body: String, type: String = "application/x-ndjson", _ headers: [String: String] = [:]) async throws
        -> Answer
    {
        try await ask(.post, uri, headers.merging(["Content-Type": type]) { $1 }, body: Array(body.utf8))
    }
}

struct Answer: Sendable {
    var status: Int
    var headers: HTTPFields
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    var json: [String: Any] {
        get throws { try #require(JSONSerialization.jsonObject(with: Data(body)) as? [String: Any], "\(text.prefix(500))") }
    }

    func integer(_ name: String) throws -> Int { try #require(json[name] as? Int, "\(text.prefix(500))") }

    var rejections: [[String: Any]] { get throws { try #require(json["rejected"] as? [[String: Any]], "\(text.prefix(500))") } }
    var events: [[String: Any]] { get throws { try #require(json["events"] as? [[String: Any]], "\(text.prefix(500))") } }
}

/// A small valid event.
func event(_ number: Int, tenant: String = "acme", extra: String = "") -> String {
    #"{"kind":"activity","tenant":"\#(tenant)","actor":{"id":"u\#(number % 7)"},"action":"update","target":{"type":"ticket","id":"T-\#(number)"}\#(extra)}"#
}
