import Collectors
import Foundation
import Hummingbird

/// A small JSON object that somebody sends to decide something: string members only, none of them unknown.
struct JSONBody {
    private let members: [String: String]

    /// Far above what a decision needs.
    private static let largestBytes = 64 << 10

    init(_ call: Call, known: Set<String>) async throws {
        let buffer: ByteBuffer
        do { buffer = try await call.request.body.collect(upTo: Self.largestBytes) } catch {
            throw Problem(413, "too-large", "the body must be a JSON object of at most \(Self.largestBytes) bytes")
        }
        let data = Data(buffer.readableBytesView)
        guard let object = try? JSONSerialization.jsonObject(with: data.isEmpty ? Data("{}".utf8) : data) as? [String: Any] else {
            throw Problem.badBody("the body must be one JSON object")
        }
        var members: [String: String] = [:]
        for (key, value) in object {
            guard known.contains(key) else {
                throw Problem.badBody(
                    "\"\(key.prefix(64))\" is no member of this body; known are \(known.sorted().joined(separator: ", "))")
            }
            if value is NSNull { continue }
            guard let text = value as? String else { throw Problem.badBody("\"\(key)\" must be a string") }
            members[key] = text
        }
        self.members = members
    }

    subscript(_ name: String) -> String? { members[name].flatMap { $0.isEmpty ? nil : $0 } }

    func required(_ name: String) throws -> String {
        guard let value = self[name] else { throw Problem.badBody("\"\(name)\" is required") }
        return value
    }

    /// A date such as `2026-11-20`, as days since 1970.
    func day(_ name: String) throws -> Int64? {
        guard let text = self[name] else { return nil }
        return try Self.day(text, name)
    }

    static func day(_ text: String, _ name: String) throws -> Int64 {
        guard let day = ArchiveDay.number(text) else {
            throw Problem.badBody("\"\(name)\" must be a date such as 2026-11-20, not \"\(text.prefix(64))\"")
        }
        return day
    }
}
