import Crypto
import Foundation

/// What an upload left behind, for comparing it with what the service says afterwards.
package struct UploadTrace: Sendable, Equatable {
    package var etag: String
    /// What a service that makes its ETags of MD5 sums, as most do, must have answered.
    var expectedETag: String
    /// What `x-amz-checksum-sha256` must be: of the whole, or of the parts' hashes with their number behind it.
    var expectedChecksums: [String]
}

extension ObjectStorage {
    /// Stores a local file of known hash, in parts when it is larger than ``ObjectStorageSettings/partBytes``. Reads it
    /// twice, piece by piece: once for the hash that is signed, once to send it.
    ///
    /// - Parameter began: told the id of an upload in parts before the first part is sent, `nil` once it is over, so that
    ///   whoever comes back after a crash can abort it.
    package func upload(
        _ name: String, file path: String, sha256: Digest, condition: WriteCondition, began: (String?) throws -> Void = { _ in }
    ) throws -> UploadTrace {
        let file = try LocalObject(path: path)
        guard file.count > settings.partBytes else {
            var md5 = Insecure.MD5()
            guard try file.hash(0..<file.count, also: { md5.update(bufferPointer: $0) }) == sha256 else { throw Self.changed(path) }
            let etag = try put(name, .file(file, 0..<file.count, sha256: sha256), whole: sha256, condition: condition)
            return UploadTrace(etag: etag, expectedETag: Self.hexTag(md5.finalize()), expectedChecksums: [sha256.base64])
        }
        // Left by a crash between the beginning and the moment its id was kept.
        for upload in try openUploads(of: name) { try abort(name, upload: upload) }
        let upload = try begin(name, sha256: sha256)
        do {
            try began(upload)
            let trace = try sendParts(name, upload, file, sha256: sha256, condition: condition)
            try began(nil)
            return trace
        } catch {
            // A storage that stops has no time for it; the id is kept and aborted at the next start.
            if !interruption.isStopped, (try? abort(name, upload: upload)) != nil { try began(nil) }
            throw error
        }
    }

    func begin(_ name: String, sha256: Digest) throws(ObjectStorageError) -> String {
        var sent: ObjectRequest?
        let answer = try write(name, condition: .always) { support in
            var request = ObjectRequest(method: .post, key: key(name), query: [("uploads", "")])
            request.headers.append(("x-amz-meta-sha256", sha256.hex))
            if support.checksums { request.headers.append(("x-amz-checksum-algorithm", "SHA256")) }
            sent = request
            return request
        }
        let upload = try Self.xml(answer, of: sent!, expecting: "InitiateMultipartUploadResult").text("UploadId")
        guard !upload.isEmpty else { throw .unexpected(request: sent!.name, reason: "it has no UploadId") }
        return upload
    }

    private func sendParts(
        _ name: String, _ upload: String, _ file: LocalObject, sha256: Digest, condition: WriteCondition
    ) throws(ObjectStorageError) -> UploadTrace {
        // No more than 10,000 parts, all but the last of one size.
        let partBytes = max(settings.partBytes, (file.count + 9_999) / 10_000)
        var whole = SHA256()
        var sums: [UInt8] = []
        var hashes: [UInt8] = []
        var parts: [(etag: String, sha256: Digest)] = []
        for start in stride(from: 0, to: file.count, by: partBytes) {
            let range = start..<min(file.count, start + partBytes)
            var md5 = Insecure.MD5()
            let partHash = try file.hash(range) {
                whole.update(bufferPointer: $0)
                md5.update(bufferPointer: $0)
            }
            var request = ObjectRequest(method: .put, key: key(name))
            request.query = [("partNumber", String(parts.count + 1)), ("uploadId", upload)]
            if serviceSupport.checksums { request.headers.append(("x-amz-checksum-sha256", partHash.base64)) }
            request.body = .file(file, range, sha256: partHash)
            parts.append((try ask(request).headers["etag"] ?? "", partHash))
            sums += md5.finalize()
            hashes += partHash.bytes
        }
        // Only what was meant becomes an object.
        guard Digest(whole.finalize()) == sha256 else { throw Self.changed(file.path) }
        let etag = try complete(name, upload, parts, condition)
        return UploadTrace(
            etag: etag, expectedETag: Self.hexTag(Insecure.MD5.hash(data: sums), parts: parts.count),
            expectedChecksums: [sha256.base64, Digest(SHA256.hash(data: hashes)).base64 + "-\(parts.count)"])
    }

    private func complete(
        _ name: String, _ upload: String, _ parts: [(etag: String, sha256: Digest)], _ condition: WriteCondition
    ) throws(ObjectStorageError) -> String {
        var sent: ObjectRequest?
        let answer = try write(name, condition: condition) { support in
            var xml = "<CompleteMultipartUpload>"
            for (index, part) in parts.enumerated() {
                let checksum = support.checksums ? "<ChecksumSHA256>\(part.sha256.base64)</ChecksumSHA256>" : ""
                xml += "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(part.etag.escapedForXML)</ETag>\(checksum)</Part>"
            }
            var request = ObjectRequest(method: .post, key: key(name), query: [("uploadId", upload)])
            request.headers.append(("content-type", "application/xml"))
            request.body = .bytes(Array((xml + "</CompleteMultipartUpload>").utf8))
            sent = request
            return request
        }
        // The status is sent before the parts are joined: success and an error in the body is a failure.
        return try Self.xml(answer, of: sent!, expecting: "CompleteMultipartUploadResult").text("ETag")
    }

    /// Frees what the parts of an unfinished upload take; one that is over is no error.
    package func abort(_ name: String, upload: String) throws(ObjectStorageError) {
        do throws(ObjectStorageError) {
            _ = try ask(ObjectRequest(method: .delete, key: key(name), query: [("uploadId", upload)]))
        } catch {
            guard error.isRefused(404), error.code != "NoSuchBucket" else { throw error }
        }
    }

    /// How it is known that what is stored is what was meant.
    package enum Evidence: String, Sendable { case checksum, etag, readBack = "read-back" }

    /// Compares what the service holds with what was meant: size and our own metadata first, then the service's
    /// checksum, or its ETag where that is an MD5 sum; where neither says it, the object is read back whole.
    package func compare(
        _ name: String, bytes: Int, sha256: Digest, trace: UploadTrace? = nil
    ) throws(ObjectStorageError) -> (StoredObject, Evidence) {
        guard let stored = try head(name) else { throw .differs(key: key(name), reason: "nothing is stored there") }
        guard stored.bytes == bytes else {
            throw .differs(key: key(name), reason: "\(stored.bytes) bytes are stored and not \(bytes)")
        }
        if let meant = stored.meantSHA256, meant != sha256 {
            throw .differs(key: key(name), reason: "another content is stored, sha256 \(meant.hex) and not \(sha256.hex)")
        }
        let checksums = trace?.expectedChecksums ?? [sha256.base64]
        if let checksum = stored.checksum, checksums.contains(checksum) { return (stored, .checksum) }
        if let trace, stored.etag.filter({ $0 != "\"" }) == trace.expectedETag { return (stored, .etag) }
        let found = try hash(name, bytes: bytes, etag: stored.etag)
        guard found == sha256 else {
            throw .differs(key: key(name), reason: "what is stored has sha256 \(found.hex) and not \(sha256.hex)")
        }
        return (stored, .readBack)
    }

    private static func changed(_ path: String) -> ObjectStorageError {
        .local(path: path, reason: "it is not what it was when it was queued (sha256)")
    }

    private static func hexTag(_ md5: Insecure.MD5.Digest, parts: Int? = nil) -> String {
        md5.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + (parts.map { "-\($0)" } ?? "")
    }
}

extension String {
    /// ETags are quoted, and a quote may stand in XML text; `&` and `<` may not.
    fileprivate var escapedForXML: String {
        replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;").replacingOccurrences(
            of: "\"", with: "&quot;")
    }
}
