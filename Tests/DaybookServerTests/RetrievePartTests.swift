import DaybookClient
import EventModel
import Foundation
import Testing

@testable import Archive
@testable import daybook

@Suite struct RetrievePartTests {
    @Test("The table has a column for every field of the canonical event, each once")
    func columns() {
        let roots = Set(EventCSV.columns.map { String($0.prefix { $0 != "." }) })
        #expect(roots == Set(CanonicalSchema.rootNames) && Set(EventCSV.columns).count == EventCSV.columns.count)
    }

    /// A row by way of parsed members and strings.
    private func row(_ line: String) -> String {
        guard let event = JSONText(Array(line.utf8)) else { return "" }
        var cells: [String: JSONText] = [:]
        for (name, value) in event.members {
            cells[name] = value
            for (inner, value) in value.members { cells[name + "." + inner] = value }
        }
        let row = EventCSV.columns.map { column -> String in
            guard let cell = cells[column], !cell.isNull else { return "" }
            var text = cell.shown
            if cell.string != nil, let first = text.utf8.first, "=+-@\t\r".utf8.contains(first) { text = "'" + text }
            let needsQuotes = text.utf8.contains { ",\"\r\n".utf8.contains($0) }
            return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
        }
        return row.joined(separator: ",") + "\r\n"
    }

    @Test("Rows are made of the line's bytes and hold what its members say, whatever is in them")
    func rows() {
        let values = [
            #""plain""#, #""=1+1""#, #""-5""#, #""\t=x""#, #""a,b""#, #""a\"b""#, #""über\u00e9 \ud83d\ude00 \ud83d""#, #""""#, "null",
            "-5", "1.5e3", "true", #"["a","b,\"c"]"#, #"{"a":{"b":[1,"}"]},"c":"\\"}"#, "[]", "{}", #""\r\n""#,
        ]
        var seed: UInt64 = 7
        func below(_ limit: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % limit
        }
        var table = EventCSV()
        for _ in 0..<500 {
            var members: [String] = []
            var nested: [String: [String]] = [:]
            for column in EventCSV.columns + ["strange", "actor.strange", "sequel"] where below(3) == 0 {
                let value = values[below(values.count)]
                if let dot = column.firstIndex(of: ".") {
                    nested[String(column[..<dot]), default: []].append("\"\(column[column.index(after: dot)...])\":\(value)")
                } else {
                    members.append("\"\(column)\":\(value)")
                }
            }
            members += nested.map { "\"\($0.key)\":{\($0.value.joined(separator: ","))}" }.sorted()
            let line = "{" + members.joined(separator: ",") + "}"
            var bytes: [UInt8] = []
            Array(line.utf8).withUnsafeBytes { table.append($0, to: &bytes) }
            #expect(String(decoding: bytes, as: UTF8.self) == row(line), "\(line)")
        }
        for line in ["", "[]", "{", #"{"seq":1"#, #"{"seq"#, #"{"summary":"x"#] {
            var bytes: [UInt8] = []
            Array(line.utf8).withUnsafeBytes { table.append($0, to: &bytes) }
            #expect(bytes.isEmpty, "\(line)")
        }
    }

    @Test("More than 100 MB or a million events are asked about, without a terminal by --yes")
    func large() {
        func listing(_ events: Int, _ bytes: Int) -> RetrieveListing {
            var listing = RetrieveListing()
            listing.days = [.init(day: 1, state: "sealed", events: events, fileBytes: bytes, manifest: "")]
            return listing
        }
        #expect(!listing(1_000_000, 100_000_000).isLarge)
        #expect(listing(1_000_001, 1).isLarge && listing(1, 100_000_001).isLarge)
    }

    @Test("A pack with any one byte of its entries changed, or cut short, is not taken for whole")
    func damage() throws {
        let path = FileManager.default.temporaryDirectory.path + "/zip-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var zip = try ZipWriter(path: path)
        try zip.add("a/first", bytes: Array("some bytes".utf8))
        try zip.add("second", bytes: [])
        try zip.finish()
        let entries = try ZipCheck.check(path)
        #expect(entries.map(\.name) == ["a/first", "second"] && entries.map(\.bytes) == [10, 0])
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        let content = try #require(whole.range(of: Data("some bytes".utf8)))
        for place in content {
            var damaged = whole
            damaged[place] ^= 1
            try damaged.write(to: URL(fileURLWithPath: path))
            #expect(throws: ZipDamage.self, "\(place)") { try ZipCheck.check(path) }
        }
        for length in 0..<whole.count {
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            #expect(throws: ZipDamage.self, "\(length)") { try ZipCheck.check(path) }
        }
    }
}
