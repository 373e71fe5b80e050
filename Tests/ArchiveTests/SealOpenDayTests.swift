import EventModel
import EventStore
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Archive

@Suite struct SealOpenDayTests {
    private static let day = SealHouse.firstDay

    private func hourly(_ house: SealHouse, _ tenant: String) throws -> [String] {
        try house.archive.folder.names(in: house.archive.folder.folder(of: tenant) + "/" + ArchiveFolder.hourly).sorted()
    }

    private func checkpoint(_ house: SealHouse, _ tenant: String, _ name: String) throws -> Checkpoint {
        let path = house.archive.folder.folder(of: tenant) + "/" + ArchiveFolder.hourly + "/" + name
        let note = try SignedNote(try #require(try house.archive.folder.read(path)))
        try note.verify([house.archive.key.verifier])
        return try Checkpoint(note.text)
    }

    @Test("A tenant whose first day is not sealed yet gets no checkpoint of the next, which would begin with a wrong tree")
    func firstDayWaits() async throws {
        let house = try SealHouse(configure: {
            $0.checkpointsHourly = true
            $0.sealGrace = .seconds(6 * 3600)
        })
        try await house.add("acme", 30)
        house.clock.set(day: Self.day + 1, hour: 3, minute: 1)
        try await house.add("acme", 20)
        try await house.add("new", 5)
        // The pass of hour 3 may have come before the events.
        house.clock.set(day: Self.day + 1, hour: 4, minute: 1)
        house.archive.sealer!.look()
        await house.wait { (try? house.archive.catalogue.openHour) == (Self.day + 1) * 24 + 4 }
        func isOfSecondDay(_ name: String) -> Bool { name.hasPrefix("2026-11-02") }
        #expect((try? hourly(house, "acme"))?.contains(where: isOfSecondDay) != true)
        #expect(try hourly(house, "new").contains(where: isOfSecondDay))
        house.clock.set(day: Self.day + 2, hour: 7)
        #expect(try await house.seal(Self.day + 1))
        #expect(try house.zcat("acme", Self.day + 1).count == 20)
        #expect(try house.verify().result == .good)
        await house.close()
    }

    @Test("Every hour each tenant with new events gets a checkpoint of its tree, and the seal goes on from there")
    func hours() async throws {
        let house = try SealHouse(configure: { $0.checkpointsHourly = true })
        house.clock.set(day: Self.day, hour: 12, minute: 5)
        await house.wait { (try? house.archive.catalogue.openHour) == Self.day * 24 + 12 }
        var leaves = CompactRange()
        var roots: [String: (UInt64, Digest)] = [:]
        for hour in 12..<18 as Range<Int64> {
            if hour != 15 {
                for line in try await house.add("acme", 300, padding: 100) { leaves.append(leafHash: MerkleHash.leaf(Array(line.utf8))) }
            }
            if hour == 13 { try await house.add("other", 5) }
            // In the middle, so that the trees come from the catalogue.
            if hour == 16 { try await house.reopen() }
            house.clock.set(day: Self.day, hour: hour + 1, minute: 1)
            let name = "2026-11-01T\(hour + 1)"
            let isExpected = hour != 15
            house.archive.sealer!.look()
            await house.wait { (try? house.archive.catalogue.openHour) == Self.day * 24 + hour + 1 }
            #expect(try hourly(house, "acme").contains(name) == isExpected)
            guard isExpected else { continue }
            let checkpoint = try checkpoint(house, "acme", name)
            #expect(checkpoint.size == leaves.size && checkpoint.root == leaves.root)
            #expect(checkpoint.openHour == Self.day * 24 + hour + 1 && checkpoint.day == nil)
            roots[name] = (checkpoint.size, checkpoint.root)
        }
        #expect(try hourly(house, "other") == ["2026-11-01T14"])
        #expect(
            try String(decoding: #require(try house.archive.newestCheckpoint(of: "acme")), as: UTF8.self).contains("open 2026-11-01T18:00Z")
        )
        house.clock.set(day: Self.day + 1, hour: 0, minute: 30)
        #expect(try await house.seal(Self.day))
        #expect(try house.manifest("acme", Self.day).tree.after == leaves)
        #expect(try house.verify().result == .good)
        // The next day goes on with the whole tree.
        for line in try await house.add("acme", 10) { leaves.append(leafHash: MerkleHash.leaf(Array(line.utf8))) }
        house.clock.set(day: Self.day + 1, hour: 1, minute: 1)
        house.archive.sealer!.look()
        await house.wait { (try? house.archive.catalogue.openHour) == (Self.day + 1) * 24 + 1 }
        #expect(try checkpoint(house, "acme", "2026-11-02T01").root == leaves.root)
        house.clock.set(day: Self.day + 2, hour: 0, minute: 30)
        #expect(try await house.seal(Self.day + 1))
        // Those of days that are sealed for long are gone.
        #expect(try hourly(house, "acme") == ["2026-11-02T01"])
        await house.close()
    }

    @Test("A store that was changed behind an hourly checkpoint is not sealed")
    func changedStore() async throws {
        let house = try SealHouse(configure: { $0.checkpointsHourly = true })
        // Otherwise this hour may have a checkpoint of the events as well.
        await house.wait { (try? house.archive.catalogue.openHour) == Self.day * 24 + 12 }
        try await house.add("acme", 100)
        house.clock.set(day: Self.day, hour: 14, minute: 1)
        house.archive.sealer!.look()
        await house.wait { (try? house.archive.catalogue.openHour) == Self.day * 24 + 14 }
        _ = try house.store.rewrite(day: Self.day) { _, line in
            let text = String(decoding: line, as: UTF8.self)
            return text.contains("\"n17\"") ? Array(text.replacingOccurrences(of: "\"n17\"", with: "\"n99\"").utf8) : nil
        }
        house.clock.set(day: Self.day + 1)
        #expect(try await !house.seal(Self.day))
        let failure = try #require(house.archive.sealer!.status.failures.first)
        #expect(failure.tenant == "acme" && failure.reason.contains("2026-11-01T14") && failure.reason.contains("another root"))
        await house.close()
    }

    @Test("Checkpoints are copied to a second folder and posted, again and again until they are taken, in order")
    func pushes() async throws {
        let receiver = try WebhookReceiver(refusing: 2)
        let second = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-second-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: second) }
        let url = "http://127.0.0.1:\(receiver.port)/checkpoints"
        let house = try SealHouse(configure: { configuration in
            configuration.checkpointsHourly = true
            configuration.checkpointFolder = second
            configuration.checkpointWebhook = url
        })
        // Otherwise this hour may have the events' checkpoint, and 14 o'clock none.
        await house.wait { (try? house.archive.catalogue.openHour) == Self.day * 24 + 12 }
        try await house.add("acme", 10)
        try await house.add("globex", 10)
        house.clock.set(day: Self.day, hour: 14, minute: 1)
        house.archive.sealer!.look()
        await house.wait { (try? house.archive.catalogue.openHour) == Self.day * 24 + 14 }
        house.clock.set(day: Self.day + 1)
        #expect(try await house.seal(Self.day))
        await house.wait { house.archive.push!.targets.allSatisfy { $0.waiting == 0 } }
        let bodies = receiver.taken
        #expect(bodies.count == 4 && receiver.refused == 2)
        #expect(bodies.prefix(2).allSatisfy { $0.contains("open 2026-11-01T14:00Z") })
        #expect(bodies.suffix(2).allSatisfy { $0.contains("day 2026-11-01") && $0.contains("manifest sha256:") })
        for tenant in ["acme", "globex"] {
            let sealed = try Data(contentsOf: URL(fileURLWithPath: house.path(tenant, Self.day) + "/" + ArchiveFolder.checkpoint))
            #expect(try Data(contentsOf: URL(fileURLWithPath: second + "/tenant=\(tenant)/2026-11-01")) == sealed)
            #expect(FileManager.default.fileExists(atPath: second + "/tenant=\(tenant)/2026-11-01T14"))
            #expect(bodies.contains { Data($0.utf8).suffix(sealed.count) == sealed })
        }
        #expect(house.archive.push!.targets.allSatisfy { $0.failure == nil && $0.pushed == 4 })
        await house.close()
        receiver.stop()
    }
}

/// Takes POST requests one after the other; the first ones are refused.
private final class WebhookReceiver: Sendable {
    let port: Int
    private let socket: Int32
    private let state: Mutex<(refusing: Int, refused: Int, taken: [String])>

    init(refusing: Int) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        state = Mutex((refusing, 0, []))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (socket, size) = (socket, length)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, size) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard isBound, listen(socket, 16) == 0 else { throw ArchiveFileError("127.0.0.1", "bind") }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [self] in run() }.start()
    }

    var taken: [String] { state.withLock { $0.taken } }
    var refused: Int { state.withLock { $0.refused } }

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
    }

    private func run() {
        while true {
            let client = accept(socket, nil, nil)
            guard client >= 0 else { return }
            var text = ""
            var part = [UInt8](repeating: 0, count: 4096)
            while !isWhole(text) {
                let count = read(client, &part, part.count)
                if count <= 0 { break }
                text += String(decoding: part[..<count], as: UTF8.self)
            }
            let isRefused = state.withLock { state -> Bool in
                if state.refused < state.refusing {
                    state.refused += 1
                    return true
                }
                state.taken.append(text)
                return false
            }
            let answer = "HTTP/1.1 \(isRefused ? "503 Later" : "204 Taken")\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            _ = Array(answer.utf8).withUnsafeBytes { write(client, $0.baseAddress, $0.count) }
            close(client)
        }
    }

    private func isWhole(_ text: String) -> Bool {
        guard let end = text.range(of: "\r\n\r\n"), let field = text.range(of: "Content-Length: ") else { return false }
        let length = Int(text[field.upperBound...].prefix { $0.isNumber }) ?? 0
        return text[end.upperBound...].utf8.count >= length
    }
}
