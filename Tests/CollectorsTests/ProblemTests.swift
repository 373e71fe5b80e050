import Foundation
import Testing

@testable import Collectors

@Suite("Problem documents")
struct ProblemTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Sources")

    @Test(
        "a title says what its status says",
        arguments: [
            (400, "Bad request"), (401, "No valid key"), (403, "Not allowed"), (404, "Not found"), (405, "Method not allowed"),
            (409, "Conflict"), (413, "Body too large"), (415, "Body of an unknown type"), (416, "Range not satisfiable"),
            (422, "Events not taken"), (429, "Too much waiting"), (500, "Internal error"), (501, "Not understood"),
            (503, "Not able to answer now"),
        ])
    func titles(status: Int, title: String) throws {
        let written = try JSONSerialization.jsonObject(with: Data(Problem(status, "some-code", "some detail").bytes))
        let members = try #require(written as? [String: Any])
        #expect(members["title"] as? String == title && members["status"] as? Int == status)
        #expect(members["type"] as? String == "https://daybook.dev/problems/some-code")
    }

    /// Whoever adds a status must give it a title: the general ones are for none that is written here.
    @Test("every status that the sources answer with has a title of its own")
    func everyStatus() throws {
        let status = try Regex(#"(?:Problem|self\.init)\(\s*([1-9][0-9]{2}),"#, as: (Substring, Substring).self)
        var found: Set<Int> = []
        for folder in ["Collectors", "QueryAPI", "DaybookServer"] {
            let folder = Self.sources.appendingPathComponent(folder)
            for name in FileManager.default.enumerator(atPath: folder.path)?.compactMap({ $0 as? String }) ?? []
            where name.hasSuffix(".swift") {
                let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
                found.formUnion(text.matches(of: status).compactMap { Int($0.output.1) })
            }
        }
        #expect(found.isSuperset(of: [400, 401, 403, 404, 405, 409, 413, 415, 416, 422, 429, 500, 501, 503]), "\(found.sorted())")
        for status in found where status != 500 {
            #expect(!["Refused", "Internal error"].contains(Problem(status, "c", "d").title), "\(status)")
        }
    }
}
