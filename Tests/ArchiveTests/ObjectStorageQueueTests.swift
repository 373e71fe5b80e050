import Foundation
import Testing

@testable import Archive

@Suite struct ObjectStorageQueueTests {
    private let folder = "tenant=acme/day=2026-11-20/"
    private let day: Int64 = 20_777

    private func drain(_ queue: UploadQueue) throws { while try queue.runNext() {} }

    @Test func aDayIsStoredInOrderAndThenDone() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: ObjectStorageFixture.bytes(5000))
        let queue = try fixture.queue()
        #expect(try queue.state(tenant: "acme", day: day) == .unknown)
        try queue.enqueue(tenant: "acme", day: day)
        #expect(try !queue.isUploaded(tenant: "acme", day: day))
        #expect(try queue.status().waiting == 3)
        try drain(queue)
        #expect(try queue.isUploaded(tenant: "acme", day: day))
        #expect(
            fixture.stub.asked.filter { $0.hasPrefix("PUT") }
                == ["PUT \(folder)events.ndjson.gz", "PUT \(folder)_manifest.json", "PUT \(folder)_checkpoint"])
        #expect(fixture.stub.object(folder + "events.ndjson.gz")?.bytes == ObjectStorageFixture.bytes(5000))
        #expect(try queue.object(path: folder + "events.ndjson.gz")?.evidence == .checksum)
        // Once more changes nothing and asks nothing.
        let asked = fixture.stub.asked.count
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        #expect(fixture.stub.asked.count == asked)
        let status = try queue.status()
        #expect(status.waiting == 0 && status.objects == 3 && status.failed == 0 && status.reason == nil)
    }

    @Test func aQuietDayHasNoEvents() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: nil)
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        #expect(try queue.isUploaded(tenant: "acme", day: day))
        #expect(fixture.stub.state.withLock { $0.objects.count } == 2)
    }

    @Test func whatArrivedBeforeItsAnswerWasLostIsNotSentTwice() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: [1, 2, 3])
        var settings = fixture.settings()
        settings.attempts = 1
        fixture.stub.fail("PUT", "events", .answerLost)
        let queue = try fixture.queue(fixture.storage(settings))
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        guard case .pending(let reason, _) = try queue.state(tenant: "acme", day: day) else { Issue.record("not put off"); return }
        #expect(reason != nil)
        // Nothing else of the day went before it, and the queue waits for the service.
        #expect(fixture.stub.asked.filter { $0.hasPrefix("PUT") }.count == 1)
        fixture.clock.advance(seconds: 10)
        try drain(queue)
        #expect(try queue.isUploaded(tenant: "acme", day: day))
        #expect(fixture.stub.asked.filter { $0 == "PUT \(folder)events.ndjson.gz" }.count == 1)
    }

    @Test func aLostAnswerThatIsRepeatedAtOnceIsNoConflict() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: [1, 2, 3])
        fixture.stub.fail("PUT", "events", .answerLost)
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        // The repetition met its own object and 412.
        #expect(fixture.stub.asked.filter { $0 == "PUT \(folder)events.ndjson.gz" }.count == 2)
        #expect(try queue.isUploaded(tenant: "acme", day: day))
    }

    @Test func aCrashBetweenPartsFreesThemAndBeginsAgain() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(350_000)
        try fixture.seal(day: day, events: bytes)
        do {
            let storage = fixture.storage()
            fixture.stub.fail("PUT", "partNumber=3", .then { storage.interruption.stop() })
            let queue = try fixture.queue(storage)
            try queue.enqueue(tenant: "acme", day: day)
            try drain(queue)
            #expect(fixture.stub.state.withLock { $0.uploads.count } == 1)
        }
        // Another start on the same folder; its own queue knows the upload that nobody goes on with.
        let queue = try fixture.queue()
        #expect(try queue.database.abandoned().map(\.path) == [folder + "events.ndjson.gz"])
        queue.start()
        while try !queue.isUploaded(tenant: "acme", day: day) { usleep(2000) }
        queue.stop()
        #expect(fixture.stub.object(folder + "events.ndjson.gz")?.bytes == bytes)
        #expect(fixture.stub.state.withLock { $0.uploads.isEmpty })
        #expect(try queue.database.abandoned().isEmpty)
        #expect(try queue.object(path: folder + "events.ndjson.gz")?.evidence == .etag)
    }

    @Test func anUploadWhoseIdWasNeverKeptIsFoundAndFreed() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: ObjectStorageFixture.bytes(350_000))
        let storage = fixture.storage()
        let sha256 = try #require(Digest([UInt8](repeating: 0, count: 32)))
        _ = try storage.begin(folder + "events.ndjson.gz", sha256: sha256)
        let other = try storage.begin(folder + "events.ndjson.gz.other", sha256: sha256)
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        #expect(try queue.isUploaded(tenant: "acme", day: day))
        #expect(fixture.stub.state.withLock { Array($0.uploads.keys) } == [other])
    }

    @Test func damageIsNoticedAndSentAgain() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(5000)
        try fixture.seal(day: day, events: bytes)
        fixture.stub.fail("PUT", "events", .damaged)
        // As with a service that keeps no checksum: the ETag does not agree, so the object is read back.
        let storage = fixture.storage()
        storage.serviceSupport.checksums = false
        let queue = try fixture.queue(storage)
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        guard case .failed(let reason, _) = try queue.state(tenant: "acme", day: day) else { Issue.record("not noticed"); return }
        #expect(reason.contains("sha256"))
        fixture.clock.advance(seconds: 61)
        try drain(queue)
        #expect(try queue.isUploaded(tenant: "acme", day: day))
        #expect(fixture.stub.object(folder + "events.ndjson.gz")?.bytes == bytes)
    }

    @Test func anotherObjectUnderTheKeyIsLeftAsItIs() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: [1, 2, 3])
        try fixture.seal(day: day + 1, events: [1])
        fixture.stub.store(folder + "events.ndjson.gz", [9, 9])
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try queue.enqueue(tenant: "acme", day: day + 1)
        try drain(queue)
        guard case .failed(let reason, let next) = try queue.state(tenant: "acme", day: day) else { Issue.record("overwritten"); return }
        #expect(reason.contains("left as it is") && next > fixture.clock.now)
        #expect(fixture.stub.object(folder + "events.ndjson.gz")?.bytes == [9, 9])
        // Only that day waits.
        #expect(try queue.isUploaded(tenant: "acme", day: day + 1))
        #expect(try queue.status().failed == 1)
    }

    @Test func anObjectThatAppearsBetweenLookAndWriteIsNotOverwritten() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: [1, 2, 3])
        let stub = fixture.stub
        let key = folder + "events.ndjson.gz"
        // Behind the look, in front of the write.
        stub.fail("PUT", "events", .answer(status: 500, code: "InternalError"))
        let storage = fixture.storage()
        let queue = try fixture.queue(storage)
        stub.fail("PUT", "events", .answer(status: 412, code: "PreconditionFailed"))
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        guard case .failed(let reason, _) = try queue.state(tenant: "acme", day: day) else { Issue.record("overwritten"); return }
        #expect(reason.contains("PreconditionFailed"))
        #expect(stub.object(key) == nil)
        #expect(stub.state.withLock { $0.requests.filter { $0.method == "PUT" }.allSatisfy { $0.headers["if-none-match"] == "*" } })
    }

    @Test func aFileThatChangedSinceItWasQueuedIsNotStored() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: [1, 2, 3])
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try fixture.seal(day: day, events: [1, 2, 4])
        try drain(queue)
        guard case .failed(let reason, _) = try queue.state(tenant: "acme", day: day) else { Issue.record("stored"); return }
        #expect(reason.contains("not what it was"))
        #expect(fixture.stub.state.withLock { $0.objects.isEmpty })
    }

    @Test func aServiceThatIsDownIsAskedOnceARound() throws {
        let fixture = try ObjectStorageFixture()
        for offset in Int64(0)..<5 { try fixture.seal(day: day + offset, events: [1]) }
        fixture.stub.fail("HEAD", "", .answer(status: 503, code: ""), times: 100)
        var settings = fixture.settings()
        settings.attempts = 1
        let queue = try fixture.queue(fixture.storage(settings))
        for offset in Int64(0)..<5 { try queue.enqueue(tenant: "acme", day: day + offset) }
        try drain(queue)
        try drain(queue)
        #expect(fixture.stub.asked.count == 1)
        fixture.clock.advance(seconds: 2)
        try drain(queue)
        #expect(fixture.stub.asked.count == 2)
        // What waits survives a start, with its reason.
        let again = try fixture.queue()
        #expect(try again.status().waiting == 15)
        #expect(try again.status().reason?.contains("503") == true)
        fixture.stub.state.withLock { $0.faults = [] }
        try again.retryNow()
        try drain(again)
        #expect(try again.status().waiting == 0)
    }

    @Test func anErasureReplacesWhatIsStoredAndLeavesNoVersion() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.state.withLock { $0.keepsVersions = true }
        try fixture.seal(day: day, events: Array("a person's name".utf8))
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        try fixture.seal(day: day, events: Array("[erased]".utf8), note: " erased")
        try queue.enqueueReplacement(tenant: "acme", day: day)
        #expect(try !queue.isUploaded(tenant: "acme", day: day))
        try drain(queue)
        #expect(try queue.isUploaded(tenant: "acme", day: day))
        for name in UploadQueue.dayNames { #expect(fixture.stub.state.withLock { $0.objects[folder + name]!.count } == 1) }
        #expect(fixture.stub.object(folder + "events.ndjson.gz")?.bytes == Array("[erased]".utf8))
        let writes = fixture.stub.state.withLock { $0.requests.filter { $0.method == "PUT" }.suffix(3) }
        #expect(writes.allSatisfy { $0.headers["if-match"] != nil })
    }

    @Test func anErasureBeforeTheUploadTakesItsPlace() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: Array("a person's name".utf8))
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try fixture.seal(day: day, events: Array("[erased]".utf8), note: " erased")
        try queue.enqueueReplacement(tenant: "acme", day: day)
        try drain(queue)
        #expect(try queue.isUploaded(tenant: "acme", day: day))
        let sent = fixture.stub.state.withLock { $0.requests.flatMap(\.body) }
        #expect(!String(decoding: sent, as: UTF8.self).contains("person"))
    }

    @Test func aPrunedDayLosesItsEventsInEveryVersion() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.state.withLock { $0.keepsVersions = true }
        try fixture.seal(day: day, events: [1, 2, 3])
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        try queue.enqueueDeletion(tenant: "acme", day: day)
        try drain(queue)
        #expect(fixture.stub.state.withLock { $0.objects.keys.sorted() } == [folder + "_checkpoint", folder + "_manifest.json"])
        #expect(try queue.isUploaded(tenant: "acme", day: day))
        #expect(try queue.object(path: folder + "events.ndjson.gz") == nil)
    }

    @Test func aLocalCopyGoesOnlyOnceAllIsConfirmedAgain() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(5000)
        for offset in Int64(0)..<4 { try fixture.seal(day: day + offset, events: bytes) }
        let queue = try fixture.queue()
        for offset in Int64(0)..<3 { try queue.enqueue(tenant: "acme", day: day + offset) }
        try drain(queue)
        try queue.enqueue(tenant: "acme", day: day + 3)
        // The second day's checkpoint is gone, the third is too young, the fourth waits.
        fixture.stub.state.withLock { _ = $0.objects.removeValue(forKey: "tenant=acme/day=2026-11-21/_checkpoint") }
        let removed = try queue.removeLocalCopies(olderThan: day + 2)
        #expect(removed.map(\.day) == [day])
        let here = (Int64(0)..<4).map {
            FileManager.default.fileExists(
                atPath: fixture.folder + "/" + UploadQueue.folderName(tenant: "acme", day: day + $0) + "/events.ndjson.gz")
        }
        #expect(here == [false, true, true, true])
        #expect(FileManager.default.fileExists(atPath: fixture.folder + "/" + folder + "_manifest.json"))
        #expect(try queue.status().removedHere == 1)

        let source = try #require(try queue.source(tenant: "acme", day: day))
        #expect(try source.read(0..<5000) == bytes)
        try queue.restoreLocalCopy(tenant: "acme", day: day)
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.folder + "/" + folder + "events.ndjson.gz")) == Data(bytes))
        #expect(try queue.object(path: folder + "events.ndjson.gz")?.isRemovedHere == false)
    }

    @Test func aDayThatWaitsAgainKeepsItsCopy() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: [1, 2, 3])
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        try fixture.seal(day: day, events: [1, 2, 4], note: " changed")
        try queue.enqueueReplacement(tenant: "acme", day: day)
        #expect(try queue.removeLocalCopies(olderThan: day + 2).isEmpty)
        #expect(FileManager.default.fileExists(atPath: fixture.folder + "/" + folder + "events.ndjson.gz"))
    }

    @Test func aDamagedObjectIsNotTakenForACopy() throws {
        let fixture = try ObjectStorageFixture()
        try fixture.seal(day: day, events: [1, 2, 3])
        let queue = try fixture.queue()
        try queue.enqueue(tenant: "acme", day: day)
        try drain(queue)
        let meta = fixture.stub.object(folder + "events.ndjson.gz")?.meta
        // Same size and same metadata, other content: the ETag tells.
        fixture.stub.store(folder + "events.ndjson.gz", [1, 2, 9], meta: meta)
        #expect(try queue.removeLocalCopies(olderThan: day + 2).isEmpty)
        #expect(throws: ObjectStorageError.self) { _ = try queue.source(tenant: "acme", day: day) }
    }

    @Test func aSignedRecordIsStoredOutsideOfDays() throws {
        let fixture = try ObjectStorageFixture()
        try FileManager.default.createDirectory(atPath: fixture.folder + "/tenant=acme/_records", withIntermediateDirectories: true)
        try Data("record".utf8).write(to: URL(fileURLWithPath: fixture.folder + "/tenant=acme/_records/erasure-1"))
        let queue = try fixture.queue(fixture.storage(fixture.settings(prefix: "daybook/")))
        try queue.enqueue(tenant: "acme", path: "tenant=acme/_records/erasure-1")
        try drain(queue)
        #expect(fixture.stub.object("daybook/tenant=acme/_records/erasure-1")?.bytes == Array("record".utf8))
    }
}
