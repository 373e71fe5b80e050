import Foundation

/// What was learned of persons whose erasure has begun and is not over: it was stopped, or a legal hold keeps something
/// that can only go later. The events that told it are erased by then. `tenant=T/.erasing-person-NAME`, one an erasure.
struct UnfinishedErasures {
    let folder: ArchiveFolder
    let tenant: String

    private static let prefix = ".erasing-person"

    private var place: String { folder.folder(of: tenant) }

    /// The person with all that is known from before.
    func joined(_ person: Person) throws -> Person {
        try known().filter { $0.person.isSame(as: person) }.reduce(person) { $0.joined($1.person) }
    }

    /// Durable when it returns.
    func keep(_ person: Person, erasure: String) throws {
        try folder.make(place)
        try folder.replace("\(place)/\(Self.prefix)-\(erasure)", with: [UInt8](try JSONEncoder().encode(person)))
    }

    /// Nothing is left of the person, so nothing needs to be known.
    func forget(_ person: Person) throws {
        for (path, known) in try known() where known.isSame(as: person) {
            guard unlink(path) == 0 || errno == ENOENT else { throw ArchiveFileError(path, "unlink") }
        }
    }

    private func known() throws -> [(path: String, person: Person)] {
        try folder.names(in: place).filter { $0.hasPrefix(Self.prefix) && !$0.hasSuffix(".new") }.sorted().compactMap { name in
            let path = place + "/" + name
            guard let bytes = try folder.read(path), let person = try? JSONDecoder().decode(Person.self, from: Data(bytes)) else {
                return nil
            }
            return (path, person)
        }
    }
}

extension Person {
    fileprivate func isSame(as other: Person) -> Bool { !ids.isDisjoint(with: other.ids) || !emails.isDisjoint(with: other.emails) }

    fileprivate func joined(_ other: Person) -> Person {
        var joined = self
        joined.ids.formUnion(other.ids)
        joined.emails.formUnion(other.emails)
        joined.names.formUnion(other.names)
        joined.sharedNames.formUnion(other.sharedNames)
        return joined
    }
}
