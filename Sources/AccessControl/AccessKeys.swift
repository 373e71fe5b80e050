import Crypto
import Foundation
import GRDB
import Synchronization

/// The keys that open this server: kept in `daybook.sqlite` as SHA-256 hashes, checked in memory.
///
/// A key is 160 random bits, so one round of SHA-256 is enough: there is nothing to guess that a slow hash would protect.
/// A check hashes what was sent, finds candidates by the first eight bytes of the hash (which nobody can steer without
/// knowing the key) and compares whole hashes in constant time. It reads no file and takes no lock longer than a copy.
public final class AccessKeys: Sendable {
    private struct Entry {
        var hash: [UInt8]
        var key: AccessKey
    }

    private let database: DatabaseQueue
    private let entries: Mutex<[UInt64: [Entry]]>

    /// The admin key made by ``open(database:renewingFirstKey:)``, if it made one. Told once, kept nowhere in plain text by
    /// this room.
    public let firstKey: String?
    /// Whether ``firstKey`` took the place of one that does not open anything any more.
    public let isFirstKeyRenewed: Bool

    private init(database: DatabaseQueue, entries: [UInt64: [Entry]], firstKey: String?, isFirstKeyRenewed: Bool) {
        self.database = database
        self.entries = Mutex(entries)
        self.firstKey = firstKey
        self.isFirstKeyRenewed = isFirstKeyRenewed
    }

    /// Makes an admin key when the database holds none.
    ///
    /// - Parameter renewingFirstKey: revoke the first admin key and make another: its text is lost, and a hash brings
    ///   nobody back in.
    public static func open(_ control: ControlDatabase, renewingFirstKey: Bool = false) throws -> AccessKeys {
        let database = control.queue
        let (firstKey, revoked) = try database.write { connection -> (String?, Int) in
            if renewingFirstKey {
                try connection.execute(sql: "DELETE FROM keys WHERE role = 'admin' AND name = ?", arguments: [firstKeyName])
            }
            let revoked = renewingFirstKey ? connection.changesCount : 0
            let others = try Int.fetchOne(connection, sql: "SELECT count(*) FROM keys WHERE role = 'admin'") ?? 0
            guard revoked > 0 || others == 0 else { return (nil, 0) }
            return (try insert(connection, name: firstKeyName, role: .admin, tenant: nil), revoked)
        }
        return AccessKeys(database: database, entries: try database.read(load), firstKey: firstKey, isFirstKeyRenewed: revoked > 0)
    }

    /// The key that an `Authorization` header holds; `nil` when it holds none that is valid.
    public func check(authorization header: String?) -> AccessKey? {
        var hashed: HashedAuthorization?
        return check(authorization: header, remembering: &hashed)
    }

    /// The same for one who asks with the same header again and again, such as a connection: only the hash is
    /// remembered and never the outcome, so that a key which is revoked opens nothing from then on.
    public func check(authorization header: String?, remembering hashed: inout HashedAuthorization?) -> AccessKey? {
        guard let header else { return nil }
        if let hashed, hashed.isOf(header) { return key(hashed: hashed.hash) }
        guard let space = header.firstIndex(of: " "), header[..<space].lowercased() == "bearer" else { return nil }
        let hash = Self.hash(String(header[space...].drop { $0 == " " }))
        let found = key(hashed: hash)
        if found != nil { hashed = HashedAuthorization(header: header, hash: hash) }
        return found
    }

    private func key(hashed hash: [UInt8]) -> AccessKey? {
        let candidates = entries.withLock { $0[Self.prefix(hash)] ?? [] }
        var found: AccessKey?
        for entry in candidates where Self.equal(entry.hash, hash) { found = entry.key }
        return found
    }

    private static let firstKeyName = "first admin key"

    private static func insert(_ connection: Database, name: String, role: AccessKey.Role, tenant: String?) throws -> String {
        let key = randomKey()
        try connection.execute(
            sql: "INSERT INTO keys (name, role, tenant, hash, created) VALUES (?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
            arguments: [name, role.rawValue, tenant, Data(hash(key))])
        return key
    }

    private static func load(_ connection: Database) throws -> [UInt64: [Entry]] {
        var entries: [UInt64: [Entry]] = [:]
        for row in try Row.fetchAll(connection, sql: "SELECT id, name, role, tenant, hash FROM keys") {
            guard let role = AccessKey.Role(rawValue: row["role"]) else { continue }
            let hash = [UInt8](row["hash"] as Data)
            entries[prefix(hash), default: []].append(
                Entry(hash: hash, key: AccessKey(id: row["id"], name: row["name"], role: role, tenant: row["tenant"])))
        }
        return entries
    }

    /// `dbk_` and 160 random bits in Crockford's base 32, which has no letters that are mistaken for others.
    private static func randomKey() -> String {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")
        var generator = SystemRandomNumberGenerator()
        return "dbk_" + String((0..<32).map { _ in alphabet.randomElement(using: &generator)! })
    }

    private static func hash(_ key: String) -> [UInt8] { Array(SHA256.hash(data: Array(key.utf8))) }

    private static func prefix(_ hash: [UInt8]) -> UInt64 { hash.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    /// Looks at every byte whatever the first ones say.
    private static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}

/// A header that held a valid key, and that key's hash.
public struct HashedAuthorization: Sendable {
    fileprivate let header: String
    fileprivate let hash: [UInt8]

    /// Looks at every byte: connections of a proxy are shared, and the time this takes must tell nothing of the key.
    fileprivate func isOf(_ other: String) -> Bool {
        guard header.utf8.count == other.utf8.count else { return false }
        var difference: UInt8 = 0
        var bytes = header.utf8.makeIterator()
        for byte in other.utf8 { difference |= byte ^ bytes.next()! }
        return difference == 0
    }
}
