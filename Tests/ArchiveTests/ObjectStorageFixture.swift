import Crypto
import Foundation
import Logging
import Synchronization

@testable import Archive

/// A stub, a storage that talks to it without waiting between retries, and a folder; all gone afterwards.
final class ObjectStorageFixture {
    let stub = ObjectStorageStub()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-objects-\(UUID().uuidString)").path
    /// Milliseconds since 1970, moved by hand.
    let clock = Clock()

    final class Clock: Sendable {
        private let time = Mutex<Int64>(1_795_000_000_000)
        var now: Int64 { time.withLock { $0 } }
        func advance(seconds: Int64) { time.withLock { $0 += seconds * 1000 } }
    }

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    deinit {
        stub.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func settings(prefix: String = "") -> ObjectStorageSettings {
        var settings = ObjectStorageSettings(
            endpoint: stub.url, bucket: ObjectStorageStub.bucket,
            credentials: .init(accessKey: ObjectStorageStub.accessKey, secretKey: ObjectStorageStub.secret))
        settings.prefix = prefix
        settings.partBytes = 100_000
        return settings
    }

    func storage(_ settings: ObjectStorageSettings? = nil) -> ObjectStorage {
        ObjectStorage(settings ?? self.settings(), backoff: Backoff(first: .milliseconds(1), longest: .milliseconds(1)))
    }

    /// A queue as a start of the server opens it.
    func queue(_ storage: ObjectStorage? = nil) throws -> UploadQueue {
        var log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        log.logLevel = .critical
        return try UploadQueue(folder: folder, storage: storage ?? self.storage(), log: log) { [clock] in clock.now }
    }

    /// Files of a sealed day; no events on a quiet one.
    func seal(_ tenant: String = "acme", day: Int64, events: [UInt8]?, note: String = "") throws {
        let path = folder + "/" + UploadQueue.folderName(tenant: tenant, day: day)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        if let events { try Data(events).write(to: URL(fileURLWithPath: path + "/events.ndjson.gz")) }
        try Data("manifest of \(day)\(note)\n".utf8).write(to: URL(fileURLWithPath: path + "/_manifest.json"))
        try Data("checkpoint of \(day)\(note)\n".utf8).write(to: URL(fileURLWithPath: path + "/_checkpoint"))
    }

    static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }
}
