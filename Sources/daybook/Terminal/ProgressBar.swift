import Foundation

/// A bar on standard error for work that takes longer than two seconds; silent for shorter work and where standard
/// error is no terminal.
struct ProgressBar {
    private let title: String
    private let total: Int
    private let start = ContinuousClock.now
    private var drawn: ContinuousClock.Instant?

    /// `total`: in the unit of `update`; 0 when it is not known.
    init(_ title: String, total: Int) {
        self.title = title
        self.total = total
    }

    mutating func update(_ done: Int, note: String = "") {
        let now = ContinuousClock.now
        guard Terminal.errorIsTerminal, start.duration(to: now) > .seconds(2) else { return }
        if let drawn, drawn.duration(to: now) < .milliseconds(100) { return }
        drawn = now
        draw(Self.render(title: title, done: done, total: total, note: note, width: 30))
    }

    /// Takes the bar away again; what the work has to say comes after it.
    mutating func finish() {
        if drawn != nil { draw("") }
        drawn = nil
    }

    private func draw(_ line: String) { FileHandle.standardError.write(Data("\r\u{1B}[2K\(line)".utf8)) }

    static func render(title: String, done: Int, total: Int, note: String, width: Int) -> String {
        guard total > 0 else { return "\(title) \(done) \(note)" }
        let share = min(1, Double(done) / Double(total))
        let full = Int(share * Double(width))
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
        return "\(title) \(bar) \(Int(share * 100)) % \(note)"
    }
}
