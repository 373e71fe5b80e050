import Foundation
import Testing

@testable import AccessControl
@testable import DaybookServer

@Suite struct AccessTests {
    @Test("the first start makes one key, which opens; later starts make none; only its hash is stored")
    func firstKey() async throws {
        let server = try await TestServer()
        let key = try server.key
        #expect(key.hasPrefix("dbk_") && key.utf8.count == 36)
        #expect(try FileManager.default.attributesOfItem(atPath: server.folder + "/admin.key")[.posixPermissions] as? Int == 0o600)
        try await server.reopen()
        #expect(try server.key == key)
        #expect(try await server.get("/v1/events").status == 200)
        await server.close()
        for name in ["daybook.sqlite", "daybook.sqlite-wal"] {
            guard let content = FileManager.default.contents(atPath: server.folder + "/" + name) else { continue }
            #expect(content.range(of: Data(key.utf8)) == nil)
        }
    }

    @Test("without admin.key a start revokes the lost key and makes another, once")
    func lostKey() async throws {
        let server = try await TestServer()
        let lost = try server.key
        try FileManager.default.removeItem(atPath: server.folder + "/admin.key")
        try await server.reopen()
        let fresh = try server.key
        #expect(fresh != lost && server.server.keys.firstKey == fresh && server.server.keys.isFirstKeyRenewed)
        #expect(try await server.get("/v1/events").status == 200)
        #expect(try await server.ask(.get, "/v1/events", ["Authorization": "Bearer \(lost)"], authorised: false).status == 401)
        try await server.reopen()
        #expect(try server.key == fresh && server.server.keys.firstKey == nil)
        await server.close()
    }

    @Test("a garbled database stops the start with its name, what it holds and what to do")
    func garbled() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-keys-\(UUID().uuidString).sqlite").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(repeating: 0x5A, count: 8192).write(to: URL(fileURLWithPath: path))
        #expect { _ = try ControlDatabase.open(path) } throws: { error in
            let text = "\(error)"
            return text.hasPrefix(path) && text.contains("hashes of the API keys") && text.contains("move it away")
        }
    }

    @Test(
        "anything but the key itself is refused",
        arguments: ["", "Bearer", "Bearer ", "Basic {key}", "Bearer {key}x", "Bearer x{key}", "{key}"])
    func refused(header: String) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-keys-\(UUID().uuidString).sqlite").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let control = try ControlDatabase.open(path)
        let keys = try AccessKeys.open(control)
        let key = try #require(keys.firstKey)
        #expect(keys.check(authorization: header.replacing("{key}", with: key)) == nil)
        #expect(keys.check(authorization: "Bearer \(key)")?.role == .admin)
        #expect(keys.check(authorization: nil) == nil)
        try control.close()
    }
}
