import Archive
import Collectors
import EventStore
import Foundation
import Journal
import Logging
import SystemPackage

/// Everything that can be set, read and checked before anything is opened. `Config/daybook.yaml` gives each its reason.
public struct Settings: Sendable {
    public var data: String
    public var host: String
    public var port: Int
    public var pipelines: String
    public var logLevel: Logger.Level
    public var idleTimeout: Duration
    public var deadLetterBytes: Int
    public var tails: [TailEntry]
    public var journal: JournalConfiguration
    public var store: EventStoreConfiguration
    public var archive: ArchiveConfiguration
    public var demo: Bool

    static let standardFile = "Config/daybook.yaml"

    /// Reads the three layers; `environment` is the process's own except in tests.
    public static func read(_ options: ServeOptions, environment: [String: String]) throws(SettingsError) -> Settings {
        var commandLine: [String: String] = [:]
        commandLine["data"] = options.data
        commandLine["listen"] = options.listen
        commandLine["pipelines"] = options.pipelines
        let variable = environment["DAYBOOK_CONFIG"] ?? ""
        let named = options.config ?? (variable.isEmpty ? nil : variable)
        var file: SettingsFile?
        if let named {
            file = try SettingsFile.read(named)
        } else if FileManager.default.fileExists(atPath: standardFile) {
            file = try SettingsFile.read(standardFile)
        }
        var reader = SettingsReader(commandLine: commandLine, environment: environment, file: file)
        var settings = try Settings(&reader, tails: file?.tails ?? [], demo: options.demo)
        settings.archive.objects = try objects(&reader, environment: environment)
        try reader.checkLeftovers()
        return settings
    }

    private init(_ reader: inout SettingsReader, tails: [TailEntry], demo: Bool) throws(SettingsError) {
        data = reader.text("data", default: "data")
        (host, port) = try Self.address(reader.text("listen", default: "127.0.0.1:7320"), reader)
        pipelines = reader.text("pipelines", default: "Pipelines")
        try Self.checkFolders(data: data, pipelines: pipelines, reader)
        let level = reader.text("log.level", default: "info")
        guard let logLevel = Logger.Level(rawValue: level) else {
            throw reader.fault("log.level", "\"\(level)\" is none of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.logLevel = logLevel
        idleTimeout = try reader.duration("http.idle_timeout", in: .seconds(1)...(.seconds(3600)), default: .seconds(75))
        deadLetterBytes = try reader.bytes("deadletter.max_bytes", in: 1 << 20...1 << 40, default: 256 << 20)
        self.tails = tails
        self.demo = demo
        journal = try Self.journal(&reader, folder: data + "/journal")
        store = try Self.store(&reader, folder: data + "/store")
        archive = try Self.archive(&reader, data: data, store: store)
    }

    /// The data folder is made at the first start; pipelines must be there.
    private static func checkFolders(data: String, pipelines: String, _ reader: SettingsReader) throws(SettingsError) {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: data, isDirectory: &isFolder), !isFolder.boolValue {
            throw reader.fault("data", "\(data) is a file; a folder is needed")
        }
        guard FileManager.default.fileExists(atPath: pipelines, isDirectory: &isFolder), isFolder.boolValue else {
            throw reader.fault("pipelines", "there is no folder \(pipelines)")
        }
    }

    private static func address(_ text: String, _ reader: SettingsReader) throws(SettingsError) -> (String, Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port),
            colon > text.startIndex
        else {
            throw reader.fault("listen", "\"\(text)\" is not HOST:PORT, such as 127.0.0.1:7320")
        }
        // An IPv6 address stands in brackets: [::1]:7320.
        return (text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]")), port)
    }

    private static func journal(_ reader: inout SettingsReader, folder: String) throws(SettingsError) -> JournalConfiguration {
        var journal = JournalConfiguration(folder: FilePath(folder))
        journal.segmentBytes = try reader.bytes("journal.segment_bytes", in: 1 << 20...1 << 30, default: journal.segmentBytes)
        journal.maxQueuedBytes = try reader.bytes("journal.max_queued_bytes", in: 4 << 20...4 << 30, default: journal.maxQueuedBytes)
        journal.maxQueuedEvents = try reader.count("journal.max_queued_events", in: 1000...100_000_000, default: journal.maxQueuedEvents)
        journal.minimumFreeBytes = try reader.bytes("journal.minimum_free_bytes", in: 0...1 << 50, default: journal.minimumFreeBytes)
        return journal
    }

    private static func store(_ reader: inout SettingsReader, folder: String) throws(SettingsError) -> EventStoreConfiguration {
        var store = EventStoreConfiguration(folder: folder)
        store.blockBytes = try reader.bytes("store.block_bytes", in: 4 << 10...1 << 20, default: store.blockBytes)
        store.pieceBytes = try reader.bytes("store.piece_bytes", in: 1 << 20...1 << 30, default: store.pieceBytes)
        store.memberBytes = try reader.bytes("store.member_bytes", in: 4 << 10...16 << 20, default: store.memberBytes)
        store.compactionLevel = try reader.count("store.compaction_level", in: 1...12, default: store.compactionLevel)
        store.compactionIdle = try reader.duration(
            "store.compaction_idle", in: .milliseconds(100)...(.seconds(86_400)), default: store.compactionIdle)
        store.windowBytes = try reader.bytes("store.window_bytes", in: 4 << 20...4 << 30, default: store.windowBytes)
        store.lagBytes = try reader.bytes("store.lag_bytes", in: 4 << 20...64 << 30, default: store.lagBytes)
        store.partialAge = try reader.duration("store.partial_age", in: .seconds(1)...(.seconds(86_400)), default: store.partialAge)
        store.identityWindow = try reader.duration(
            "store.identity_window", in: .seconds(60)...(.seconds(366 * 86_400)), default: store.identityWindow)
        store.identityFilterBytes = try reader.bytes(
            "store.identity_filter_bytes", in: 1 << 20...64 << 30, default: store.identityFilterBytes)
        store.inflatedBytes = try reader.bytes("store.inflated_bytes", in: 0...64 << 30, default: store.inflatedBytes)
        store.openPartitions = try reader.count("store.open_partitions", in: 2...4096, default: store.openPartitions)
        store.lookupThreads = try reader.count("store.lookup_threads", in: 1...64, default: store.lookupThreads)
        store.waitingLookups = try reader.count("store.waiting_lookups", in: 1...100_000, default: store.waitingLookups)
        store.scanBytes = try reader.bytes("store.scan_bytes", in: 1 << 20...1 << 40, default: store.scanBytes)
        store.scanTime = try reader.duration("store.scan_time", in: .milliseconds(10)...(.seconds(3600)), default: store.scanTime)
        store.mergeFanIn = try reader.count("store.merge_fan_in", in: 2...64, default: store.mergeFanIn)
        return store
    }
}
