/// Where a person stands in other writing: behind percent signs and backslashes, and in base64.
///
/// The first kind is undone and looked through, up to ``depth`` times, so it does not matter what an encoder leaves as it is.
/// Base64 is decoded and looked through for what has ``leastEncoded`` bytes or more; the run of letters around it goes as a
/// whole, since what stands beside the person in one (a password, a token's other claims) cannot be kept apart.
extension PersonEraser {
    /// A URL within a URL within JSON within a string.
    static let depth = 3
    /// Shorter ones turn up by chance in random letters, such as those of a trace id.
    static let leastEncoded = 8

    /// Places in `text`, ascending and apart, where a wanted trace stands in disguise; what stands there as it is is not among them.
    func disguises(in text: UnsafeRawBufferPointer, where isWanted: (Kind) -> Bool) -> [Range<Int>] {
        let wanted = traces.filter { isWanted($0.kind) }
        var places = encodings(of: wanted, in: text)
        _ = UndoneText.forEachReading(of: text, depth: Self.depth) { reading in
            reading.bytes.withUnsafeBytes { bytes in
                for trace in wanted {
                    var from = 0
                    while let place = Self.place(trace, in: bytes, from: from) {
                        from = place + trace.needle.bytes.count
                        places.append(reading.source(of: place..<from))
                    }
                }
                places += encodings(of: wanted, in: bytes).map(reading.source)
            }
            return true
        }
        return Self.joined(places)
    }

    /// Whether ``disguises(in:where:)`` may find anything in the strings of a line. A line is one level deeper than they are.
    mutating func mayHide(_ line: UnsafeRawBufferPointer) -> Bool {
        if mayEncode(line) { return true }
        return !UndoneText.forEachReading(of: line, depth: Self.depth + 1) { reading in
            reading.bytes.withUnsafeBytes { bytes in !traces.contains { $0.needle.occurs(in: bytes) } && !mayEncode(bytes) }
        }
    }

    // MARK: Base64

    private func encodings(of wanted: [Trace], in text: UnsafeRawBufferPointer) -> [Range<Int>] {
        let wanted = wanted.filter { $0.needle.bytes.count >= Self.leastEncoded }
        let sizes = wanted.map(\.needle.bytes.count)
        guard let shortest = sizes.min(), let largest = sizes.max() else { return [] }
        // With a character behind it, which tells whether the word ends there.
        let longest = Base64Text.letters(of: largest + 4)
        var places: [Range<Int>] = []
        var from = 0
        while let run = base64.run(in: text, from: from, least: Base64Text.letters(of: shortest)) {
            from = run.upperBound
            let isFound = base64.encodings(in: text, run, longest: longest).contains { letters in
                let bytes = [UInt8](unsafeUninitializedCapacity: letters.count) { bytes, count in
                    count = base64.decode(text, letters, into: bytes)
                }
                return bytes.withUnsafeBytes { bytes in wanted.contains { Self.place($0, in: bytes, from: 0) != nil } }
            }
            guard isFound else { continue }
            while from < text.count, text[from] == UInt8(ascii: "="), from < run.upperBound + 2 { from += 1 }
            places.append(run.lowerBound..<from)
        }
        return places
    }

    /// All runs of a line together, so that each needle is looked for once.
    private mutating func mayEncode(_ text: UnsafeRawBufferPointer) -> Bool {
        guard !encoded.isEmpty else { return false }
        let room = Base64Text.room(for: text.count)
        if decoded.count < room { decoded = [UInt8](repeating: 0, count: room) }
        return decoded.withUnsafeMutableBufferPointer { decoded in
            var count = 0
            var from = 0
            while let run = base64.run(in: text, from: from, least: leastRun) {
                from = run.upperBound
                for start in Base64Text.starts {
                    let letters = run.lowerBound + start..<run.upperBound
                    count += base64.decode(text, letters, into: UnsafeMutableBufferPointer(rebasing: decoded[count...]))
                    decoded[count] = 0
                    count += 1
                }
            }
            let all = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(decoded)[..<count])
            return encoded.contains { $0.occurs(in: all) }
        }
    }

    private static func joined(_ places: [Range<Int>]) -> [Range<Int>] {
        places.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { joined, place in
            if let last = joined.last, place.lowerBound < last.upperBound {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, place.upperBound)
            } else {
                joined.append(place)
            }
        }
    }
}
