extension Manifest {
    /// Reads a manifest; its bytes must be exactly those that ``encoded()`` makes. Throws ``DocumentError``.
    package init(json bytes: [UInt8]) throws {
        let document: JSONDocument
        do { document = try JSONDocumentReader.read(bytes) } catch {
            throw DocumentError(description: "it is no manifest: byte \(error.offset) is not as the format has it")
        }
        let members = try JSONMembers(document, of: "the manifest")
        let format = try members.number("format")
        guard format == Self.format else {
            throw DocumentError(description: "its format is \(format), this version reads \(Self.format): verify it with a newer version")
        }
        self.init(
            tenant: try members.string("tenant"), day: try members.day("day"),
            contents: members.has("file") ? try Contents(members) : nil, gaps: try Self.ranges(members, "gaps"),
            tree: try Tree(members.object("tree")), previous: try Self.previous(members),
            erasures: try Self.strings(members, "erasures"), sealedAt: try members.time("sealed_at"),
            software: try members.string("software"))
        guard encoded() == bytes else {
            throw DocumentError(description: "it is not written as manifests are: a member, a space or their order differs")
        }
    }

    /// Members in a fixed order, two spaces a level, a newline at the end.
    package func encoded() -> [UInt8] {
        var members: [(String, JSONDocument)] = [
            ("format", .number(Self.format)), ("tenant", .string(tenant)), ("day", .day(day)),
            ("events", .number(contents?.events ?? 0)), ("bytes", .number(contents?.bytes ?? 0)),
        ]
        if let contents { members += contents.members }
        members += [
            ("gaps", .array(gaps.map { .array([.seq($0.lowerBound), .seq($0.upperBound)]) })), ("tree", tree.document),
            ("previous", previous.map { .object([("day", .day($0.day)), ("sha256", .hex($0.digest))]) } ?? .null),
            ("erasures", .array(erasures.map { .string($0) })), ("sealed_at", .time(sealedAt)), ("software", .string(software)),
        ]
        // Last, because they are many.
        if let contents { members.append(("blocks", contents.rows)) }
        return Array(JSONDocument.object(members).pretty().utf8)
    }

    private static func ranges(_ members: JSONMembers, _ key: String) throws(DocumentError) -> [ClosedRange<UInt64>] {
        var ranges: [ClosedRange<UInt64>] = []
        for element in try members.array(key) {
            guard let pair = element.numbers(2), pair[0] <= pair[1], pair[0] > ranges.last?.upperBound ?? 0 else {
                throw members.wrong(key, "ascending pairs of seq")
            }
            ranges.append(pair[0]...pair[1])
        }
        return ranges
    }

    private static func strings(_ members: JSONMembers, _ key: String) throws(DocumentError) -> [String] {
        var strings: [String] = []
        for element in try members.array(key) {
            guard case .string(let text) = element else { throw members.wrong(key, "an array of strings") }
            strings.append(text)
        }
        return strings
    }

    private static func previous(_ members: JSONMembers) throws(DocumentError) -> Previous? {
        if case .null? = members["previous"] { return nil }
        let previous = try members.object("previous")
        return Previous(day: try previous.day("day"), digest: try previous.digest("sha256"))
    }
}

extension Manifest.Contents {
    var members: [(String, JSONDocument)] {
        let file: [(String, JSONDocument)] = [
            ("name", .string(file.name)), ("bytes", .number(file.bytes)), ("sha256", .hex(file.digest)),
        ]
        let kinds = counts.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
        return [
            ("first_seq", .seq(firstSeq)), ("last_seq", .seq(lastSeq)), ("first_received", .time(firstReceived)),
            ("last_received", .time(lastReceived)), ("min_time", .time(minTime)), ("max_time", .time(maxTime)),
            ("positions", .object([("first", .seq(firstPosition)), ("last", .seq(lastPosition))])), ("file", .object(file)),
            ("content_sha256", .hex(digest)), ("line_checks_sha256", .hex(lineChecksDigest)),
            ("counts", .object(kinds.map { ($0.key, .number($0.value)) })),
        ]
    }

    var rows: JSONDocument {
        .array(blocks.map { .array([.seq($0.firstSeq), .number($0.events), .number($0.bytes), .node($0.root)]) })
    }

    init(_ members: JSONMembers) throws(DocumentError) {
        let file = try members.object("file")
        let positions = try members.object("positions")
        let counts = try members.object("counts")
        var blocks: [Manifest.Block] = []
        for row in try members.array("blocks") {
            guard case .array(let fields) = row, fields.count == 4, let root = fields[3].node,
                let numbers = JSONDocument.array(Array(fields[0..<3])).numbers(3), numbers[0] > blocks.last?.firstSeq ?? 0
            else { throw members.wrong("blocks", "rows of first seq, events, bytes and hash") }
            blocks.append(Manifest.Block(firstSeq: numbers[0], events: Int(numbers[1]), bytes: Int(numbers[2]), root: root))
        }
        var kinds: [String: Int] = [:]
        for kind in counts.keys { kinds[kind] = try counts.number(kind) }
        self.init(
            events: try members.number("events"), bytes: try members.number("bytes"), firstSeq: UInt64(try members.number("first_seq")),
            lastSeq: UInt64(try members.number("last_seq")), firstReceived: try members.time("first_received"),
            lastReceived: try members.time("last_received"), minTime: try members.time("min_time"), maxTime: try members.time("max_time"),
            firstPosition: UInt64(try positions.number("first")), lastPosition: UInt64(try positions.number("last")),
            file: Manifest.File(name: try file.string("name"), bytes: try file.number("bytes"), digest: try file.digest("sha256")),
            digest: try members.digest("content_sha256"), lineChecksDigest: try members.digest("line_checks_sha256"), blocks: blocks,
            counts: kinds)
        guard !blocks.isEmpty, blocks[0].firstSeq == firstSeq, blocks.reduce(0, { $0 &+ $1.events }) == events, firstSeq <= lastSeq else {
            throw DocumentError(description: "the blocks of the manifest do not add up to its events")
        }
    }
}

extension Manifest.Tree {
    var document: JSONDocument {
        .object([
            ("first_leaf", .seq(firstLeaf)), ("size", .seq(size)), ("root", .node(root)),
            ("peaks_before", .array(before.hashes.map { .node($0) })), ("nodes", .array(nodes.hashes.map { .node($0) })),
        ])
    }

    init(_ members: JSONMembers) throws(DocumentError) {
        let firstLeaf = UInt64(try members.number("first_leaf"))
        let size = UInt64(try members.number("size"))
        guard let before = CompactRange(size: firstLeaf, peaks: try members.nodes("peaks_before")),
            let nodes = CompactRange(begin: firstLeaf, end: size, hashes: try members.nodes("nodes"))
        else { throw DocumentError(description: "the tree of the manifest has too many or too few hashes for its size") }
        self.init(before: before, nodes: nodes)
        guard root == (try members.node("root")) else {
            throw DocumentError(description: "the root of the manifest is not that of its hashes")
        }
    }
}
