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

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open(_ change: (inout EventStoreConfiguration) -> Void = { _ in }) throws -> EventStore {
        var configuration = EventStoreConfiguration(folder: path)
        configuration.blockBytes = 8 << 10
        configuration.compressionLevel = 1
        configuration.mergeFanIn = 3
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
