import EventModel
import Foundation

// One line of the log. Letters are rare and read by people, so their lines are plain JSON with every fact in it.
extension DeadLetter {
    var line: [UInt8] {
        var json = JSONBytes()
        json.object { json in
            json.member("id", String(id))
            json.member("received", received.description)
            if let pipeline { json.member("pipeline", pipeline) }
            if let tenant { json.member("tenant", tenant) }
            if let keyTenant { json.member("key_tenant", keyTenant) }
            json.member("line", rejection.line)
            json.member("field", rejection.field)
            json.member("code", rejection.code.rawValue)
            json.member("message", rejection.message)
            json.member("origin", origin)
            json.member("shape", shape.rawValue)
            if let idempotencyKey { json.member("idempotency_key", idempotencyKey) }
            if let text = String(validating: raw, as: UTF8.self) {
                json.member("raw", text)
            } else {
                json.member("raw_base64", Data(raw).base64EncodedString())
            }
        }
        return json.bytes
    }

    /// `nil` for a line that is torn or no letter.
    init?(line: some Sequence<UInt8>) {
        guard let stored = try? JSONDecoder().decode(Stored.self, from: Data(line)), let id = UInt64(stored.id),
            let received = Timestamp(stored.received),
            let raw = stored.raw.map({ Array($0.utf8) }) ?? stored.raw_base64.flatMap({ Data(base64Encoded: $0) }).map(Array.init)
        else { return nil }
        self.init(
            id: id, received: received, tenant: stored.tenant, keyTenant: stored.key_tenant, pipeline: stored.pipeline,
            shape: Shape(rawValue: stored.shape) ?? .json,
            idempotencyKey: stored.idempotency_key, origin: stored.origin,
            rejection: Rejection(
                line: stored.line, field: stored.field, code: Rejection.Code(rawValue: stored.code) ?? .invalidValue,
                message: stored.message),
            raw: raw)
    }

    private struct Stored: Decodable {
        var id: String
        var received: String
        var pipeline: String?
        var tenant: String?
        var key_tenant: String?
        var line: Int
        var field: String
        var code: String
        var message: String
        var origin: String
        var shape: String
        var idempotency_key: String?
        var raw: String?
        var raw_base64: String?
    }
}
