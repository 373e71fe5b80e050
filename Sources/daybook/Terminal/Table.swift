@preconcurrency import Rainbow

/// Rows under a heading, as wide as the window. Every column is as wide as its widest cell up to its `most`; the last
/// one may take what is left. Widths are settled by the first rows and then kept, so that pages and live events line up.
struct Table {
    struct Column {
        var title: String
        /// For tables that go on after their first rows.
        var least = 0
        var most: Int
        var right = false
        /// Never cut for the sake of the last column.
        var whole = false
        /// Left out of windows that are narrower.
        var from = 0
        var colour: (String) -> Shade = { _ in .plain }
    }

    enum Shade { case plain, dim, good, warning, bad, accent }

    private let columns: [Column]
    /// Which cells of a row are shown.
    private let shown: [Int]
    private let width: Int
    private let colours: Bool
    private var widths: [Int] = []

    init(_ columns: [Column], width: Int = Terminal.width, colours: Bool = Terminal.hasColours) {
        shown = columns.indices.filter { columns[$0].from <= width }
        self.columns = shown.map { columns[$0] }
        self.width = width
        self.colours = colours
    }

    /// Lines for `rows`, the heading first when these are the first ones.
    mutating func render(_ rows: [[String]]) -> [String] {
        let rows = rows.map { row in shown.map { TextWidth.harmless(row[$0]) } }
        var lines: [String] = []
        if widths.isEmpty {
            settle(rows)
            lines.append(line(columns.map(\.title)) { _, text in paint(text, .dim) })
        }
        return lines + rows.map { row in line(row) { index, text in paint(text, columns[index].colour(row[index])) } }
    }

    private mutating func settle(_ rows: [[String]]) {
        widths = columns.indices.map { index in
            let widest = rows.lazy.map { TextWidth.columns($0[index]) }.max() ?? 0
            return max(TextWidth.columns(columns[index].title), columns[index].least, min(widest, columns[index].most))
        }
        let last = columns.count - 1
        let wanted = columns[last].most == .max ? max(30, width / 4) : widths[last]
        while left < wanted, let widest = (0..<last).filter({ !columns[$0].whole }).max(by: { widths[$0] < widths[$1] }), widths[widest] > 8
        {
            widths[widest] -= 1
        }
        widths[last] = columns[last].most == .max ? max(10, left) : min(widths[last], max(10, left))
    }

    /// Columns of the window that the last column may have.
    private var left: Int { width - widths.dropLast().reduce(0, +) - 2 * (columns.count - 1) }

    private func line(_ cells: [String], _ paint: (Int, String) -> String) -> String {
        var line = ""
        for index in columns.indices {
            let text = TextWidth.fit(cells[index], widths[index], right: columns[index].right)
            line += paint(index, text)
            if index < columns.count - 1 { line += "  " }
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    private func paint(_ text: String, _ shade: Shade) -> String {
        guard colours else { return text }
        return switch shade {
        case .plain: text
        case .dim: text.dim
        case .good: text.green
        case .warning: text.yellow
        case .bad: text.red
        case .accent: text.cyan
        }
    }
}
