import EventModel
import Foundation

/// Unwraps CloudEvents 1.0 into the plain event that a pipeline reads.
///
/// | attribute | becomes |
/// |---|---|
/// | `id` | `original_id` |
/// | `source` | `producer.name` |
/// | `type` | `type` |
/// | `time` | `time` |
/// | `subject` | `target.id`, where the data names no target |
/// | `data` | the event's other members |
/// | extensions | members of their own name; under `cloudevent_attributes` where the data has one of that name |
///
/// Attributes win over members of the data with the name they become, as the envelope is what the sender's system vouches for;
/// what they displace is kept under `cloudevent_data`. It writes JSON text for the normaliser, so a CloudEvent passes
/// the same pipelines and the same checks as any other event. https://github.com/cloudevents/spec/blob/v1.0.2
struct CloudEventEnvelope {
    /// Attributes of the binary mode; `nil` in the structured ones.
    let binary: CloudEventAttributes?

    /// The plain event's JSON with ``Limits/parserPadding`` zero bytes behind it.
    func event(in raw: UnsafeRawBufferPointer) throws(Rejection) -> [UInt8] {
        var parts = CloudEventParts()
        if let binary {
            for (name, value) in binary.values.sorted(by: { $0.key < $1.key }) {
                var json = JSONBytes()
                json.string(value)
                try parts.take(name, json.bytes[...])
            }
            if !raw.isEmpty { parts.data = Array(raw)[...] }
        } else {
            guard let members = JSONMembers.read(raw) else { return Self.padded(Array(raw)) }
            for member in members { try parts.take(try CloudEventParts.name(member.key), Array(raw[member.value])[...]) }
        }
        try parts.check()
        return Self.padded(try parts.event())
    }

    /// The same event in structured mode, so that it can be kept as one text with all its attributes. Data that is no JSON
    /// value, or another type of content, goes into base64.
    func structured(_ data: [UInt8]) -> [UInt8] {
        guard let binary else { return data }
        let attributes = binary.values.sorted { $0.key < $1.key }
        let isJSON = CloudEventParts.isJSON(binary.values["datacontenttype"]) && CloudEventParts.isOneValue(data[...])
        var json = JSONBytes()
        json.object { json in
            for (name, value) in attributes { json.member(name, value) }
            guard !data.isEmpty else { return }
            if isJSON {
                json.key("data")
                json.raw(data)
            } else {
                json.member("data_base64", Data(data).base64EncodedString())
            }
        }
        return json.bytes
    }

    private static func padded(_ json: [UInt8]) -> [UInt8] { json + [UInt8](repeating: 0, count: Limits.parserPadding) }
}
