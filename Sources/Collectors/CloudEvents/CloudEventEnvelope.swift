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
/// | extensions | members of their own name, where the data has none |
///
/// Attributes win over members of the data with the name they become, as the envelope is what the sender's system vouches for;
/// what they displace is kept under `cloudevent_data`. It writes JSON text for the normaliser, so a CloudEvent passes
/// the same pipelines and the same checks as any other event. https://github.com/cloudevents/spec/blob/v1.0.2
struct CloudEventEnvelope {
    /// Attributes of the binary mode; `nil` in the structured ones.
    let binary: CloudEventAttributes?

    /// The plain event's JSON with ``Limits/parserPadding`` zero bytes behind it.
    func event(in raw: UnsafeRawBufferPointer) throws(Rejection) -> [UInt8] {
        var parts = Parts()
        if let binary {
            for (name, value) in binary.values.sorted(by: { $0.key < $1.key }) {
                var json = JSONBytes()
                json.string(value)
                parts.attributes.append((name, json.bytes[...]))
            }
            parts.data = Array(raw)[...]
        } else {
            guard let members = JSONMembers.read(raw) else { return Self.padded(Array(raw)) }
            for member in members { try parts.take(member.key, Array(raw[member.value])[...]) }
        }
        try parts.check()
        return Self.padded(try parts.event())
    }

    private static func padded(_ json: [UInt8]) -> [UInt8] { json + [UInt8](repeating: 0, count: Limits.parserPadding) }

    private struct Parts {
        var attributes: [(name: String, json: ArraySlice<UInt8>)] = []
        var data: ArraySlice<UInt8>?

        mutating func take(_ name: String, _ json: ArraySlice<UInt8>) throws(Rejection) {
            switch name {
            case "data":
                if data == nil { data = json } else { throw Self.fault("data", "data and data_base64 must not both be there") }
            case "data_base64":
                if data != nil { throw Self.fault("data_base64", "data and data_base64 must not both be there") }
                guard let text = Self.text(json), let decoded = Data(base64Encoded: text) else {
                    throw Self.fault("data_base64", "data_base64 must be a string in base64 (RFC 4648)")
                }
                data = Array(decoded)[...]
            default: attributes.append((name, json))
            }
        }

        func value(_ name: String) -> ArraySlice<UInt8>? {
            attributes.first { $0.name == name && !$0.json.elementsEqual("null".utf8) }?.json
        }

        func check() throws(Rejection) {
            for name in ["specversion", "id", "source", "type"] {
                guard let json = value(name) else {
                    throw Self.fault(name, "the attribute \(name) of the CloudEvent is missing", code: .required)
                }
                guard let text = Self.text(json), !text.isEmpty else {
                    throw Self.fault(name, "the attribute \(name) must be a string that is not empty", code: .wrongType)
                }
                if name == "specversion", text != "1.0" {
                    throw Self.fault(name, "CloudEvents of version \"\(text.prefix(16))\" are not understood; send 1.0")
                }
            }
            for name in ["time", "subject", "datacontenttype", "dataschema"] {
                if let json = value(name), Self.text(json) == nil {
                    throw Self.fault(name, "the attribute \(name) must be a string", code: .wrongType)
                }
            }
            if let json = value("time"), let text = Self.text(json), Timestamp(text) == nil {
                throw Self.fault("time", "the attribute time must be a time of RFC 3339, such as 2026-11-20T12:34:56Z")
            }
        }

        func event() throws(Rejection) -> [UInt8] {
            let members = try dataMembers()
            let names = Set(members.map(\.key))
            var json = JSONBytes()
            var displaced: [(key: String, json: ArraySlice<UInt8>)] = []
            json.object { json in
                for (name, member) in [("id", "original_id"), ("type", "type"), ("time", "time")] {
                    guard let value = value(name) else { continue }
                    json.key(member)
                    json.raw(value)
                }
                json.key("producer")
                json.object { json in
                    json.key("name")
                    json.raw(value("source")!)
                }
                if let subject = value("subject"), !names.contains("target"), !names.contains("targets"), !names.contains("resource") {
                    json.key("target")
                    json.object { json in
                        json.key("id")
                        json.raw(subject)
                    }
                }
                for member in members {
                    let isTaken =
                        member.key == "original_id" || member.key == "type" || member.key == "producer"
                        || member.key == "time" && value("time") != nil
                        || member.key == "id"
                    if isTaken {
                        displaced.append(member)
                    } else {
                        json.key(member.key)
                        json.raw(member.json)
                    }
                }
                for (name, value) in attributes
                where !Self.known.contains(name) && !names.contains(name) && name != "target" && name != "original_id" {
                    json.key(name)
                    json.raw(value)
                }
                guard !displaced.isEmpty, !names.contains("cloudevent_data") else { return }
                json.key("cloudevent_data")
                json.object { json in
                    for member in displaced {
                        json.key(member.key)
                        json.raw(member.json)
                    }
                }
            }
            return json.bytes
        }

        private static let known: Set = [
            "specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema", "producer",
        ]

        /// The data's members where it is an object; else the data as a member of its own.
        private func dataMembers() throws(Rejection) -> [(key: String, json: ArraySlice<UInt8>)] {
            guard let data, !data.elementsEqual("null".utf8), !data.isEmpty else { return [] }
            let isJSON = value("datacontenttype").flatMap(Self.text).map { $0.lowercased().contains("json") } ?? true
            if isJSON, let members = data.withUnsafeBytes({ JSONMembers.read($0) }) {
                return members.map { ($0.key, data[data.startIndex + $0.value.lowerBound..<data.startIndex + $0.value.upperBound]) }
            }
            if isJSON { return [("data", data)] }
            guard let text = String(validating: data, as: UTF8.self) else {
                throw Self.fault("data", "the data is neither JSON nor text")
            }
            var json = JSONBytes()
            json.string(text)
            return [("data", json.bytes[...])]
        }

        /// The content of a JSON string without escapes, or with the simple ones.
        private static func text(_ json: ArraySlice<UInt8>) -> String? {
            guard json.count >= 2, json.first == UInt8(ascii: "\""), json.last == UInt8(ascii: "\"") else { return nil }
            let inside = json.dropFirst().dropLast()
            guard inside.contains(UInt8(ascii: "\\")) else { return String(validating: inside, as: UTF8.self) }
            return try? JSONDecoder().decode(String.self, from: Data(json))
        }

        private static func fault(_ field: String, _ message: String, code: Rejection.Code = .invalidValue) -> Rejection {
            Rejection(field: field, code: code, message: message)
        }
    }
}
