import Foundation
import Testing

@testable import EventModel

private let testSuiteFolder: URL? = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.deletingLastPathComponent().appending(path: "shared/data/json-parsing/test_parsing")
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
}()

/// The files of JSONTestSuite (Nicolas Seriot), which lie beside the repository and not in it.
@Suite("JSONTestSuite", .enabled(if: testSuiteFolder != nil, "../shared/data/json-parsing/test_parsing is not there"))
struct JSONTestSuiteTests {
    private static func files(_ prefix: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = try #require(testSuiteFolder)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix(prefix) }.sorted()
        return try names.map { ($0, Array(try Data(contentsOf: folder.appending(path: $0)))) }
    }

    private static func wrapped(_ bytes: [UInt8]) -> [UInt8] {
        Array(event().utf8.dropLast()) + Array(",\"v\":".utf8) + bytes + [UInt8(ascii: "}")]
    }

    @Test("what must be refused is refused, raw and as a field, with the place")
    func refused() throws {
        let reader = EventReader()
        let files = try Self.files("n_")
        #expect(files.count > 150)
        for file in files {
            for bytes in [file.bytes, Self.wrapped(file.bytes)] {
                let rejection = reader.rejection(bytes)
                let isExpected = rejection.map { [.invalidJSON, .numberRange, .tooDeep].contains($0.code) } ?? false
                #expect(isExpected, "\(file.name): \(rejection as Any)")
                let saysWhere =
                    rejection.map { $0.message.contains("byte") || !$0.field.isEmpty || bytes.isEmpty || $0.code == .tooDeep } ?? false
                #expect(saysWhere, "\(file.name): \(rejection as Any)")
            }
        }
    }

    @Test("what must be taken is taken and written with its meaning unchanged, but for the same key twice")
    func taken() throws {
        let reader = EventReader()
        let files = try Self.files("y_")
        #expect(files.count > 90)
        for file in files {
            let rejection = reader.rejection(Self.wrapped(file.bytes))
            if file.name.hasPrefix("y_object_duplicated_key") {
                #expect(rejection?.code == .duplicateKey, "\(file.name)")
                continue
            }
            #expect(rejection == nil, "\(file.name)")
            guard rejection == nil else { continue }
            let written = try StrictReader.read(try reader.write())
            #expect(written["unmapped"]?["v"] == (try StrictReader.read(file.bytes)), "\(file.name)")
        }
    }

    @Test("where the standard leaves the choice, the parser and a plain reader choose alike")
    func free() throws {
        let reader = EventReader()
        for file in try Self.files("i_") {
            let bytes = Self.wrapped(file.bytes)
            let rejection = reader.rejection(bytes)
            let plain = try? StrictReader.read(bytes)
            // 500 levels are nothing to the plain reader.
            #expect((rejection == nil) == (plain != nil) || rejection?.code == .tooDeep, "\(file.name): \(rejection as Any)")
        }
    }
}
