import EventModel
import Foundation

/// The name of a members file. The packer's are `2026-11-21.0007.members`; a compacted one names the range of the
/// packer's pieces whose events it holds, `2026-11-21.0001-0006.members`, and so says without any index which files it
/// takes the place of. One in which lines were replaced has the range of the one before and the next revision,
/// `2026-11-21.0001-0006.r1.members`.
struct PieceName: Hashable, Sendable {
    var numbers: ClosedRange<UInt32>
    var isCompacted: Bool
    /// How often its lines were rewritten since it was compacted.
    var revision = 0

    static let suffix = ".members"
    /// A file that is still being written. Nothing refers to it, and it is deleted at the next start.
    static let unfinishedSuffix = ".members.unfinished"

    init(_ number: UInt32) { (numbers, isCompacted) = (number...number, false) }

    init(compacted numbers: ClosedRange<UInt32>, revision: Int = 0) {
        (self.numbers, isCompacted, self.revision) = (numbers, true, revision)
    }

    /// Of the file that takes its place when lines of it are replaced.
    var rewritten: PieceName { PieceName(compacted: numbers, revision: isCompacted ? revision + 1 : 0) }

    /// `nil` when this is no piece's name.
    init?(fileName: String) {
        guard fileName.hasSuffix(Self.suffix), Self.day(ofFile: fileName) != nil else { return nil }
        let parts = fileName.dropLast(Self.suffix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count) else { return nil }
        if parts.count == 3 {
            guard parts[2].first == "r", let revision = Int(parts[2].dropFirst()), revision > 0 else { return nil }
            self.revision = revision
        }
        let numbers = parts[1].split(separator: "-", omittingEmptySubsequences: false).map { UInt32($0) }
        guard (1...2).contains(numbers.count), let first = numbers[0], let last = numbers[numbers.count - 1], first <= last else {
            return nil
        }
        self.numbers = first...last
        isCompacted = numbers.count == 2
    }

    func fileName(day: Int64) -> String {
        let digits = { (number: UInt32) in String(repeating: "0", count: max(0, 4 - String(number).count)) + String(number) }
        let range = isCompacted ? "\(digits(numbers.lowerBound))-\(digits(numbers.upperBound))" : digits(numbers.lowerBound)
        return "\(Partition.name(day: day)).\(range)\(revision == 0 ? "" : ".r\(revision)")\(Self.suffix)"
    }

    /// Whether it holds all events of `other`, which is then the rest of a compaction or rewrite that was interrupted.
    func supersedes(_ other: PieceName) -> Bool {
        if isCompacted, other.isCompacted, numbers == other.numbers { return revision > other.revision }
        return isCompacted && other != self && numbers.lowerBound <= other.numbers.lowerBound
            && numbers.upperBound >= other.numbers.upperBound
    }

    /// The day of any file of a partition: its name begins with it.
    static func day(ofFile name: String) -> Int64? { Timestamp(day: String(name.prefix(10)))?.dayNumber }
}

/// A members file as the index knows it.
struct Piece: Sendable, Equatable {
    /// Never used again within the day.
    var id: UInt32
    var name: PieceName
    /// End of the last member that a block refers to.
    var bytes: Int
    /// The packer may append to it.
    var isOpen = false
    /// The packer is appending to it just now.
    var isBusy = false
}

/// The pieces of one partition, oldest first: what packer and compactor agree on.
struct PieceList: Sendable {
    private(set) var pieces: [Piece] = []
    private var nextID: UInt32 = 1
    private var nextNumber: UInt32 = 1

    init(_ pieces: [Piece] = []) {
        self.pieces = pieces.sorted { $0.name.numbers.lowerBound < $1.name.numbers.lowerBound }
        nextID = (pieces.map(\.id).max() ?? 0) + 1
        nextNumber = (pieces.map(\.name.numbers.upperBound).max() ?? 0) + 1
    }

    var bytes: Int { pieces.reduce(0) { $0 + $1.bytes } }

    mutating func takeID() -> UInt32 {
        defer { nextID += 1 }
        return nextID
    }

    /// A new piece for the packer, open and busy. Its number is not given again, whatever becomes of it.
    mutating func open() -> Piece {
        let piece = Piece(id: takeID(), name: PieceName(nextNumber), bytes: 0, isOpen: true, isBusy: true)
        nextNumber += 1
        pieces.append(piece)
        return piece
    }

    /// Marks the packer's piece as busy; `false` when it was closed meanwhile.
    mutating func resume(_ id: UInt32) -> Bool {
        guard let index = pieces.firstIndex(where: { $0.id == id }), pieces[index].isOpen else { return false }
        pieces[index].isBusy = true
        return true
    }

    mutating func appended(_ id: UInt32, end: Int, closes: Bool) {
        guard let index = pieces.firstIndex(where: { $0.id == id }) else { return }
        pieces[index].bytes = end
        pieces[index].isBusy = false
        if closes { pieces[index].isOpen = false }
    }

    /// Nothing is appended to it any more; `true` when nothing in it is referred to, and it is gone from the list.
    mutating func close(_ id: UInt32) -> Bool {
        guard let index = pieces.firstIndex(where: { $0.id == id }) else { return false }
        pieces[index].isOpen = false
        pieces[index].isBusy = false
        if pieces[index].bytes > 0 { return false }
        pieces.remove(at: index)
        return true
    }

    /// Closes those of `ids` that the packer has open; `false` when one of them is gone or is being appended to.
    mutating func close(forCompaction ids: Set<UInt32>) -> Bool {
        let indices = pieces.indices.filter { ids.contains(pieces[$0].id) }
        guard indices.count == ids.count, indices.allSatisfy({ !pieces[$0].isBusy }) else { return false }
        for index in indices { pieces[index].isOpen = false }
        return true
    }

    mutating func replace(_ ids: Set<UInt32>, with piece: Piece) {
        pieces.removeAll { ids.contains($0.id) }
        pieces.append(piece)
        pieces.sort { $0.name.numbers.lowerBound < $1.name.numbers.lowerBound }
    }
}
