import Foundation

/// Whose requests these are. Its description never holds the secret.
package struct ObjectStorageCredentials: Sendable, Equatable, CustomStringConvertible {
    package var accessKey: String
    package var secretKey: String
    /// Of temporary credentials; `nil` for lasting ones.
    package var sessionToken: String?

    package init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    package var description: String { "access key \(accessKey)" }

    /// Settings first, then the file, then the environment as Amazon's own tools know it. A source is taken whole, so
    /// that one key never meets another's secret. What none of them holds is empty, and ``ObjectStorageSettings/check()``
    /// says so.
    package static func find(
        accessKey: String?, secretKey: String?, file: String?, environment: [String: String]
    ) throws(ObjectStorageSettings.Fault) -> ObjectStorageCredentials {
        if accessKey != nil || secretKey != nil {
            return ObjectStorageCredentials(accessKey: accessKey ?? "", secretKey: secretKey ?? "")
        }
        if let file { return try read(file: file) }
        return ObjectStorageCredentials(
            accessKey: environment["AWS_ACCESS_KEY_ID"] ?? "", secretKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
            sessionToken: environment["AWS_SESSION_TOKEN"].flatMap { $0.isEmpty ? nil : $0 })
    }

    /// The shape of `~/.aws/credentials`: `name = value` lines; of several `[profiles]` the one named `default`, else
    /// the first.
    package static func read(file: String) throws(ObjectStorageSettings.Fault) -> ObjectStorageCredentials {
        let key = "archive.objects.credentials_file"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw .init(key: key, reason: "\(file) cannot be read")
        }
        var profiles: [(name: String, values: [String: String])] = [("default", [:])]
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), line.hasSuffix("]") {
                profiles.append((line.dropFirst().dropLast().trimmingCharacters(in: .whitespaces), [:]))
                continue
            }
            guard let equals = line.firstIndex(of: "=") else {
                // The line itself may be a secret, so it is not repeated.
                throw .init(key: key, reason: "\(file) has a line that is not `name = value`")
            }
            let name = line[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
            profiles[profiles.count - 1].values[name] = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
        }
        let filled = profiles.filter { !$0.values.isEmpty }
        guard let values = (filled.first { $0.name == "default" } ?? filled.first)?.values,
            let accessKey = values["aws_access_key_id"], let secretKey = values["aws_secret_access_key"], !accessKey.isEmpty,
            !secretKey.isEmpty
        else { throw .init(key: key, reason: "\(file) does not hold aws_access_key_id and aws_secret_access_key") }
        return ObjectStorageCredentials(accessKey: accessKey, secretKey: secretKey, sessionToken: values["aws_session_token"])
    }
}
