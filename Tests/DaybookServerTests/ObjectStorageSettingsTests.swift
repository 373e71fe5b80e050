import Archive
import Foundation
import Testing

@testable import DaybookServer

@Suite struct ObjectStorageSettingsTests {
    private func read(_ text: String, environment: [String: String] = [:]) throws -> ObjectStorageSettings? {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-\(UUID().uuidString).yaml").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let options = ServeOptions(config: path, pipelines: TestServer.pipelines)
        return try Settings.read(options, environment: environment).archive.objects
    }

    private static let keys = ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S"]

    @Test("without an endpoint nothing is stored remotely")
    func absent() throws { #expect(try read("", environment: Self.keys) == nil) }

    @Test("settings and the environment's keys make a service")
    func present() throws {
        let text =
            "archive: {local_days: 30, objects: {endpoint: 'https://x', bucket: days, prefix: p/, addressing: host, part_bytes: 8MiB}}"
        let settings = try #require(try read(text, environment: Self.keys))
        #expect(settings.bucket == "days" && settings.prefix == "p/" && settings.addressing == .virtualHost)
        #expect(settings.partBytes == 8 << 20 && settings.localDays == 30 && settings.credentials.secretKey == "S")
    }

    @Test(
        "a wrong setting stops the start and is named",
        arguments: [
            ("archive: {local_days: 30}", "archive.local_days"), ("archive: {objects: {bucket: days}}", "archive.objects.endpoint"),
            ("archive: {objects: {endpoint: 'https://x'}}", "archive.objects.bucket"),
            ("archive: {objects: {endpoint: x, bucket: days}}", "archive.objects.endpoint"),
            ("archive: {objects: {endpoint: 'https://x', bucket: days, addressing: both}}", "archive.objects.addressing"),
            ("archive: {objects: {endpoint: 'https://x', bucket: days, part_bytes: 1MiB}}", "archive.objects.part_bytes"),
            ("archive: {objects: {endpoint: 'https://x', bucket: days, access_key: B}}", "archive.objects.secret_key"),
            ("archive: {objects: {endpoint: 'https://x', bucket: days, credentials_file: /no}}", "archive.objects.credentials_file"),
        ])
    func wrong(text: String, key: String) {
        #expect { try read(text, environment: Self.keys) } throws: { ($0 as? SettingsError)?.key == key }
    }
}
