import Foundation
import GRDB

/// One thing that is still to be done to an object, a row of the queue.
package struct UploadOperation: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// Stores a file under a key that holds nothing yet.
        case upload
        /// Puts a changed file in the place of the one that was stored before.
        case replace
        /// Removes the object and, where the bucket keeps them, its older versions.
        case delete
    }

    package var number: Int64
    package var kind: Kind
    package var tenant: String
    /// Days since 1970; `nil` for what belongs to no day, such as a signed record.
    package var day: Int64?
    /// Below the archive's folder, which is also the object's name below the prefix.
    package var path: String
    /// Of the file when it was queued; 0 and `nil` for a deletion.
    package var bytes: Int
    package var sha256: Digest?
    package var attempts: Int
    /// Milliseconds since 1970.
    package var nextTry: Int64
    /// Why the last attempt did not succeed; `nil` before the first.
    package var reason: String?
    /// Whether trying again helps only once somebody has put something right.
    package var isFailed: Bool
    /// Id of an upload in parts that was begun.
    var upload: String?

    init(_ row: Row) {
        number = row["number"]
        kind = Kind(rawValue: row["kind"])!
        tenant = row["tenant"]
        day = row["day"]
        path = row["path"]
        bytes = row["bytes"]
        sha256 = (row["sha256"] as Data?).flatMap { Digest($0) }
        attempts = row["attempts"]
        nextTry = row["next_try"]
        reason = row["reason"]
        isFailed = row["is_failed"]
        upload = row["upload"]
    }
}

/// An object that is known to be stored: it was compared after its upload.
package struct ConfirmedObject: Sendable, Equatable {
    package var path: String
    package var bytes: Int
    package var sha256: Digest
    package var etag: String
    /// How it was compared, and when (milliseconds since 1970).
    package var evidence: ObjectStorage.Evidence
    package var confirmed: Int64
    /// Whether the file here was removed by ``UploadQueue/removeLocalCopies(olderThan:)``.
    package var isRemovedHere: Bool

    init(_ row: Row) {
        path = row["path"]
        bytes = row["bytes"]
        sha256 = Digest(row["sha256"] as Data)!
        etag = row["etag"]
        evidence = ObjectStorage.Evidence(rawValue: row["evidence"])!
        confirmed = row["confirmed"]
        isRemovedHere = row["is_removed_here"]
    }
}

/// How far a day has come.
package enum UploadState: Sendable, Equatable {
    /// Nothing of it was ever queued.
    case unknown
    case pending(reason: String?, nextTry: Int64)
    case uploading
    /// Somebody has to put something right; it is tried again all the same.
    case failed(reason: String, nextTry: Int64)
    /// Stored and compared, checkpoint included.
    case done
}

/// Numbers for `/health/ready` and `/metrics`.
package struct UploadStatus: Sendable, Equatable {
    /// Operations that wait, failed ones included, and the bytes they will send.
    package var waiting = 0
    package var waitingBytes = 0
    package var failed = 0
    /// When the oldest that waits was queued, milliseconds since 1970; `nil` when nothing waits.
    package var oldest: Int64?
    /// Of the oldest that failed, else of the latest attempt that did not succeed.
    package var reason: String?
    /// What is being sent.
    package var uploading: String?
    /// Objects known to be stored, and their bytes.
    package var objects = 0
    package var objectBytes = 0
    /// Objects whose local file was removed.
    package var removedHere = 0
    package var requests = ObjectStorageCounts()
}
