import DaybookClient

/// What became of everything that was sent.
struct SendTotals {
    struct Rejected {
        var file: String
        var line: Int
        var rejection: Receipt.Rejection
    }

    /// Enough to see what is wrong; a file that is wrong throughout would otherwise fill the screen and the memory. The
    /// dead-letter log has all of them.
    static let mostListed = 1000

    private(set) var accepted = 0
    private(set) var duplicates = 0
    private(set) var rejectedCount = 0
    private(set) var listed: [Rejected] = []

    mutating func add(_ receipt: Receipt, file: String, slice: InputFile.Slice) {
        accepted += receipt.accepted
        duplicates += receipt.duplicates
        rejectedCount += receipt.rejectedCount
        for rejection in receipt.rejected.prefix(Self.mostListed - listed.count) {
            listed.append(Rejected(file: file, line: slice.firstLine + rejection.line - 1, rejection: rejection))
        }
    }

    func lines(oneFile: Bool) -> [String] {
        var lines = listed.map { item in
            let field = item.rejection.field.isEmpty ? "" : item.rejection.field + ": "
            let reason = item.rejection.message.isEmpty ? item.rejection.code : item.rejection.message
            return (oneFile ? "line " : item.file + ":") + "\(item.line): " + TextWidth.harmless(field + reason)
        }
        if rejectedCount > listed.count {
            lines.append("… and \(Numbers.grouped(rejectedCount - listed.count)) more; `daybook deadletter list` has them")
        }
        lines.append(
            "\(Numbers.grouped(accepted)) accepted, \(Numbers.grouped(duplicates)) duplicates, \(Numbers.grouped(rejectedCount)) rejected")
        return lines
    }

    func jsonLines() -> [String] {
        var lines = listed.map { item in
            "{\"file\":\(JSONWriter.quoted(item.file)),\"line\":\(item.line),\"field\":\(JSONWriter.quoted(item.rejection.field)),"
                + "\"code\":\(JSONWriter.quoted(item.rejection.code)),\"message\":\(JSONWriter.quoted(item.rejection.message))}"
        }
        lines.append("{\"accepted\":\(accepted),\"duplicates\":\(duplicates),\"rejected\":\(rejectedCount)}")
        return lines
    }
}
