/// Numbers as a person reads them.
enum Numbers {
    /// `1234567` as `1,234,567`.
    static func grouped(_ value: Int) -> String {
        var text = ""
        for (index, digit) in String(value.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + String(text.reversed())
    }

    static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "–" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 9e15 else { return "\(value)" }
        let whole = Int(scaled) / Int(scale)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return sign + grouped(whole) }
        let rest = String(Int(scaled) % Int(scale))
        return sign + grouped(whole) + "." + String(repeating: "0", count: digits - rest.count) + rest
    }

    static func bytes(_ count: Int) -> String {
        if count < 1024 { return "\(count) B" }
        if count < 1 << 20 { return fixed(Double(count) / 1024, 1) + " KiB" }
        if count < 1 << 30 { return fixed(Double(count) / 1_048_576, 1) + " MiB" }
        return fixed(Double(count) / 1_073_741_824, 2) + " GiB"
    }

    /// Microseconds in the unit that suits them.
    static func duration(microseconds: Double) -> String {
        if microseconds < 1000 { return fixed(microseconds, 0) + " µs" }
        if microseconds < 1_000_000 { return fixed(microseconds / 1000, 2) + " ms" }
        return fixed(microseconds / 1_000_000, 2) + " s"
    }
}
