import Foundation
import Testing

@testable import Archive

/// The queue against a real service; `Tests/scripts/object-storage` sets what it needs.
@Suite struct ObjectStorageServiceTests {
    private static let environment = ProcessInfo.processInfo.environment

    private static func settings() -> ObjectStorageSettings {
        var settings = ObjectStorageSettings(
            endpoint: environment["S3_ENDPOINT"] ?? "", bucket: environment["S3_BUCKET"] ?? "",
            credentials: .init(accessKey: environment["S3_ACCESS_KEY"] ?? "", secretKey: environment["S3_SECRET_KEY"] ?? ""))
        settings.region = environment["S3_REGION"] ?? "us-east-1"
        settings.prefix = "queue \(UInt32.random(in: 0...UInt32.max))=ü+/"
        settings.partBytes = 5 << 20
        return settings
    }

    @Test(.enabled(if: environment["S3_BUCKET"] != nil, "S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY name a real service"))
    func daysAreStoredReplacedRemovedReadAndBroughtBack() throws {
        let fixture = try ObjectStorageFixture()
        let settings = Self.settings()
        try settings.check()
        let bytes = ObjectStorageFixture.bytes(12 << 20)
        try fixture.seal(day: 20_777, events: bytes)
        try fixture.seal(day: 20_778, events: Array(bytes[..<100_000]))
        let names = UploadQueue.dayNames.map { UploadQueue.folderName(tenant: "acme", day: 20_777) + "/" + $0 }

        // A crash between two parts: the upload's id is kept, its parts are freed by the next start.
        let crashed = ObjectStorage(settings)
        let first = try fixture.queue(crashed)
        try first.enqueue(tenant: "acme", day: 20_777)
        Thread.detachNewThread {
            while crashed.counts.bytesSent <= 5 << 20 { usleep(1000) }
            crashed.interruption.stop()
        }
        while try first.runNext(), !crashed.interruption.isStopped {}
        let storage = ObjectStorage(settings)
        let queue = try fixture.queue(storage)
        #expect(try queue.database.abandoned().count == 1)
        #expect(try storage.openUploads(of: names[0]).count == 1)
        try queue.enqueue(tenant: "acme", day: 20_778)
        queue.start()
        while try queue.status().waiting > 0, try queue.status().reason == nil { usleep(5000) }
        #expect(try queue.status().reason ?? "" == "")
        #expect(try queue.isUploaded(tenant: "acme", day: 20_777) && queue.isUploaded(tenant: "acme", day: 20_778))
        #expect(try storage.openUploads(of: names[0]).isEmpty && queue.database.abandoned().isEmpty)

        // Gone here, read from there, brought back.
        #expect(try queue.removeLocalCopies(olderThan: 20_778).map(\.day) == [20_777])
        let source = try #require(try queue.source(tenant: "acme", day: 20_777))
        #expect(try source.read(7_000_000..<7_001_000) == Array(bytes[7_000_000..<7_001_000]))
        try queue.restoreLocalCopy(tenant: "acme", day: 20_777)
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.folder + "/" + names[0])) == Data(bytes))

        // An erasure, then a pruning; a reader that had the object open notices.
        try fixture.seal(day: 20_777, events: Array(bytes.reversed()), note: " erased")
        try queue.enqueueReplacement(tenant: "acme", day: 20_777)
        while try queue.status().waiting > 0, try queue.status().reason == nil { usleep(5000) }
        #expect(throws: ObjectStorageError.self) { _ = try source.read(0..<1000) }
        #expect(try storage.get(names[0], 0..<100).bytes == Array(bytes.reversed()[..<100]))
        for day in [20_777, 20_778] as [Int64] { try queue.enqueueDeletion(tenant: "acme", day: day) }
        while try queue.status().waiting > 0, try queue.status().reason == nil { usleep(5000) }
        #expect(try queue.status().reason ?? "" == "")
        queue.stop()
        let left = ObjectStorage(settings)
        let listed = try left.list(prefix: "tenant=acme/").entries.map(\.name)
        #expect(listed.count == 4 && !listed.contains { $0.hasSuffix(UploadQueue.eventsName) })
        for name in listed { try left.delete(name) }
    }
}
