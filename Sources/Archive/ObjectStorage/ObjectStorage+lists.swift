/// One page of a listing.
package struct ObjectPage: Sendable {
    package struct Entry: Sendable, Equatable {
        /// Without the settings' prefix.
        package var name: String
        package var bytes: Int
        package var etag: String
    }

    package var entries: [Entry]
    /// Given to the next call; `nil` on the last page.
    package var next: String?
}

/// One version of an object in a bucket that keeps old ones.
package struct ObjectVersion: Sendable, Equatable {
    package var name: String
    package var version: String
    package var isLatest: Bool
    /// Stands for a deletion and holds no bytes.
    package var isMarker: Bool
}

extension ObjectStorage {
    /// Up to 1,000 objects whose names begin with `prefix`, in byte order.
    package func list(prefix: String, after token: String? = nil, most: Int = 1000) throws(ObjectStorageError) -> ObjectPage {
        var query = [("list-type", "2"), ("prefix", key(prefix)), ("max-keys", String(most))]
        if let token { query.append(("continuation-token", token)) }
        let (root, request) = try read(query, expecting: "ListBucketResult")
        var page = ObjectPage(entries: [], next: nil)
        for content in root.all("Contents") {
            guard let name = name(ofKey: content.text("Key")), let bytes = Int(content.text("Size")) else {
                throw .unexpected(request: request, reason: "an entry without a key or a size, or of another prefix")
            }
            page.entries.append(.init(name: name, bytes: bytes, etag: content.text("ETag")))
        }
        if root.text("IsTruncated") == "true" {
            page.next = root.text("NextContinuationToken")
            guard page.next != "" else { throw .unexpected(request: request, reason: "a page that goes on has no token") }
        }
        return page
    }

    /// Every version of exactly this object, newest first; one that is called `null` where the bucket keeps none.
    package func versions(of name: String) throws(ObjectStorageError) -> [ObjectVersion] {
        var versions: [ObjectVersion] = []
        var markers: [(String, String)] = []
        while true {
            let (root, request) = try read([("versions", ""), ("prefix", key(name))] + markers, expecting: "ListVersionsResult")
            for child in root.children where child.name == "Version" || child.name == "DeleteMarker" {
                // The prefix of a name is also the prefix of longer ones.
                guard child.text("Key") == key(name) else { continue }
                versions.append(
                    ObjectVersion(
                        name: name, version: child.text("VersionId"), isLatest: child.text("IsLatest") == "true",
                        isMarker: child.name == "DeleteMarker"))
            }
            guard root.text("IsTruncated") == "true" else { return versions }
            let next = [("key-marker", root.text("NextKeyMarker")), ("version-id-marker", root.text("NextVersionIdMarker"))]
            guard !next[0].1.isEmpty, next.map(\.1) != markers.map(\.1) else {
                throw .unexpected(request: request, reason: "a page that goes on has no marker")
            }
            markers = next
        }
    }

    /// Removes what a bucket that keeps versions still holds of an object: all of it, or all but the newest.
    package func deleteVersions(of name: String, keepingLatest: Bool) throws(ObjectStorageError) {
        let found: [ObjectVersion]
        do throws(ObjectStorageError) { found = try versions(of: name) } catch {
            // A service that knows no versions keeps none.
            if error.isRefused(501) || error.isRefused(405) { return }
            throw error
        }
        for version in found where !(keepingLatest && version.isLatest) { try delete(name, version: version.version) }
    }

    /// Uploads in parts that were begun for exactly this object and neither completed nor aborted.
    package func openUploads(of name: String) throws(ObjectStorageError) -> [String] {
        // More than a page of them for one name is nothing that we could have left behind.
        let (root, _) = try read([("uploads", ""), ("prefix", key(name))], expecting: "ListMultipartUploadsResult")
        return root.all("Upload").filter { $0.text("Key") == key(name) }.map { $0.text("UploadId") }
    }

    private func read(_ query: [(String, String)], expecting name: String) throws(ObjectStorageError) -> (ObjectXML, String) {
        let request = ObjectRequest(method: .get, query: query)
        let answer = try ask(request)
        return (try Self.xml(answer, of: request, expecting: name), request.name)
    }

    /// The answer's root; one of another name, such as an `Error` that came with status 200, is thrown.
    static func xml(_ answer: ObjectAnswer, of request: ObjectRequest, expecting name: String) throws(ObjectStorageError) -> ObjectXML {
        let root: ObjectXML
        do throws(ObjectXML.Malformed) { root = try ObjectXML(answer.body) } catch {
            throw .unexpected(request: request.name, reason: "\(error.reason) (byte \(error.offset) of \(answer.body.count))")
        }
        if root.name == "Error" { throw .refused(.init(answer, to: request)) }
        guard root.name == name else { throw .unexpected(request: request.name, reason: "<\(root.name)> instead of <\(name)>") }
        return root
    }

    private func name(ofKey key: String) -> String? { key.hasPrefix(settings.prefix) ? String(key.dropFirst(settings.prefix.count)) : nil }
}
