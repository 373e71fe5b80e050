import EventModel
import Foundation

/// A CloudEvent taken apart, whatever mode it came in, and put together as a plain event.
struct CloudEventParts {
    private var attributes: [(name: String, json: ArraySlice<UInt8>)] = []
    private var names: Set<String> = []
    var data: ArraySlice<UInt8>?

    mutating func take(_ name: String, _ json: ArraySlice<UInt8>) throws(Rejection) {
        guard names.insert(name).inserted else { throw Self.fault(name, "\"\(name)\" stands twice in the CloudEvent", code: .duplicateKey) }
        switch name {
        case "data":
            if data != nil { throw Self.fault("data", "data and data_base64 must not both be there") }
            data = json
        case "data_base64":
            if data != nil { throw Self.fault("data_base64", "data and data_base64 must not both be there") }
            guard let text = Self.text(json), let decoded = Data(base64Encoded: text) else {
                throw Self.fault("data_base64", "data_base64 must be a string in base64 (RFC 4648)")
            }
            data = Array(decoded)[...]
        default: attributes.append((name, json))
        }
    }

    /// A member's name without its escapes.
    static func name(_ written: String) throws(Rejection) -> String {
        guard written.utf8.contains(UInt8(ascii: "\\")) else { return written }
        guard let name = text(Array("\"\(written)\"".utf8)[...]) else {
            throw fault("", "the name of a member holds an escape that is none", code: .invalidJSON)
        }
        return name
    }

    private func value(_ name: String) -> ArraySlice<UInt8>? {
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
        var displaced: [(key: String, json: ArraySlice<UInt8>)] = []
        var extensions: [(key: String, json: ArraySlice<UInt8>)] = []
        var taken = Set(members.map(\.key))
        let hasTarget = taken.contains("target") || taken.contains("targets") || taken.contains("resource")
        taken.formUnion(["original_id", "type", "time", "producer", "target"])
        var json = JSONBytes()
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
            if let subject = value("subject"), !hasTarget {
                json.key("target")
                json.object { json in
                    json.key("id")
                    json.raw(subject)
                }
            }
            for member in members {
                let isDisplaced =
                    ["original_id", "type", "producer", "id"].contains(member.key) || member.key == "time" && value("time") != nil
                if isDisplaced { displaced.append(member) } else { Self.write(member, to: &json) }
            }
            for (name, value) in attributes where !Self.known.contains(name) {
                if taken.insert(name).inserted { Self.write((name, value), to: &json) } else { extensions.append((name, value)) }
            }
            for (name, kept) in [("cloudevent_data", displaced), ("cloudevent_attributes", extensions)] where !kept.isEmpty {
                json.key(Self.free(name, &taken))
                json.object { json in for member in kept { Self.write(member, to: &json) } }
            }
        }
        return json.bytes
    }

    private static func write(_ member: (key: String, json: ArraySlice<UInt8>), to json: inout JSONBytes) {
        json.key(member.key)
        json.raw(member.json)
    }

    /// `name`, or with the first number behind it that makes it nobody else's.
    private static func free(_ name: String, _ taken: inout Set<String>) -> String {
        var number = 1
        var free = name
        while !taken.insert(free).inserted {
            number += 1
            free = "\(name)_\(number)"
        }
        return free
    }

    private static let known: Set = ["specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema"]

    static func isJSON(_ contentType: String?) -> Bool { contentType.map { $0.lowercased().contains("json") } ?? true }

    /// Whether these bytes are one value and bring no member of their own along.
    static func isOneValue(_ data: ArraySlice<UInt8>) -> Bool {
        let wrapped = Array("{\"data\":".utf8) + data + Array("}".utf8)
        return wrapped.withUnsafeBytes { JSONMembers.read($0)?.count } == 1
    }

    /// The data's members where it is an object; else the data as a member of its own.
    private func dataMembers() throws(Rejection) -> [(key: String, json: ArraySlice<UInt8>)] {
        guard let data, !data.elementsEqual("null".utf8), !data.isEmpty else { return [] }
        if Self.isJSON(value("datacontenttype").flatMap(Self.text)) {
            guard Self.isOneValue(data) else {
                throw Self.fault("data", "the data is not one JSON value, as its content type says", code: .invalidJSON)
            }
            guard let members = data.withUnsafeBytes({ JSONMembers.read($0) }) else { return [("data", data)] }
            var named: [(key: String, json: ArraySlice<UInt8>)] = []
            for member in members {
                let json = data[data.startIndex + member.value.lowerBound..<data.startIndex + member.value.upperBound]
                named.append((try Self.name(member.key), json))
            }
            return named
        }
        // In structured mode `data` is a JSON value, a string as a rule, whatever its content is (JSON format, section 3.1).
        if names.contains("data") { return [("data", data)] }
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
