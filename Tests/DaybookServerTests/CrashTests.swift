import Foundation
import Testing

/// The promise that everything else rests on, tried against the real executable. A few rounds by default; the long run
/// is `make kill9 ROUNDS=200 SEED=1`. The seed decides load and moments of death.
@Suite("Crashes", .serialized)
struct CrashTests {
    @Test("kill -9 under load loses no acknowledged event, doubles none, leaves no gap, and the server starts each time")
    func kill9() async throws {
        let environment = ProcessInfo.processInfo.environment
        let rounds = environment["DAYBOOK_KILL9_ROUNDS"].flatMap { Int($0) } ?? 4
        let seed = environment["DAYBOOK_KILL9_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...1_000_000)
        let loop = try CrashLoop(seed: seed)
        defer { loop.clean() }
        for round in 1...rounds {
            do { try await loop.run() } catch { throw CrashLoop.Broken(seed: seed, round: round, folder: loop.keep(), reason: "\(error)") }
            if rounds > 20, round % 20 == 0 { print("\(round) rounds, \(loop.summary)") }
        }
        do { try await loop.checkEverything() } catch {
            throw CrashLoop.Broken(seed: seed, round: rounds, folder: loop.keep(), reason: "\(error)")
        }
        print("kill -9: \(rounds) rounds, seed \(seed), \(loop.summary)")
    }
}
