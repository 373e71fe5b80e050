import Foundation
import GRDB

/// Replaces lines of a day, as a compaction would, and its terms with them: new files beside the old ones, one
/// transaction that moves blocks and runs, then the directory in memory, then the old files go. Blocks keep their numbers
/// and events their places, so lookups under way go on with whichever directory they hold.
extension EventStore {
    enum RewriteStep: CaseIterable, Sendable { case begun, written, renamed, indexed, committed, published, removed }

    func rewrite(day: Int64, tenants: Set<UInt32>?, _ change: LineChange, _ reach: (RewriteStep) throws -> Void) throws -> [RewrittenLine] {
        try packWaiting(of: day)
        guard let partition = state.withLock({ $0.days[day]?.partition }) else { return [] }
        partition.upkeep.beginAlone()
        defer {
            partition.upkeep.endAlone()
            // What was asked for meanwhile was turned away.
            merger.packed(partition)
            compactor?.packed()
        }
        guard !partition.isRetired else { return [] }
        try reach(.begun)
        var work = DayRewrite(partition, configuration)
        do {
            let lines = try work.write(closedPieces(partition), tenants, change, reach)
            if lines.isEmpty {
                work.discard()
                return []
            }
            try work.commit()
            try? reach(.committed)
            try publish(work, reach)
            return lines
        } catch {
            work.discard()
            throw error
        }
    }

    /// All pieces with events; the packer goes on in another one.
    private func closedPieces(_ partition: Partition) -> [Piece] {
        while true {
            let closed = partition.pieces.withLock { list -> [Piece]? in
                let pieces = list.pieces.filter { $0.bytes > 0 }
                return list.close(forCompaction: Set(pieces.map(\.id))) ? pieces : nil
            }
            if let closed { return closed }
            // The packer appends to one of them just now.
            usleep(10_000)
        }
    }

    private func publish(_ work: borrowing DayRewrite, _ reach: (RewriteStep) throws -> Void) throws {
        let partition = work.partition
        state.withLock { state in
            for (old, new) in work.pieces { partition.pieces.withLock { $0.replace([old.id], with: new) } }
            state.days[partition.day]?.directory?.rewrite(work.blocks, files: work.files, from: Set(work.pieces.map(\.old.id)))
            state.days[partition.day]?.compactions += 1
        }
        try? reach(.published)
        for (old, _) in work.pieces { unlink(partition.path(of: old.name)) }
        try syncFolder(partition.folder)
        forgetLines()
        // Free pages and the log still have the old terms.
        try partition.tidy()
        try? reach(.removed)
    }
}

private struct DayRewrite: ~Copyable {
    let partition: Partition
    private(set) var pieces: [(old: Piece, new: Piece)] = []
    private(set) var files: [UInt32: MembersFile] = [:]
    private(set) var blocks: [RewrittenBlock] = []
    private var paths: [String] = []
    private var terms: RewrittenTerms?
    private var isCommitted = false
    private let configuration: EventStoreConfiguration

    init(_ partition: Partition, _ configuration: EventStoreConfiguration) {
        self.partition = partition
        self.configuration = configuration
    }

    mutating func write(
        _ pieces: [Piece], _ tenants: Set<UInt32>?, _ change: LineChange, _ reach: (EventStore.RewriteStep) throws -> Void
    ) throws -> [RewrittenLine] {
        var terms = try RewrittenTerms(partition)
        var lines: [RewrittenLine] = []
        for piece in pieces {
            let source = try PieceLines(piece, of: partition)
            let affected = try PieceReplacement.affected(source, tenants, change)
            if affected.isEmpty { continue }
            let id = partition.pieces.withLock { $0.takeID() }
            var replacement = try PieceReplacement(of: piece, id: id, in: partition, level: configuration.compactionLevel)
            paths.append(replacement.path)
            do {
                try replacement.write(source, affected: affected, change, &terms)
                try reach(.written)
                try replacement.publish()
            } catch {
                replacement.discard()
                throw error
            }
            lines += replacement.lines
            blocks += replacement.blocks
            files[id] = try MembersFile(path: replacement.path)
            self.pieces.append((piece, replacement.piece))
        }
        if self.pieces.isEmpty { return [] }
        try syncFolder(partition.folder)
        try reach(.renamed)
        try terms.finish()
        self.terms = consume terms
        try reach(.indexed)
        return lines
    }

    mutating func commit() throws {
        // Freed pages are zeroed, not only let go.
        let writer = try partition.writer()
        let before = try writer.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA secure_delete") ?? 0 }
        try writer.writeWithoutTransaction { _ = try Row.fetchAll($0, sql: "PRAGMA secure_delete = ON") }
        defer { try? writer.writeWithoutTransaction { _ = try Row.fetchAll($0, sql: "PRAGMA secure_delete = \(before)") } }
        try writer.write { database in
            for (old, new) in pieces {
                try PieceTable.delete(old.id, database)
                try PieceTable.put(new, database)
            }
            for block in blocks { try block.put(database) }
            try terms?.commit(database)
        }
        isCommitted = true
    }

    /// Nothing of it counts unless it was committed.
    mutating func discard() {
        if isCommitted { return }
        for path in paths { unlink(path) }
        try? RewrittenTerms.discard(partition)
    }
}

extension RewrittenBlock {
    func put(_ database: Database) throws {
        try database.cachedStatement(
            sql: "UPDATE block SET piece = ?, length = ?, offset = ?, member_bytes = ?, start = ?, checksum = ?, bytes = ? WHERE id = ?"
        ).execute(arguments: [
            Int64(location.piece), Int64(location.length), Int64(bitPattern: location.offset), Int64(location.memberBytes),
            Int64(location.start), Int64(location.checksum), Int64(bytes), Int64(number),
        ])
    }
}
