import Foundation
import Testing

@testable import Archive

@Suite struct ProofNoteTests {
    /// A note and its key as golang.org/x/mod/sumdb/note, the reference implementation, shows them.
    static let peterKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let peterNote = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

        """

    @Test func readsANoteOfTheReferenceImplementation() throws {
        let key = try VerifierKey(Self.peterKey)
        #expect(key.name == "PeterNeumann" && key.description == Self.peterKey)
        let note = try SignedNote(Array(Self.peterNote.utf8))
        #expect(try note.verify([key]) == [key])
        #expect(note.encoded() == Array(Self.peterNote.utf8))
        let changed = try SignedNote(Array(Self.peterNote.replacingOccurrences(of: "answer", with: "Answer").utf8))
        #expect(throws: NoteError.badSignature("PeterNeumann+c74f20a3")) { try changed.verify([key]) }
    }

    @Test func theReferenceImplementationsKeySignsTheSame() throws {
        // The key pair of that package's example.
        let key = try SigningKey("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
        #expect(key.verifier.description == Self.peterKey)
        let note = try key.sign("If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n")
        try note.verify([VerifierKey(Self.peterKey)])
    }

    @Test func aSignatureOfAnUnknownKeyIsNamedAndPassedOver() throws {
        let (mine, other) = (try SigningKey(name: "mine"), try SigningKey(name: "other"))
        var note = try mine.sign("text\n")
        #expect(throws: NoteError.unknownSigners(["mine+\(VerifierKey.text(id: mine.verifier.id))"])) { try note.verify([other.verifier]) }
        note.signatures.insert(contentsOf: try other.sign("text\n").signatures, at: 0)
        #expect(try SignedNote(note.encoded()).verify([mine.verifier]) == [mine.verifier])
        // Same name, another key: not ours.
        let impostor = try SigningKey(name: "mine").sign("text\n")
        #expect(throws: NoteError.self) { try impostor.verify([mine.verifier]) }
        // Ours by name and id, but not by what was signed.
        var forged = note
        forged.signatures[1].bytes[5] ^= 1
        #expect(throws: NoteError.badSignature(note.signatures[1].signer)) { try forged.verify([mine.verifier]) }
    }

    @Test(arguments: [
        "", "\n", "text\n", "text\n\n", "text\n\nname AAAAAAA=\n", "text\n\n— name\n", "text\n\n— name AAAA\n",
        "text\n\n— na+me AAAAAAA=\n",
        "text\n\n— name AAAAAAA=", "te\txt\n\n— name AAAAAAA=\n", "text\n\n— name  AAAAAAA=\n", "text\n\n— name AAAAAAB=\n",
        "text\n\n— name AAAAAAA= \n",
        "text\r\n\r\n— name AAAAAAA=\n",
    ])
    func whatIsNoNoteIsRefused(_ text: String) {
        #expect(throws: NoteError.self) { try SignedNote(Array(text.utf8)) }
    }

    @Test(arguments: [
        "", "name", "name+12345678", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVk",
    ])
    func whatIsNoVerifierKeyIsRefused(_ text: String) { #expect(throws: NoteError.self) { try VerifierKey(text) } }

    @Test func readsTheCheckpointOfTheSpecification() throws {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        let checkpoint = try Checkpoint(text)
        #expect(checkpoint.size == 20_852_163 && checkpoint.origin == "example.com/behind-the-sofa" && checkpoint.text == text)
        for wrong in [
            "a\n01\n\(checkpoint.root.base64)\n", "a\n-1\n\(checkpoint.root.base64)\n", "a\n1\nAAAA\n", "a\n1\n",
            "\n1\n\(checkpoint.root.base64)\n",
        ] {
            #expect(throws: NoteError.self) { try Checkpoint(wrong) }
        }
    }

    @Test func checkpointsTellTheirDayAndHour() throws {
        let day: Int64 = 20_777
        let digest = Digest(of: [1])
        let sealed = Checkpoint.sealed(origin: "o", tenant: "acme", day: day, size: 3, root: digest, manifest: digest)
        let read = try Checkpoint(sealed.text)
        #expect(read == sealed && read.day == day && read.manifest == digest && read.openHour == nil && read.tenant == "acme")
        #expect(sealed.extensions == ["day 2026-11-20", "manifest sha256:" + digest.hex])
        let open = Checkpoint.open(origin: "o", tenant: "acme", hour: day * 24 + 13, size: 3, root: digest)
        #expect(open.extensions == ["open 2026-11-20T13:00Z"])
        #expect(try Checkpoint(open.text).openHour == day * 24 + 13 && open.day == nil)
    }
}
