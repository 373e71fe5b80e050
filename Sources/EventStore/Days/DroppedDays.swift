import Foundation

/// `dropped.json`: the days that were dropped, and what their partitions said that must outlive them: which seq and
/// position came last, so that none is given twice.
///
/// It is replaced as a whole before the first file of a day is unlinked. Whatever a stop leaves of the day goes at the
/// next start, and what the journal delivers of it again is passed over; so half a day never comes back.
struct DroppedDays: Codable, Sendable {
    struct Tenant: Codable, Sendable {
        var number: UInt32
        var name: String
        var lastSeq: UInt64
    }

    /// Names such as `2026-11-20`, ascending.
    private var days: [String] = []
    /// Behind the last event that was ever packed.
    private(set) var position: UInt64 = 0
    private(set) var appliedPosition: UInt64 = 0
    private(set) var tenants: [Tenant] = []

    static let fileName = "dropped.json"

    init() {}

    /// Of the store in `folder`; empty when nothing was ever dropped.
    init(folder: String) throws {
        let path = folder + "/" + Self.fileName
        guard FileManager.default.fileExists(atPath: path) else { return }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do { self = try decoder.decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path))) } catch {
            throw StoreError.unreadable(path: path, reason: "\(error)")
        }
    }

    var numbers: Set<Int64> { Set(days.compactMap { PieceName.day(ofFile: $0) }) }

    mutating func add(_ day: Int64, _ summaries: [UInt32: TenantSummary], position: UInt64, appliedPosition: UInt64) {
        days = Set(days + [Partition.name(day: day)]).sorted()
        self.position = max(self.position, position)
        self.appliedPosition = max(self.appliedPosition, appliedPosition)
        var known = Dictionary(uniqueKeysWithValues: tenants.map { ($0.number, $0) })
        for (number, summary) in summaries {
            known[number] = Tenant(number: number, name: summary.name, lastSeq: max(summary.lastSeq, known[number]?.lastSeq ?? 0))
        }
        tenants = known.values.sorted { $0.number < $1.number }
    }

    /// Durable when it returns.
    func write(folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let path = folder + "/" + Self.fileName
        let file = try MembersFile(path: path + ".new", creates: true)
        try (encoder.encode(self) + Data("\n".utf8)).withUnsafeBytes { try file.write($0, at: 0) }
        try file.sync()
        guard rename(path + ".new", path) == 0 else { throw StoreError.io(path: path, operation: "rename", errno: errno) }
        try syncFolder(folder)
    }
}
