/// Judges from samples of the packer's work whether there is time for anything else. A steady stream that costs the
/// packer a small part of its time counts as idle; a burst does not, nor do the seconds after it.
struct IdleGate {
    private let quiet: Duration
    private var last: (time: ContinuousClock.Instant, busy: Duration)?
    private var idleSince: ContinuousClock.Instant?
    private(set) var isPressed = false

    /// More than a quarter of the time spent packing: events come at a quarter of the full speed at least.
    private static let busyPart = 4
    /// Samples closer together than this tell nothing about a part of the time.
    private static let shortest = Duration.milliseconds(100)

    /// `quiet`: how long the packer must have been idle.
    init(quiet: Duration) { self.quiet = quiet }

    /// `busy`: time the packer worked since its start; `waitingBytes`: of full blocks that wait for it.
    mutating func sample(at now: ContinuousClock.Instant, busy: Duration, waitingBytes: Int) {
        guard let last else {
            last = (now, busy)
            idleSince = now
            return
        }
        guard now - last.time >= Self.shortest else { return }
        isPressed = (busy - last.busy) * Self.busyPart > now - last.time || waitingBytes >= Packer.packBytes
        self.last = (now, busy)
        if isPressed { idleSince = nil } else if idleSince == nil { idleSince = now }
    }

    func isIdle(at now: ContinuousClock.Instant) -> Bool { idleSince.map { now - $0 >= quiet } ?? false }
}
