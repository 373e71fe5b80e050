import Crypto
import Foundation

@testable import Archive

extension ObjectStorageStub {
    struct Answer {
        var status: Int
        var headers: [String]
        var body: [UInt8]

        init(_ status: Int, headers: [String] = [], body: [UInt8] = []) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        init(refusal status: Int, _ code: String) {
            self.init(status, body: Array("<Error><Code>\(code)</Code><Message>a message</Message></Error>".utf8))
        }

        func encoded(_ request: Request) -> [UInt8] {
            var lines = ["HTTP/1.1 \(status) Status"] + headers
            if !headers.contains(where: { $0.hasPrefix("Content-Length") }) { lines.append("Content-Length: \(body.count)") }
            return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (request.method == "HEAD" ? [] : body)
        }
    }

    /// Whether the request is signed by our key, over what it really is.
    func isSigned(_ request: Request, secret: String = ObjectStorageStub.secret) -> Bool {
        let fields = (request.headers["authorization"] ?? "").dropFirst("AWS4-HMAC-SHA256 ".count).components(separatedBy: ", ")
        let values = Dictionary(
            uniqueKeysWithValues: fields.compactMap { field in
                field.firstIndex(of: "=").map { (field[..<$0], field[field.index(after: $0)...]) }
            })
        let scope = (values["Credential"] ?? "").split(separator: "/")
        guard scope.count == 5, scope[0] == Self.accessKey else { return false }
        let signature = ObjectStorageSignature(
            method: request.method, target: request.target, headers: request.headers,
            signedHeaders: (values["SignedHeaders"] ?? "").split(separator: ";").map(String.init), secret: secret,
            day: String(scope[1]), region: String(scope[2]))
        return values["Signature"].map(String.init) == signature.hex
    }

    func answer(_ request: Request, checksHash: Bool = true) -> Answer {
        guard isSigned(request) else { return Answer(refusal: 403, "SignatureDoesNotMatch") }
        let hash = Digest(SHA256.hash(data: request.body))
        if checksHash, request.headers["x-amz-content-sha256"] != hash.hex { return Answer(refusal: 400, "XAmzContentSHA256Mismatch") }
        guard request.path == "/" + Self.bucket || request.path.hasPrefix("/" + Self.bucket + "/") else {
            return Answer(refusal: 404, "NoSuchBucket")
        }
        let key = String(request.path.dropFirst(Self.bucket.count + 2))
        return state.withLock { $0.answer(request, key) }
    }
}

extension ObjectStorageStub.State {
    typealias Answer = ObjectStorageStub.Answer
    typealias Request = ObjectStorageStub.Request

    mutating func answer(_ request: Request, _ key: String) -> Answer {
        if !knowsConditions, request.method != "GET", request.headers["if-none-match"] != nil || request.headers["if-match"] != nil {
            return Answer(refusal: 501, "NotImplemented")
        }
        let sumHeaders = ["x-amz-checksum-sha256", "x-amz-checksum-algorithm"]
        if !knowsChecksums, sumHeaders.contains(where: { request.headers[$0] != nil }) { return Answer(refusal: 501, "NotImplemented") }
        let query = request.query
        if key.isEmpty { return list(query) }
        switch (request.method, query["uploadId"], query["uploads"]) {
        case ("POST", nil, .some): return begin(request, key)
        case ("PUT", .some(let upload), _):
            guard uploads[upload] != nil else { return Answer(refusal: 404, "NoSuchUpload") }
            uploads[upload]!.parts[Int(query["partNumber"]!)!] = request.body
            return Answer(200, headers: ["ETag: \"\(Self.md5(request.body))\""])
        case ("POST", .some(let upload), _): return complete(request, key, upload)
        case ("DELETE", .some(let upload), _):
            return uploads.removeValue(forKey: upload) == nil ? Answer(refusal: 404, "NoSuchUpload") : Answer(204)
        case ("PUT", _, _):
            if let refusal = refusal(request, key) { return refusal }
            let etag = put(key, request.body, meta: request.headers["x-amz-meta-sha256"], parts: nil, sum: request.headers[sumHeaders[0]])
            return Answer(200, headers: ["ETag: \(etag)"])
        case ("DELETE", _, _):
            if let version = query["versionId"] { objects[key]?.removeAll { String($0.version) == version } } else { objects[key] = nil }
            if objects[key]?.isEmpty == true { objects[key] = nil }
            return Answer(204)
        default: return read(request, key)
        }
    }

    private func refusal(_ request: Request, _ key: String) -> Answer? {
        if request.headers["if-none-match"] == "*", objects[key] != nil { return Answer(refusal: 412, "PreconditionFailed") }
        let stored = objects[key]?.last?.etag
        let meant = comparesQuotes ? stored?.filter { $0 != "\"" } : stored
        if let etag = request.headers["if-match"], meant != etag || refusesMatches { return Answer(refusal: 412, "PreconditionFailed") }
        return nil
    }

    @discardableResult
    mutating func put(_ key: String, _ bytes: [UInt8], meta: String?, parts: Int?, sum: String? = nil, etag: String? = nil) -> String {
        let etag = etag ?? "\"\(Self.md5(bytes))\""
        nextNumber += 1
        let object = ObjectStorageStub.Object(bytes: bytes, meta: meta, etag: etag, checksum: sum, version: nextNumber)
        objects[key] = (keepsVersions ? objects[key] ?? [] : []) + [object]
        return etag
    }

    private mutating func begin(_ request: Request, _ key: String) -> Answer {
        let upload = "upload+/=\(nextNumber)"
        nextNumber += 1
        uploads[upload] = (key, request.headers["x-amz-meta-sha256"], [:])
        let xml = "<InitiateMultipartUploadResult><UploadId>\(upload)</UploadId></InitiateMultipartUploadResult>"
        return Answer(200, body: Array(xml.utf8))
    }

    private mutating func complete(_ request: Request, _ key: String, _ upload: String) -> Answer {
        guard let found = uploads[upload], let xml = try? ObjectXML(request.body) else { return Answer(refusal: 404, "NoSuchUpload") }
        if let refusal = refusal(request, key) { return refusal }
        var bytes: [UInt8] = []
        var sums = Data()
        for part in xml.all("Part") {
            guard let content = found.parts[Int(part.text("PartNumber"))!], part.text("ETag") == "\"\(Self.md5(content))\"" else {
                return Answer(refusal: 400, "InvalidPart")
            }
            bytes += content
            sums += Data(Insecure.MD5.hash(data: content))
        }
        uploads[upload] = nil
        let etag = "\"\(Self.md5(Array(sums)))-\(xml.all("Part").count)\""
        put(key, bytes, meta: found.meta, parts: xml.all("Part").count, etag: etag)
        return Answer(200, body: Array("<CompleteMultipartUploadResult><ETag>\(etag)</ETag></CompleteMultipartUploadResult>".utf8))
    }

    private func read(_ request: Request, _ key: String) -> Answer {
        guard let object = objects[key]?.last else { return Answer(refusal: 404, "NoSuchKey") }
        if let etag = request.headers["if-match"], etag != object.etag { return Answer(refusal: 412, "PreconditionFailed") }
        var headers = ["ETag: \(object.etag)"]
        if let meta = object.meta { headers.append("x-amz-meta-sha256: \(meta)") }
        if let sum = object.checksum, request.headers["x-amz-checksum-mode"] == "ENABLED" {
            headers.append("x-amz-checksum-sha256: \(sum)")
        }
        guard let range = request.headers["range"] else {
            return Answer(200, headers: headers + ["Content-Length: \(object.bytes.count)"], body: object.bytes)
        }
        let bounds = range.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        let first = bounds[0] ?? max(0, object.bytes.count - bounds[1]!)
        let last = bounds[0] == nil ? object.bytes.count - 1 : min(bounds[1]!, object.bytes.count - 1)
        guard first <= last else { return Answer(refusal: 416, "InvalidRange") }
        headers.append("Content-Range: bytes \(first)-\(last)/\(object.bytes.count)")
        return Answer(206, headers: headers, body: Array(object.bytes[first...last]))
    }

    private func list(_ query: [String: String]) -> Answer {
        let prefix = query["prefix"] ?? ""
        func escaped(_ text: String) -> String {
            text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
        }
        let keys = objects.keys.filter { $0.hasPrefix(prefix) }.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        var xml = ""
        if query["versions"] != nil {
            for key in keys {
                for (index, object) in objects[key]!.enumerated().reversed() {
                    let version = keepsVersions ? String(object.version) : "null"
                    xml += "<Version><Key>\(escaped(key))</Key><VersionId>\(version)</VersionId>"
                    xml += "<IsLatest>\(index == objects[key]!.count - 1)</IsLatest></Version>"
                }
            }
            xml = "<ListVersionsResult><IsTruncated>false</IsTruncated>\(xml)</ListVersionsResult>"
        } else if query["uploads"] != nil {
            for (upload, found) in uploads where found.key.hasPrefix(prefix) {
                xml += "<Upload><Key>\(escaped(found.key))</Key><UploadId>\(upload)</UploadId></Upload>"
            }
            xml = "<ListMultipartUploadsResult>\(xml)</ListMultipartUploadsResult>"
        } else {
            let start = query["continuation-token"].flatMap { Int($0.dropFirst(6)) } ?? 0
            let page = keys.dropFirst(start).prefix(Int(query["max-keys"]!)!)
            for key in page {
                xml += "<Contents><Key>\(escaped(key))</Key><Size>\(objects[key]!.last!.bytes.count)</Size><ETag>x</ETag></Contents>"
            }
            let next = start + page.count
            let more = next < keys.count ? "<NextContinuationToken>token+\(next)</NextContinuationToken>" : ""
            xml =
                "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>\(next < keys.count)</IsTruncated>\(xml)\(more)</ListBucketResult>"
        }
        return Answer(200, body: Array(("<?xml version=\"1.0\"?>\n" + xml).utf8))
    }

    static func md5(_ bytes: [UInt8]) -> String { Insecure.MD5.hash(data: bytes).map { String(format: "%02x", $0) }.joined() }
}
