import TestSupport
import Testing

@testable import EventStore

@Suite struct CompactionPlanTests {
    private let plan: CompactionPlan = {
        var configuration = EventStoreConfiguration(folder: "")
        configuration.pieceBytes = 64
        configuration.smallestCompactionBytes = 4
        configuration.largestPieceBytes = 512
        return CompactionPlan(configuration)
    }()

    @Test("after any history of packing and compacting, files are as few as the binary digits of their bytes")
    func logarithmic() {
        for seed in 1...20 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            var list = PieceList()
            var packed = 0
            var copied = 0
            for _ in 0..<400 {
                let bytes = 1 + random.below(8)
                let piece = list.open()
                list.appended(piece.id, end: bytes, closes: true)
                packed += bytes
                while true {
                    let chosen = plan.next(list.pieces, isOver: false)
                    if chosen.isEmpty { break }
                    let sum = chosen.reduce(0) { $0 + $1.bytes }
                    copied += sum
                    let name = PieceName(compacted: chosen[0].name.numbers.lowerBound...chosen[chosen.count - 1].name.numbers.upperBound)
                    list.replace(Set(chosen.map(\.id)), with: Piece(id: list.takeID(), name: name, bytes: sum))
                }
                #expect(plan.waitingBytes(list.pieces, isOver: false) == 0)
                #expect(list.bytes == packed, "seed \(seed)")
                #expect(list.pieces.filter(\.name.isCompacted).count <= 10 + packed / 256, "seed \(seed)")
            }
            #expect(copied < packed * 12, "seed \(seed)")
            let over = plan.next(list.pieces, isOver: true)
            #expect(over.isEmpty || over.count > 1 || !over[0].name.isCompacted)
        }
    }

    @Test("what is open and small waits while the day goes on and not when it is over")
    func small() {
        var list = PieceList()
        let piece = list.open()
        #expect(plan.next(list.pieces, isOver: true).isEmpty)
        list.appended(piece.id, end: 3, closes: false)
        #expect(plan.next(list.pieces, isOver: false).isEmpty)
        #expect(plan.waitingBytes(list.pieces, isOver: false) == 0)
        #expect(plan.next(list.pieces, isOver: true).map(\.id) == [piece.id])
        #expect(plan.waitingBytes(list.pieces, isOver: true) == 3)
    }

    @Test("names tell what they hold and what they take the place of")
    func names() {
        let day: Int64 = 20_777
        let file = PieceName(7).fileName(day: day)
        #expect(file.hasSuffix(".0007.members"))
        for name in [PieceName(7), PieceName(12_345), PieceName(compacted: 1...6), PieceName(compacted: 3...3)] {
            #expect(PieceName(fileName: name.fileName(day: day)) == name)
            #expect(PieceName.day(ofFile: name.fileName(day: day)) == day)
        }
        for wrong in [
            "2026-11-20.members", "2026-11-20.0001-.members", "2026-11-20.0003-0001.members", "x.0001.members", "2026-11-20.1.sqlite",
        ] {
            #expect(PieceName(fileName: wrong) == nil, "\(wrong)")
        }
        let wide = PieceName(compacted: 1...6)
        #expect(wide.supersedes(PieceName(1)) && wide.supersedes(PieceName(compacted: 2...6)))
        #expect(!wide.supersedes(PieceName(7)) && !wide.supersedes(wide) && !PieceName(3).supersedes(PieceName(3)))
        #expect(PieceName(compacted: 3...3).supersedes(PieceName(3)))
    }

    @Test("the gate opens after the quiet time, stays open for a light stream and closes under load")
    func gate() {
        var gate = IdleGate(quiet: .seconds(3))
        var now = ContinuousClock.now
        var busy = Duration.zero
        func pass(_ milliseconds: Int, part: Double, waiting: Int = 0) {
            now += .milliseconds(milliseconds)
            busy += .milliseconds(Int(Double(milliseconds) * part))
            gate.sample(at: now, busy: busy, waitingBytes: waiting)
        }
        pass(0, part: 0)
        #expect(!gate.isIdle(at: now))
        for _ in 0..<12 { pass(250, part: 0.05) }
        #expect(gate.isIdle(at: now) && !gate.isPressed)
        pass(250, part: 0.9)
        #expect(!gate.isIdle(at: now) && gate.isPressed)
        for _ in 0..<11 { pass(250, part: 0) }
        #expect(!gate.isIdle(at: now))
        for _ in 0..<2 { pass(250, part: 0) }
        #expect(gate.isIdle(at: now))
        pass(250, part: 0, waiting: Packer.packBytes)
        #expect(gate.isPressed)
    }
}
