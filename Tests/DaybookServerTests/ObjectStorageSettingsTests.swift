import Foundation
import Testing

@testable import Archive
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

    @Test("metrics tell what waits for storage, and nothing of it where there is none")
    func metrics() async throws {
        let without = try await TestServer()
        #expect(try await !without.get("/metrics").text.contains("daybook_archive_uploads"))
        await without.close()
        let objects = try #require(try read("archive: {objects: {endpoint: 'http://127.0.0.1:1', bucket: days}}", environment: Self.keys))
        let with = try await TestServer(configure: { $0.archive.objects = objects })
        #expect(try await with.get("/metrics").text.contains("daybook_archive_uploads_waiting 0\n"))
        let uploads = try #require(with.server.archive.uploads)
        try uploads.enqueueDeletion(tenant: "acme", day: 20_777)
        let text = try await with.get("/metrics").text
        #expect(text.contains("daybook_archive_uploads_waiting 1\n") && text.contains("daybook_archive_objects 0\n"))
        await with.close()
    }
}
