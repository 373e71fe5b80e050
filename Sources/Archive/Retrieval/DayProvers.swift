import Glibc
import Synchronization

/// The days that proofs were asked of last. Each keeps its tree, 10 MB at most, and an open file; who asks for thousands of
/// proofs asks again and again for the same day.
final class DayProvers: Sendable {
    /// An erasure gives a day another manifest; who mends a damaged file gives it another inode or time.
    struct Key: Equatable, Sendable {
        var tenant: String
        var day: Int64
        /// SHA-256 of the manifest's file.
        var manifest: Digest
        /// Inode, bytes and time of the events file; empty where it does not lie here.
        var file: [Int]

        /// `path`: of the events file.
        init(tenant: String, day: Int64, manifest: Digest, path: String) {
            self.tenant = tenant
            self.day = day
            self.manifest = manifest
            var status = stat()
            let isHere = stat(path, &status) == 0
            file = isHere ? [Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec] : []
        }
    }

    private struct State {
        /// Used last comes last.
        var entries: [(key: Key, prover: DayProver)] = []
        /// Rises with each ``forget(day:)``: what was being opened then may be the old file.
        var forgotten = 0
    }

    private let state = Mutex(State())

    /// One retrieval proves one day after another.
    private static let capacity = 8

    /// Two that ask at once for a day that is not here get the same prover in the end, or one that is not kept.
    func prover(_ key: Key, make: () throws -> DayProver) rethrows -> DayProver {
        let (known, forgotten) = state.withLock { state -> (DayProver?, Int) in
            guard let index = state.entries.firstIndex(where: { $0.key == key }) else { return (nil, state.forgotten) }
            let entry = state.entries.remove(at: index)
            state.entries.append(entry)
            return (entry.prover, state.forgotten)
        }
        if let known { return known }
        let made = try make()
        return state.withLock { state in
            if let entry = state.entries.first(where: { $0.key == key }) { return entry.prover }
            guard state.forgotten == forgotten else { return made }
            state.entries.removeAll { $0.key.tenant == key.tenant && $0.key.day == key.day }
            if state.entries.count == Self.capacity { state.entries.removeFirst() }
            state.entries.append((key, made))
            return made
        }
    }

    /// The day's file is another one now, or gone: its descriptor goes.
    func forget(day: Int64) {
        state.withLock { state in
            state.forgotten += 1
            state.entries.removeAll { $0.key.day == day }
        }
    }

    var count: Int { state.withLock { $0.entries.count } }
}
