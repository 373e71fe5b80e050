import Foundation
import Testing

@testable import Archive

@Suite struct ObjectStorageFormTests {
    @Test func xmlIsRead() throws {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?><!-- c --><a:Root xmlns:a='x>"'><Key>a &lt;b&gt; &amp; &#252;&#x1F994;</Key>\
            <Empty/><Empty at = "1"></Empty><In><![CDATA[<raw>&]]></In></a:Root>
            """
        let root = try ObjectXML(Array(text.utf8))
        #expect(root.name == "Root" && root.text("Key") == "a <b> & ü🦔" && root.all("Empty").count == 2 && root.text("In") == "<raw>&")
    }

    @Test(arguments: [
        "", "text", "<a>", "<a></b>", "<a><b></a></b>", "<a/><b/>", "<a>&nbsp;</a>", "<a>&#x110000;</a>", "<a b></a>", "<a b=c/>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a><!ENTITY></a>", "<a/>x", "< a/>", "<a", "<a>&", "<",
    ])
    func whatIsNoXMLIsRefused(text: String) {
        #expect(throws: ObjectXML.Malformed.self) { _ = try ObjectXML(Array(text.utf8)) }
    }

    @Test func depthIsBounded() {
        let deep = String(repeating: "<a>", count: 100_000)
        #expect(throws: ObjectXML.Malformed.self) { _ = try ObjectXML(Array(deep.utf8)) }
    }

    private func settings() -> ObjectStorageSettings {
        ObjectStorageSettings(
            endpoint: "https://s3.example.com", bucket: "days", credentials: .init(accessKey: "A", secretKey: "S"))
    }

    private static let wrong: [(String, @Sendable (inout ObjectStorageSettings) -> Void)] = [
        ("archive.objects.endpoint", { $0.endpoint = "s3.example.com" }), ("archive.objects.endpoint", { $0.endpoint = "ftp://x" }),
        ("archive.objects.endpoint", { $0.endpoint = "https://u:p@x" }), ("archive.objects.region", { $0.region = "" }),
        ("archive.objects.region", { $0.region = "a:b" }), ("archive.objects.bucket", { $0.bucket = "ab" }),
        ("archive.objects.bucket", { $0.bucket = "a/b" }), ("archive.objects.prefix", { $0.prefix = "daybook" }),
        ("archive.objects.prefix", { $0.prefix = "/x/" }), ("archive.objects.access_key", { $0.credentials.accessKey = "" }),
        ("archive.objects.secret_key", { $0.credentials.secretKey = "" }), ("archive.objects.ca_file", { $0.authorities = "/no/such" }),
        ("archive.objects.part_bytes", { $0.partBytes = 1 << 20 }), ("archive.local_days", { $0.localDays = 0 }),
        (
            "archive.objects.addressing",
            {
                $0.addressing = .virtualHost
                $0.endpoint = "http://127.0.0.1:9000"
            }
        ),
    ]

    @Test(arguments: wrong.indices)
    func aWrongSettingIsNamed(index: Int) throws {
        var settings = settings()
        try settings.check()
        Self.wrong[index].1(&settings)
        let fault = #expect(throws: ObjectStorageSettings.Fault.self) { try settings.check() }
        #expect(fault?.key == Self.wrong[index].0)
    }

    @Test func aSourceOfKeysIsTakenWhole() throws {
        let environment = ["AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "ES", "AWS_SESSION_TOKEN": "T"]
        let set = try ObjectStorageCredentials.find(accessKey: "A", secretKey: nil, file: nil, environment: environment)
        #expect(set == .init(accessKey: "A", secretKey: ""))
        let found = try ObjectStorageCredentials.find(accessKey: nil, secretKey: nil, file: nil, environment: environment)
        #expect(found == .init(accessKey: "E", secretKey: "ES", sessionToken: "T"))
        #expect(!"\(found)".contains("ES"))
    }

    @Test func aFileOfKeysIsReadAsAmazonsToolsReadIt() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("keys-\(UUID().uuidString)").path
        defer { unlink(path) }
        try """
        # two of them
        [other]
        aws_access_key_id=O
        aws_secret_access_key=OS
        [default]
          aws_access_key_id = D
        aws_secret_access_key = a=b/c+
        """.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try ObjectStorageCredentials.read(file: path) == .init(accessKey: "D", secretKey: "a=b/c+"))
        try "SECRETWITHOUTNAME".write(toFile: path, atomically: true, encoding: .utf8)
        let fault = #expect(throws: ObjectStorageSettings.Fault.self) { _ = try ObjectStorageCredentials.read(file: path) }
        #expect(fault?.key == "archive.objects.credentials_file" && fault?.reason.contains("SECRET") == false)
        #expect(throws: ObjectStorageSettings.Fault.self) { _ = try ObjectStorageCredentials.read(file: path + "-none") }
    }

    @Test func waitsGrowAndAreBounded() {
        let backoff = Backoff(first: .seconds(1), longest: .seconds(10))
        #expect(backoff.delay(afterAttempt: 1, spread: 1) == .seconds(1))
        #expect(backoff.delay(afterAttempt: 3, spread: 0) == .seconds(2))
        #expect(backoff.delay(afterAttempt: 99, spread: 1) == .seconds(10))
    }
}
