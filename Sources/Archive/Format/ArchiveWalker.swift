/// Takes a file apart member by member, from its begin, without trusting its index.
package struct ArchiveWalker: ~Copyable {
    package enum Part: Sendable, Equatable {
        /// A data member and what it inflates to; its CRC held.
        case lines([UInt8])
        /// An index member or the trailer: its payload.
        case index([UInt8], isTrailer: Bool)
        /// Bytes that are no member, until the next one that is.
        case damage(reason: String)
    }

    package struct Step: Sendable, Equatable {
        package var offset: Int
        package var length: Int
        package var part: Part
    }

    package init(_ source: any ByteSource) { fatalError() }

    /// Parts follow each other without holes up to the end of the file; `nil` behind the last. Throws what the source throws.
    package mutating func next() throws -> Step? { fatalError() }
}
