import EventModel
import Foundation
import Logging

@testable import EventStore

/// A store in a folder of its own that goes away with it.
final class StoreFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// A folder with the same files.
    init(copyOf other: String) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
        try FileManager.default.copyItem(atPath: other, toPath: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open(_ change: (inout EventStoreConfiguration) -> Void = { _ in }) throws -> EventStore {
        var configuration = EventStoreConfiguration(folder: path)
        configuration.blockBytes = 8 << 10
        configuration.memberBytes = 16 << 10
        configuration.compactionLevel = 6
        // Only when a test asks for it.
        configuration.compactionIdle = .seconds(3600)
        configuration.mergeFanIn = 3
        // A busy machine must not cut answers short.
        configuration.scanTime = .seconds(3600)
        change(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let store = try EventStore.open(configuration, logger: logger)
        let tenants = TenantDirectory()
        for name in EventFeed.tenants { _ = tenants.register(name) }
        store.use(tenants: tenants)
        return store
    }
}
