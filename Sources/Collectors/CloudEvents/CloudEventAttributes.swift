/// The attributes of a CloudEvent in binary mode: its `ce-` headers, and `Content-Type` as `datacontenttype`
/// (CloudEvents HTTP binding 1.0.2, section 3.1).
public struct CloudEventAttributes: Sendable, Equatable {
    var values: [String: String] = [:]

    /// `nil` when there are no `ce-` headers. Values are percent-decoded, as section 3.1.3.2 says.
    ///
    /// A form's type is what `curl -d` claims when nobody says otherwise, and says nothing about the data.
    public init?(headers: some Sequence<(name: String, value: String)>) {
        for (name, value) in headers where name.hasPrefix("ce-") {
            values[String(name.dropFirst(3))] = PercentCoding.decode(value) ?? value
        }
        if values.isEmpty { return nil }
        for (name, value) in headers where name == "content-type" && !value.lowercased().hasPrefix("application/x-www-form-urlencoded") {
            values["datacontenttype"] = value
        }
    }
}

/// RFC 3986, section 2.1.
public enum PercentCoding {
    /// `nil` for a `%` without two hexadecimal digits behind it, or bytes that are not UTF-8.
    public static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
