import Crypto
import Foundation

/// Tries a bucket with what the archive will ask of it, on objects of its own that are removed again, and says what the
/// service can do. For operators, before they trust a service with their days.
package struct ServiceCheck {
    package struct Step: Sendable, Equatable {
        package enum Outcome: Sendable, Equatable {
            case works(String)
            /// The archive gets along without it.
            case missing(String)
            case fails(String)
        }

        package var name: String
        package var outcome: Outcome
    }

    private let storage: ObjectStorage
    private let report: (Step) -> Void
    /// A tenant's name can hold none of these bytes; a service that gets them right gets everything right.
    private let name: String
    private let content = Array("daybook's check of this bucket: äöü, 1 + 1 = 2\n".utf8)

    /// Runs every step that can be run; stops at the first when the bucket cannot be reached at all. Blocks.
    /// - Parameters:
    ///   - multipartBytes: size of the object that is sent in parts.
    ///   - report: told each step when it is over.
    /// - Returns: whether nothing failed that the archive needs.
    package static func run(_ storage: ObjectStorage, multipartBytes: Int, report: @escaping (Step) -> Void) -> Bool {
        ServiceCheck(storage: storage, report: report).run(multipartBytes: multipartBytes)
    }

    private init(storage: ObjectStorage, report: @escaping (Step) -> Void) {
        self.storage = storage
        self.report = report
        name = "_check-\(UInt64.random(in: 0...UInt64.max))/tenant=a b+ü/day=2026-11-20/_manifest.json"
    }

    private func run(multipartBytes: Int) -> Bool {
        guard step("list", list), step("put", { .works("etag \(try storage.put(name, content))") }) else { return false }
        let steps = [
            step("head", head), step("range", ranges), step("pages", pages),
            step("if-none-match on put") { try conditionalPut(.isNew) },
            step("if-match on put") { try conditionalPut(.isStill(etag: "\"00000000000000000000000000000000\"")) },
            step("if-match that holds", matchingPut),
            step("if-match on get", conditionalGet),
            step("multipart") { try multipart(multipartBytes) },
            step("abort", abort), step("versions", versions), step("delete", delete),
        ]
        return !steps.contains(false)
    }

    private func step(_ name: String, _ body: () throws -> Step.Outcome) -> Bool {
        let outcome: Step.Outcome
        do { outcome = try body() } catch { outcome = .fails("\(error)") }
        report(Step(name: name, outcome: outcome))
        if case .fails = outcome { return false }
        return true
    }

    private func list() throws -> Step.Outcome {
        let page = try storage.list(prefix: "", most: 1)
        return .works(page.entries.isEmpty ? "nothing is stored below the prefix yet" : "objects are stored below the prefix already")
    }

    private func head() throws -> Step.Outcome {
        guard let found = try storage.head(name) else { return .fails("the object that was just stored is not there") }
        let sha256 = Digest(SHA256.hash(data: content))
        guard found.bytes == content.count else { return .fails("\(found.bytes) bytes instead of \(content.count)") }
        guard found.meantSHA256 == sha256 else { return .fails("the metadata x-amz-meta-sha256 does not come back") }
        guard let checksum = found.checksum else { return .works("metadata comes back; the service keeps no checksum of its own") }
        return checksum == sha256.base64 ? .works("metadata and the service's own checksum") : .fails("checksum \(checksum) is wrong")
    }

    private func ranges() throws -> Step.Outcome {
        let middle = try storage.get(name, 3..<20)
        let end = try storage.getEnd(name, 9)
        guard middle.bytes == Array(content[3..<20]), end.bytes == Array(content.suffix(9)), end.total == content.count else {
            return .fails("other bytes than were asked for")
        }
        return .works("from the middle and from the end")
    }

    private func pages() throws -> Step.Outcome {
        let second = name + "2"
        _ = try storage.put(second, [])
        defer { try? remove(second) }
        var found: [String] = []
        var token: String?
        repeat {
            let page = try storage.list(prefix: name, after: token, most: 1)
            found += page.entries.map(\.name)
            token = page.next
        } while token != nil && found.count < 3
        return found == [name, second] ? .works("one object a page") : .fails("\(found) are listed")
    }

    private func conditionalPut(_ condition: WriteCondition) throws -> Step.Outcome {
        do throws(ObjectStorageError) {
            _ = try storage.put(name, content, condition: condition)
        } catch {
            guard error.isRefused(412) else { throw error }
            return storage.serviceSupport.conditions
                ? .works("a write that must not happen is refused") : .missing("501; a look comes before each write instead")
        }
        return .missing("the condition is ignored; two servers must never share a prefix")
    }

    private func matchingPut() throws -> Step.Outcome {
        guard let found = try storage.head(name) else { return .fails("the object is gone") }
        _ = try storage.put(name, content, condition: .isStill(etag: found.etag))
        guard storage.serviceSupport.matches else { return .missing("If-Match is refused; a look comes before a replacement instead") }
        return .works(storage.serviceSupport.quotes ? "an object is replaced" : "an object is replaced; the ETag must come without quotes")
    }

    private func conditionalGet() throws -> Step.Outcome {
        do throws(ObjectStorageError) {
            _ = try storage.get(name, 0..<1, etag: "\"00000000000000000000000000000000\"")
        } catch {
            guard error.isRefused(412) else { throw error }
            return .works("a replaced object is noticed")
        }
        return .missing("the condition is ignored; the ETag of each answer is compared instead")
    }

    private func multipart(_ bytes: Int) throws -> Step.Outcome {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-check-\(UUID().uuidString)").path
        var generator = SystemRandomNumberGenerator()
        let piece = (0..<8192).flatMap { _ in withUnsafeBytes(of: generator.next(), Array.init) }
        defer { unlink(path) }
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path) else {
            return .fails("\(path) cannot be written")
        }
        for start in stride(from: 0, to: bytes, by: piece.count) { try file.write(contentsOf: piece.prefix(bytes - start)) }
        try file.close()
        let local = try LocalObject(path: path)
        let sha256 = try local.hash(0..<local.count)
        let large = name + ".large"
        let clock = ContinuousClock()
        var evidence = ObjectStorage.Evidence.checksum
        let time = try clock.measure {
            let trace = try storage.upload(large, file: path, sha256: sha256, condition: .isNew)
            evidence = try storage.compare(large, bytes: local.count, sha256: sha256, trace: trace).1
        }
        let before = storage.counts.requests
        let source = try ObjectSource(storage, large)
        var hasher = SHA256()
        for start in stride(from: 0, to: source.count, by: 256 << 10) {
            hasher.update(data: try source.read(start..<min(source.count, start + (256 << 10))))
        }
        let back = Digest(hasher.finalize())
        let reads = storage.counts.requests - before
        try remove(large)
        guard back == sha256 else { return .fails("what is read back is not what was sent") }
        let parts = (bytes + storage.settings.partBytes - 1) / storage.settings.partBytes
        return .works(
            "\(bytes) bytes in \(parts) parts, \(time.milliseconds) ms, compared by \(evidence.rawValue), read back in \(reads) requests")
    }

    private func abort() throws -> Step.Outcome {
        let large = name + ".aborted"
        let upload = try storage.begin(large, sha256: Digest(SHA256.hash(data: [])))
        guard try storage.openUploads(of: large) == [upload] else { return .fails("an upload in parts that was begun is not listed") }
        try storage.abort(large, upload: upload)
        guard try storage.openUploads(of: large).isEmpty else { return .fails("an aborted upload is still listed") }
        return .works("unfinished uploads are found and freed")
    }

    private func versions() throws -> Step.Outcome {
        do throws(ObjectStorageError) {
            let found = try storage.versions(of: name)
            guard found.contains(where: { $0.version != "null" }) else { return .works("the bucket keeps none") }
            return .works("the bucket keeps old versions; they are removed after an erasure or a pruning")
        } catch {
            guard error.isRefused(501) || error.isRefused(405) else { throw error }
            return .missing("the service knows none")
        }
    }

    private func delete() throws -> Step.Outcome {
        try remove(name)
        return try storage.head(name) == nil ? .works("nothing is left behind") : .fails("a deleted object is still there")
    }

    private func remove(_ name: String) throws {
        try storage.delete(name)
        try storage.deleteVersions(of: name, keepingLatest: false)
    }
}
