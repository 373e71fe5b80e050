import EventModel
import Foundation
import GRDB
import Logging

/// Made again from the manifests, one tenant after another.
///
/// Manifests do not tell a tenant's number, which event ids carry: the first line of any events file does. A tenant all
/// of whose files are pruned, of which no journal and no store knows, gets a number that nobody has.
extension Catalogue {
    static func rebuild(_ path: String, because reason: String, _ logger: Logger) throws -> Catalogue {
        let folder = ArchiveFolder(path)
        let file = path + "/" + fileName
        try moveAside(file)
        logger.warning("the catalogue of the archive is made again from the manifests: \(reason)")
        let catalogue = try Catalogue(file, rebuiltBecause: reason)
        var numberless: [String] = []
        var largest: UInt32 = 0
        var ends: [Int64] = []
        for tenant in try folder.tenants() {
            let days = try folder.days(of: tenant)
            guard !days.isEmpty else { continue }
            guard let number = try days.lazy.compactMap({ try number(of: tenant, day: $0, folder) }).first else {
                numberless.append(tenant)
                continue
            }
            largest = max(largest, number)
            if let end = try catalogue.take(tenant, number, days, folder, logger) { ends.append(end) }
        }
        for tenant in numberless {
            largest += 1
            if let end = try catalogue.take(tenant, largest, try folder.days(of: tenant), folder, logger) { ends.append(end) }
        }
        // Sealed for all is what every tenant has; where one lacks a day, sealing goes on from there.
        if let last = ends.max(), let first = ends.min() {
            try catalogue.close(day: last)
            let position = try catalogue.chains().reduce(0) { max($0, $1.lastSeq > 0 ? $1.lastPosition + 1 : 0) }
            try catalogue.finish(day: first, position: first == last ? position : 0)
        }
        return catalogue
    }

    /// The last day of the tenant's chain as far as it is whole.
    private func take(_ tenant: String, _ number: UInt32, _ days: [Int64], _ folder: ArchiveFolder, _ logger: Logger) throws -> Int64? {
        var chain: TenantChain?
        var rows: [(day: ArchivedDay, chain: TenantChain)] = []
        for day in days {
            let path = folder.folder(of: tenant, day: day)
            guard let bytes = try folder.read(path + "/" + ArchiveFolder.manifest), let manifest = try? Manifest(json: bytes) else {
                logger.error("\(path) has no manifest that can be read; the catalogue ends before it", metadata: ["tenant": "\(tenant)"])
                break
            }
            let digest = Digest(of: bytes)
            var next =
                chain
                ?? TenantChain(
                    number: number, name: tenant, firstDay: day, lastDay: day, lastSeq: 0, lastPosition: 0, tree: CompactRange(),
                    manifest: digest)
            next.follow(manifest, digest)
            var row = ArchivedDay(manifest, digest: digest, tenant: number)
            if row.state == .sealed, !folder.exists(path + "/" + ArchiveFolder.events) {
                // Pruned or only in object storage: whoever keeps the records of that says so again.
                row.isLocal = false
                row.state = .pruned
            }
            chain = next
            rows.append((row, next))
            if rows.count >= Self.rebuildRows {
                try record(rows, pushes: [])
                rows.removeAll(keepingCapacity: true)
            }
        }
        try record(rows, pushes: [])
        return chain?.lastDay
    }

    private static let rebuildRows = 512

    /// From the id of the first line.
    private static func number(of tenant: String, day: Int64, _ folder: ArchiveFolder) throws -> UInt32? {
        let path = folder.folder(of: tenant, day: day) + "/" + ArchiveFolder.events
        guard folder.exists(path) else { return nil }
        var walker = ArchiveWalker(try LocalFile(path: path))
        while let step = try walker.next() {
            guard case .lines(let lines) = step.part else { continue }
            let id = lines.withUnsafeBytes { CanonicalLine($0).map { String(decoding: $0.id, as: UTF8.self) } }
            if let id = id.flatMap({ EventID($0) }) { return id.tenant }
        }
        return nil
    }

    private static func moveAside(_ file: String) throws {
        let files = FileManager.default
        var number = 1
        while files.fileExists(atPath: "\(file).unreadable-\(number)") { number += 1 }
        if files.fileExists(atPath: file) { try files.moveItem(atPath: file, toPath: "\(file).unreadable-\(number)") }
        for suffix in ["-wal", "-shm"] { try? files.removeItem(atPath: file + suffix) }
    }
}
