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
