import Foundation
import Testing

@testable import Archive

@Suite struct ProofKeyFileTests {
    @Test func aKeyIsMadeOnceAndOnlyItsOwnerReadsIt() throws {
        try withFolder { folder in
            let key = try SigningKey.open(folder: folder)
            #expect(key.name.hasPrefix("daybook-") && key.name.utf8.count == 16)
            #expect(try SigningKey.open(folder: folder).verifier == key.verifier)
            let mode = try FileManager.default.attributesOfItem(atPath: folder + "/signing.key")[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let published = try String(contentsOfFile: folder + "/signing.pub", encoding: .utf8)
            #expect(try VerifierKey(published) == key.verifier)
            #expect(throws: SigningKeyError.self) { try SigningKey.open(folder: folder, name: "another") }
        }
    }

    @Test func takesTheNameItIsGiven() throws {
        try withFolder { folder in
            let name = try SigningKey.open(folder: folder, name: "audit.example.com").name
            #expect(name == "audit.example.com")
            #expect(throws: SigningKeyError.self) { try SigningKey.open(folder: folder, name: "other") }
        }
        try withFolder { folder in #expect(throws: NoteError.self) { try SigningKey.open(folder: folder, name: "two words") } }
    }

    @Test func aLostPublicHalfIsWrittenAgain() throws {
        try withFolder { folder in
            let key = try SigningKey.open(folder: folder)
            try FileManager.default.removeItem(atPath: folder + "/signing.pub")
            _ = try SigningKey.open(folder: folder)
            #expect(try VerifierKey(String(contentsOfFile: folder + "/signing.pub", encoding: .utf8)) == key.verifier)
        }
    }

    @Test func aKeyThatOthersMayReadIsRefused() throws {
        try withFolder { folder in
            _ = try SigningKey.open(folder: folder)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder + "/signing.key")
            let error = #expect(throws: SigningKeyError.self) { try SigningKey.open(folder: folder) }
            #expect(error?.description.contains("mode 640") == true)
        }
    }

    @Test func aDamagedKeyIsRefusedAndNeitherReplacedNorPrinted() throws {
        try withFolder { folder in
            _ = try SigningKey.open(folder: folder)
            let path = folder + "/signing.key"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            for damaged in ["", String(text.dropLast(9)), text.replacingOccurrences(of: "daybook-", with: "daybook_")] {
                try Data(damaged.utf8).write(to: URL(fileURLWithPath: path))
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
                let error = #expect(throws: SigningKeyError.self) { try SigningKey.open(folder: folder) }
                #expect(error.map { !$0.description.contains("AY") && $0.description.contains("damaged") } == true)
                #expect(try String(contentsOfFile: path, encoding: .utf8) == damaged)
            }
        }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "keys-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }
}
