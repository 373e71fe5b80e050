import EventModel
import Foundation
import SystemPackage
import Testing

@testable import Collectors

@Suite final class DeadLetterLogTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-letters-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func open(capacity: Int = 64 << 20) throws -> DeadLetterLog {
        try DeadLetterLog(folder: FilePath(folder), capacityBytes: capacity) { Timestamp(milliseconds: 1_000_000) }
    }

    private func letter(_ raw: [UInt8], line: Int = 1) -> DeadLetter {
        DeadLetter(
            received: Timestamp(milliseconds: 1_000_000), tenant: "acme", pipeline: "access", shape: .json, idempotencyKey: "k",
            origin: "test",
            rejection: Rejection(line: line, field: "actor.id", code: .required, message: "\"actor.id\" must be there"), raw: raw)
    }

    @Test("a letter comes back as it was kept, bytes that are no text included, also after reopening")
    func roundTrip() async throws {
        let log = try open()
        await log.append([letter(Array("{\"a\":\"ü\n\"}".utf8)), letter([0xFF, 0x00, 0x7B], line: 9)])
        for log in [log, try open()] {
            let letters = try await log.letters(after: 0, limit: 10)
            #expect(letters.map(\.raw) == [Array("{\"a\":\"ü\n\"}".utf8), [0xFF, 0x00, 0x7B]])
            #expect(letters.map(\.rejection.line) == [1, 9])
            #expect(letters[0].idempotencyKey == "k" && letters[0].pipeline == "access" && letters[0].tenant == "acme")
            #expect(letters[0].id < letters[1].id)
        }
        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/000001.ndjson")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("what somebody wrote is rewritten wherever a letter has it, but not in letters that are held or another tenant's")
    func rewriting() async throws {
        let log = try open()
        func letter(_ tenant: String?, key: String? = nil, at: Int64 = 1_000_000) -> DeadLetter {
            DeadLetter(
                received: Timestamp(milliseconds: at), tenant: tenant, keyTenant: key, pipeline: "access", shape: .json,
                idempotencyKey: "of Mei", origin: "Mei's laptop",
                rejection: Rejection(line: 1, field: "labels.Mei", code: .required, message: "Mei must be there"), raw: Array("by Mei".utf8)
            )
        }
        await log.append([
            letter("acme"), letter("acme", at: 5_000_000), letter(nil), letter(nil, key: "globex"), letter("globex"),
            letter(nil, key: "acme"),
        ])
        let change: @Sendable ([UInt8]) -> [UInt8]? = { text in
            let text = String(decoding: text, as: UTF8.self)
            return text.contains("Mei") ? Array(text.replacing("Mei", with: "[erased]").utf8) : nil
        }
        let isHeld: @Sendable (DeadLetter) -> Bool = { $0.received.milliseconds == 5_000_000 }
        let before = try FileManager.default.contentsOfDirectory(atPath: folder).map {
            try Data(contentsOf: URL(filePath: folder + "/" + $0))
        }
        let expected = DeadLetterLog.Rewriting(changed: 3, held: 1)
        #expect(try await log.rewrite(tenant: "acme", isDry: true, isHeld: isHeld, change: change) == expected)
        let looked = try FileManager.default.contentsOfDirectory(atPath: folder).map {
            try Data(contentsOf: URL(filePath: folder + "/" + $0))
        }
        #expect(before == looked)
        #expect(try await log.rewrite(tenant: "acme", isDry: false, isHeld: isHeld, change: change) == expected)
        for log in [log, try open()] {
            let letters = try await log.letters(after: 0, limit: 10)
            #expect(letters.map { String(decoding: $0.raw, as: UTF8.self).contains("Mei") } == [false, true, false, true, true, false])
            let changed = letters[0]
            #expect(changed.idempotencyKey == "of [erased]" && changed.origin == "[erased]'s laptop")
            #expect(changed.rejection.field == "labels.[erased]" && changed.rejection.message == "[erased] must be there")
        }
        #expect(try await log.rewrite(tenant: "acme", isDry: false, isHeld: isHeld, change: change) == .init(changed: 0, held: 1))
    }

    @Test("finished letters stay finished, ids are never given twice")
    func finished() async throws {
        var log = try open()
        await log.append((1...5).map { letter([UInt8($0)]) })
        let ids = try await log.letters(after: 0, limit: 10).map(\.id)
        try await log.finish([ids[1], ids[3]])
        log = try open()
        #expect(try await log.letters(after: 0, limit: 10).map(\.id) == [ids[0], ids[2], ids[4]])
        #expect(log.statistics.letters == 3)
        await log.append([letter([6])])
        #expect(try await log.letters(after: ids[4], limit: 10).map(\.raw) == [[6]])
    }

    @Test("pages go on behind the last letter")
    func pages() async throws {
        let log = try open()
        await log.append((1...7).map { letter([UInt8($0)]) })
        var seen: [UInt8] = []
        var last: UInt64 = 0
        while case let page = try await log.letters(after: last, limit: 3), !page.isEmpty {
            seen += page.flatMap(\.raw)
            last = page.last!.id
        }
        #expect(seen == Array(1...7))
    }

    @Test("a full log drops, counts and says so, and keeps what it has")
    func full() async throws {
        let log = try open(capacity: 10_000)
        for _ in 0..<50 { await log.append([letter([UInt8](repeating: 0x61, count: 1000))]) }
        #expect(log.statistics.dropped > 30)
        #expect(log.statistics.failure?.contains("full") == true)
        #expect(try await log.letters(after: 0, limit: 100).count == log.statistics.letters)
    }

    @Test("of a batch that does not fit as many letters are kept as do, and the log stays full until space is freed")
    func partlyFull() async throws {
        let log = try open(capacity: 10_400)
        let raw = [UInt8](repeating: 0x61, count: 1000)
        await log.append((0..<50).map { _ in letter(raw) })
        let kept = log.statistics.letters
        #expect(kept > 5 && log.statistics.dropped == UInt64(50 - kept))
        await log.append([letter([1])])
        #expect(log.statistics.letters == kept + 1)
        #expect(log.statistics.failure?.contains("full") == true)
        let ids = try await log.letters(after: 0, limit: 100).map(\.id)
        try await log.finish(Array(ids.dropLast()))
        #expect(log.statistics.failure != nil)
        try await log.finish([ids.last!])
        #expect(log.statistics.failure == nil && log.statistics.bytes == 0 && log.statistics.letters == 0)
        await log.append([letter([2])])
        #expect(try await open(capacity: 10_400).letters(after: 0, limit: 10).map(\.raw) == [[2]])
    }

    @Test("a torn last line is left out, the letters before it are not")
    func torn() async throws {
        try await open().append([letter([1]), letter([2])])
        let path = folder + "/000001.ndjson"
        let content = try #require(FileManager.default.contents(atPath: path))
        try content.dropLast(20).write(to: URL(fileURLWithPath: path))
        #expect(try await open().letters(after: 0, limit: 10).map(\.raw) == [[1]])
    }
}
