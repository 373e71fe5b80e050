import EventModel
import Glibc
import Journal
import SystemPackage
import TestSupport
import Testing

@Suite struct ModelTests {
    @Test("Over appends, full disks, failed syncs and power cuts, what was acknowledged is there, once, with its number", arguments: 0..<8)
    func crashes(round: Int) async throws {
        let seed = UInt64.random(in: 0..<(.max))
        print("journal model seed \(seed)")
        var random = SeededRandom(seed: seed)
        let folder = TemporaryFolder()
        var acknowledged: [String: String] = [:]
        var counter = 0
        for _ in 0..<6 {
            let files = FaultyFiles()
            var configuration = JournalConfiguration.test(folder, files: files)
            configuration.segmentBytes = Int.random(in: 1500...6000, using: &random)
            let journal = try Journal.open(configuration)
            try verify(journal, acknowledged, seed)
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                switch Int.random(in: 0..<10, using: &random) {
                case 0: files.set { $0.room = Int.random(in: 0...900, using: &random) }
                case 1: files.set { $0.shortest = Int.random(in: 1...300, using: &random) }
                case 2 where Int.random(in: 0..<4, using: &random) == 0: files.set { $0.syncErrno = EIO }
                case 3 where Int.random(in: 0..<3, using: &random) == 0: files.set { $0.losesPower = true }
                default: files.set { $0 = FaultyFiles.Faults() }
                }
                var batch = NormalisedBatch()
                for _ in 0..<Int.random(in: 1...5, using: &random) {
                    counter += 1
                    batch.add("t\(Int.random(in: 0..<4, using: &random))", "event-\(counter)")
                }
                guard let receipt = try? await journal.append(batch) else { continue }
                for (event, outcome) in zip(batch.events, receipt.outcomes) {
                    guard case .accepted(let seq) = outcome else { throw Unexpected() }
                    let body = batch.bodies[Int(event.offset)..<Int(event.offset + event.length)]
                    acknowledged["\(batch.tenants[Int(event.tenant)])/\(seq)"] = String(decoding: body, as: UTF8.self)
                }
            }
            await journal.close()
            try files.cut { Int.random(in: 0...$0, using: &random) }
        }
        let journal = try Journal.open(.test(folder))
        try verify(journal, acknowledged, seed)
        await journal.close()
    }

    private func verify(_ journal: Journal, _ acknowledged: [String: String], _ seed: UInt64) throws {
        #expect(journal.recovery.quarantined.isEmpty, "seed \(seed)")
        var missing = acknowledged
        var last: [UInt32: UInt64] = [:]
        var position: UInt64 = 0
        for batch in try journal.read(from: 0, limit: .max) {
            #expect(batch.firstPosition == position, "seed \(seed)")
            position = batch.endPosition
            for event in batch.events {
                #expect(event.seq == last[event.tenant, default: 0] + 1, "seed \(seed)")
                last[event.tenant] = event.seq
                let key = "\(journal.tenants.name(of: event.tenant)!)/\(event.seq)"
                let line = String(decoding: batch.lines[Int(event.offset)..<Int(event.offset + event.length - 1)], as: UTF8.self)
                if let body = missing.removeValue(forKey: key) { #expect(line.hasSuffix("," + body), "seed \(seed)") }
            }
        }
        #expect(missing.isEmpty, "seed \(seed)")
        #expect(journal.endPosition == position, "seed \(seed)")
    }
}
