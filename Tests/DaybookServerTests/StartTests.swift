import Foundation
import Testing

@testable import DaybookServer
@testable import daybook

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct StartTests {
    @Test("an address that is taken is named")
    func portInUse() async throws {
        let holder = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(holder) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(holder, $0, length) == 0 && listen(holder, 1) == 0 && getsockname(holder, $0, &length) == 0)
            }
        }
        let place = "127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-start-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        await #expect {
            try await Daybook.serve(ServeOptions(data: folder, listen: place, pipelines: TestServer.pipelines))
        } throws: { "\($0)".contains("Cannot listen on \(place)") && "\($0)".contains("--listen") }
    }

    @Test(
        "a file that holds no plain text is named with the way to send it",
        arguments: [([0xEF, 0xBB, 0xBF, 0x7B], "EF BB BF"), ([0xFF, 0xFE, 0x7B, 0x00], "iconv"), ([0x1F, 0x8B, 0x08], "gzip -dc")]
            as [([UInt8], String)])
    func unreadableFile(bytes: [UInt8], word: String) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-send-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        for asText in [false, true] {
            var file = try InputFile(path: path, asText: asText)
            #expect { _ = try file.next() } throws: { "\($0)".contains(path) && "\($0)".contains(word) }
        }
    }
}
