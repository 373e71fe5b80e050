import Crypto
import Foundation

/// What a service says of an object.
package struct StoredObject: Sendable, Equatable {
    package var bytes: Int
    /// With its quotes, as it is sent back in `If-Match`.
    package var etag: String
    /// Of `x-amz-meta-sha256`, which we gave with the object: what we meant to store.
    package var meantSHA256: Digest?
    /// The service's own `x-amz-checksum-sha256`, as it is written there; `nil` where it keeps none.
    package var checksum: String?
}

/// When a write may happen.
package enum WriteCondition: Sendable, Equatable {
    case always
    /// Nothing is stored under the key (`If-None-Match: *`).
    case isNew
    /// What is stored has this ETag (`If-Match`).
    case isStill(etag: String)
}

extension ObjectStorage {
    /// Stores a small object. Returns its ETag.
    package func put(_ name: String, _ bytes: [UInt8], condition: WriteCondition = .always) throws(ObjectStorageError) -> String {
        let body = ObjectRequest.Body.bytes(bytes)
        return try put(name, body, whole: body.sha256, condition: condition)
    }

    /// - Parameter whole: kept as metadata beside the object.
    func put(_ name: String, _ body: ObjectRequest.Body, whole: Digest, condition: WriteCondition) throws(ObjectStorageError) -> String {
        let answer = try write(name, condition: condition) { support in
            var request = ObjectRequest(method: .put, key: key(name))
            request.headers.append(("x-amz-meta-sha256", whole.hex))
            if support.checksums { request.headers.append(("x-amz-checksum-sha256", body.sha256.base64)) }
            request.body = body
            return request
        }
        return answer.headers["etag"] ?? ""
    }

    /// As ``attempt(_:condition:_:)``. An `If-Match` that is refused although the object is still the one that was meant is
    /// sent without quotes, and if that does not help either, the look has to do.
    func write(
        _ name: String, condition: WriteCondition, _ request: (ServiceSupport) -> ObjectRequest
    ) throws(ObjectStorageError) -> ObjectAnswer {
        guard case .isStill(let etag) = condition else { return try attempt(name, condition: condition, request) }
        let forms = serviceSupport.matches ? (serviceSupport.quotes ? [true, false] : [false]) : []
        for quotes in forms {
            do throws(ObjectStorageError) {
                support.withLock { $0.quotes = quotes }
                return try attempt(name, condition: condition, request)
            } catch {
                support.withLock { $0.quotes = forms[0] }
                guard error.isRefused(412), try head(name)?.etag == etag else { throw error }
            }
        }
        support.withLock { $0.matches = false }
        try check(condition, name)
        return try attempt(name, condition: .always, request)
    }

    /// Sends what `request` makes, with the condition as a header where the service knows it, and leaves out what it
    /// says it does not implement. Checksums go first: without them nothing is lost.
    private func attempt(
        _ name: String, condition: WriteCondition, _ request: (ServiceSupport) -> ObjectRequest
    ) throws(ObjectStorageError) -> ObjectAnswer {
        let known = serviceSupport
        var refusal: ObjectStorageError?
        for (conditions, checksums) in [(true, true), (true, false), (false, true), (false, false)] {
            // Without a condition there is nothing to leave out but the checksum.
            guard conditions ? known.conditions || condition == .always : condition != .always, known.checksums || !checksums else {
                continue
            }
            do throws(ObjectStorageError) {
                var attempt = request(ServiceSupport(conditions: conditions, checksums: checksums))
                if conditions { attempt.headers += condition.headers(quotes: known.quotes) } else { try check(condition, name) }
                let answer = try ask(attempt)
                support.withLock { $0.checksums = checksums }
                return answer
            } catch {
                guard error.isRefused(501) else { throw error }
                refusal = error
                // Neither form of the condition was taken; what follows goes without.
                if conditions, !checksums, condition != .always { support.withLock { $0.conditions = false } }
            }
        }
        // It is not these that the service does not implement.
        serviceSupport = known
        throw refusal!
    }

    /// The condition by a look beforehand, for services that cannot check it themselves.
    private func check(_ condition: WriteCondition, _ name: String) throws(ObjectStorageError) {
        if condition == .always { return }
        let found = try head(name)
        let holds: Bool
        switch condition {
        case .always: holds = true
        case .isNew: holds = found == nil
        case .isStill(let etag): holds = found?.etag == etag
        }
        if !holds {
            throw .refused(
                .init(
                    request: "PUT \(key(name))", status: 412, code: "PreconditionFailed", message: "another object is stored there",
                    requestID: ""))
        }
    }

    /// `nil` when nothing is stored under the name.
    package func head(_ name: String) throws(ObjectStorageError) -> StoredObject? {
        var request = ObjectRequest(method: .head, key: key(name))
        // Without it Amazon keeps its checksum to itself.
        if serviceSupport.checksums { request.headers.append(("x-amz-checksum-mode", "ENABLED")) }
        do throws(ObjectStorageError) {
            let headers = try ask(request).headers
            guard let bytes = headers["content-length"].flatMap({ Int($0) }) else {
                throw .unexpected(request: request.name, reason: "it has no Content-Length")
            }
            return StoredObject(
                bytes: bytes, etag: headers["etag"] ?? "", meantSHA256: headers["x-amz-meta-sha256"].flatMap { Digest(hex: $0) },
                checksum: headers["x-amz-checksum-sha256"])
        } catch {
            if error.isRefused(404) { return nil }
            throw error
        }
    }

    /// What a ranged read gives.
    package struct Piece: Sendable {
        package var bytes: [UInt8]
        /// Where the first byte lies in the object.
        package var offset: Int
        /// Bytes of the whole object.
        package var total: Int
        package var etag: String
    }

    /// Bytes of an object. With `etag` only as long as the object is still that one: another is a refusal with 412.
    package func get(_ name: String, _ range: Range<Int>, etag: String? = nil) throws(ObjectStorageError) -> Piece {
        precondition(!range.isEmpty)
        let piece = try get(name, range: "\(range.lowerBound)-\(range.upperBound - 1)", most: range.count, etag: etag)
        guard piece.offset == range.lowerBound, piece.bytes.count == min(range.count, max(0, piece.total - range.lowerBound)) else {
            throw .unexpected(request: "GET \(key(name))", reason: "bytes \(piece.offset)+\(piece.bytes.count) were not asked for")
        }
        return piece
    }

    /// The last bytes of an object, fewer when it has no more; tells its size too.
    package func getEnd(_ name: String, _ count: Int, etag: String? = nil) throws(ObjectStorageError) -> Piece {
        let piece = try get(name, range: "-\(count)", most: count, etag: etag)
        guard piece.offset + piece.bytes.count == piece.total, piece.bytes.count == min(count, piece.total) else {
            throw .unexpected(request: "GET \(key(name))", reason: "bytes \(piece.offset)+\(piece.bytes.count) are not the end")
        }
        return piece
    }

    private func get(_ name: String, range: String, most: Int, etag: String?) throws(ObjectStorageError) -> Piece {
        // A refusal's body needs room as well; what is too long for a piece is found below.
        var request = ObjectRequest(method: .get, key: key(name), range: range, largestAnswer: max(most, 64 << 10))
        if let etag { request.headers.append(("if-match", etag)) }
        let answer = try ask(request)
        guard answer.status == 206, let content = answer.headers["content-range"], let (offset, last, total) = Self.contentRange(content)
        else { throw .unexpected(request: request.name, reason: "status \(answer.status) to a range; the service reads no ranges") }
        guard answer.body.count == last - offset + 1, answer.body.count <= most else {
            throw .unexpected(request: request.name, reason: "\(answer.body.count) bytes for \(content)")
        }
        return Piece(bytes: answer.body, offset: offset, total: total, etag: answer.headers["etag"] ?? "")
    }

    /// `bytes 0-99/1234` (RFC 9110 14.4).
    static func contentRange(_ text: String) -> (Int, Int, Int)? {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(whereSeparator: { $0 == "-" || $0 == "/" }).map { Int($0) }
        guard parts.count == 3, let first = parts[0], let last = parts[1], let total = parts[2], 0 <= first, first <= last, last < total
        else { return nil }
        return (first, last, total)
    }

    /// Removes an object; one that is not there is no error. With `version` just that one of a bucket that keeps them.
    package func delete(_ name: String, version: String? = nil) throws(ObjectStorageError) {
        let query = version.map { [("versionId", $0)] } ?? []
        do throws(ObjectStorageError) {
            _ = try ask(ObjectRequest(method: .delete, key: key(name), query: query))
        } catch {
            guard error.isRefused(404), error.code != "NoSuchBucket" else { throw error }
        }
    }

    /// Hashes what is stored, reading it whole in pieces. With `etag` throws when the object is replaced meanwhile.
    package func hash(_ name: String, bytes: Int, etag: String, also: ([UInt8]) throws(ObjectStorageError) -> Void = { _ in })
        throws(ObjectStorageError) -> Digest
    {
        var hasher = SHA256()
        var offset = 0
        while offset < bytes {
            let piece = try get(name, offset..<min(bytes, offset + (4 << 20)), etag: etag)
            guard !piece.bytes.isEmpty else { throw .differs(key: key(name), reason: "it ends at \(offset) of \(bytes) bytes") }
            hasher.update(data: piece.bytes)
            try also(piece.bytes)
            offset += piece.bytes.count
        }
        return Digest(hasher.finalize())
    }
}

extension ObjectStorageError {
    /// The service's code for a refusal; empty otherwise.
    var code: String { if case .refused(let refusal) = self { refusal.code } else { "" } }
}

extension WriteCondition {
    func headers(quotes: Bool) -> [(String, String)] {
        switch self {
        case .always: []
        case .isNew: [("if-none-match", "*")]
        case .isStill(let etag): [("if-match", quotes ? etag : etag.filter { $0 != "\"" })]
        }
    }
}
