import Foundation
import Testing

@testable import Archive

@Suite struct ObjectStorageFaultTests {
    @Test(
        arguments: [
            .answer(status: 500, code: "InternalError"), .answer(status: 503, code: "SlowDown"),
            .answer(status: 429, code: "TooManyRequests"),
            .answer(status: 400, code: "RequestTimeout"), .truncated, .answerLost,
        ] as [ObjectStorageStub.Fault])
    func whatPassesIsTriedAgain(fault: ObjectStorageStub.Fault) throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.store("a", ObjectStorageFixture.bytes(1000))
        fixture.stub.fail("GET", "a", fault, times: 2)
        let storage = fixture.storage()
        #expect(try storage.get("a", 100..<900).bytes == Array(ObjectStorageFixture.bytes(1000)[100..<900]))
        #expect(fixture.stub.asked.count == 3)
        #expect(storage.counts.retries == 2)
    }

    @Test func aConnectionResetInTheMiddleOfABodyIsTriedAgain() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(3 << 20)
        fixture.stub.fail("PUT", "a", .reset)
        _ = try fixture.storage().put("a", bytes)
        #expect(fixture.stub.object("a")?.bytes == bytes)
    }

    @Test func whatNeverPassesIsSaidWithTheServicesWords() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.fail("PUT", "a", .answer(status: 503, code: "SlowDown"), times: 9)
        let storage = fixture.storage()
        let error = #expect(throws: ObjectStorageError.self) { _ = try storage.put("a", [1]) }
        #expect(error?.description == "PUT a: 503 SlowDown: told to (request r1)")
        #expect(error?.mayPass == true)
        #expect(fixture.stub.asked.count == storage.settings.attempts)
    }

    @Test func aRefusalIsNotRepeated() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.fail("PUT", "a", .answer(status: 403, code: "AccessDenied"))
        let error = #expect(throws: ObjectStorageError.self) { _ = try fixture.storage().put("a", [1]) }
        #expect(error?.mayPass == false && error?.isRefused(403) == true)
        #expect(fixture.stub.asked.count == 1)
    }

    @Test func silenceEndsAtTheStallTimeout() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.store("a", [1])
        fixture.stub.fail("GET", "a", .silence())
        var settings = fixture.settings()
        settings.stallTimeout = .seconds(1)
        #expect(try fixture.storage(settings).get("a", 0..<1).bytes == [1])
    }

    @Test func aStopEndsATransferUnderWay() throws {
        let fixture = try ObjectStorageFixture()
        let storage = fixture.storage()
        fixture.stub.fail("GET", "a", .silence { storage.interruption.stop() })
        // Without the stop this would wait for the stall timeout, four times.
        #expect(throws: ObjectStorageError.stopped) { _ = try storage.get("a", 0..<1) }
        #expect(throws: ObjectStorageError.stopped) { _ = try storage.head("c") }
    }

    @Test func aServiceThatReadsNoRangesIsNotReadWhole() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.store("a", ObjectStorageFixture.bytes(1 << 20))
        fixture.stub.fail("GET", "a", .rangeIgnored)
        let error = #expect(throws: ObjectStorageError.self) { _ = try fixture.storage().get("a", 0..<10) }
        #expect(error?.mayPass == false)
    }

    @Test func whatAServiceDoesNotImplementIsLeftOut() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.state.withLock {
            $0.knowsConditions = false
            $0.knowsChecksums = false
        }
        let storage = fixture.storage()
        _ = try storage.put("a", [1], condition: .isNew)
        #expect(storage.serviceSupport == ServiceSupport(conditions: false, checksums: false))
        // The look beforehand refuses what the service cannot.
        let error = #expect(throws: ObjectStorageError.self) { _ = try storage.put("a", [2], condition: .isNew) }
        #expect(error?.isRefused(412) == true)
        #expect(fixture.stub.object("a")?.bytes == [1])
    }

    @Test func onlyWhatIsNotImplementedIsLeftOut() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.state.withLock { $0.knowsConditions = false }
        let storage = fixture.storage()
        _ = try storage.put("a", [1], condition: .isNew)
        #expect(storage.serviceSupport == ServiceSupport(conditions: false, checksums: true))
    }

    @Test func aServiceThatComparesQuotesStillChecksConditions() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.state.withLock { $0.comparesQuotes = true }
        let storage = fixture.storage()
        let first = try storage.put("a", [1])
        _ = try storage.put("a", [2], condition: .isStill(etag: first))
        #expect(fixture.stub.object("a")?.bytes == [2] && !storage.serviceSupport.quotes)
        let error = #expect(throws: ObjectStorageError.self) { _ = try storage.put("a", [3], condition: .isStill(etag: first)) }
        #expect(error?.isRefused(412) == true)
        #expect(fixture.stub.object("a")?.bytes == [2])
    }

    @Test func aServiceThatRefusesEveryMatchIsLookedAtFirst() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.state.withLock { $0.refusesMatches = true }
        let storage = fixture.storage()
        let first = try storage.put("a", [1])
        let second = try storage.put("a", [2], condition: .isStill(etag: first))
        #expect(fixture.stub.object("a")?.bytes == [2] && !storage.serviceSupport.matches)
        let error = #expect(throws: ObjectStorageError.self) { _ = try storage.put("a", [3], condition: .isStill(etag: first)) }
        #expect(error?.isRefused(412) == true)
        #expect(fixture.stub.object("a")?.etag == second)
    }

    @Test func anErrorBehindStatus200FailsACompletion() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(250_000)
        let path = fixture.folder + "/file"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let file = try LocalObject(path: path)
        let sha256 = try file.hash(0..<file.count)
        let storage = fixture.storage()
        fixture.stub.fail("POST", "uploadId", .errorInSuccess)
        #expect(throws: ObjectStorageError.self) { _ = try storage.upload("a", file: path, sha256: sha256, condition: .isNew) }
        #expect(fixture.stub.object("a") == nil)
        // The parts were freed.
        #expect(fixture.stub.state.withLock { $0.uploads.isEmpty })
        let trace = try storage.upload("a", file: path, sha256: sha256, condition: .isNew)
        #expect(try storage.compare("a", bytes: bytes.count, sha256: sha256, trace: trace).1 == .etag)
        #expect(fixture.stub.object("a")?.bytes == bytes)
    }

    @Test func aFileThatChangedIsNotStored() throws {
        let fixture = try ObjectStorageFixture()
        for count in [1000, 250_000] {
            let path = fixture.folder + "/file"
            try Data(ObjectStorageFixture.bytes(count)).write(to: URL(fileURLWithPath: path))
            let other = try #require(Digest([UInt8](repeating: 7, count: 32)))
            let error = #expect(throws: ObjectStorageError.self) {
                _ = try fixture.storage().upload("a", file: path, sha256: other, condition: .isNew)
            }
            guard case .local = error else { Issue.record("\(String(describing: error))"); return }
        }
        #expect(fixture.stub.state.withLock { $0.objects.isEmpty && $0.uploads.isEmpty })
    }

    @Test func theCheckOfABucketFindsWhatTheServiceCannotDo() throws {
        let fixture = try ObjectStorageFixture()
        var steps: [ServiceCheck.Step] = []
        #expect(ServiceCheck.run(fixture.storage(), multipartBytes: 250_000) { steps.append($0) })
        #expect(fixture.stub.state.withLock { $0.objects.isEmpty && $0.uploads.isEmpty })
        #expect(steps.allSatisfy { if case .works = $0.outcome { true } else { false } })

        fixture.stub.state.withLock { $0.knowsConditions = false }
        steps = []
        #expect(ServiceCheck.run(fixture.storage(), multipartBytes: 250_000) { steps.append($0) })
        #expect(
            steps.filter { if case .missing = $0.outcome { true } else { false } }.map(\.name) == [
                "if-none-match on put", "if-match on put",
            ])

        fixture.stub.fail("GET", "_manifest.json", .rangeIgnored)
        #expect(!ServiceCheck.run(fixture.storage(), multipartBytes: 250_000) { _ in })
    }
}
