/// A new signing key, named by the old one: who trusts the signer of this record may trust `key` from then on.
package struct KeyRecord: RecordContent {
    package static let type = "key"

    /// The new key as `NAME+HASH+BASE64`.
    package var key: VerifierKey
    /// Milliseconds since 1970.
    package var at: Int64

    package init(key: VerifierKey, at: Int64) {
        self.key = key
        self.at = at
    }

    package var members: [(String, JSONDocument)] { [("key", .string(key.description)), ("at", .time(at))] }

    package init(_ members: JSONMembers) throws { self.init(key: try VerifierKey(try members.string("key")), at: try members.time("at")) }
}
