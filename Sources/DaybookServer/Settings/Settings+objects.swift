import Archive
import Foundation

extension Settings {
    /// `archive.objects.…`; `nil` when no endpoint is set, and then nothing else of it may be.
    static func objects(
        _ reader: inout SettingsReader, environment: [String: String]
    ) throws(SettingsError) -> ObjectStorageSettings? {
        let endpoint = reader.text("archive.objects.endpoint")
        let region = reader.text("archive.objects.region")
        let bucket = reader.text("archive.objects.bucket")
        let prefix = reader.text("archive.objects.prefix")
        let addressing = reader.text("archive.objects.addressing", default: "path")
        let accessKey = reader.text("archive.objects.access_key")
        let secretKey = reader.text("archive.objects.secret_key")
        let file = reader.text("archive.objects.credentials_file")
        let authorities = reader.text("archive.objects.ca_file")
        let connect = try reader.duration(
            "archive.objects.connect_timeout", in: .milliseconds(100)...(.seconds(300)), default: .seconds(10))
        let stall = try reader.duration("archive.objects.stall_timeout", in: .seconds(1)...(.seconds(3600)), default: .seconds(30))
        let partBytes = try reader.bytes("archive.objects.part_bytes", in: 5 << 20...1 << 30, default: 16 << 20)
        let localDays = try reader.count("archive.local_days", in: 0...1_000_000, default: 0)
        guard let endpoint else {
            if bucket != nil { throw reader.fault("archive.objects.endpoint", "it is missing beside archive.objects.bucket") }
            // Removing the only copy is nothing that a setting may ask for.
            if localDays > 0 { throw reader.fault("archive.local_days", "it needs archive.objects.endpoint: days are stored nowhere else") }
            return nil
        }
        do throws(ObjectStorageSettings.Fault) {
            guard let addressing = ObjectStorageSettings.Addressing(rawValue: addressing) else {
                throw .init(key: "archive.objects.addressing", reason: "\"\(addressing)\" is neither path nor host")
            }
            var settings = ObjectStorageSettings(
                endpoint: endpoint, bucket: bucket ?? "",
                credentials: try .find(accessKey: accessKey, secretKey: secretKey, file: file, environment: environment))
            if let region { settings.region = region }
            settings.prefix = prefix ?? ""
            settings.addressing = addressing
            settings.authorities = authorities
            settings.connectTimeout = connect
            settings.stallTimeout = stall
            settings.partBytes = partBytes
            settings.localDays = localDays > 0 ? localDays : nil
            try settings.check()
            return settings
        } catch {
            throw reader.fault(error.key, error.reason)
        }
    }

    /// Only these settings, for commands that talk to the service and need no server.
    package static func readObjects(config: String?, environment: [String: String]) throws(SettingsError) -> ObjectStorageSettings {
        let named = config ?? environment["DAYBOOK_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        var file: SettingsFile?
        if let path = named ?? (FileManager.default.fileExists(atPath: standardFile) ? standardFile : nil) {
            file = try SettingsFile.read(path)
        }
        var reader = SettingsReader(commandLine: [:], environment: environment, file: file)
        guard let settings = try objects(&reader, environment: environment) else {
            throw reader.fault("archive.objects.endpoint", "it is not set, so nothing is stored remotely")
        }
        return settings
    }
}
