import Testing

@testable import Archive

@Suite struct PersonEraserTests {
    private static let head =
        #"{"seq":7,"id":"01a160e8-59da-7725-aa68-9d89bde169fc","received":"2026-11-20T00:00:02.522Z","time":"2026-11-20T00:00:02.522Z","tenant":"acme","kind":"activity","type":"user.update","action":"update","outcome":"success","severity":"low","#

    private static func line(_ rest: String) -> String { head + rest + "}" }

    private static func erase(_ person: Person, _ rest: String) -> String? {
        var eraser = PersonEraser(person)
        let bytes = Array(line(rest).utf8)
        return bytes.withUnsafeBytes { eraser.replacement(for: $0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    private static var mei: Person {
        var person = Person(id: "u000002", email: "Mei.Olsen1@oscorp00.example.com")
        person.names = ["mei olsen"]
        return person
    }

    @Test("who did it, from where, and every mention goes; the rest stays byte for byte")
    func actor() {
        let rest =
            #""actor":{"type":"user","id":"u000002","name":"Mei Olsen","email":"mei.olsen1@oscorp00.example.com"},"summary":"MEI OLSEN updated it, see \"https://x/?u=mei.olsen1%40oscorp00.example.com&n=Mei%20Olsen\"","source":{"ip":"1.2.3.4","user_agent":"curl"},"session":"s1","labels":{"mei.olsen1@oscorp00.example.com":"owner"}"#
        #expect(
            Self.erase(Self.mei, rest)
                == Self.line(
                    #""actor":{"type":"user","id":"[erased]","name":"[erased]","email":"[erased]"},"summary":"[erased] updated it, see \"https://x/?u=[erased]&n=[erased]\"","source":{"ip":"[erased]","user_agent":"[erased]"},"session":"[erased]","labels":{"[erased]":"owner"}"#
                ))
    }

    @Test(
        "somebody else's event stays, however alike",
        arguments: [
            #""actor":{"type":"user","id":"u0000021","email":"xmei.olsen1@oscorp00.example.com"}"#,
            #""actor":{"type":"user","id":"au000002","email":"mei.olsen1@oscorp00.example.com.au"}"#,
            #""actor":{"type":"user","id":"u000002-b","name":"Mei Olsenius","email":"a.mei.olsen1@oscorp00.example.com"}"#,
            #""actor":{"type":"user","id":"u3"},"summary":"nothing of the kind""#,
        ])
    func others(rest: String) { #expect(Self.erase(Self.mei, rest) == nil) }

    @Test("who is only mentioned does not take the actor's address along")
    func mention() {
        let rest =
            #""actor":{"type":"admin","id":"boss"},"target":{"type":"user","id":"u000002"},"source":{"ip":"1.2.3.4"},"changes":[{"field":"email","op":"set","old":"mei.olsen1@oscorp00.example.com","new":null}]"#
        #expect(
            Self.erase(Self.mei, rest)
                == Self.line(
                    #""actor":{"type":"admin","id":"boss"},"target":{"type":"user","id":"[erased]"},"source":{"ip":"1.2.3.4"},"changes":[{"field":"email","op":"set","old":"[erased]","new":null}]"#
                ))
    }

    @Test("a short id goes only where a person stands")
    func shortID() {
        let rest =
            #""actor":{"type":"user","id":"42"},"target":{"type":"ticket","id":"42"},"summary":"42 things""#
        #expect(
            Self.erase(Person(id: "42"), rest)
                == Self.line(#""actor":{"type":"user","id":"[erased]"},"target":{"type":"ticket","id":"42"},"summary":"42 things""#))
        let target = #""actor":{"type":"admin","id":"1"},"targets":[{"type":"ticket","id":"42"},{"type":"user","id":"42"}]"#
        #expect(
            Self.erase(Person(id: "42"), target)
                == Self.line(#""actor":{"type":"admin","id":"1"},"targets":[{"type":"ticket","id":"42"},{"type":"user","id":"[erased]"}]"#))
    }

    @Test("a name that others bear goes from the person's events only")
    func sharedName() {
        var person = Person(email: "ada@example.com")
        person.sharedNames = ["ada li"]
        #expect(Self.erase(person, #""actor":{"type":"user","id":"9","name":"Ada Li","email":"ada2@example.com"}"#) == nil)
        #expect(
            Self.erase(person, #""actor":{"type":"user","name":"Ada Li","email":"ADA@example.com"},"summary":"Ada Li left""#)
                == Self.line(#""actor":{"type":"user","name":"[erased]","email":"[erased]"},"summary":"[erased] left""#))
    }

    @Test("names of other alphabets are found in both cases, and between escapes")
    func alphabets() {
        var person = Person(id: "u-77ab")
        person.names = ["émile ødegård"]
        #expect(
            Self.erase(person, #""actor":{"type":"user","id":"x"},"summary":"\"ÉMILE ØDEGÅRD\"\n and Émile Ødegård,""#)
                == Self.line(#""actor":{"type":"user","id":"x"},"summary":"\"[erased]\"\n and [erased],""#))
    }

    @Test("quotes, dashes and arrows of any alphabet end a word, and letters of any alphabet do not")
    func neighbours() {
        let rest =
            "\"actor\":{\"type\":\"user\",\"id\":\"x\"},\"summary\":\"“mei.olsen1@oscorp00.example.com” Mei Olsen’s→Mei Olsen éMei Olsen\""
        #expect(
            Self.erase(Self.mei, rest)
                == Self.line("\"actor\":{\"type\":\"user\",\"id\":\"x\"},\"summary\":\"“[erased]” [erased]’s→[erased] éMei Olsen\""))
    }

    @Test("what JSON escapes is found")
    func escaped() {
        #expect(
            Self.erase(Person(id: #"CORP\mmeier"#), #""actor":{"type":"user","id":"CORP\\mmeier"}"#)
                == Self.line(#""actor":{"type":"user","id":"[erased]"}"#))
    }

    @Test("a ticket with the person's number keeps its name, and a type counts for its own object only")
    func numbers() {
        var discovery = PersonDiscovery(Person(id: "42"))
        let ticket = Array(
            Self.line(#""actor":{"type":"user","id":"7"},"target":{"type":"ticket","id":"42","name":"Quarterly Report"}"#).utf8)
        ticket.withUnsafeBytes { discovery.learn($0) }
        #expect(discovery.finish().names.isEmpty)
        #expect(Self.erase(Person(id: "42"), #""actor":{"type":"user","id":"7"},"target":{"id":"42","name":"Q"}"#) == nil)
    }

    @Test("rejected input is any text, cut off or not")
    func text() {
        var eraser = PersonEraser(Self.mei)
        let text = Array(#"{"actor":{"id":"u000002","email":"mei.olsen1@oscorp00.example.com","note":"Mei Olsen, u0000021"#.utf8)
        let erased = text.withUnsafeBytes { eraser.replacement(forText: $0) }.map { String(decoding: $0, as: UTF8.self) }
        #expect(erased == #"{"actor":{"id":"[erased]","email":"[erased]","note":"[erased], u0000021"#)
        #expect(Array("nothing of mei".utf8).withUnsafeBytes { eraser.replacement(forText: $0) } == nil)
    }

    @Test("an e-mail is learned from the id, names beside it too, and who shares a name is noticed")
    func discovery() {
        let lines = [
            #""actor":{"type":"user","id":"u000002","name":"Mei Olsen","email":"Mei@example.com"}"#,
            #""actor":{"type":"user","id":"u000009","name":"Mei Olsen","email":"other@example.com"}"#,
            #""actor":{"type":"user","id":"u000002","name":"Mei Berg"}"#,
            #""actor":{"type":"user","id":"u000077","email":"mei@example.com"}"#,
        ].map { Array(Self.line($0).utf8) }
        var discovery = PersonDiscovery(Person(id: "u000002"))
        for line in lines { line.withUnsafeBytes { discovery.learn($0) } }
        let names = discovery.nameNeedles
        for line in lines { line.withUnsafeBytes { discovery.compare($0, names) } }
        let person = discovery.finish()
        #expect(person.ids == ["u000002"] && person.emails == ["mei@example.com"])
        #expect(person.names == ["mei berg"] && person.sharedNames == ["mei olsen"])
    }

    @Test("A short id with a letter is found as it was given, in whatever order its spellings come")
    func spellings() {
        // The order of a set differs from one to the next.
        for number in 0..<50 {
            let id = "u\(number)"
            #expect(Needle.variants(of: id).map(\.bytes) == [Array(id.utf8)])
        }
    }
}
