import Foundation
import Testing

@testable import Archive

@Suite struct ObjectStorageSignatureTests {
    /// The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html: they hold the
    /// stub's own computation to Amazon's, and the stub then holds libcurl's to its own.
    @Test(
        arguments: [
            (
                "GET", "/test.txt", ["range": "bytes=0-9"], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            ),
            (
                "PUT", "/test%24file.text", ["date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"],
                "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            ),
            (
                "GET", "/?lifecycle", [:], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
            ),
            (
                "GET", "/?prefix=J&max-keys=2", [:], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
            ),
        ] as [(String, String, [String: String], String, String)])
    func theStubComputesAmazonsPublishedSignatures(
        method: String, target: String, extra: [String: String], hash: String, expected: String
    ) {
        var headers = extra
        headers["host"] = "examplebucket.s3.amazonaws.com"
        headers["x-amz-content-sha256"] = hash
        headers["x-amz-date"] = "20130524T000000Z"
        let signature = ObjectStorageSignature(
            method: method, target: target, headers: headers, signedHeaders: headers.keys.sorted(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", day: "20130524", region: "us-east-1")
        #expect(signature.hex == expected)
    }

    @Test(arguments: [
        "tenant=a b/day=2026-11-20/_manifest.json", "plus+and&and%and%20", "ünïcode/日本/🦔", "a/../b/./c", "~!@#$^*(){}[]|\\\"'`<>?;:,",
        "trailing/", "tab\tand\u{1}",
    ])
    func everyKeyArrivesAsItIsUnderAValidSignature(key: String) throws {
        let fixture = try ObjectStorageFixture()
        let storage = fixture.storage(fixture.settings(prefix: "pre fix=ü+/"))
        let bytes = Array("content".utf8)
        _ = try storage.put(key, bytes)
        #expect(fixture.stub.object("pre fix=ü+/" + key)?.bytes == bytes)
        #expect(try storage.head(key)?.bytes == 7)
        #expect(try storage.get(key, 1..<3).bytes == Array("on".utf8))
        try storage.delete(key)
        #expect(try storage.head(key) == nil)
    }

    @Test func parametersAreSortedAndSigned() throws {
        let fixture = try ObjectStorageFixture()
        for name in ["b &<1", "b &<2", "b &<3", "c"] { fixture.stub.store(name, [1]) }
        let storage = fixture.storage()
        let first = try storage.list(prefix: "b &<", most: 2)
        #expect(first.entries.map(\.name) == ["b &<1", "b &<2"])
        let second = try storage.list(prefix: "b &<", after: first.next, most: 2)
        #expect(second.entries.map(\.name) == ["b &<3"] && second.next == nil)
        // As they stood in the request line: by name, `=` behind each, a plus sign never bare.
        let target = fixture.stub.state.withLock { $0.requests.last!.target }
        #expect(target == "/testbucket?continuation-token=token%2B2&list-type=2&max-keys=2&prefix=b%20%26%3C")
    }

    @Test func theBucketStandsInTheNameOfTheHostWhereThatIsSet() throws {
        var settings = try ObjectStorageFixture().settings()
        settings.endpoint = "https://s3.example.com/"
        settings.addressing = .virtualHost
        #expect(ObjectAddress.url(settings, key: "a=b/c d", query: []) == "https://testbucket.s3.example.com/a%3Db/c%20d")
        #expect(ObjectAddress.url(settings, key: nil, query: [("uploads", "")]) == "https://testbucket.s3.example.com/?uploads=")
        settings.addressing = .path
        #expect(ObjectAddress.url(settings, key: "é", query: []) == "https://s3.example.com/testbucket/%C3%A9")
    }

    @Test func temporaryCredentialsSendTheirToken() throws {
        let fixture = try ObjectStorageFixture()
        var settings = fixture.settings()
        settings.credentials.sessionToken = "token/with+signs=="
        _ = try fixture.storage(settings).put("a", [])
        #expect(fixture.stub.state.withLock { $0.requests.last!.headers["x-amz-security-token"] } == "token/with+signs==")
    }

    @Test func aWrongSecretIsSaidWithWhatToDo() throws {
        let fixture = try ObjectStorageFixture()
        var settings = fixture.settings()
        settings.credentials.secretKey = "wrong"
        let storage = fixture.storage(settings)
        let error = #expect(throws: ObjectStorageError.self) { _ = try storage.put("a", [1]) }
        let text = try #require(error).description
        #expect(text.contains("SignatureDoesNotMatch") && text.contains("secret key") && !text.contains("wrong"))
        #expect(fixture.stub.asked == ["PUT a"])
    }
}
