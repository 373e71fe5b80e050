import Foundation
import Testing

@testable import Archive

@Suite(.enabled(if: Tool.hasPython, "python3 is not installed")) struct ZipWriterTests {
    @Test("Python reads names, bytes and checksums as they were written")
    func isReadByPython() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-zip-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var random = SystemRandomNumberGenerator()
        let large = (0..<3_000_001).map { _ in UInt8.random(in: 0...255, using: &random) }
        try Data(large).write(to: URL(fileURLWithPath: folder + "/large"))
        do {
            var zip = try ZipWriter(path: folder + "/pack.zip")
            try zip.add("README.txt", bytes: Array("read me\n".utf8))
            try zip.add("tenant=é/day=2026-11-20/events.ndjson.gz", file: folder + "/large")
            try zip.add("empty", bytes: [])
            try zip.finish()
        }
        let script = """
            import sys, zipfile
            pack = zipfile.ZipFile(sys.argv[1])
            assert pack.testzip() is None
            assert pack.namelist() == ["README.txt", "tenant=\\u00e9/day=2026-11-20/events.ndjson.gz", "empty"], pack.namelist()
            assert pack.read("README.txt") == b"read me\\n" and pack.read("empty") == b""
            assert pack.read(pack.namelist()[1]) == open(sys.argv[2], "rb").read()
            assert pack.getinfo("README.txt").external_attr >> 16 == 0o100640
            """
        #expect(try Tool.run(["python3", "-c", script, folder + "/pack.zip", folder + "/large"]).status == 0)
    }

    @Test("verify says that a pack is to be unpacked")
    func isNotVerifiedPacked() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-\(UUID().uuidString).zip").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var zip = try ZipWriter(path: path)
        try zip.add("README.txt", bytes: Array("read me\n".utf8))
        try zip.finish()
        let key = try SigningKey(name: "test").verifier
        #expect { try ArchiveVerifier.verify([path], .init(keys: [key])) } throws: { "\($0)".contains("unpack it") }
    }

    @Test("more entries than 16 bits count are found through ZIP64")
    func isZip64() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-zip-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var zip = try ZipWriter(path: folder + "/many.zip")
            for number in 0..<70_000 { try zip.add("e\(number)", bytes: [UInt8(truncatingIfNeeded: number)]) }
            try zip.finish()
        }
        let script = """
            import sys, zipfile
            pack = zipfile.ZipFile(sys.argv[1])
            assert len(pack.namelist()) == 70000 and pack.read("e69999") == bytes([69999 % 256])
            """
        #expect(try Tool.run(["python3", "-c", script, folder + "/many.zip"]).status == 0)
    }
}
