import CLinux
import EventStore
import Foundation
import Logging
import Synchronization

/// Gives every checkpoint to somebody else as well, so that whoever can change this machine cannot change what was signed:
/// a copy in a second folder, a request to a webhook. What waits is in the catalogue and survives restarts; each target
/// goes at its own pace, and the order of checkpoints is kept.
package final class CheckpointPush: Sendable {
    /// Where one target stands.
    package struct Target: Sendable, Equatable {
        package var name: String
        package var pushed = 0
        /// Since the start: of open days, beyond the bound on what may wait.
        package var dropped = 0
        /// Why the last attempt failed; `nil` since one went well.
        package var failure: String?
        package var waiting = 0
    }

    private struct Lane: Sendable {
        var target: Target
        var delay = Duration.zero
        var until = ContinuousClock.now
    }

    private struct State {
        var lanes: [Catalogue.PushTarget: Lane] = [:]
        var stops = false
        var hasStopped = false
    }

    private let catalogue: Catalogue
    private let archive: ArchiveFolder
    private let folder: String?
    private let webhook: String?
    private let logger: Logger
    private let state: Mutex<State>
    private let wake = Wake()
    private let finished = Wake()

    /// A receiver that is down for a night is met again within ten minutes of its return.
    private static let firstDelay = Duration.seconds(1)
    private static let longestDelay = Duration.seconds(600)
    private static let batch = 64
    private static let restMilliseconds = 30_000

    /// `nil` when no target is set.
    init?(_ archive: Archive) {
        let configuration = archive.configuration
        try? archive.catalogue.forgetPushes(except: configuration.pushTargets)
        guard !configuration.pushTargets.isEmpty else { return nil }
        catalogue = archive.catalogue
        self.archive = archive.folder
        folder = configuration.checkpointFolder
        webhook = configuration.checkpointWebhook
        logger = archive.logger
        var lanes: [Catalogue.PushTarget: Lane] = [:]
        if let folder { lanes[.folder] = Lane(target: Target(name: folder)) }
        if let webhook { lanes[.webhook] = Lane(target: Target(name: webhook)) }
        state = Mutex(State(lanes: lanes))
    }

    /// Where each target stands.
    package var targets: [Target] {
        let lanes = state.withLock { $0.lanes }
        return lanes.sorted { $0.key.rawValue < $1.key.rawValue }.map { target, lane in
            var shown = lane.target
            shown.waiting = (try? catalogue.waitingPushes(target)) ?? 0
            return shown
        }
    }

    func start() {
        let thread = Thread {
            clinux_name_thread("checkpoints")
            self.run()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// There is something new.
    func look() { wake.signal() }

    func stop() {
        state.withLock { $0.stops = true }
        wake.signal()
        while !state.withLock({ $0.hasStopped }) { finished.wait(milliseconds: 50) }
    }

    private var stops: Bool { state.withLock { $0.stops } }

    private func run() {
        let connection = WebhookConnection()
        while !stops {
            var next = ContinuousClock.now + .milliseconds(Self.restMilliseconds)
            for target in Catalogue.PushTarget.allCases {
                guard let lane = state.withLock({ $0.lanes[target] }) else { continue }
                if lane.until > .now {
                    next = min(next, lane.until)
                } else if push(to: target, connection) {
                    next = .now
                } else if let until = state.withLock({ $0.lanes[target]?.until }), until > .now {
                    next = min(next, until)
                }
            }
            let left = Int((next - .now).milliseconds)
            if left > 0 { wake.wait(milliseconds: left) }
        }
        state.withLock { $0.hasStopped = true }
        finished.signal()
    }

    /// Whether more may wait.
    private func push(to target: Catalogue.PushTarget, _ connection: borrowing WebhookConnection) -> Bool {
        do {
            let dropped = try catalogue.boundPushes(target)
            let waiting = try catalogue.pushes(target, limit: Self.batch)
            guard !waiting.isEmpty else { return false }
            var last: Int64?
            defer { if let last { try? catalogue.removePushes(target, through: last) } }
            for push in waiting {
                if stops { return false }
                // One of an open day may be gone: its day is sealed, and the seal's own checkpoint follows.
                if let note = try archive.read(path(of: push)) { try send(note, push, target, connection) }
                last = push.id
                state.withLock { $0.lanes[target]?.target.pushed += 1 }
            }
            state.withLock { state in
                state.lanes[target]?.target.failure = nil
                state.lanes[target]?.target.dropped += dropped
                state.lanes[target]?.delay = .zero
            }
            return true
        } catch {
            let reason = "\(error)"
            let isNew = state.withLock { state -> Bool in
                guard var lane = state.lanes[target] else { return false }
                let isNew = lane.target.failure != reason
                lane.target.failure = reason
                lane.delay = lane.delay == .zero ? Self.firstDelay : min(Self.longestDelay, lane.delay * 2)
                lane.until = .now + lane.delay
                state.lanes[target] = lane
                return isNew
            }
            if isNew { logger.warning("a checkpoint was not pushed, it is tried again: \(reason)") }
            return false
        }
    }

    private func path(of push: Catalogue.Push) -> String {
        let tenant = archive.folder(of: push.tenant)
        return push.name.hasPrefix("day=")
            ? "\(tenant)/\(push.name)/\(ArchiveFolder.checkpoint)" : "\(tenant)/\(ArchiveFolder.hourly)/\(push.name)"
    }

    private func send(_ note: [UInt8], _ push: Catalogue.Push, _ target: Catalogue.PushTarget, _ connection: borrowing WebhookConnection)
        throws
    {
        let name = push.name.hasPrefix("day=") ? String(push.name.dropFirst(4)) : push.name
        switch target {
        case .folder:
            // `FOLDER/tenant=acme/2026-11-20` and `…/2026-11-20T13`.
            let second = ArchiveFolder(folder!)
            try FileManager.default.createDirectory(atPath: second.path, withIntermediateDirectories: true)
            try second.make(second.folder(of: push.tenant))
            try second.replace(second.folder(of: push.tenant) + "/" + name, with: note)
        case .webhook: try connection.post(note, to: webhook!, tenant: push.tenant, name: name)
        }
    }
}
